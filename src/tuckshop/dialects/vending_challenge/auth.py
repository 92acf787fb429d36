"""Logging in and out."""

from __future__ import annotations

from tuckshop.dialects.vending_challenge.common import API
from tuckshop.dialects.vending_challenge.users import UserResponse, show_user
from tuckshop.domain.refusals import (
    BadCredentials,
    CredentialReused,
    SecondFactorNeeded,
    SessionEnded,
    TooManyTries,
)
from tuckshop.http.fields import (
    Password,
    ResponseBody,
    Username,
)
from tuckshop.http.handlers import describe, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.identity import sessions
from tuckshop.identity.sessions import LoggedIn

MESSAGE = "There is already an active session using your account"


class LoginBody(Body):
    """Who wants in."""

    username: Username
    password: Password


class RefreshBody(Body):
    """The refresh token from the last response."""

    refresh: str


class LoginResponse(ResponseBody, omit_defaults=True):
    """Tokens. `active_sessions` is the number of other sessions; if there are any, `message` says so."""

    access: str
    refresh: str
    user: UserResponse
    active_sessions: int
    message: str | None = None


class TokensResponse(ResponseBody):
    """New tokens. The old refresh token is no longer valid."""

    access: str
    refresh: str


class LoggedOutResponse(ResponseBody):
    """How many sessions were ended."""

    ended: int


@post(
    f"{API}/auth/login",
    status_code=200,
    summary="Log in",
    operation=describe(
        "login", BadCredentials, SecondFactorNeeded, TooManyTries, login="none", body=LoginBody
    ),
)
async def log_in(request: ShopRequest) -> LoginResponse:
    """Returns tokens for a name and a password. Other sessions stay."""
    data = await request.parsed(LoginBody)
    entered = await sessions.log_in(
        request.shop,
        username=data.username,
        password=data.password,
        address=request.address,
        audience=request.audience,
    )
    return LoginResponse(
        access=entered.access,
        refresh=entered.refresh,
        user=await show_user(request, entered.user),
        active_sessions=entered.active_sessions,
        message=MESSAGE if entered.active_sessions else None,
    )


@post(f"{API}/auth/logout", status_code=200, summary="Log out", operation=describe("logout"))
async def log_out(request: ShopRequest) -> LoggedOutResponse:
    """Ends this session."""
    await sessions.log_out(request.shop, caller=request.caller)
    return LoggedOutResponse(ended=1)


@post(
    [f"{API}/auth/logout-all", f"{API}/logout/all", "/logout/all"],
    status_code=200,
    summary="Log out everywhere",
    operation=describe("logoutAll", BadCredentials, TooManyTries, login="optional", body=LoginBody | None),
)
async def log_out_everywhere(request: ShopRequest) -> LoggedOutResponse:
    """Ends all your sessions. Send a token, or a name and password."""
    if not await request.body():
        ended = await sessions.log_out_everywhere(request.shop, caller=request.caller)
        return LoggedOutResponse(ended=ended)
    data = await request.parsed(LoginBody)
    ended = await sessions.log_out_everywhere_by_password(
        request.shop, username=data.username, password=data.password, address=request.address
    )
    return LoggedOutResponse(ended=ended)


@post(
    f"{API}/auth/refresh",
    status_code=200,
    summary="New tokens",
    operation=describe("refresh", SessionEnded, CredentialReused, login="none", body=RefreshBody),
)
async def refresh(request: ShopRequest) -> TokensResponse:
    """Returns new tokens for a refresh token. Using it twice ends the session."""
    data = await request.parsed(RefreshBody)
    entered: LoggedIn = await sessions.refresh(request.shop, token=data.refresh, audience=request.audience)
    return TokensResponse(access=entered.access, refresh=entered.refresh)
