"""What goes wrong, in HTTP: whatever is raised becomes a status and a sentence; `refusal_rows` has the table.

An interface tells it in its own shape; see `Errors`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.types import Scope

from tuckshop.context import DatabaseAway, IdsBehind, SignOnAway
from tuckshop.domain import refusals
from tuckshop.domain.refusals import Refusal, Throttled
from tuckshop.http import field_problems
from tuckshop.http.refusal_rows import Row
from tuckshop.http.response import Response
from tuckshop.http.state import running
from tuckshop.identity.passwords import Overrun
from tuckshop.till.engine.queue import Busy, Defect
from tuckshop.till.sql.books import OutcomeUnknown, Unavailable

log = structlog.get_logger(__name__)

RETRY_SECONDS = "1"


TITLES = {
    400: "Bad request",
    401: "Not logged in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request timeout",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Invalid request",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}
OTHER_TITLE = "Error"


class Malformed(Exception):
    """The request is not one this address takes; `errors` name what is wrong where."""

    def __init__(self, *errors: tuple[str, str], status: int = 422) -> None:
        self.errors = errors
        self.status = status


class BodyTooLarge(Malformed):
    """`begun`: what came first, of which a form can show again what was typed."""

    def __init__(self, limit: int, begun: bytes) -> None:
        super().__init__(("body", f"must have at most {limit} bytes"), status=413)
        self.begun = begun


def kind(name: str) -> str:
    """`OutOfStock` or `Body too large` as the last part of a problem's type: `out-of-stock`."""
    return re.sub(r"[\s-]+|(?<=[a-z])(?=[A-Z])", "-", name).lower()


def facts_of(refusal: Refusal) -> dict[str, Any]:
    """What stands beside a refusal's sentence: its facts, and for a field the end of that sentence."""
    if isinstance(refusal, refusals.InvalidField):
        return {"field": refusal.field, "reason": field_problems.reason(refusal.problem)}
    return refusal.facts()


class Errors:
    """How one interface tells what went wrong: its table of refusals, and the shape of an error's body.

    `/v1` and each dialect has one, made of a table and `shaped`. `statuses`: for errors that are no refusals,
    other statuses than the usual ones.
    """

    media_type = "application/json"

    def __init__(
        self, table: Mapping[type[Refusal], Row], *, statuses: Mapping[int, int] | None = None
    ) -> None:
        self.table = table
        self._statuses = statuses or {}

    def shaped(self, *, status: int, title: str, name: str, detail: str, more: dict[str, Any]) -> Any:
        """The body: `name` is the refusal's or the title's stable one, `more` its facts."""
        raise NotImplementedError

    def problem_response(
        self,
        status: int,
        title: str,
        *,
        detail: str,
        name: str = "",
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
    ) -> Response[Any]:
        """One error's answer; `name` is the title's unless given."""
        content = self.shaped(
            status=status, title=title, name=kind(name or title), detail=detail, more=more or {}
        )
        if status == 401:
            headers = {**(headers or {}), "WWW-Authenticate": self.challenge}
        return Response(msgspec.json.encode(content), status, headers=headers, media_type=self.media_type)

    challenge = "Bearer"
    """The scheme of the Authorization header that a 401 asks for."""

    def of_refusal(self, refusal: Refusal, *, headers: dict[str, str] | None = None) -> Response[Any]:
        """The answer for a refusal: its facts beside the sentence that they make."""
        row = self.table[type(refusal)]
        facts = facts_of(refusal)
        worded = {
            name: ", ".join(map(str, value)) if isinstance(value, tuple) else value
            for name, value in facts.items()
        }
        if isinstance(refusal, Throttled):
            headers = {**(headers or {}), "Retry-After": str(refusal.retry_seconds)}
        return self.problem_response(
            row.status,
            row.title,
            name=refusal.code,
            detail=row.detail.format(**worded),
            headers=headers,
            more=facts,
        )

    def of_malformed(self, error: Malformed) -> Response[Any]:
        """For requests that never reached a rule."""
        errors = [{"field": field, "reason": reason} for field, reason in error.errors]
        detail = "; ".join(f"{field} {reason}" for field, reason in error.errors)
        status = self._statuses.get(error.status, error.status)
        return self.problem_response(
            status, TITLES[error.status], detail=f"{detail}.", more={"errors": errors}
        )

    def answer(self, scope: Scope, error: Exception) -> Response[Any]:
        """The answer to whatever was raised for the request of this scope."""
        match error:
            case Refusal():  # Raised rather than returned; the till counts its own.
                running(scope).shop.meter.refusals[type(error).__name__] += 1
                return self.of_refusal(error)
            case Malformed():
                return self.of_malformed(error)
            case HTTPException():
                return self._of_status(error)
            case DatabaseAway():
                running(scope).shop.health.failed(error.trouble)
                return self._of_busy()
            case Busy() | Unavailable() | Overrun():  # The till tells its own troubles.
                return self._of_busy()
            case SignOnAway():
                return self._of_sign_on()
            case IdsBehind():
                log.error("database.ids_behind", error=str(error))
                return self._of_busy()
            case OutcomeUnknown():
                return self._of_unknown(error)
            case _:
                return self._of_defect(scope, error)

    def _of_status(self, error: HTTPException) -> Response[Any]:
        """For 400, 404, 405 and their like."""
        title = TITLES.get(error.status_code, OTHER_TITLE)
        headers = dict(error.headers) if error.headers else None
        return self.problem_response(error.status_code, title, detail=f"{title}.", headers=headers)

    def _of_busy(self) -> Response[Any]:
        """For a till that takes nothing now: nothing has happened."""
        return self.problem_response(
            503,
            "Unavailable",
            detail="The shop is not available. Nothing was changed. Try again.",
            headers={"Retry-After": RETRY_SECONDS},
        )

    def _of_sign_on(self) -> Response[Any]:
        """For an outside service that has to let somebody in and does not answer."""
        return self.problem_response(
            503,
            "Unavailable",
            detail="The service that checks this log-in is not available. Try again later.",
            headers={"Retry-After": RETRY_SECONDS},
        )

    def _of_unknown(self, error: OutcomeUnknown) -> Response[Any]:
        """For a commit whose outcome could not be found out."""
        return self.problem_response(
            503,
            "Outcome unknown",
            name=type(error).__name__,
            detail="It is not known whether the request was completed. Retry with the same Idempotency-Key.",
            headers={"Retry-After": RETRY_SECONDS},
        )

    def _of_defect(self, scope: Scope, error: Exception) -> Response[Any]:
        """For everything that should not happen; the log has the story, the client has none of it."""
        if not isinstance(error, Defect):
            log.error(
                "api.defect",
                request_id=scope.get("request_id", b"").decode(),
                actor_id=scope.get("actor_id"),
                method=scope["method"],
                path=scope["path"],
                exc_info=error,
            )
        return self.problem_response(
            500, "Internal error", detail="Something went wrong on our side. Try again later."
        )


_COMPLAINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Expected `str` of length >= (\d+)", r"must have at least \1 characters"),
        (r"Expected `str` of length <= (\d+)", r"must have at most \1 characters"),
        (r"Expected `(?:array|object)` of length >= (\d+)", r"must have at least \1 items"),
        (r"Expected `(?:array|object)` of length <= (\d+)", r"must have at most \1 items"),
        (r"Expected `int` >= (-?\d+)", r"must be at least \1"),
        (r"Expected `int` <= (-?\d+)", r"must be at most \1"),
        (r"Expected `str` matching regex .*", "has the wrong format"),
        (r"Invalid enum value .*", "is not one of the allowed values"),
        (r"Number out of range|Integer value out of range", "is out of range"),
        (r"(?:JSON is malformed|Input data was truncated|'utf-8' codec).*", "must be JSON in UTF-8"),
    )
)
_KINDS = {
    "int": "a whole number",
    "float": "a fraction",
    "str": "text",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def complaint(told: str) -> tuple[str, str]:
    """What msgspec says of a body, as a field and the end of a sentence that begins with it."""
    message, _, place = told.partition(" - at ")
    path = re.search(r"\$\.?([^`]*)`$", place)
    field = (path[1] if path else "").removesuffix("[...]") or "body"
    named = re.fullmatch(r"Object (?:missing required|contains unknown) field `(.*)`", message, re.DOTALL)
    if named is not None:
        whole = named[1] if field == "body" else f"{field}.{named[1]}"
        return whole, "is missing" if "missing" in message else "is not a known field"
    return field, in_words(message)


def in_words(message: str) -> str:
    """What msgspec says of a value, as the end of a sentence that begins with its name."""
    for pattern, words in _COMPLAINTS:
        match = pattern.fullmatch(message)
        if match is not None:
            return match.expand(words)
    expected, _, got = message.partition(", got ")
    kinds = [_KINDS.get(kind, kind) for kind in re.findall(r"[a-z]+", expected.partition("`")[2])]
    if not kinds:
        return "is not valid"
    given = _KINDS.get(got.strip("`"))
    return f"must be {' or '.join(kinds)}" + (f", not {given}" if given else "")
