"""Logging in and out."""

from __future__ import annotations

from tuckshop.dialects.vending_challenge.common import API
from tuckshop.dialects.vending_challenge.users import UserShown, show_user
from tuckshop.domain.refusals import (
    BadCredentials,
    CredentialReused,
    SessionEnded,
    TooManyTries,
)
from tuckshop.http.fields import (
    Password,
    Shown,
    Username,
)
from tuckshop.http.handlers import post, told
from tuckshop.http.request import Body, Call
from tuckshop.identity import sessions
from tuckshop.identity.sessions import LoggedIn

MESSAGE = "There is already an active session using your account"


class LoginBody(Body):
    """Who wants in."""

    username: Username
    password: Password


class RefreshBody(Body):
    """The refresh token that was given last."""

    refresh: str


class LoginShown(Shown, omit_defaults=True):
    """Tokens. `active_sessions` counts the others of this user; with any, `message` says so."""

    access: str
    refresh: str
    user: UserShown
    active_sessions: int
    message: str | None = None


class TokensShown(Shown):
    """New tokens; the old refresh token is used up."""

    access: str
    refresh: str


class LoggedOutShown(Shown):
    """How many sessions were ended."""

    ended: int


@post(
    f"{API}/auth/login",
    status_code=200,
    summary="Log in",
    operation=told("login", BadCredentials, TooManyTries, login="none", body=LoginBody),
)
async def log_in(request: Call) -> LoginShown:
    """Tokens for a name and a password, whoever else is logged in."""
    data = await request.parsed(LoginBody)
    entered = await sessions.log_in(
        request.shop, username=data.username, password=data.password, address=request.address
    )
    return LoginShown(
        access=entered.access,
        refresh=entered.refresh,
        user=await show_user(request, entered.user),
        active_sessions=entered.active_sessions,
        message=MESSAGE if entered.active_sessions else None,
    )


@post(f"{API}/auth/logout", status_code=200, summary="Log out", operation=told("logout"))
async def log_out(request: Call) -> LoggedOutShown:
    """Ends this session."""
    await sessions.log_out(request.shop, caller=request.caller)
    return LoggedOutShown(ended=1)


@post(
    [f"{API}/auth/logout-all", f"{API}/logout/all", "/logout/all"],
    status_code=200,
    summary="Log out everywhere",
    operation=told("logoutAll", BadCredentials, TooManyTries, login="optional", body=LoginBody | None),
)
async def log_out_everywhere(request: Call) -> LoggedOutShown:
    """Ends every session of the caller, known by the token or by name and password."""
    if not await request.body():
        ended = await sessions.log_out_everywhere(request.shop, caller=request.caller)
        return LoggedOutShown(ended=ended)
    data = await request.parsed(LoginBody)
    ended = await sessions.log_out_everywhere_by_password(
        request.shop, username=data.username, password=data.password, address=request.address
    )
    return LoggedOutShown(ended=ended)


@post(
    f"{API}/auth/refresh",
    status_code=200,
    summary="New tokens",
    operation=told("refresh", SessionEnded, CredentialReused, login="none", body=RefreshBody),
)
async def refresh(request: Call) -> TokensShown:
    """For a refresh token, which is used up by that; using it twice ends the session."""
    data = await request.parsed(RefreshBody)
    entered: LoggedIn = await sessions.refresh(request.shop, token=data.refresh)
    return TokensShown(access=entered.access, refresh=entered.refresh)
