"""/v1/users: registering, one's own account, and everybody's for admins."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from tuckshop.api.requests import Cursor, Limit, Page, answered, cursor_id, cursor_of
from tuckshop.domain.refusals import (
    BadCredentials,
    EmailTaken,
    InvalidField,
    LastAdmin,
    NameTaken,
    RegistrationClosed,
    RoleMissing,
    StillHoldsValue,
    TooManyTries,
    UnknownUser,
)
from tuckshop.domain.users import Role, UserState
from tuckshop.http import data_export as takeout
from tuckshop.http.fields import Email, NewPassword, Password, PathId, Shown, Username
from tuckshop.http.handlers import Router, delete, get, patch, post, told
from tuckshop.http.request import Body, Call
from tuckshop.http.response import Response
from tuckshop.identity import registration, sessions
from tuckshop.identity import roles as standing
from tuckshop.identity import users as accounts
from tuckshop.identity.users import User
from tuckshop.queries import data_export as own_data
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
    """Who wants to join; as buyer or seller, since other roles are given by an admin."""

    username: Username
    password: NewPassword
    roles: Roles
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


class StandingBody(Body):
    """What to change; what is left out stays."""

    roles: Roles | msgspec.UnsetType = msgspec.UNSET
    state: Literal["active", "disabled", "pending"] | msgspec.UnsetType = msgspec.UNSET


class UsersShown(Page):
    """A page of users."""

    items: list[UserShown]


class ExportShown(Shown):
    """All that the shop keeps about you, by what it is."""

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
        pattern="^(active|closed|disabled|pending)\\Z", description="Only those; without it, all but closed."
    ),
]


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
    operation=told(
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
    settings = request.settings
    user = await registration.register(
        request.shop,
        username=data.username,
        email=data.email,
        password=data.password,
        roles=data.roles,
        buyers=settings.registration,
        sellers=settings.seller_registration,
    )
    return show_user(user)


@get("/me", summary="Your account", operation=told("getMe"))
async def me(request: Call) -> UserShown:
    """Who you are."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    return show_user(await accounts.find(request.shop, user_id=actor.user_id))


@patch(
    "/me",
    summary="Change your account",
    operation=told(
        "changeMe",
        BadCredentials,
        TooManyTries,
        InvalidField,
        NameTaken,
        EmailTaken,
        login="session",
        body=ChangeUserBody,
    ),
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
    user = await accounts.change(
        request.shop, user_id=actor.user_id, email=data.email, address=request.address, **given
    )
    return Response(show_user(user))


@delete(
    "/me",
    status_code=204,
    summary="Close your account",
    operation=told("closeMe", StillHoldsValue, LastAdmin, login="session", keyed=True),
)
async def close_me(request: Call) -> Response[None]:
    """Frees your name, ends every session, takes what is sold out off sale.

    Earnings, a tab and stock must be settled first. What is left in your wallet is not paid out: do that
    before.
    """
    caller = request.caller
    outcome = await request.settled(CloseUser(caller, caller.user_id))
    return answered(outcome, UserClosed, lambda _: None, status=204)


@get("/me/export", summary="All that is known of you", operation=told("exportMe", login="session"))
async def export_me(request: Call) -> ExportShown:
    """Your account, log-ins, money, orders and products, as the shop keeps them."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    found = await own_data.collect(request.shop, user_id=actor.user_id)
    return ExportShown(**takeout.shown(found))


@get(
    "/",
    summary="All users",
    operation=told("listUsers", RoleMissing),
)
async def index(
    request: Call, limit: Limit = 50, cursor: Cursor | None = None, standing: State | None = None
) -> UsersShown:
    """The people of the shop, in the order in which they came. Admins only."""
    (await sessions.actor(request.shop, caller=request.caller)).require(Role.ADMIN)
    found = await accounts.page(
        request.shop,
        after_id=cursor_id(cursor) or 0,
        limit=limit + 1,
        state=None if standing is None else UserState(standing),
    )
    items = [show_user(user) for user in found[:limit]]
    return UsersShown(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@get("/{user_id:int}", summary="One user", operation=told("getUser", RoleMissing, UnknownUser))
async def show(request: Call, user_id: PathId) -> UserShown:
    """A user by id. Admins only."""
    (await sessions.actor(request.shop, caller=request.caller)).require(Role.ADMIN)
    return show_user(await accounts.find(request.shop, user_id=user_id))


@patch(
    "/{user_id:int}",
    summary="Change a user's roles or state",
    operation=told("changeUser", RoleMissing, UnknownUser, InvalidField, LastAdmin, body=StandingBody),
)
async def change(request: Call, user_id: PathId) -> UserShown:
    """Other roles, or another state: `active` lets in who waits, `disabled` locks out. Admins only.

    A change ends every session and token of the user at once.
    """
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.ADMIN)
    data = await request.parsed(StandingBody)
    user = await standing.change(
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
    summary="Close a user's account",
    operation=told("closeUser", RoleMissing, UnknownUser, StillHoldsValue, LastAdmin, keyed=True),
)
async def close(request: Call, user_id: PathId) -> Response[None]:
    """As users close their own. What is left in the wallet goes to what nobody claims. Admins only."""
    outcome = await request.settled(CloseUser(request.caller, user_id))
    return answered(outcome, UserClosed, lambda _: None, status=204)


router = Router("/users", [register, index, me, change_me, close_me, export_me, show, change, close])
