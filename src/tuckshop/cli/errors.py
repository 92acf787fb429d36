"""What went wrong, in one line for whoever sits at the terminal: one table from refusal to sentence."""

from __future__ import annotations

from collections.abc import Mapping

import click

from tuckshop.domain import field_problems as problems
from tuckshop.domain import money, refusals
from tuckshop.domain.field_problems import FieldProblem
from tuckshop.domain.refusals import InvalidField, Refusal

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
    problems.OutOfRange: "must be from {least} to {most}",
    problems.TooSmall: "must be at least {least}",
    problems.TooLarge: "must be at most {most}",
    problems.NotAWholeNumber: "must be a whole number",
    problems.NotADecimal: "must be a plain decimal number such as 2.20",
    problems.TooManyDecimals: "must have at most {decimals_max} decimals",
    problems.AmountOutOfRange: "must be from {cents_min} to {cents_max}",
    problems.AmountTooSmall: "must be at least {cents_min}",
    problems.AmountTooLarge: "must be at most {cents_max}",
    problems.NotPayableInCoins: "must be payable in coins of {accepted}",
    problems.TaxOutOfRange: "must be from 0 to 100 per cent",
    problems.WrongLength: "must have {length_min} to {length_max} characters",
    problems.SpaceAtEnds: "must not start or end with space",
    problems.ForbiddenCharacters: "must not contain slashes or invisible characters",
    problems.ReservedName: "must not be the shop's own",
    problems.NotAnEmail: "must look like name@example.org",
    problems.NotABarcode: "must be {length_min} to {length_max} letters, digits or hyphens",
    problems.CommonPassword: "is among the most common passwords",
    problems.WrongSetupCode: "is not the code that the server has printed",
    problems.NotATimezone: "must be a name such as Europe/Berlin",
    problems.NotYesOrNo: "must be yes or no",
    problems.StateNotAllowed: "must be pending, active or disabled",
    problems.ChangeOnTab: "stays in the wallet where the order goes on the tab",
    problems.SameUser: "must be somebody else",
    problems.SameMachine: "must be another machine",
    problems.NoRoles: "must name at least one role",
    problems.RoleTwice: "must name each role once",
    problems.NoScopes: "must name at least one scope",
    problems.WrongLineCount: "must name 1 to {lines_max} products",
    problems.ProductTwice: "must name each product once",
    problems.MoreThanOrdered: "must be at most {most} of product {product}",
    problems.SlotTwice: "must be given to one product alone",
    problems.AboveCapacity: "must be at most the capacity",
    problems.NoCoins: "must hold at least one coin",
    problems.TooManyCoins: "must hold at most {most} coins in one go",
    problems.CoinCountTooSmall: "must hold at least 1 of {value_cents}",
    problems.CoinCountOutOfRange: "must hold from 0 to {most} of {value_cents}",
    problems.CoinNotCounted: "must name every coin, {value_cents} too",
    problems.CoinTwice: "must name each coin once",
    problems.DayOutOfRange: "must be from {first_day} to {last_day}",
    problems.DayAfter: "must not be after {last_day}",
    problems.PeriodTooLong: "must be within {days_max} days of {last_day}",
    problems.NotAPicture: "must be a picture: PNG, JPEG or WebP",
    problems.TooManyPixels: "must have at most {pixels_max} pixels",
    problems.Animated: "must not move",
    problems.StoredReason: "{reason}",
}


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
