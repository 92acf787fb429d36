"""Registering and logging in."""

from __future__ import annotations

from tuckshop.dialects.shared.long_lived_tokens import TokensResponse, entered
from tuckshop.domain.refusals import (
    BadCredentials,
    InvalidField,
    NameTaken,
    NameTooSimilar,
    RegistrationClosed,
    SecondFactorNeeded,
    TooManyRegistrations,
    TooManyTries,
)
from tuckshop.domain.users import Role
from tuckshop.http.fields import NewPassword, Password, ResponseBody, Username
from tuckshop.http.handlers import describe, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.identity import registration


class RegisterBody(Body):
    """A new user, who can sell and order."""

    name: Username
    password: NewPassword


class UserResponse(ResponseBody):
    """A user."""

    id: int
    name: str


class LoginBody(Body):
    """Who wants in."""

    name: Username
    password: Password


@post(
    "/api/register",
    summary="Register",
    operation=describe(
        "register",
        RegistrationClosed,
        TooManyRegistrations,
        InvalidField,
        NameTaken,
        NameTooSimilar,
        login="none",
        body=RegisterBody,
    ),
)
async def register(request: ShopRequest) -> UserResponse:
    """Creates a user who can both sell and order."""
    data = await request.parsed(RegisterBody)
    settings = request.settings
    user = await registration.register(
        request.shop,
        username=data.name,
        email=None,
        password=data.password,
        roles=[Role.BUYER, Role.SELLER],
        buyers=settings.registration,
        sellers=settings.sellers_register,
        address=request.address,
        per_hour=settings.registrations_per_hour,
    )
    return UserResponse(id=user.id, name=user.username)


@post(
    "/api/token",
    status_code=200,
    summary="Log in",
    operation=describe(
        "logIn", BadCredentials, SecondFactorNeeded, TooManyTries, login="none", body=LoginBody
    ),
)
async def log_in(request: ShopRequest) -> TokensResponse:
    """Returns tokens for a name and a password. Other sessions stay."""
    data = await request.parsed(LoginBody)
    return await entered(request, username=data.name, password=data.password)
