"""What goes wrong, in HTTP: the one table from refusals to statuses and sentences, and all that raises.

An interface tells it in its own shape; see `Errors`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from tuckshop.context import DatabaseAway
from tuckshop.domain import refusals
from tuckshop.domain.refusals import Refusal, TooManyTries
from tuckshop.http import field_problems
from tuckshop.http.state import running
from tuckshop.identity.passwords import Overrun
from tuckshop.till.engine.queue import Busy, Defect
from tuckshop.till.sql.books import OutcomeUnknown, Unavailable

log = structlog.get_logger(__name__)

RETRY_SECONDS = "1"


class Row(NamedTuple):
    """How a refusal is told: status, a title that never changes, a sentence made of its facts."""

    status: int
    title: str
    detail: str


TABLE: dict[type[Refusal], Row] = {
    refusals.BadCredentials: Row(401, "Wrong name or password", "Name and password do not belong together."),
    refusals.SessionEnded: Row(401, "Not logged in", "The token is missing or not good any more: log in."),
    refusals.CredentialReused: Row(
        401,
        "Token used twice",
        "This refresh token was used before; its session has been ended. Log in again.",
    ),
    refusals.RoleMissing: Row(403, "Role missing", "This needs one of the roles {roles}."),
    refusals.NotOwner: Row(403, "Not yours", "This {thing} belongs to somebody else."),
    refusals.ScopeMissing: Row(403, "Scope missing", "This needs an API token of the scope {scopes}."),
    refusals.LogInNeeded: Row(403, "Log-in needed", "No API token can do this: log in."),
    refusals.CoinsNotAttested: Row(
        403,
        "Coins not attested",
        "Coins need a witness here: a cashier or an admin puts them in or pays them out.",
    ),
    refusals.RegistrationClosed: Row(403, "Registration closed", "Nobody registers as {role} here."),
    refusals.UnknownUser: Row(404, "Unknown user", "There is no user {user}."),
    refusals.UnknownGuest: Row(404, "Unknown guest", "There is no guest {guest}."),
    refusals.UnknownProduct: Row(404, "Unknown product", "Product {product} is not on sale."),
    refusals.UnknownMachine: Row(404, "Unknown machine", "There is no machine {machine}."),
    refusals.UnknownOrder: Row(404, "Unknown order", "There is no order {order} for you."),
    refusals.UnknownPurchase: Row(
        404, "Unknown purchase", "The guest has nothing of product {product} to give back here."
    ),
    refusals.UnknownSession: Row(404, "Unknown session", "You have no session {session}."),
    refusals.UnknownToken: Row(404, "Unknown token", "You have no API token {token}."),
    refusals.UnknownImage: Row(404, "Unknown image", "There is no image {image}."),
    refusals.InvalidField: Row(422, "Invalid value", "{field} {reason}."),
    refusals.CoinNotAccepted: Row(
        422, "Coin not accepted", "No coin of {value_cents} is taken; these are: {accepted}."
    ),
    refusals.KeyReused: Row(422, "Idempotency key reused", "The key {key} stands for another request."),
    refusals.ReportTooLarge: Row(
        422,
        "Report too large",
        "It would have more than {rows_max} rows: ask for fewer days or less detail.",
    ),
    refusals.TooManyTries: Row(
        429, "Too many tries", "Too many log-ins were tried: wait {retry_seconds} seconds."
    ),
    refusals.RecordUnreadable: Row(
        409,
        "Record unreadable",
        "The answer under the key {key} was recorded at {recorded_at} as {form}, version {form_version}."
        " This release cannot read it; nothing was done again.",
    ),
    refusals.InsufficientFunds: Row(
        409, "Insufficient funds", "This costs {needed_cents}; the wallet holds {balance_cents}."
    ),
    refusals.OutOfStock: Row(409, "Out of stock", "Only {available} left of product {product}."),
    refusals.StockTooLarge: Row(409, "Stock too large", "The shelf takes {capacity} of product {product}."),
    refusals.BalanceTooLarge: Row(409, "Balance too large", "A wallet holds at most {balance_cents_max}."),
    refusals.ChangeUnpayable: Row(
        409, "Change unpayable", "The coin box cannot pay {change_cents} with the coins it holds."
    ),
    refusals.NothingToPayOut: Row(409, "Nothing to pay out", "No coin can pay {balance_cents}."),
    refusals.CoinsMissing: Row(
        409, "Coins missing", "The coin box holds {available} of {value_cents}, not more."
    ),
    refusals.CoinsOwed: Row(
        409, "Coins owed", "The coin box of machine {machine} is below zero in some coin: fill or count it."
    ),
    refusals.NotPayable: Row(
        409, "Not payable", "Of {balance_cents} earned, {payable_cents} can be paid out now."
    ),
    refusals.NameTaken: Row(409, "Name taken", "The name {name} is taken."),
    refusals.EmailTaken: Row(409, "Email taken", "The address {email} is taken."),
    refusals.ClientRefTaken: Row(
        409, "Reference used", "The reference {client_ref} stands for order {order}."
    ),
    refusals.ExternalRefTaken: Row(
        409, "External reference used", "The reference {external_ref} stands for transfer {transfer}."
    ),
    refusals.NotRefundable: Row(409, "Not refundable", "Product {product} was sold without a way back."),
    refusals.RefundWindowOver: Row(
        409, "Refund window over", "Buyers give back within {window_seconds} seconds; ask a cashier."
    ),
    refusals.RefundExceedsSale: Row(
        409, "Refund exceeds sale", "Only {refundable_quantity} of product {product} can still be refunded."
    ),
    refusals.RefundsExhausted: Row(
        409, "Refunds exhausted", "Buyers give back {refunds_max} times a day; ask a cashier."
    ),
    refusals.WrongStatus: Row(409, "Wrong status", "Order {order} is {order_status}."),
    refusals.TabLimitExceeded: Row(
        409,
        "Tab limit exceeded",
        "This costs {needed_cents}; the tab owes {owed_cents} and may owe {limit_cents}.",
    ),
    refusals.SettlementExceedsTab: Row(
        409, "Settlement exceeds tab", "The tab owes {owed_cents}, not {amount_cents}."
    ),
    refusals.CoinsCapReached: Row(
        409,
        "Coins cap reached",
        "Buyers declare up to {cap_cents} in coins a day, now {left_cents} more; ask a cashier.",
    ),
    refusals.StillHoldsValue: Row(
        409, "Still holds value", "First settle {earned_cents} earned, {owed_cents} owed and {stock} pieces."
    ),
    refusals.WalletTouched: Row(
        409, "Wallet touched", "Somebody used the wallet meanwhile: it holds {balance_cents} now."
    ),
    refusals.PlanChanged: Row(412, "Planned meanwhile", "Somebody else has planned these shelves."),
    refusals.VersionChanged: Row(412, "Changed meanwhile", "It is at version {version} now."),
    refusals.TooManyTokens: Row(
        409, "Too many tokens", "Nobody has more than {count_max} API tokens: revoke one first."
    ),
    refusals.LastAdmin: Row(409, "Last admin", "The shop needs an admin."),
}

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

    def told(
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
        return Response(
            content=msgspec.json.encode(content),
            status_code=status,
            media_type=self.media_type,
            headers=headers,
        )

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
        if isinstance(refusal, TooManyTries):
            headers = {**(headers or {}), "Retry-After": str(refusal.retry_seconds)}
        return self.told(
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
        return self.told(status, TITLES[error.status], detail=f"{detail}.", more={"errors": errors})

    def handlers(self) -> dict[int | type[Exception], Any]:
        """For a `Litestar` application: everything that can be raised, told this way."""
        return {
            Refusal: self._on_refusal,
            Malformed: lambda _, error: self.of_malformed(error),
            ValidationException: self._on_invalid,
            HTTPException: self._on_http,
            Busy: self._on_busy,
            Unavailable: self._on_busy,
            DatabaseAway: self._on_busy,
            Overrun: self._on_busy,
            OutcomeUnknown: self._on_unknown,
            Exception: self._on_defect,
        }

    def _on_refusal(self, request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
        """For refusals that are raised rather than returned; the till counts its own."""
        running(request.scope).shop.meter.refusals[type(refusal).__name__] += 1
        return self.of_refusal(refusal)

    def _on_invalid(self, _: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
        """For parameters that their rules refuse; each error names its own."""
        found = error.extra if isinstance(error.extra, list) else [{"message": error.detail}]
        # Python takes `from` for itself, and handlers call that parameter `from_`.
        errors = (
            (str(one.get("key", "request")).rstrip("_"), _in_words(str(one.get("message", ""))))
            for one in found
        )
        return self.of_malformed(Malformed(*errors))

    def _on_http(self, _: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        """For 400, 404, 405 and their like."""
        status = error.status_code
        title = TITLES.get(status, OTHER_TITLE)
        if status == 400 and "host" in error.detail:
            return self.of_malformed(Malformed(("Host", "is not valid"), status=400))
        methods = set(filter(None, (error.headers or {}).get("allow", "").split(", ")))
        if "GET" in methods:
            methods.add("HEAD")
        headers = {"Allow": ", ".join(sorted(methods))} if methods else None
        return self.told(status, title, detail=f"{title}.", headers=headers)

    def _on_busy(self, _: Request[Any, Any, Any], __: Exception) -> Response[Any]:
        """For a till that takes nothing now: nothing has happened."""
        return self.told(
            503,
            "Unavailable",
            detail="The shop cannot answer now; nothing has happened. Try again.",
            headers={"Retry-After": RETRY_SECONDS},
        )

    def _on_unknown(self, _: Request[Any, Any, Any], error: OutcomeUnknown) -> Response[Any]:
        """For a commit whose outcome could not be found out."""
        return self.told(
            503,
            "Outcome unknown",
            name=type(error).__name__,
            detail="Whether this has happened is unknown: retry with your key.",
            headers={"Retry-After": RETRY_SECONDS},
        )

    def _on_defect(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """For everything that should not happen; the log has the story, the client has none of it."""
        if not isinstance(error, Defect):
            log.error(
                "api.defect",
                request_id=request.scope.get("request_id", b"").decode(),  # type: ignore[attr-defined]
                actor_id=request.scope.get("actor_id"),
                method=request.method,
                path=request.url.path,
                exc_info=error,
            )
        return self.told(500, "Internal error", detail="This is a defect of the shop's.")


_COMPLAINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Expected `str` of length >= (\d+)", r"must have at least \1 characters"),
        (r"Expected `str` of length <= (\d+)", r"must have at most \1 characters"),
        (r"Expected `(?:array|object)` of length >= (\d+)", r"must have at least \1 items"),
        (r"Expected `(?:array|object)` of length <= (\d+)", r"must have at most \1 items"),
        (r"Expected `int` >= (-?\d+)", r"must be at least \1"),
        (r"Expected `int` <= (-?\d+)", r"must be at most \1"),
        (r"Expected `str` matching regex .*", "is not written as it must be"),
        (r"Invalid enum value .*", "is not one of the values that it can have"),
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
        return whole, "is missing" if "missing" in message else "is not known here"
    return field, _in_words(message)


def _in_words(message: str) -> str:
    for pattern, words in _COMPLAINTS:
        match = pattern.fullmatch(message)
        if match is not None:
            return match.expand(words)
    expected, _, got = message.partition(", got ")
    kinds = [_KINDS.get(kind, kind) for kind in re.findall(r"[a-z]+", expected.partition("`")[2])]
    if not kinds:
        return "is not as it must be"
    given = _KINDS.get(got.strip("`"))
    return f"must be {' or '.join(kinds)}" + (f", not {given}" if given else "")
