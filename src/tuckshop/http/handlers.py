"""Handlers: functions that answer at an address, with what they take and what a document says of them.

A handler's parameters are read from its signature once: those that its path names, and for all others the
query. Their types and rules are msgspec's, as in bodies: `Annotated[int, msgspec.Meta(ge=1, le=100)]`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypedDict, Union, Unpack, get_args, get_origin, get_type_hints

import msgspec

from tuckshop.domain.refusals import (
    KeyReused,
    LogInNeeded,
    RecordUnreadable,
    Refusal,
    RoleMissing,
    ScopeMissing,
    SecondFactorRequired,
    SessionEnded,
    VersionChanged,
)

BODY_BYTES_MAX = 65_536  # A full basket is some 4 KB.
PLACEHOLDER = re.compile(r"\{([a-z_]+):(int|str)\}")
"""A part of a path that holds a parameter: `{order_id:int}`."""
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,99}", re.ASCII)
"""The one way to write a whole number in an address. Nobody means one of more than a hundred digits."""

Login = Literal["needed", "session", "optional", "none", "attester"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Answering = Callable[..., Awaitable[Any]]


class Operation(NamedTuple):
    """What a document says of a handler, see `describe`."""

    operation_id: str
    refusals: tuple[type[Refusal], ...]
    login: Login
    keyed: bool
    tagged: bool
    matched: bool
    body: Any
    media_type: str
    also: dict[int, str]
    uploads: tuple[str, ...]
    forms: bool
    as_csv: bool


def describe(
    operation_id: str,
    *refusals: type[Refusal],
    login: Login = "needed",
    keyed: bool = False,
    tagged: bool = False,
    matched: bool = False,
    body: Any = None,
    media_type: str = "application/json",
    also: dict[int, str] | None = None,
    uploads: Iterable[str] = (),
    forms: bool = False,
    as_csv: bool = False,
) -> Operation:
    """A handler's name for clients, what it refuses, and

    - `login`: who may call; `session` for those who logged in, and not for API tokens
    - `keyed`: it heeds Idempotency-Key; `tagged`: its answer has an ETag; `matched`: it heeds If-Match
    - `body`: what it parses; `X | None` if there need not be one
    - `forms`: the body may be a form as well
    - `uploads`: media types of a body that is no JSON
    - `as_csv`: it answers in CSV too, if asked
    - `also`: other statuses that it answers with its own content, and what they mean
    """
    if login != "none":
        refusals = (SessionEnded, LogInNeeded if login == "session" else ScopeMissing, *refusals)
    if RoleMissing in refusals:
        refusals = (*refusals, SecondFactorRequired)
    if keyed:
        refusals = (*refusals, KeyReused, RecordUnreadable)
    if matched:
        refusals = (*refusals, VersionChanged)
    return Operation(
        operation_id,
        refusals,
        login,
        keyed,
        tagged,
        matched,
        body,
        media_type,
        also or {},
        tuple(uploads),
        forms,
        as_csv,
    )


class Parameter(NamedTuple):
    """What a handler takes from the address.

    `argument`: the function's name for it, with a `_` behind where Python keeps the name for itself.
    `kind`: the type of its values, with msgspec's rules, and never None.
    """

    name: str
    argument: str
    kind: Any
    is_whole: bool
    in_path: bool
    default: Any

    def read(self, text: str) -> Any:
        """The value that is written so. Raises msgspec.ValidationError."""
        if self.is_whole and not WHOLE.fullmatch(text):  # Or 1_0, 01 and Arabic digits would be numbers too.
            raise msgspec.ValidationError("Expected `int`")
        return msgspec.convert(text, self.kind, strict=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Handler:
    """A function that answers one method at its paths.

    - `paths`: templates, `/orders/{order_id:int}`
    - `status_code`: of what it returns, unless that is a response
    - `operation`: what documents say of it; None: it stands in none
    - `body_bytes_max`: what of a body is read at the most
    """

    fn: Answering
    method: Method
    paths: tuple[str, ...]
    status_code: int
    summary: str = ""
    operation: Operation | None = None
    body_bytes_max: int = BODY_BYTES_MAX

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it takes beside the request, in its signature's order."""
        hints = get_type_hints(self.fn, include_extras=True)
        in_path = {name for name, _ in PLACEHOLDER.findall(self.paths[0])}
        return tuple(
            Parameter(
                name=argument.removesuffix("_"),
                argument=argument,
                kind=(kind := _without_none(hints[argument])),
                is_whole=(get_args(kind) or [kind])[0] is int,
                in_path=argument in in_path,
                default=parameter.default,
            )
            for argument, parameter in inspect.signature(self.fn).parameters.items()
            if argument != "request"
        )


class Router:
    """Handlers whose paths begin alike."""

    def __init__(self, path: str, handlers: Sequence[Handler | Router]) -> None:
        self._path = path
        self._handlers = handlers

    def __iter__(self) -> Iterator[Handler]:
        for handler in flat(self._handlers):
            yield replace(handler, paths=tuple(self._path + path for path in handler.paths))


def flat(handlers: Iterable[Handler | Router]) -> Iterator[Handler]:
    """All handlers, those of routers among them."""
    for one in handlers:
        if isinstance(one, Router):
            yield from one
        else:
            yield one


def get(path: str | Sequence[str], **more: Unpack[_Said]) -> Callable[[Answering], Handler]:
    """The function answers GET here, with 200; `path` may be several."""
    return _answering("GET", 200, path, more)


def post(path: str | Sequence[str], **more: Unpack[_Said]) -> Callable[[Answering], Handler]:
    """The function answers POST here, with 201 unless said."""
    return _answering("POST", 201, path, more)


def put(path: str | Sequence[str], **more: Unpack[_Said]) -> Callable[[Answering], Handler]:
    """The function answers PUT here, with 200 unless said."""
    return _answering("PUT", 200, path, more)


def patch(path: str | Sequence[str], **more: Unpack[_Said]) -> Callable[[Answering], Handler]:
    """The function answers PATCH here, with 200 unless said."""
    return _answering("PATCH", 200, path, more)


def delete(path: str | Sequence[str], **more: Unpack[_Said]) -> Callable[[Answering], Handler]:
    """The function answers DELETE here, with 204 unless said."""
    return _answering("DELETE", 204, path, more)


class _Said(TypedDict, total=False):
    status_code: int
    summary: str
    operation: Operation
    body_bytes_max: int


def _answering(
    method: Method, status_code: int, path: str | Sequence[str], more: _Said
) -> Callable[[Answering], Handler]:
    paths = (path,) if isinstance(path, str) else tuple(path)
    given: _Said = {"status_code": status_code, **more}
    return lambda fn: Handler(fn=fn, method=method, paths=paths, **given)


def _without_none(hint: Any) -> Any:
    """`X | None` as X: what stands in an address is never None, not even `null`."""
    if get_origin(hint) in (UnionType, Union):
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    return hint
