"""/v1/auth: logging in and out, where one is logged in, and API tokens."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from tuckshop.api.requests import Cursor, Limit, Page, cursor_id, cursor_of
from tuckshop.api.users import UserShown, show_user
from tuckshop.domain.refusals import (
    BadCredentials,
    CredentialReused,
    InvalidField,
    LogInNeeded,
    SessionEnded,
    TooManyTokens,
    TooManyTries,
    UnknownSession,
    UnknownToken,
)
from tuckshop.domain.users import Scope
from tuckshop.http.fields import NAME_PATTERN, TEXT_PATTERN, Moment, Password, PathId, Shown, Username, moment
from tuckshop.http.handlers import Router, delete, get, post, told
from tuckshop.http.request import Body, Call
from tuckshop.identity import api_tokens, sessions
from tuckshop.identity.access_tokens import TOKEN_LENGTH_MAX
from tuckshop.identity.api_tokens import DAYS_MAX, NAME_LENGTH_MAX, ApiToken
from tuckshop.identity.sessions import ACTIVE_ELSEWHERE, LoggedIn


class LoginBody(Body):
    """A name and its password."""

    username: Username
    password: Password


class RefreshBody(Body):
    """The refresh token from the last answer."""

    refresh: Annotated[
        str, msgspec.Meta(max_length=TOKEN_LENGTH_MAX, extra_json_schema={"pattern": TEXT_PATTERN})
    ]


class TokenBody(Body):
    """What the token is for, what it may do, and for how many days."""

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=NAME_LENGTH_MAX,
            examples=["shelf label printer"],
            extra_json_schema={"pattern": NAME_PATTERN},
        ),
    ]
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=len(Scope), examples=[["read"]])]
    days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)] = 365


class SessionShown(Shown):
    """One log-in on one device; `current` is the one that asks."""

    id: int
    device: str | None
    address: str | None
    created_at: Moment
    expires_at: Moment
    current: bool


class SessionsShown(Page):
    """A page of log-ins."""

    items: list[SessionShown]


class TokenShown(Shown):
    """An API token, without its secret."""

    id: int
    name: str
    scopes: list[Scope]
    created_at: Moment
    expires_at: Moment


class NewTokenShown(TokenShown):
    """A new API token: `token` is shown this once."""

    token: str


class TokensShown(Page):
    """A page of API tokens."""

    items: list[TokenShown]


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
    operation=told("logIn", BadCredentials, TooManyTries, login="none", body=LoginBody),
)
async def log_in(request: Call) -> LoginShown:
    """A new session; other sessions of yours stay, and `message` says so."""
    data = await request.parsed(LoginBody)
    logged_in = await sessions.log_in(
        request.shop,
        username=data.username,
        password=data.password,
        device=request.headers.get("user-agent"),
        address=request.address,
    )
    return _show(logged_in)


@post(
    "/refresh",
    status_code=200,
    summary="New tokens",
    operation=told("refreshTokens", SessionEnded, CredentialReused, login="none", body=RefreshBody),
)
async def refresh(request: Call) -> LoginShown:
    """The next pair of tokens. A refresh token that is used twice ends its session."""
    data = await request.parsed(RefreshBody)
    return _show(await sessions.refresh(request.shop, token=data.refresh))


@post("/logout", status_code=204, summary="Log out", operation=told("logOut", login="session"))
async def log_out(request: Call) -> None:
    """Ends this session at once."""
    await sessions.log_out(request.shop, caller=request.caller)


@post(
    "/logout-all",
    status_code=200,
    summary="End all sessions",
    operation=told(
        "logOutEverywhere",
        LogInNeeded,
        BadCredentials,
        TooManyTries,
        login="optional",
        body=LoginBody | None,
    ),
)
async def log_out_everywhere(request: Call) -> EndedShown:
    """Ends every session of yours at once; instead of a token, name and password will do."""
    if await request.body():
        data = await request.parsed(LoginBody)
        ended = await sessions.log_out_everywhere_by_password(
            request.shop, username=data.username, password=data.password, address=request.address
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


@get(
    "/sessions",
    summary="Your log-ins",
    operation=told("listSessions", login="session"),
)
async def list_sessions(request: Call, limit: Limit = 50, cursor: Cursor | None = None) -> SessionsShown:
    """Where you are logged in, newest first."""
    user_id = await _user_id(request)
    found = await sessions.page(request.shop, user_id=user_id, before_id=cursor_id(cursor), limit=limit + 1)
    items = [
        SessionShown(
            id=one.id,
            device=one.device,
            address=one.address,
            created_at=moment(one.created_us),
            expires_at=moment(one.expires_us),
            current=one.id == request.caller.session_id,
        )
        for one in found[:limit]
    ]
    return SessionsShown(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@delete(
    "/sessions/{session_id:int}",
    status_code=204,
    summary="End a log-in",
    operation=told("endSession", UnknownSession, login="session"),
)
async def end_session(request: Call, session_id: PathId) -> None:
    """Ends one log-in of yours at once."""
    await sessions.end(request.shop, user_id=await _user_id(request), session_id=session_id)


@get(
    "/tokens",
    summary="Your API tokens",
    operation=told("listTokens", login="session"),
)
async def list_tokens(request: Call, limit: Limit = 50, cursor: Cursor | None = None) -> TokensShown:
    """The API tokens that are good, newest first; their secrets are not kept."""
    found = await api_tokens.page(
        request.shop, user_id=await _user_id(request), before_id=cursor_id(cursor), limit=limit + 1
    )
    items = [TokenShown(**_token(one)) for one in found[:limit]]
    return TokensShown(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@post(
    "/tokens",
    status_code=201,
    summary="Make an API token",
    operation=told("makeToken", InvalidField, TooManyTokens, login="session", body=TokenBody),
)
async def make_token(request: Call) -> NewTokenShown:
    """A token for a program: it does for you what its scopes allow, until it is revoked or expires.

    `read` looks at what customers see, `buy`, `sell` and `admin` do what buyers, sellers, and cashiers and
    admins do. No token manages your account. Whatever ends all your log-ins ends your tokens too.
    """
    user_id = await _user_id(request)
    data = await request.parsed(TokenBody)
    made, secret = await api_tokens.make(
        request.shop, user_id=user_id, name=data.name, scopes=data.scopes, days=data.days
    )
    return NewTokenShown(token=secret, **_token(made))


@delete(
    "/tokens/{token_id:int}",
    status_code=204,
    summary="Revoke an API token",
    operation=told("revokeToken", UnknownToken, login="session"),
)
async def revoke_token(request: Call, token_id: PathId) -> None:
    """Ends one API token of yours at once."""
    await api_tokens.revoke(request.shop, user_id=await _user_id(request), token_id=token_id)


async def _user_id(request: Call) -> int:
    actor = await sessions.actor(request.shop, caller=request.caller)
    assert actor.user_id is not None
    return actor.user_id


def _token(made: ApiToken) -> dict[str, Any]:
    return {
        "id": made.id,
        "name": made.name,
        "scopes": [scope for scope in Scope if scope in made.scopes],
        "created_at": moment(made.created_us),
        "expires_at": moment(made.expires_us),
    }


router = Router(
    "/auth",
    [
        log_in,
        refresh,
        log_out,
        log_out_everywhere,
        list_sessions,
        end_session,
        list_tokens,
        make_token,
        revoke_token,
    ],
)
