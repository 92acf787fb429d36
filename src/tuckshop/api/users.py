"""/v1/users: registering, one's own account, and everybody's for admins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from tuckshop.api.requests import (
    Cursor,
    Limit,
    Page,
    admin_looking,
    cursor_id,
    cursor_of,
    fresh_admin,
    respond,
)
from tuckshop.domain.refusals import (
    BadCredentials,
    ConfirmationRequired,
    EarningsOwed,
    EmailTaken,
    InvalidField,
    LastAdmin,
    NameTaken,
    NameTooSimilar,
    RegistrationClosed,
    RoleMissing,
    StillHoldsValue,
    TooManyRegistrations,
    TooManyTries,
    UnknownUser,
)
from tuckshop.domain.users import Role, UserState
from tuckshop.http import data_export
from tuckshop.http.fields import Email, NewPassword, Password, PathId, ResponseBody, Username
from tuckshop.http.handlers import Router, delete, describe, get, patch, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import confirmation, registration, roles, sessions, users
from tuckshop.identity.users import User
from tuckshop.queries import data_export as data_export_queries
from tuckshop.queries import users as user_queries
from tuckshop.till.commands.users import CloseUser, UserClosed

Roles = Annotated[
    list[Role],
    msgspec.Meta(
        min_length=1,
        max_length=len(Role),
        examples=[["buyer"]],
        extra_json_schema={"uniqueItems": True},
    ),
]


class RegisterBody(Body):
    """A new user, as buyer or seller; admins give other roles."""

    username: Username
    password: NewPassword
    roles: Roles
    email: Email | None = None


class ChangeUserBody(Body):
    """What to change. Fields that are left out stay as they are."""

    username: Username | msgspec.UnsetType = msgspec.UNSET
    email: Email | msgspec.UnsetType | None = msgspec.UNSET
    password: NewPassword | msgspec.UnsetType = msgspec.UNSET
    current_password: Password | msgspec.UnsetType = msgspec.UNSET


class UserResponse(ResponseBody):
    """A user, without anything secret."""

    id: int
    username: str
    email: str | None
    roles: list[Role]
    state: UserState


class StandingBody(Body):
    """What to change. Fields that are left out stay as they are."""

    roles: Roles | msgspec.UnsetType = msgspec.UNSET
    state: Literal["active", "disabled", "pending"] | msgspec.UnsetType = msgspec.UNSET


class UsersResponse(Page):
    """A page of users."""

    items: list[UserResponse]


class ExportResponse(ResponseBody):
    """Everything the shop stores about you."""

    user: dict[str, Any]
    sessions: list[dict[str, Any]]
    tokens: list[dict[str, Any]]
    accounts: list[dict[str, Any]]
    transfers: list[dict[str, Any]]
    orders: list[dict[str, Any]]
    order_lines: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    products: list[dict[str, Any]]


State = Annotated[
    str,
    msgspec.Meta(
        pattern="^(active|closed|disabled|pending)\\Z",
        description="Only users with this status; without it, all but closed ones.",
    ),
]


def show_user(user: User) -> UserResponse:
    """The user as /v1 shows one."""
    return UserResponse(
        id=user.id,
        username=user.username,
        email=user.email,
        roles=list(user.roles),
        state=user.state,
    )


@post(
    "/",
    summary="Register",
    operation=describe(
        "registerUser",
        RegistrationClosed,
        TooManyRegistrations,
        InvalidField,
        NameTaken,
        NameTooSimilar,
        EmailTaken,
        login="none",
        body=RegisterBody,
    ),
)
async def register(request: ShopRequest) -> UserResponse:
    """Registers a buyer or seller. 409 if the name or email address is taken."""
    data = await request.parsed(RegisterBody)
    settings = request.settings
    user = await registration.register(
        request.shop,
        username=data.username,
        email=data.email,
        password=data.password,
        roles=data.roles,
        buyers=settings.registration,
        sellers=settings.sellers_register,
        address=request.address,
        per_hour=settings.registrations_per_hour,
    )
    return show_user(user)


@get("/me", summary="Your profile", operation=describe("getMe"))
async def me(request: ShopRequest) -> UserResponse:
    """Your own profile."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    return show_user(await users.find(request.shop, user_id=actor.user_id))


@patch(
    "/me",
    summary="Change your profile",
    operation=describe(
        "changeMe",
        ConfirmationRequired,
        BadCredentials,
        TooManyTries,
        InvalidField,
        NameTaken,
        NameTooSimilar,
        EmailTaken,
        login="session",
        body=ChangeUserBody,
    ),
)
async def change_me(request: ShopRequest) -> Response[UserResponse]:
    """Changes your name, email address or password.

    A new password needs the current one and ends every session. A new email address needs the current
    password, or a log-in or confirmation of the last 10 minutes.
    """
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    data = await request.parsed(ChangeUserBody)
    given: dict[str, Any] = {
        name: value
        for name in ("username", "password", "current_password")
        if (value := getattr(data, name)) is not msgspec.UNSET
    }
    if data.email is not msgspec.UNSET:
        if data.current_password is msgspec.UNSET:
            await confirmation.require(request.shop, caller=request.caller)
        else:
            given["proven"] = await users.check_current_password(
                request.shop,
                user_id=actor.user_id,
                password=data.current_password,
                address=request.address,
            )
    user = await users.change(
        request.shop, user_id=actor.user_id, email=data.email, address=request.address, **given
    )
    return Response(show_user(user))


@delete(
    "/me",
    status_code=204,
    summary="Close your user account",
    operation=describe("closeMe", StillHoldsValue, EarningsOwed, LastAdmin, login="session", keyed=True),
)
async def close_me(request: ShopRequest) -> Response[None]:
    """Makes your name available, ends every session, and takes your products off sale.

    First pay out your earnings, settle your tab and remove your stock. Money left in your
    wallet is written off.
    """
    caller = request.caller
    outcome = await request.execute(CloseUser(caller, caller.user_id))
    return respond(outcome, UserClosed, lambda _: None, status=204)


@get("/me/export", summary="Export your data", operation=describe("exportMe", login="session"))
async def export_me(request: ShopRequest) -> ExportResponse:
    """Your profile, sessions, money, orders and products."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    found = await data_export_queries.collect(request.shop, user_id=actor.user_id)
    return ExportResponse(**data_export.readable(found))


@get(
    "/",
    summary="All users",
    operation=describe("listUsers", RoleMissing),
)
async def index(
    request: ShopRequest, limit: Limit = 50, cursor: Cursor | None = None, standing: State | None = None
) -> UsersResponse:
    """All users, oldest first. Admins only."""
    await admin_looking(request)
    found = await user_queries.oldest_first(
        request.shop,
        after_id=cursor_id(cursor) or 0,
        limit=limit + 1,
        state=None if standing is None else UserState(standing),
    )
    items = [show_user(user) for user in found[:limit]]
    return UsersResponse(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get("/{user_id:int}", summary="One user", operation=describe("getUser", RoleMissing, UnknownUser))
async def show(request: ShopRequest, user_id: PathId) -> UserResponse:
    """A user by id. Admins only."""
    await admin_looking(request)
    return show_user(await users.find(request.shop, user_id=user_id))


@patch(
    "/{user_id:int}",
    summary="Change a user's roles or state",
    operation=describe(
        "changeUser",
        RoleMissing,
        ConfirmationRequired,
        UnknownUser,
        InvalidField,
        LastAdmin,
        login="session",
        body=StandingBody,
    ),
)
async def change(request: ShopRequest, user_id: PathId) -> UserResponse:
    """Changes roles or status: `active` approves a user, `disabled` blocks one. Admins only.

    A change ends every session and token of the user at once. Needs a log-in or confirmation of the last 10
    minutes.
    """
    actor = await fresh_admin(request)
    data = await request.parsed(StandingBody)
    user = await roles.change(
        request.shop,
        user_id=user_id,
        roles=None if data.roles is msgspec.UNSET else data.roles,
        state=None if data.state is msgspec.UNSET else UserState(data.state),
        actor_id=actor.user_id,
    )
    return show_user(user)


@delete(
    "/{user_id:int}",
    status_code=204,
    summary="Close a user",
    operation=describe(
        "closeUser", RoleMissing, UnknownUser, StillHoldsValue, EarningsOwed, LastAdmin, keyed=True
    ),
)
async def close(request: ShopRequest, user_id: PathId) -> Response[None]:
    """The same as closing your own. Money left in the wallet is written off. Admins only."""
    outcome = await request.execute(CloseUser(request.caller, user_id))
    return respond(outcome, UserClosed, lambda _: None, status=204)


router = Router("/users", [register, index, me, change_me, close_me, export_me, show, change, close])
