"""Logging in."""

from __future__ import annotations

from tuckshop.dialects.shared.long_lived_tokens import TokensResponse, entered
from tuckshop.domain.refusals import BadCredentials, SecondFactorNeeded, TooManyTries
from tuckshop.http.fields import Password, Username
from tuckshop.http.handlers import describe, post
from tuckshop.http.request import Body, ShopRequest


class LoginBody(Body):
    """Who wants in."""

    username: Username
    password: Password


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
    return await entered(request, username=data.username, password=data.password)
