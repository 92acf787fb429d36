"""Users: registering, and one's own account."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from tuckshop.dialects.shared import profiles
from tuckshop.dialects.shared.pagination import Counted, Limit, Offset, neighbours
from tuckshop.dialects.shared.read_only_fields import require_unchanged
from tuckshop.dialects.vending_challenge.common import API, respond
from tuckshop.domain.refusals import (
    BadCredentials,
    EarningsOwed,
    EmailTaken,
    InvalidField,
    LastAdmin,
    NameTaken,
    NameTooSimilar,
    NotOwner,
    RegistrationClosed,
    StillHoldsValue,
    TooManyRegistrations,
    TooManyTries,
    UnknownUser,
)
from tuckshop.domain.users import Actor, Role
from tuckshop.http.fields import (
    Email,
    NewPassword,
    Password,
    PathId,
    ResponseBody,
    Username,
)
from tuckshop.http.handlers import delete, describe, get, patch, post, put
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import registration, sessions
from tuckshop.identity import users as shop_users
from tuckshop.identity.users import User
from tuckshop.queries import users as user_queries
from tuckshop.queries import wallet
from tuckshop.till.commands.users import CloseUser, UserClosed


class UserResponse(ResponseBody):
    """A user. `deposit` is the balance; sellers have none."""

    id: int
    username: str
    role: Role
    deposit: int


class RegisterBody(Body):
    """A new user, without a deposit."""

    username: Username
    password: NewPassword
    role: Literal["buyer", "seller"]
    email: Email | None = None
    deposit: Literal[0] | None = None


class UserBody(Body):
    """What to change: name, password, email address. Other fields are accepted, but cannot change.

    A new password or email address needs `current_password`, or a log-in of the last 10 minutes.
    """

    username: Username | UnsetType = UNSET
    password: NewPassword | UnsetType = UNSET
    current_password: Password | UnsetType = UNSET
    email: Email | UnsetType | None = UNSET
    id: int | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    deposit: int | UnsetType = UNSET


class UsersResponse(Counted):
    """A page of users."""

    results: list[UserResponse]


@post(
    [f"{API}/users", f"{API}/user", "/user"],
    summary="Register",
    operation=describe(
        "createUser",
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
    """Creates a buyer or seller."""
    data = await request.parsed(RegisterBody)
    settings = request.settings
    user = await registration.register(
        request.shop,
        username=data.username,
        email=data.email,
        password=data.password,
        roles=[Role(data.role)],
        buyers=settings.registration,
        sellers=settings.sellers_register,
        address=request.address,
        per_hour=settings.registrations_per_hour,
    )
    return await show_user(request, user)


@get([f"{API}/users", f"{API}/user", "/user"], summary="Users", operation=describe("listUsers"))
async def users(request: ShopRequest, limit: Limit = 100, offset: Offset = 0) -> UsersResponse:
    """All users for admins; others see only themselves."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    if Role.ADMIN in actor.roles:
        request.looks(actor)
        count = await user_queries.count(request.shop)
        found = await user_queries.oldest_first(request.shop, limit=limit, offset=offset)
    else:
        count, found = (
            1,
            [await shop_users.find(request.shop, user_id=actor.user_id)][offset : offset + limit],
        )
    balances = await wallet.balances(request.shop, user_ids=[user.id for user in found])
    return UsersResponse(
        results=[_user(user, balances.get(user.id, 0)) for user in found],
        **neighbours(request, count=count, limit=limit, offset=offset),
    )


_USER = [f"{API}/users/{{user_id:int}}", f"{API}/user/{{user_id:int}}", "/user/{user_id:int}"]


@get(_USER, summary="A user", operation=describe("getUser", UnknownUser))
async def user(request: ShopRequest, user_id: PathId) -> UserResponse:
    """Yourself; admins can read any user."""
    await _require_self(request, user_id)
    return await show_user(request, await shop_users.find(request.shop, user_id=user_id))


async def _change_user(request: ShopRequest, user_id: PathId) -> UserResponse:
    """Changes name, password or email address.

    A new password ends every session, a new email address all others. Admins change only names.
    """
    actor = await _require_self(request, user_id)
    data = await request.parsed(UserBody)
    found = await shop_users.find(request.shop, user_id=user_id)
    now = await show_user(request, found)
    require_unchanged(data, id=now.id, role=now.role, deposit=now.deposit)
    changed = await profiles.change(
        request,
        actor=actor,
        user=found,
        username=data.username,
        email=data.email,
        password=data.password,
        current_password=data.current_password,
    )
    return await show_user(request, changed)


_CHANGING_USER = (
    UnknownUser,
    NotOwner,
    BadCredentials,
    TooManyTries,
    InvalidField,
    NameTaken,
    NameTooSimilar,
    EmailTaken,
)
replace_user = put(
    _USER, summary="Change a user", operation=describe("putUser", *_CHANGING_USER, body=UserBody)
)(_change_user)
change_user = patch(
    _USER, summary="Change a user", operation=describe("patchUser", *_CHANGING_USER, body=UserBody)
)(_change_user)


@delete(
    _USER,
    status_code=204,
    summary="Close a user",
    operation=describe("deleteUser", UnknownUser, StillHoldsValue, EarningsOwed, LastAdmin, keyed=True),
)
async def close_user(request: ShopRequest, user_id: PathId) -> Response[None]:
    """Makes the name available and ends every session. Money left is written off."""
    await _require_self(request, user_id)
    outcome = await request.execute(CloseUser(request.caller, user_id))
    return respond(outcome, UserClosed, lambda _: None, status=204)


async def _require_self(request: ShopRequest, user_id: int) -> Actor:
    """Raises UnknownUser for anybody else's account, unless an admin asks."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    if actor.user_id != user_id and Role.ADMIN not in actor.roles:
        raise UnknownUser(user=user_id)
    request.looks(actor, whose=user_id)
    return actor


async def show_user(request: ShopRequest, user: User) -> UserResponse:
    """The user with the balance of the wallet."""
    balances = await wallet.balances(request.shop, user_ids=[user.id])
    return _user(user, balances.get(user.id, 0))


def _user(user: User, balance_cents: int) -> UserResponse:
    return UserResponse(
        id=user.id, username=user.username, role=shop_users.first_role(user), deposit=balance_cents
    )
