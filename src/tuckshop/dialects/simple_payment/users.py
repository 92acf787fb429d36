"""Users: registering, tokens, and one's own account."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from tuckshop.dialects.shared import profiles
from tuckshop.dialects.shared.read_only_fields import require_unchanged
from tuckshop.dialects.simple_payment.common import API, respond
from tuckshop.domain.money import BALANCE_CENTS_MAX
from tuckshop.domain.refusals import (
    BadCredentials,
    BalanceTooLarge,
    CoinsCapReached,
    EarningsOwed,
    EmailTaken,
    InvalidField,
    LastAdmin,
    NameTaken,
    NameTooSimilar,
    NotOwner,
    RegistrationClosed,
    SecondFactorNeeded,
    StillHoldsValue,
    TooManyRegistrations,
    TooManyTries,
    UnknownUser,
)
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Actor, Role, name_key
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import Email, NewPassword, Password, ResponseBody, Username
from tuckshop.http.handlers import delete, describe, get, patch, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import browser_sessions, registration, sessions, users
from tuckshop.identity.users import User
from tuckshop.queries import wallet
from tuckshop.till.callers import RegistrantCaller
from tuckshop.till.commands.users import CloseUser, Register, Registered, UserClosed

TOKEN_DAYS = 30  # The contract knows no refreshing; a month is how long a buyer may stay away.

PathUsername = Annotated[
    str, msgspec.Meta(max_length=USERNAME_LENGTH_MAX, description="The user's name; case does not count.")
]
FirstDeposit = Annotated[int, msgspec.Meta(ge=0, le=BALANCE_CENTS_MAX, examples=[100])]


class CreateUserBody(Body):
    """A new user. A buyer's `deposit` is the value of the inserted coins; sellers have none."""

    username: Username
    email: Email
    role: Literal["buyer", "seller"]
    password: NewPassword
    deposit: FirstDeposit | Literal[""] | None = None


class TokenBody(Body):
    """Who wants in."""

    username: Username
    password: Password


class TokenResponse(ResponseBody):
    """What to send in the header of further requests: `Authorization: Token <token>`."""

    token: str


class UserResponse(ResponseBody):
    """A user. `deposit` is the balance; sellers have none."""

    id: int
    username: str
    email: str | None
    role: Role
    deposit: int


class ChangeUserBody(Body):
    """What to change: name, email address, password. Other fields are accepted, but cannot change.

    A new password or email address needs `current_password`, or a token of the last 10 minutes.
    """

    username: Username | UnsetType = UNSET
    email: Email | UnsetType | None = UNSET
    password: NewPassword | UnsetType = UNSET
    current_password: Password | UnsetType = UNSET
    id: int | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    deposit: int | UnsetType = UNSET


@post(
    f"{API}/create_user",
    summary="Register",
    operation=describe(
        "createUser",
        RegistrationClosed,
        TooManyRegistrations,
        InvalidField,
        NameTaken,
        NameTooSimilar,
        EmailTaken,
        BalanceTooLarge,
        CoinsCapReached,
        login="none",
        keyed=True,
        body=CreateUserBody,
    ),
)
async def create_user(request: ShopRequest) -> Response[UserResponse]:
    """Creates a buyer or seller, with a buyer's first deposit."""
    data = await request.parsed(CreateUserBody)
    deposit_cents = data.deposit or 0
    if data.role == "seller" and deposit_cents:
        raise Malformed(("deposit", "must be empty for a seller"))
    coins = wallet.as_coins(request.shop, amount_cents=deposit_cents, field="deposit")
    settings = request.settings
    new_user = await registration.new_user(
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

    def show(receipt: Registered) -> UserResponse:
        return UserResponse(
            id=receipt.user_id,
            username=new_user.username,
            email=new_user.email,
            role=Role(data.role),
            deposit=receipt.amount_cents,
        )

    command = Register(RegistrantCaller.named(new_user.username), new_user, coins)
    outcome = await request.execute(command, is_secret=True)
    return respond(outcome, Registered, show, status=201)


@post(
    f"{API}/get_token",
    status_code=200,
    summary="Get a token",
    operation=describe(
        "getToken", BadCredentials, SecondFactorNeeded, TooManyTries, login="none", body=TokenBody
    ),
)
async def get_token(request: ShopRequest) -> TokenResponse:
    """Returns a token for a name and a password. It is valid for 30 days."""
    data = await request.parsed(TokenBody)
    entered = await browser_sessions.log_in(
        request.shop,
        username=data.username,
        password=data.password,
        days=TOKEN_DAYS,
        address=request.address,
        audience=request.audience,
    )
    return TokenResponse(token=entered.secret)


_USER = f"{API}/user/{{username:str}}"


@get(_USER, summary="A user", operation=describe("getUser", NotOwner, UnknownUser))
async def user(request: ShopRequest, username: PathUsername) -> UserResponse:
    """Yourself; admins can read any user."""
    _, found = await _require_self(request, username)
    return await _show(request, found)


@patch(
    _USER,
    summary="Change a user",
    operation=describe(
        "patchUser",
        NotOwner,
        UnknownUser,
        BadCredentials,
        TooManyTries,
        InvalidField,
        NameTaken,
        NameTooSimilar,
        EmailTaken,
        body=ChangeUserBody,
    ),
)
async def change_user(request: ShopRequest, username: PathUsername) -> UserResponse:
    """Changes name, email address or password.

    A new password ends every token, a new email address all others. Admins change only names.
    """
    actor, found = await _require_self(request, username)
    data = await request.parsed(ChangeUserBody)
    now = await _show(request, found)
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
    return await _show(request, changed)


@delete(
    _USER,
    status_code=204,
    summary="Close a user",
    operation=describe(
        "deleteUser", NotOwner, UnknownUser, StillHoldsValue, EarningsOwed, LastAdmin, keyed=True
    ),
)
async def close_user(request: ShopRequest, username: PathUsername) -> Response[None]:
    """Makes name and email address available and ends every token. Money left is written off."""
    _, found = await _require_self(request, username)
    outcome = await request.execute(CloseUser(request.caller, found.id))
    return respond(outcome, UserClosed, lambda _: None, status=204)


async def _require_self(request: ShopRequest, username: str) -> tuple[Actor, User]:
    """Who asks, and the user of this name.

    Raises:
        NotOwner: it is not their own, whether there is such a user or not.
        UnknownUser: an admin asks, who may look at everybody.
    """
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    if Role.ADMIN in actor.roles:
        found = await users.find_by_name(request.shop, username=username)
        request.looks(actor, whose=found.id)
        return actor, found
    own = await users.find(request.shop, user_id=actor.user_id)
    if name_key(own.username) != name_key(username):
        raise NotOwner(thing="account")
    return actor, own


async def _show(request: ShopRequest, user: User) -> UserResponse:
    balances = await wallet.balances(request.shop, user_ids=[user.id])
    return UserResponse(
        id=user.id,
        username=user.username,
        email=user.email,
        role=users.first_role(user),
        deposit=balances.get(user.id, 0),
    )
