"""/v1/users: registering, and one's own account."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, patch, post

from tuckshop.api.openapi import told
from tuckshop.api.requests import EMAIL_PATTERN, NAME_PATTERN, TEXT_PATTERN, Body, Call, Shown
from tuckshop.domain.accounts import (
    EMAIL_LENGTH_MAX,
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    USERNAME_LENGTH_MAX,
    Role,
    UserState,
)
from tuckshop.domain.refusals import BadCredentials, EmailTaken, InvalidField, NameTaken, RegistrationClosed
from tuckshop.services import accounts, sessions
from tuckshop.services.accounts import User
from tuckshop.services.passwords import COMMON
from tuckshop.settings import Settings

Username = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=USERNAME_LENGTH_MAX,
        description="Without slashes, invisible characters, and space at the ends; case does not count.",
        examples=["ada"],
        extra_json_schema={"pattern": NAME_PATTERN},
    ),
]
Password = Annotated[
    str,
    msgspec.Meta(
        max_length=PASSWORD_LENGTH_MAX,
        examples=["correct horse"],
        extra_json_schema={"pattern": TEXT_PATTERN},
    ),
]
NewPassword = Annotated[
    str,
    msgspec.Meta(
        min_length=PASSWORD_LENGTH_MIN,
        max_length=PASSWORD_LENGTH_MAX,
        description="Anything but what everybody tries first.",
        examples=["correct horse"],
        extra_json_schema={"pattern": TEXT_PATTERN, "not": {"enum": sorted(COMMON)}},
    ),
]
Email = Annotated[
    str,
    msgspec.Meta(
        min_length=3,
        max_length=EMAIL_LENGTH_MAX,
        examples=["ada@example.org"],
        extra_json_schema={"pattern": EMAIL_PATTERN},
    ),
]


class RegisterBody(Body):
    """Who wants to join; as buyer or seller, since other roles are given by an admin."""

    username: Username
    password: NewPassword
    roles: Annotated[list[Role], msgspec.Meta(min_length=1, max_length=4, examples=[["buyer"]])]
    email: Email | None = None


class ChangeUserBody(Body):
    """What to change; what is left out stays."""

    username: Username | msgspec.UnsetType = msgspec.UNSET
    email: Email | msgspec.UnsetType | None = msgspec.UNSET
    password: NewPassword | msgspec.UnsetType = msgspec.UNSET
    current_password: Password | msgspec.UnsetType = msgspec.UNSET


class UserShown(Shown):
    """A user, without anything secret."""

    id: int
    username: str
    email: str | None
    roles: list[Role]
    state: UserState


def show_user(user: User) -> UserShown:
    """The user as /v1 shows one."""
    return UserShown(
        id=user.id,
        username=user.username,
        email=user.email,
        roles=list(user.roles),
        state=user.state,
    )


@post(
    "/",
    summary="Register",
    opt=told(
        "registerUser",
        RegistrationClosed,
        InvalidField,
        NameTaken,
        EmailTaken,
        login="none",
        body=RegisterBody,
    ),
)
async def register(request: Call) -> UserShown:
    """A new buyer or seller. Answers 409 for a name or address that is taken."""
    data = await request.parsed(RegisterBody)
    settings: Settings = request.app.state.settings
    user = await accounts.register(
        request.shop,
        username=data.username,
        email=data.email,
        password=data.password,
        roles=data.roles,
        buyers=settings.registration,
        sellers=settings.seller_registration,
    )
    return show_user(user)


@get("/me", summary="Your account", opt=told("getMe"))
async def me(request: Call) -> UserShown:
    """Who you are."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    return show_user(await accounts.find(request.shop, user_id=actor.user_id))


@patch(
    "/me",
    summary="Change your account",
    opt=told("changeMe", BadCredentials, InvalidField, NameTaken, EmailTaken, body=ChangeUserBody),
)
async def change_me(request: Call) -> Response[UserShown]:
    """Another name, address or password. A new password needs the present one and ends every session."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    data = await request.parsed(ChangeUserBody)
    given: dict[str, Any] = {
        name: value
        for name in ("username", "password", "current_password")
        if (value := getattr(data, name)) is not msgspec.UNSET
    }
    user = await accounts.change(request.shop, user_id=actor.user_id, email=data.email, **given)
    return Response(show_user(user))


router = Router(path="/users", route_handlers=[register, me, change_me])
