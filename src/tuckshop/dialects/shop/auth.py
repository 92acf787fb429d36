"""Logging in."""

from __future__ import annotations

from tuckshop.dialects.shared.long_lived_tokens import TokensShown, entered
from tuckshop.domain.refusals import BadCredentials, TooManyTries
from tuckshop.http.fields import Password, Username
from tuckshop.http.handlers import post, told
from tuckshop.http.request import Body, Call


class LoginBody(Body):
    """Who wants in."""

    username: Username
    password: Password


@post(
    "/api/token",
    status_code=200,
    summary="Log in",
    operation=told("logIn", BadCredentials, TooManyTries, login="none", body=LoginBody),
)
async def log_in(request: Call) -> TokensShown:
    """Tokens for a name and a password, whoever else is logged in."""
    data = await request.parsed(LoginBody)
    return await entered(request, username=data.username, password=data.password)
