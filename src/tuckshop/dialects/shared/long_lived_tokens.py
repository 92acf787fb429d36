"""Tokens as several of the contracts have them: the refresh token is used again and again while it lasts."""

from __future__ import annotations

from tuckshop.domain.refusals import CredentialReused, SessionEnded
from tuckshop.http.fields import Shown
from tuckshop.http.handlers import post, told
from tuckshop.http.request import Body, Call
from tuckshop.identity import sessions


class TokensShown(Shown):
    """`access` is good for 5 minutes; `refresh` gets new ones for a day."""

    refresh: str
    access: str


class RefreshBody(Body):
    """The refresh token that logging in gave."""

    refresh: str


class AccessShown(Shown):
    """A new access token; the refresh token stays good."""

    access: str


async def entered(request: Call, *, username: str, password: str) -> TokensShown:
    """Tokens for a name and a password, whoever else is logged in. Raises BadCredentials, TooManyTries."""
    logged_in = await sessions.log_in(
        request.shop, username=username, password=password, address=request.address
    )
    return TokensShown(refresh=logged_in.refresh, access=logged_in.access)


@post(
    "/api/token/refresh",
    status_code=200,
    summary="A new access token",
    operation=told("refreshToken", SessionEnded, CredentialReused, login="none", body=RefreshBody),
)
async def refresh(request: Call) -> AccessShown:
    """For a refresh token that is not a day old, until its user logs out."""
    data = await request.parsed(RefreshBody)
    return AccessShown(access=await sessions.renew(request.shop, token=data.refresh))
