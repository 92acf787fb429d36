"""What goes wrong, in HTTP: the one table from refusals to statuses and sentences, and all that raises.

An interface tells it in its own shape; see `Errors`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.types import Scope

from tuckshop.context import DatabaseAway
from tuckshop.domain import refusals
from tuckshop.domain.refusals import Refusal, Throttled
from tuckshop.http import field_problems
from tuckshop.http.response import Response
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
    refusals.BadCredentials: Row(401, "Wrong name or password", "The username or the password is wrong."),
    refusals.SecondFactorNeeded: Row(
        401, "Second factor needed", "Send the code of your app, or a recovery code, with the password."
    ),
    refusals.SecondFactorWrong: Row(
        401, "Wrong code", "The code is wrong, was used before, or is too old. Wait for the next one."
    ),
    refusals.SessionEnded: Row(
        401, "Not logged in", "The token is missing, has expired or was revoked. Log in again."
    ),
    refusals.CredentialReused: Row(
        401,
        "Token used twice",
        "This refresh token was already used, so its session has ended. Log in again.",
    ),
    refusals.RoleMissing: Row(403, "Role missing", "You need one of these roles: {roles}."),
    refusals.NotOwner: Row(403, "Not yours", "This {thing} belongs to somebody else."),
    refusals.ScopeMissing: Row(403, "Scope missing", "You need an API token with the scope {scopes}."),
    refusals.LogInNeeded: Row(403, "Log-in needed", "API tokens cannot do this. Log in instead."),
    refusals.ConfirmationRequired: Row(
        403,
        "Confirmation required",
        "Confirm your password with POST /v1/auth/confirm, or log in again. Then this is possible for"
        " {fresh_seconds} seconds.",
    ),
    refusals.SecondFactorRequired: Row(
        403,
        "Second factor required",
        "In this shop staff need a second factor. Set one up first.",
    ),
    refusals.SelfService: Row(
        403, "Not for yourself", "Staff cannot do this for themselves. Ask another cashier or admin."
    ),
    refusals.CoinsNotAttested: Row(
        403,
        "Coins not attested",
        "A cashier, an admin or a machine with a key must confirm these coins.",
    ),
    refusals.RegistrationClosed: Row(
        403, "Registration closed", "Registration as {role} is closed. Ask an admin."
    ),
    refusals.UnknownUser: Row(404, "Unknown user", "There is no user {user}."),
    refusals.UnknownGuest: Row(404, "Unknown guest", "There is no guest {guest}."),
    refusals.UnknownProduct: Row(404, "Unknown product", "Product {product} is not on sale."),
    refusals.UnknownMachine: Row(404, "Unknown machine", "There is no machine {machine}."),
    refusals.UnknownOrder: Row(404, "Unknown order", "You have no order {order}."),
    refusals.UnknownPurchase: Row(
        404, "Unknown purchase", "This guest has no purchase of product {product} to undo here."
    ),
    refusals.UnknownSession: Row(404, "Unknown session", "You have no session {session}."),
    refusals.UnknownToken: Row(404, "Unknown token", "You have no API token {token}."),
    refusals.UnknownScreen: Row(404, "Unknown screen", "This machine has no screen {screen}."),
    refusals.UnknownImage: Row(404, "Unknown image", "There is no image {image}."),
    refusals.InvalidField: Row(422, "Invalid value", "{field} {reason}."),
    refusals.CoinNotAccepted: Row(
        422, "Coin not accepted", "Coins of {value_cents} are not accepted. Use one of {accepted}."
    ),
    refusals.KeyReused: Row(
        422, "Idempotency key reused", "The key {key} was used for another request. Use a new key."
    ),
    refusals.ReportTooLarge: Row(
        422,
        "Report too large",
        "The report would have more than {rows_max} rows. Choose fewer days or less detail.",
    ),
    refusals.TooManyTries: Row(
        429, "Too many attempts", "Too many log-in attempts. Wait {retry_seconds} seconds and try again."
    ),
    refusals.TooManyRegistrations: Row(
        429,
        "Too many registrations",
        "From one network {registrations_max} users can register within an hour. Wait {retry_seconds} seconds"
        " and try again.",
    ),
    refusals.TooManyStreams: Row(
        429,
        "Too many event streams",
        "One address can have {streams_max} event streams. Close one, or wait {retry_seconds} seconds.",
    ),
    refusals.RecordUnreadable: Row(
        409,
        "Response cannot be read",
        "The request with the key {key} was already completed at {recorded_at}, but this release cannot read"
        " its response ({form}, version {form_version}). Nothing was done again.",
    ),
    refusals.InsufficientFunds: Row(
        409, "Insufficient funds", "This costs {needed_cents}, but the wallet has only {balance_cents}."
    ),
    refusals.OutOfStock: Row(409, "Out of stock", "Only {available} left of product {product}."),
    refusals.StockTooLarge: Row(
        409, "Stock too large", "The shelf holds at most {capacity} of product {product}."
    ),
    refusals.BalanceTooLarge: Row(409, "Balance too large", "A wallet can hold at most {balance_cents_max}."),
    refusals.ChangeUnpayable: Row(
        409,
        "No change",
        "This machine has no change for {change_cents}. Pay the exact amount, or keep the change as credit.",
    ),
    refusals.NothingToPayOut: Row(
        409, "Nothing to pay out", "{balance_cents} is too little to pay out in coins."
    ),
    refusals.CoinsMissing: Row(409, "Coins missing", "The coin box has only {available} of {value_cents}."),
    refusals.CoinsOwed: Row(
        409,
        "Coin box below zero",
        "The coin box of machine {machine} is below zero for a coin. Add change or count it first.",
    ),
    refusals.NotPayable: Row(
        409,
        "Not available for payout",
        "{payable_cents} of the {balance_cents} earned is available for payout.",
    ),
    refusals.SecondFactorOn: Row(
        409, "Second factor is on", "You have a second factor. To set up another one, turn it off first."
    ),
    refusals.SecondFactorOff: Row(409, "No second factor", "There is no second factor, or it is not set up."),
    refusals.NameTaken: Row(409, "Name taken", "The name {name} is taken. Choose another one."),
    refusals.BarcodeTaken: Row(409, "Barcode taken", "Product {product} already has the barcode {barcode}."),
    refusals.EmailTaken: Row(409, "Email taken", "The email address {email} is taken. Use another one."),
    refusals.ClientRefTaken: Row(
        409, "Reference used", "The reference {client_ref} was used for order {order}."
    ),
    refusals.ExternalRefTaken: Row(
        409, "External reference used", "The reference {external_ref} was used for transfer {transfer}."
    ),
    refusals.NotRefundable: Row(409, "Not refundable", "Product {product} cannot be returned."),
    refusals.RefundWindowOver: Row(
        409, "Refund window over", "Purchases can be returned within {window_seconds} seconds. Ask a cashier."
    ),
    refusals.RefundExceedsSale: Row(
        409, "Refund exceeds sale", "Only {refundable_quantity} of product {product} can still be refunded."
    ),
    refusals.RefundsExhausted: Row(
        409, "Too many returns", "Purchases can be returned {refunds_max} times a day. Ask a cashier."
    ),
    refusals.PriceChanged: Row(
        409, "Price changed", "The price changed. The order costs {total_cents} now. Nothing was bought."
    ),
    refusals.WrongStatus: Row(409, "Wrong status", "Order {order} is {order_status}."),
    refusals.TabLimitExceeded: Row(
        409,
        "Tab limit exceeded",
        "This costs {needed_cents}. The tab owes {owed_cents} of at most {limit_cents}.",
    ),
    refusals.SettlementExceedsTab: Row(
        409, "Settlement exceeds tab", "The tab owes {owed_cents}, so {amount_cents} is too much."
    ),
    refusals.CoinsCapReached: Row(
        409,
        "Coin limit reached",
        "Buyers can add {cap_cents} in coins a day, and {left_cents} more today. Ask a cashier.",
    ),
    refusals.DepositTooLarge: Row(
        409, "Deposit too large", "A machine can credit at most {limit_cents} at a time. Ask a cashier."
    ),
    refusals.MachineLimitReached: Row(
        409,
        "Machine limit reached",
        "This machine can credit {limit_cents} an hour, and {left_cents} more in this one. It ends in"
        " {retry_seconds} seconds.",
    ),
    refusals.UserNotPresent: Row(
        409, "User not present", "User {user} has not logged in at this machine. Log in there first."
    ),
    refusals.UndoAtCounter: Row(
        409, "Return at the counter", "This purchase cannot be undone here. Return it at the counter."
    ),
    refusals.FulfilNotOffered: Row(
        409, "Not dispensed then", "Orders from a wallet are dispensed {offered} at machine {machine}."
    ),
    refusals.TooManyPlaced: Row(
        409,
        "Too many pieces placed",
        "At most {pieces_max} pieces can wait to be dispensed, and {placed} do. Fetch or cancel them first.",
    ),
    refusals.StillHoldsValue: Row(
        409,
        "Not empty yet",
        "To close this user account, first pay out {earned_cents} of earnings, settle {owed_cents} on the tab"
        " and remove {stock} pieces of stock.",
    ),
    refusals.WalletTouched: Row(
        409, "Wallet changed", "The wallet was used in the meantime and has {balance_cents} now."
    ),
    refusals.PlanChanged: Row(
        412, "Shelves changed", "Somebody else changed these shelves. Load them again."
    ),
    refusals.VersionChanged: Row(
        412, "Changed by somebody else", "It was changed, and is at version {version} now. Load it again."
    ),
    refusals.TooManyTokens: Row(
        409, "Too many tokens", "A user can have at most {count_max} API tokens. Revoke one first."
    ),
    refusals.TooManyScreens: Row(
        409, "Too many screens", "A machine can have at most {count_max} screens. Remove one first."
    ),
    refusals.LastAdmin: Row(409, "Last admin", "The shop needs at least one admin."),
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
            case Busy() | Unavailable() | DatabaseAway() | Overrun():
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
