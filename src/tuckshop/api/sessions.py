"""/v1/auth: logging in and out, where one is logged in, and API tokens."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from tuckshop.api.requests import Cursor, Limit, Page, cursor_id, cursor_of
from tuckshop.api.second_factor import Code
from tuckshop.api.users import UserResponse, show_user
from tuckshop.domain.refusals import (
    BadCredentials,
    ConfirmationRequired,
    CredentialReused,
    InvalidField,
    LogInNeeded,
    SecondFactorNeeded,
    SecondFactorWrong,
    SessionEnded,
    TooManyTokens,
    TooManyTries,
    UnknownSession,
    UnknownToken,
)
from tuckshop.domain.users import Scope
from tuckshop.http.fields import (
    TEXT_PATTERN,
    Moment,
    Password,
    PathId,
    ResponseBody,
    Username,
    moment,
    name_meta,
)
from tuckshop.http.handlers import Router, delete, describe, get, post
from tuckshop.http.request import Body, ShopRequest
from tuckshop.identity import api_tokens, confirmation, devices, sessions
from tuckshop.identity.access_tokens import TOKEN_LENGTH_MAX
from tuckshop.identity.api_tokens import DAYS_MAX, NAME_LENGTH_MAX, ApiToken
from tuckshop.identity.sessions import ACTIVE_ELSEWHERE, LoggedIn


class LoginBody(Body):
    """A name and its password."""

    username: Username
    password: Password


class CodeLoginBody(LoginBody):
    """A name and its password. `code`: of the app, or a recovery code, if the user has a second factor."""

    code: Code | None = None


class MachineLoginBody(CodeLoginBody):
    """A name and its password. `machine_key`: of the machine at which somebody logs in, if it is one.

    Until the session ends, that machine can then add coins to the user's wallet and pay it out.
    """

    machine_key: Annotated[str, msgspec.Meta(max_length=80)] | None = None


class ConfirmBody(Body):
    """Your current password; with a second factor also a code of your app, or a recovery code."""

    password: Password
    code: Code | None = None


class RefreshBody(Body):
    """The refresh token from the last response."""

    refresh: Annotated[
        str, msgspec.Meta(max_length=TOKEN_LENGTH_MAX, extra_json_schema={"pattern": TEXT_PATTERN})
    ]


class TokenBody(Body):
    """The token's name, its scopes and its lifetime in days."""

    name: Annotated[
        str,
        name_meta(NAME_LENGTH_MAX, example="shelf label printer"),
    ]
    scopes: Annotated[list[Scope], msgspec.Meta(min_length=1, max_length=len(Scope), examples=[["read"]])]
    days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)] = 365


class SessionResponse(ResponseBody):
    """A session on one device; `current` is the one of this request."""

    id: int
    device: str | None
    address: str | None
    created_at: Moment
    expires_at: Moment
    current: bool


class SessionsResponse(Page):
    """A page of sessions."""

    items: list[SessionResponse]


class TokenResponse(ResponseBody):
    """An API token, without its secret."""

    id: int
    name: str
    scopes: list[Scope]
    created_at: Moment
    expires_at: Moment


class NewTokenResponse(TokenResponse):
    """A new API token. `token` is returned only once."""

    token: str


class TokensResponse(Page):
    """A page of API tokens."""

    items: list[TokenResponse]


class LoginResponse(ResponseBody, omit_defaults=True):
    """Tokens: `access` for requests, valid for `expires_in` seconds; `refresh` for the next pair, once."""

    access: str
    refresh: str
    expires_in: int
    user: UserResponse
    active_sessions: int
    message: str | None = None


class ConfirmedResponse(ResponseBody):
    """Until when the session is fresh."""

    fresh_until: Moment


class EndedResponse(ResponseBody):
    """How many sessions were ended."""

    ended: int


@post(
    "/login",
    status_code=200,
    summary="Log in",
    operation=describe(
        "logIn",
        BadCredentials,
        SecondFactorNeeded,
        SecondFactorWrong,
        SessionEnded,
        TooManyTries,
        login="none",
        body=MachineLoginBody,
    ),
)
async def log_in(request: ShopRequest) -> LoginResponse:
    """Starts a session. Your other sessions stay, and `message` says so.

    If you have a second factor, send a `code` too: without it the answer is 401, `second-factor-needed`.
    """
    data = await request.parsed(MachineLoginBody)
    machine_id = None
    if data.machine_key is not None:
        machine = await devices.attester(request.shop, caller=devices.caller(data.machine_key))
        machine_id = machine.machine_id
    logged_in = await sessions.log_in(
        request.shop,
        username=data.username,
        password=data.password,
        device=request.headers.get("user-agent"),
        address=request.address,
        machine_id=machine_id,
        code=data.code,
    )
    return _show(logged_in)


@post(
    "/confirm",
    status_code=200,
    summary="Confirm your password",
    operation=describe(
        "confirm",
        BadCredentials,
        SecondFactorNeeded,
        SecondFactorWrong,
        TooManyTries,
        login="session",
        body=ConfirmBody,
    ),
)
async def confirm(request: ShopRequest) -> ConfirmedResponse:
    """Makes this session fresh for 10 minutes, as it is after a log-in.

    Roles, API tokens, machine settings, machine keys and pairing codes change only in a fresh session.
    """
    await sessions.actor(request.shop, caller=request.caller)
    data = await request.parsed(ConfirmBody)
    fresh_us = await confirmation.confirm(
        request.shop,
        caller=request.caller,
        password=data.password,
        address=request.address,
        code=data.code,
    )
    return ConfirmedResponse(fresh_until=moment(fresh_us))


@post(
    "/refresh",
    status_code=200,
    summary="New tokens",
    operation=describe("refreshTokens", SessionEnded, CredentialReused, login="none", body=RefreshBody),
)
async def refresh(request: ShopRequest) -> LoginResponse:
    """Returns the next pair of tokens. Using a refresh token twice ends its session."""
    data = await request.parsed(RefreshBody)
    return _show(await sessions.refresh(request.shop, token=data.refresh))


@post("/logout", status_code=204, summary="Log out", operation=describe("logOut", login="session"))
async def log_out(request: ShopRequest) -> None:
    """Ends this session at once."""
    await sessions.log_out(request.shop, caller=request.caller)


@post(
    "/logout-all",
    status_code=200,
    summary="End all sessions",
    operation=describe(
        "logOutEverywhere",
        LogInNeeded,
        BadCredentials,
        TooManyTries,
        login="optional",
        body=LoginBody | None,
    ),
)
async def log_out_everywhere(request: ShopRequest) -> EndedResponse:
    """Ends all your sessions at once. Send a token, or a name and password."""
    if await request.body():
        data = await request.parsed(LoginBody)
        ended = await sessions.log_out_everywhere_by_password(
            request.shop, username=data.username, password=data.password, address=request.address
        )
    else:
        ended = await sessions.log_out_everywhere(request.shop, caller=request.caller)
    return EndedResponse(ended=ended)


def _show(logged_in: LoggedIn) -> LoginResponse:
    return LoginResponse(
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
    operation=describe("listSessions", login="session"),
)
async def list_sessions(
    request: ShopRequest, limit: Limit = 50, cursor: Cursor | None = None
) -> SessionsResponse:
    """Your sessions, newest first."""
    user_id = await _user_id(request)
    found = await sessions.page(request.shop, user_id=user_id, before_id=cursor_id(cursor), limit=limit + 1)
    items = [
        SessionResponse(
            id=one.id,
            device=one.device,
            address=one.address,
            created_at=moment(one.created_us),
            expires_at=moment(one.expires_us),
            current=one.id == request.caller.session_id,
        )
        for one in found[:limit]
    ]
    return SessionsResponse(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@delete(
    "/sessions/{session_id:int}",
    status_code=204,
    summary="End a session",
    operation=describe("endSession", UnknownSession, login="session"),
)
async def end_session(request: ShopRequest, session_id: PathId) -> None:
    """Ends one of your sessions at once."""
    await sessions.end(request.shop, user_id=await _user_id(request), session_id=session_id)


@get(
    "/tokens",
    summary="Your API tokens",
    operation=describe("listTokens", login="session"),
)
async def list_tokens(
    request: ShopRequest, limit: Limit = 50, cursor: Cursor | None = None
) -> TokensResponse:
    """Your valid API tokens, newest first. Their secrets are not stored."""
    found = await api_tokens.page(
        request.shop, user_id=await _user_id(request), before_id=cursor_id(cursor), limit=limit + 1
    )
    items = [TokenResponse(**_token(one)) for one in found[:limit]]
    return TokensResponse(items=items, next=cursor_of(items[-1].id) if len(found) > limit else None)


@post(
    "/tokens",
    status_code=201,
    summary="Create an API token",
    operation=describe(
        "makeToken", ConfirmationRequired, InvalidField, TooManyTokens, login="session", body=TokenBody
    ),
)
async def make_token(request: ShopRequest) -> NewTokenResponse:
    """Creates a token for a program that acts for you within its scopes, until it is revoked or expires.

    Scopes: `read` reads what customers see; `buy`, `sell` and `admin` do what buyers, sellers, and cashiers
    and admins do. No token manages your user account. Ending all your sessions revokes your tokens too.
    Needs a log-in or confirmation of the last 10 minutes.
    """
    user_id = await _user_id(request)
    await confirmation.require(request.shop, caller=request.caller)
    data = await request.parsed(TokenBody)
    made, secret = await api_tokens.make(
        request.shop, user_id=user_id, name=data.name, scopes=data.scopes, days=data.days
    )
    return NewTokenResponse(token=secret, **_token(made))


@delete(
    "/tokens/{token_id:int}",
    status_code=204,
    summary="Revoke an API token",
    operation=describe("revokeToken", UnknownToken, login="session"),
)
async def revoke_token(request: ShopRequest, token_id: PathId) -> None:
    """Revokes one of your API tokens at once."""
    await api_tokens.revoke(request.shop, user_id=await _user_id(request), token_id=token_id)


async def _user_id(request: ShopRequest) -> int:
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
        confirm,
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
