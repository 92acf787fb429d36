"""Tokens as several of the contracts have them: the refresh token is used again and again while it lasts."""

from __future__ import annotations

from tuckshop.domain.refusals import CredentialReused, SessionEnded
from tuckshop.http.fields import ResponseBody
from tuckshop.http.handlers import describe, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.identity import sessions


class TokensResponse(ResponseBody):
    """`access` is valid for 5 minutes, `refresh` for a day."""

    refresh: str
    access: str


class RefreshBody(Body):
    """The refresh token from the log-in."""

    refresh: str


class AccessResponse(ResponseBody):
    """A new access token. The refresh token stays valid."""

    access: str


async def entered(request: ShopRequest, *, username: str, password: str) -> TokensResponse:
    """Returns tokens for a name and a password. Other sessions stay. Raises BadCredentials, TooManyTries."""
    logged_in = await sessions.log_in(
        request.shop,
        username=username,
        password=password,
        address=request.address,
        audience=request.audience,
    )
    return TokensResponse(refresh=logged_in.refresh, access=logged_in.access)


@post(
    "/api/token/refresh",
    status_code=200,
    summary="A new access token",
    operation=describe("refreshToken", SessionEnded, CredentialReused, login="none", body=RefreshBody),
)
async def refresh(request: ShopRequest) -> AccessResponse:
    """Takes a refresh token, which is valid for a day or until its user logs out."""
    data = await request.parsed(RefreshBody)
    access = await sessions.renew(request.shop, token=data.refresh, audience=request.audience)
    return AccessResponse(access=access)
