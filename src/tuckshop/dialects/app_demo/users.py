"""Registering and logging in."""

from __future__ import annotations

from tuckshop.dialects.shared.long_lived_tokens import TokensShown, entered
from tuckshop.domain.refusals import (
    BadCredentials,
    InvalidField,
    NameTaken,
    RegistrationClosed,
    TooManyTries,
)
from tuckshop.domain.users import Role
from tuckshop.http.fields import NewPassword, Password, Shown, Username
from tuckshop.http.handlers import post, told
from tuckshop.http.request import Body, Call
from tuckshop.identity import registration


class RegisterBody(Body):
    """A new user, who may sell and order."""

    name: Username
    password: NewPassword


class UserShown(Shown):
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
    operation=told("register", RegistrationClosed, InvalidField, NameTaken, login="none", body=RegisterBody),
)
async def register(request: Call) -> UserShown:
    """A new user, who may both sell and order."""
    data = await request.parsed(RegisterBody)
    settings = request.settings
    user = await registration.register(
        request.shop,
        username=data.name,
        email=None,
        password=data.password,
        roles=[Role.BUYER, Role.SELLER],
        buyers=settings.registration,
        sellers=settings.seller_registration,
    )
    return UserShown(id=user.id, name=user.username)


@post(
    "/api/token",
    status_code=200,
    summary="Log in",
    operation=told("logIn", BadCredentials, TooManyTries, login="none", body=LoginBody),
)
async def log_in(request: Call) -> TokensShown:
    """Tokens for a name and a password, whoever else is logged in."""
    data = await request.parsed(LoginBody)
    return await entered(request, username=data.name, password=data.password)
