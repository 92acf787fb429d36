"""/v1/users: registering, and one's own account."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, patch, post

from tuckshop.api.requests import Body, Call, Shown
from tuckshop.domain.accounts import Role
from tuckshop.services import accounts, sessions
from tuckshop.services.accounts import User
from tuckshop.settings import Settings


class RegisterBody(Body):
    """Who wants to join. Names and passwords obey the rules of docs/money.md's shop words."""

    username: str
    password: str
    roles: Annotated[list[Role], msgspec.Meta(min_length=1, max_length=4)]
    email: str | None = None


class ChangeUserBody(Body):
    """What to change; what is left out stays."""

    username: str | msgspec.UnsetType = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    password: str | msgspec.UnsetType = msgspec.UNSET
    current_password: str | msgspec.UnsetType = msgspec.UNSET


class UserShown(Shown):
    """A user, without anything secret."""

    id: int
    username: str
    email: str | None
    roles: list[str]
    state: str


def show_user(user: User) -> UserShown:
    """The user as /v1 shows one."""
    return UserShown(
        id=user.id,
        username=user.username,
        email=user.email,
        roles=[role.value for role in user.roles],
        state=user.state.value,
    )


@post("/", summary="Register", security=[{}])
async def register(request: Call, data: RegisterBody) -> UserShown:
    """A new buyer or seller. Answers 409 for a name or address that is taken."""
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


@get("/me", summary="Your account")
async def me(request: Call) -> UserShown:
    """Who you are."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    return show_user(await accounts.find(request.shop, user_id=actor.user_id))


@patch("/me", summary="Change your account")
async def change_me(request: Call, data: ChangeUserBody) -> Response[UserShown]:
    """Another name, address or password. A new password needs the present one and ends every session."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    given: dict[str, Any] = {
        name: value
        for name in ("username", "password", "current_password")
        if (value := getattr(data, name)) is not msgspec.UNSET
    }
    user = await accounts.change(request.shop, user_id=actor.user_id, email=data.email, **given)
    return Response(show_user(user))


router = Router(path="/users", route_handlers=[register, me, change_me], tags=["users"])
