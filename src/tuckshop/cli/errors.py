"""What went wrong, in one line for whoever sits at the terminal: one table from refusal to sentence."""

from __future__ import annotations

from collections.abc import Mapping

import click

from tuckshop.domain import field_problems as problems
from tuckshop.domain import money, refusals
from tuckshop.domain.field_problems import FieldProblem
from tuckshop.domain.refusals import InvalidField, Refusal
from tuckshop.http import field_problems

TABLE: Mapping[type[Refusal], str] = {
    refusals.BadCredentials: "Name and password do not belong together.",
    refusals.SessionEnded: "This log-in has ended.",
    refusals.CredentialReused: "This log-in was used twice and has been ended.",
    refusals.RoleMissing: "This needs one of the roles {roles}.",
    refusals.NotOwner: "This {thing} belongs to somebody else.",
    refusals.ScopeMissing: "This needs a token of the scope {scopes}.",
    refusals.LogInNeeded: "This needs a log-in, not a token.",
    refusals.CoinsNotAttested: "A cashier or an admin must confirm these coins.",
    refusals.RegistrationClosed: "Nobody becomes a {role} by registering.",
    refusals.UnknownUser: "There is no user {user}: see `tuckshop user list`.",
    refusals.UnknownGuest: "There is no guest {guest}.",
    refusals.UnknownProduct: "No product {product} is on sale: see `tuckshop product list`.",
    refusals.UnknownMachine: "There is no machine {machine}: see `tuckshop machine list`.",
    refusals.UnknownOrder: "There is no order {order}.",
    refusals.UnknownPurchase: "The guest has nothing of product {product} to give back here.",
    refusals.UnknownSession: "There is no log-in {session}.",
    refusals.UnknownToken: "There is no token {token}.",
    refusals.UnknownImage: "There is no picture {image}.",
    refusals.InvalidField: "The {field} {problem}.",
    refusals.CoinNotAccepted: "The shop takes no coin of {value_cents}, only {accepted}.",
    refusals.ReportTooLarge: "It would have more than {rows_max} rows: ask for fewer days or less detail.",
    refusals.KeyReused: "The key {key} stands for another request.",
    refusals.RecordUnreadable: "The answer under the key {key}, recorded at {recorded_at} as {form},"
    " version {form_version}, cannot be read by this release; nothing was done again.",
    refusals.TooManyTries: "Too many tries: wait {retry_seconds} seconds.",
    refusals.InsufficientFunds: "This costs {needed_cents}, and only {balance_cents} is there.",
    refusals.OutOfStock: "Only {available} of product {product} are there.",
    refusals.StockTooLarge: "The shelf of product {product} holds at most {capacity}.",
    refusals.BalanceTooLarge: "No wallet may hold more than {balance_cents_max}.",
    refusals.ChangeUnpayable: "The coins for {change_cents} in change are not there.",
    refusals.NothingToPayOut: "{balance_cents} is too little to pay in coins.",
    refusals.CoinsMissing: "The coin box holds only {available} of {value_cents}.",
    refusals.CoinsOwed: "The coin box of machine {machine} is below zero in some coin: count it first.",
    refusals.NotPayable: "Of {balance_cents} earned, {payable_cents} can be paid out now.",
    refusals.NameTaken: "The name {name} is taken.",
    refusals.BarcodeTaken: "Product {product} has the barcode {barcode}.",
    refusals.EmailTaken: "The address {email} is taken.",
    refusals.ClientRefTaken: "The reference {client_ref} stands for order {order} already.",
    refusals.NotRefundable: "Product {product} was sold without a way back.",
    refusals.RefundWindowOver: "Buyers give back within {window_seconds} seconds.",
    refusals.RefundExceedsSale: "Only {refundable_quantity} of product {product} can still come back.",
    refusals.RefundsExhausted: "Buyers give back {refunds_max} times a day.",
    refusals.WrongStatus: "Order {order} is {order_status}.",
    refusals.TabLimitExceeded: "This costs {needed_cents}; the tab owes {owed_cents} of {limit_cents}.",
    refusals.SettlementExceedsTab: "The tab owes {owed_cents}, not {amount_cents}.",
    refusals.ExternalRefTaken: "The reference {external_ref} stands for transfer {transfer} already.",
    refusals.CoinsCapReached: "Buyers declare up to {cap_cents} in coins a day; {left_cents} are left.",
    refusals.StillHoldsValue: "First settle {earned_cents} earned, {owed_cents} owed and {stock} pieces.",
    refusals.WalletTouched: "Somebody used the wallet meanwhile: it holds {balance_cents} now.",
    refusals.PlanChanged: "Somebody else planned the shelves of machine {machine} meanwhile: try again.",
    refusals.VersionChanged: "Somebody else changed it meanwhile (version {version}): try again.",
    refusals.TooManyTokens: "Nobody has more than {count_max} tokens: revoke one first.",
    refusals.LastAdmin: "The shop needs an admin: give somebody else the role first.",
}

FIELD_PROBLEMS: Mapping[type[FieldProblem], str] = {
    **field_problems.TABLE,
    problems.TaxOutOfRange: "must be from 0 to 100 per cent",
    problems.ChangeOnTab: "stays in the wallet where the order goes on the tab",
    problems.NotAPicture: "must be a picture: PNG, JPEG or WebP",
}
"""As /v1 says it, but for what people call otherwise than fields and headers do."""


def sentence(refusal: Refusal, *, exponent: int = 2) -> str:
    """The refusal's line, its amounts in the shop's major units."""
    if isinstance(refusal, InvalidField):
        field = refusal.field.replace("_", " ")
        return TABLE[InvalidField].format(field=field, problem=predicate(refusal.problem, exponent=exponent))
    return TABLE[type(refusal)].format(**_written(refusal.facts(), exponent))


def predicate(problem: FieldProblem, *, exponent: int = 2) -> str:
    """The end of a sentence that begins with the field."""
    return FIELD_PROBLEMS[type(problem)].format(**_written(problem.facts(), exponent))


def _written(facts: Mapping[str, object], exponent: int) -> dict[str, str]:
    """The facts as they are read at a terminal."""
    told = {}
    for name, fact in facts.items():
        many = fact if isinstance(fact, tuple) else (fact,)
        is_amount = "cents" in name or name == "accepted"
        told[name] = ", ".join(
            money.show(one, exponent=exponent) if is_amount and isinstance(one, int) else str(one)
            for one in many
        )
    return told


def explain(error: Exception) -> str:
    """One line for any error; a defect says that it is one, and no error shows where in the code it was."""
    # Looked up by name: their modules take a second to import, and whoever raised one has done so.
    match error:
        case click.ClickException():
            told = error.format_message()
        case Refusal():
            told = sentence(error)
        case OSError() if error.strerror:
            told = f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}."
        case _ if type(error).__name__ in ("DatabaseUnusable", "SettingsInvalid"):
            told = str(error)
        case _ if type(error).__name__ in ("Busy", "Unavailable", "Overrun"):
            told = "The database did not answer in time; nothing was changed. Try again."
        case _ if type(error).__name__ == "DatabaseAway":
            why = getattr(error.__cause__, "orig", error.__cause__)
            told = f"The database could not do it ({why}); nothing was changed."
        case _ if type(error).__name__ == "OperationalError":
            told = f"The database could not do it ({getattr(error, 'orig', error)}); nothing was changed."
        case _ if type(error).__name__ == "OutcomeUnknown":
            told = "The connection was lost: look whether it was done before you try again."
        case ImportError():
            told = f"Tuckshop is not installed whole ({error}): install it again."
        case _:
            told = f"This is a defect of Tuckshop's ({type(error).__name__}); please report what you did."
    return " ".join(told.split())
