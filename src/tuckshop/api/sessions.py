"""/v1/auth: logging in and out."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, post

from tuckshop.api.accounts import Password, Username, UserShown, show_user
from tuckshop.api.openapi import told
from tuckshop.api.requests import TEXT_PATTERN, Body, Call, Shown
from tuckshop.domain.refusals import BadCredentials, CredentialReused, SessionEnded
from tuckshop.services import sessions
from tuckshop.services.sessions import ACTIVE_ELSEWHERE, LoggedIn
from tuckshop.services.tokens import TOKEN_LENGTH_MAX


class LoginBody(Body):
    """A name and its password."""

    username: Username
    password: Password


class RefreshBody(Body):
    """The refresh token from the last answer."""

    refresh: Annotated[
        str, msgspec.Meta(max_length=TOKEN_LENGTH_MAX, extra_json_schema={"pattern": TEXT_PATTERN})
    ]


class LoginShown(Shown, omit_defaults=True):
    """Tokens: `access` for calls, good for `expires_in` seconds; `refresh` for the next pair, once."""

    access: str
    refresh: str
    expires_in: int
    user: UserShown
    active_sessions: int
    message: str | None = None


class EndedShown(Shown):
    """How many sessions were ended."""

    ended: int


@post(
    "/login",
    status_code=200,
    summary="Log in",
    opt=told("logIn", BadCredentials, login="none", body=LoginBody),
)
async def log_in(request: Call) -> LoginShown:
    """A new session; other sessions of yours stay, and `message` says so."""
    data = await request.parsed(LoginBody)
    logged_in = await sessions.log_in(
        request.shop, username=data.username, password=data.password, device=request.headers.get("user-agent")
    )
    return _show(logged_in)


@post(
    "/refresh",
    status_code=200,
    summary="New tokens",
    opt=told("refreshTokens", SessionEnded, CredentialReused, login="none", body=RefreshBody),
)
async def refresh(request: Call) -> LoginShown:
    """The next pair of tokens. A refresh token that is used twice ends its session."""
    data = await request.parsed(RefreshBody)
    return _show(await sessions.refresh(request.shop, token=data.refresh))


@post("/logout", status_code=204, summary="Log out", opt=told("logOut"))
async def log_out(request: Call) -> None:
    """Ends this session at once."""
    await sessions.log_out(request.shop, caller=request.caller)


@post(
    "/logout-all",
    status_code=200,
    summary="End all sessions",
    opt=told("logOutEverywhere", BadCredentials, login="optional", body=LoginBody | None),
)
async def log_out_everywhere(request: Call) -> EndedShown:
    """Ends every session of yours at once; instead of a token, name and password will do."""
    if await request.body():
        data = await request.parsed(LoginBody)
        ended = await sessions.log_out_everywhere_by_password(
            request.shop, username=data.username, password=data.password
        )
    else:
        ended = await sessions.log_out_everywhere(request.shop, caller=request.caller)
    return EndedShown(ended=ended)


def _show(logged_in: LoggedIn) -> LoginShown:
    return LoginShown(
        access=logged_in.access,
        refresh=logged_in.refresh,
        expires_in=logged_in.expires_in,
        user=show_user(logged_in.user),
        active_sessions=logged_in.active_sessions,
        message=ACTIVE_ELSEWHERE if logged_in.active_sessions else None,
    )


router = Router(path="/auth", route_handlers=[log_in, refresh, log_out, log_out_everywhere])
