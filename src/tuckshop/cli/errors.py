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
    refusals.BadCredentials: "The username or the password is wrong.",
    refusals.SessionEnded: "This session has ended. Log in again.",
    refusals.CredentialReused: "This refresh token was already used, so its session has ended. Log in again.",
    refusals.RoleMissing: "You need one of these roles: {roles}.",
    refusals.NotOwner: "This {thing} belongs to somebody else.",
    refusals.ScopeMissing: "You need an API token with the scope {scopes}.",
    refusals.LogInNeeded: "API tokens cannot do this. Log in instead.",
    refusals.ConfirmationRequired: "Confirm your password first.",
    refusals.SecondFactorNeeded: "This user needs a second factor to log in.",
    refusals.SecondFactorWrong: "The code is wrong, was used before, or is too old.",
    refusals.SecondFactorRequired: "Staff of this shop need a second factor.",
    refusals.SecondFactorOn: "This user has a second factor.",
    refusals.SecondFactorOff: "This user has no second factor.",
    refusals.SelfService: "Staff cannot do this for themselves. Ask another cashier or admin.",
    refusals.CoinsNotAttested: "A cashier or an admin must confirm these coins.",
    refusals.RegistrationClosed: "Registration as {role} is closed.",
    refusals.SellerNotInvited: "Sellers need an invitation to machine {machine}."
    " See `tuckshop user selling`.",
    refusals.UnknownUser: "There is no user {user}. See `tuckshop user list`.",
    refusals.UnknownGuest: "There is no guest {guest}.",
    refusals.UnknownProduct: "Product {product} is not on sale. See `tuckshop product list`.",
    refusals.UnknownMachine: "There is no machine {machine}. See `tuckshop machine list`.",
    refusals.UnknownOrder: "There is no order {order}.",
    refusals.UnknownPurchase: "This guest has no purchase of product {product} to undo here.",
    refusals.UnknownTransfer: "There is no transfer {transfer}.",
    refusals.UnknownSession: "There is no session {session}.",
    refusals.UnknownToken: "There is no token {token}.",
    refusals.UnknownImport: "There is no such import, or it is too old to be undone.",
    refusals.UnknownScreen: "This machine has no screen {screen}. See `tuckshop machine screens`.",
    refusals.UnknownImage: "There is no picture {image}.",
    refusals.InvalidField: "The {field} {problem}.",
    refusals.CoinNotAccepted: "Coins of {value_cents} are not accepted. Use one of {accepted}.",
    refusals.ReportTooLarge: "The report would have more than {rows_max} rows. Choose fewer days.",
    refusals.KeyReused: "The key {key} was used for another request. Use a new key.",
    refusals.RecordUnreadable: "The request with the key {key} was already completed at {recorded_at},"
    " but this"
    " release cannot read its response ({form}, version {form_version}). Nothing was done again.",
    refusals.TooManyTries: "Too many attempts. Wait {retry_seconds} seconds.",
    refusals.TooManyRegistrations: "Too many registrations. Wait {retry_seconds} seconds.",
    refusals.TooManyStreams: "Too many event streams. Close one.",
    refusals.InsufficientFunds: "This costs {needed_cents}, but the wallet has only {balance_cents}.",
    refusals.OutOfStock: "Only {available} left of product {product}.",
    refusals.StockTooLarge: "The shelf of product {product} holds at most {capacity}.",
    refusals.BalanceTooLarge: "A wallet can hold at most {balance_cents_max}.",
    refusals.ChangeUnpayable: "This machine has no change for {change_cents}. Pay the exact amount, or"
    " keep the change as credit.",
    refusals.NothingToPayOut: "{balance_cents} is too little to pay out in coins.",
    refusals.CoinsMissing: "The coin box has only {available} of {value_cents}.",
    refusals.CoinsOwed: "The coin box of machine {machine} is below zero for a coin. Add change or count"
    " it first.",
    refusals.NotPayable: "{payable_cents} of the {balance_cents} earned is available for payout.",
    refusals.PayoutNotCovered: "{amount_cents} is more than the {covered_cents} that the shop has in counted"
    " coins, in coins that staff took, and at the bank. Count the coin boxes, or add --confirm-uncovered.",
    refusals.RefundNotCovered: "The seller's earnings cover {covered_cents} of the refund of {amount_cents}.",
    refusals.EarningsOwed: "The seller owes the shop {owed_cents}. That must be paid back first.",
    refusals.ImportUndone: "This import was already undone.",
    refusals.NameTooSimilar: "The name {name} looks like another user's, or mixes alphabets in a word. Choose"
    " another one.",
    refusals.NameTaken: "The name {name} is taken. Choose another one.",
    refusals.BarcodeTaken: "Product {product} already has the barcode {barcode}.",
    refusals.EmailTaken: "The email address {email} is taken. Use another one.",
    refusals.ClientRefTaken: "The reference {client_ref} was used for order {order}.",
    refusals.NotRefundable: "Product {product} cannot be returned.",
    refusals.RefundWindowOver: "Purchases can be returned within {window_seconds} seconds.",
    refusals.RefundExceedsSale: "Only {refundable_quantity} of product {product} can still be refunded.",
    refusals.RefundsExhausted: "Purchases can be returned {refunds_max} times a day.",
    refusals.NotReversible: "Transfer {transfer} cannot be reversed, since it is of the kind {kind}. Refund"
    " sales (`tuckshop order refund`) and count coin boxes (`tuckshop coins count`).",
    refusals.AlreadyReversed: "Transfer {transfer} was already reversed, by transfer {reversal}.",
    refusals.ReversalNotCovered: "{needed_cents} must be taken back, but the wallet has only {balance_cents}."
    " Add --owe to put the rest on the user's tab.",
    refusals.PriceChanged: "The price changed. The order costs {total_cents} now. Nothing was bought.",
    refusals.WrongStatus: "Order {order} is {order_status}.",
    refusals.TabLimitExceeded: "This costs {needed_cents}. The tab owes {owed_cents} of at most"
    " {limit_cents}.",
    refusals.TabExposureReached: "This costs {needed_cents}. Buyers without an approved tab owe {owed_cents}"
    " of at most {ceiling_cents} together. Approve one with `tuckshop tab limit`, or settle tabs.",
    refusals.SettlementExceedsTab: "The tab owes {owed_cents}, so {amount_cents} is too much.",
    refusals.ExternalRefTaken: "The reference {external_ref} was used for transfer {transfer}.",
    refusals.CoinsCapReached: "Buyers can add {cap_cents} in coins a day, and {left_cents} more today. A"
    " cashier can add more.",
    refusals.DepositTooLarge: "A machine can credit at most {limit_cents} at a time.",
    refusals.MachineLimitReached: "This machine can credit {limit_cents} an hour, and {left_cents} more in"
    " this one. It ends in {retry_seconds} seconds.",
    refusals.UserNotPresent: "User {user} has not logged in at this machine.",
    refusals.UndoAtCounter: "This purchase cannot be undone here. Return it at the counter.",
    refusals.FulfilNotOffered: "Orders from a wallet are dispensed {offered} at machine {machine}.",
    refusals.TooManyPlaced: "At most {pieces_max} pieces can wait to be dispensed, and {placed} do.",
    refusals.MachineCoinsCapReached: "Buyers can add {cap_cents} in coins a day at machine {machine}, and"
    " {left_cents} more today. A cashier can add more.",
    refusals.CoinsDeclaredElsewhere: "{balance_cents} was added in coins at another machine, which pays it"
    " out. Machine {machine} does not.",
    refusals.TooManyProducts: "The seller can have at most {products_max} products on sale, and {products}"
    " are. Raise the quota with `tuckshop user selling`.",
    refusals.TooManyPieces: "The seller can have at most {pieces_max} pieces on the shelves, and {pieces}"
    " are. Raise the quota with `tuckshop user selling`.",
    refusals.PicturesTooLarge: "The seller's pictures can have at most {bytes_max} bytes together, and"
    " {bytes} are used. Raise the quota with `tuckshop user selling`.",
    refusals.StillHoldsValue: "To close this user account, first pay out {earned_cents} of earnings, settle"
    " {owed_cents} on the tab"
    " and remove {stock} pieces of stock.",
    refusals.WalletTouched: "The wallet was used in the meantime and has {balance_cents} now. Check and"
    " try again.",
    refusals.PlanChanged: "Somebody else changed the shelves of machine {machine}. Try again.",
    refusals.VersionChanged: "It was changed, and is at version {version} now. Try again.",
    refusals.TooManyTokens: "A user can have at most {count_max} API tokens. Revoke one first.",
    refusals.TooManyScreens: "A machine can have at most {count_max} screens. Remove one first.",
    refusals.LastAdmin: "The shop needs at least one admin. Give another user the role first.",
}

FIELD_PROBLEMS: Mapping[type[FieldProblem], str] = {
    **field_problems.TABLE,
    problems.TaxOutOfRange: "must be from 0 to 100 per cent",
    problems.ChangeOnTab: "must be keep when the order goes on the tab",
    problems.NotAPicture: "must be a picture: PNG, JPEG or WebP",
}
"""As /v1 says it, but for what users call otherwise than fields and headers do."""

FIELDS: Mapping[str, str] = {"par_level": "refill level"}


def sentence(refusal: Refusal, *, exponent: int = 2) -> str:
    """The refusal's line, its amounts in the shop's major units."""
    if isinstance(refusal, InvalidField):
        field = FIELDS.get(refusal.field, refusal.field.replace("_", " "))
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
        case _ if type(error).__name__ in ("DatabaseUnusable", "SettingsInvalid", "BackupFailed"):
            told = str(error)
        case _ if type(error).__name__ in ("Busy", "Unavailable", "Overrun"):
            told = "The database did not answer in time. Nothing was changed. Try again."
        case _ if type(error).__name__ == "DatabaseAway":
            why = getattr(error.__cause__, "orig", error.__cause__)
            told = f"The database reported an error ({why}). Nothing was changed."
        case _ if type(error).__name__ == "OperationalError":
            told = f"The database reported an error ({getattr(error, 'orig', error)}). Nothing was changed."
        case _ if type(error).__name__ == "OutcomeUnknown":
            told = "The connection was lost. Check whether the command took effect before you try again."
        case ImportError():
            told = f"The installation of Tuckshop is incomplete ({error}). Install it again."
        case _:
            told = f"This is a bug in Tuckshop ({type(error).__name__}). Please report what you did."
    return " ".join(told.split())
