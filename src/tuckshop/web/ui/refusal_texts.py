"""Why a value, or a file, is not taken, in the reader's language: the tables from problems to texts.

A field problem is the end of a sentence that begins with the field; beside the field it stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, cast

from tuckshop.domain import field_problems, refusals
from tuckshop.domain.field_problems import FieldProblem, StoredReason
from tuckshop.domain.money import Currency
from tuckshop.domain.refusals import InvalidField, Refusal
from tuckshop.imports import file_problems
from tuckshop.imports.file_problems import FileProblem, FileTooLarge, InvalidCell
from tuckshop.web.ui import identity_texts
from tuckshop.web.ui.i18n import N_, Plural, Words
from tuckshop.web.ui.labels import Labels

if TYPE_CHECKING:
    from tuckshop.domain.refusals import Thing

LONG_NUMBER = 10_000  # From five digits on a number needs marks between them.
_IDS = frozenset({"image", "machine", "order", "product", "session", "token", "transfer", "user", "version"})
MIB = 1024**2

REFUSALS: Mapping[type[Refusal], tuple[str, str | Plural]] = {
    **identity_texts.REFUSALS,
    refusals.RoleMissing: (N_("Role missing"), N_("You need one of these roles: %(roles)s.")),
    refusals.NotOwner: (N_("Not yours"), N_("This %(thing)s belongs to somebody else.")),
    refusals.CoinsNotAttested: (
        N_("Coins not attested"),
        N_("Ask a cashier or an admin to add or pay out the coins."),
    ),
    refusals.RegistrationClosed: (
        N_("Registration closed"),
        N_("Registration as %(role)s is closed. Ask an admin."),
    ),
    refusals.UnknownUser: (N_("Unknown user"), N_("There is no user %(user)s.")),
    refusals.UnknownGuest: (N_("Unknown guest"), N_("There is no guest %(guest)s.")),
    refusals.UnknownProduct: (N_("Unknown product"), N_("Product %(product)s is not on sale.")),
    refusals.UnknownMachine: (N_("Unknown machine"), N_("There is no machine %(machine)s.")),
    refusals.UnknownOrder: (N_("Unknown order"), N_("You have no order %(order)s.")),
    refusals.UnknownPurchase: (
        N_("Unknown purchase"),
        N_("This guest has no purchase of product %(product)s to undo here."),
    ),
    refusals.UnknownScreen: (N_("Unknown screen"), N_("This machine has no screen %(screen)s.")),
    refusals.UnknownImage: (N_("Unknown image"), N_("There is no image %(image)s.")),
    refusals.InvalidField: (N_("Invalid value"), N_("%(field)s %(reason)s.")),
    refusals.CoinNotAccepted: (
        N_("Coin not accepted"),
        N_("Coins of %(value_cents)s are not accepted. Use one of these: %(accepted)s."),
    ),
    refusals.KeyReused: (
        N_("Idempotency key reused"),
        N_("The key %(key)s was used for another request. Use a new key."),
    ),
    refusals.RecordUnreadable: (
        N_("Response cannot be read"),
        N_(
            "The request with the key %(key)s was already completed at %(recorded_at)s, but another"
            " version of Tuckshop stored its response. Nothing was done again."
        ),
    ),
    refusals.ReportTooLarge: (
        N_("Report too large"),
        Plural(
            "The report would have more than %(rows_max)s row. Choose fewer days or less detail.",
            "The report would have more than %(rows_max)s rows. Choose fewer days or less detail.",
            "rows_max",
        ),
    ),
    refusals.TooManyTries: (
        N_("Too many attempts"),
        Plural(
            "Too many log-in attempts. Wait %(retry_seconds)s second and try again.",
            "Too many log-in attempts. Wait %(retry_seconds)s seconds and try again.",
            "retry_seconds",
        ),
    ),
    refusals.TooManyRegistrations: (
        N_("Too many registrations"),
        Plural(
            "Too many users were registered from your network. Wait %(retry_seconds)s second and try again.",
            "Too many users were registered from your network. Wait %(retry_seconds)s seconds and try again.",
            "retry_seconds",
        ),
    ),
    refusals.TooManyStreams: (
        N_("Too many event streams"),
        N_("Too many pages are open on your network. Close one and try again."),
    ),
    refusals.InsufficientFunds: (
        N_("Insufficient funds"),
        N_("This costs %(needed_cents)s, but the wallet has only %(balance_cents)s."),
    ),
    refusals.OutOfStock: (
        N_("Out of stock"),
        Plural(
            "Only %(available)s left of product %(product)s.",
            "Only %(available)s left of product %(product)s.",
            "available",
        ),
    ),
    refusals.StockTooLarge: (
        N_("Stock too large"),
        N_("The shelf holds at most %(capacity)s of product %(product)s."),
    ),
    refusals.BalanceTooLarge: (
        N_("Balance too large"),
        N_("A wallet can hold at most %(balance_cents_max)s."),
    ),
    refusals.ChangeUnpayable: (
        N_("No change"),
        N_(
            "This machine has no change for %(change_cents)s. Pay the exact amount, or keep the change"
            " as credit."
        ),
    ),
    refusals.NothingToPayOut: (
        N_("Nothing to pay out"),
        N_("%(balance_cents)s is too little to pay out in coins."),
    ),
    refusals.CoinsMissing: (
        N_("Coins missing"),
        N_("The coin box has only %(available)s of %(value_cents)s."),
    ),
    refusals.CoinsOwed: (
        N_("Coin box below zero"),
        N_("The coin box of machine %(machine)s is below zero for a coin. Add change or count it first."),
    ),
    refusals.NotPayable: (
        N_("Not available for payout"),
        N_("%(payable_cents)s of the %(balance_cents)s earned is available for payout."),
    ),
    refusals.NameTaken: (N_("Name taken"), N_("The name %(name)s is taken. Choose another one.")),
    refusals.BarcodeTaken: (
        N_("Barcode taken"),
        N_("Product %(product)s already has the barcode %(barcode)s."),
    ),
    refusals.EmailTaken: (N_("Email taken"), N_("The email address %(email)s is taken. Use another one.")),
    refusals.ClientRefTaken: (
        N_("Reference used"),
        N_("The reference %(client_ref)s was used for order %(order)s."),
    ),
    refusals.ExternalRefTaken: (
        N_("External reference used"),
        N_("The reference %(external_ref)s was used for transfer %(transfer)s."),
    ),
    refusals.NotRefundable: (N_("Not refundable"), N_("Product %(product)s cannot be returned.")),
    refusals.RefundWindowOver: (
        N_("Refund window over"),
        Plural(
            "Purchases can be returned within %(window_seconds)s second. Ask a cashier.",
            "Purchases can be returned within %(window_seconds)s seconds. Ask a cashier.",
            "window_seconds",
        ),
    ),
    refusals.RefundExceedsSale: (
        N_("Refund exceeds sale"),
        Plural(
            "Only %(refundable_quantity)s of product %(product)s can still be refunded.",
            "Only %(refundable_quantity)s of product %(product)s can still be refunded.",
            "refundable_quantity",
        ),
    ),
    refusals.RefundsExhausted: (
        N_("Too many returns"),
        Plural(
            "You can return purchases %(refunds_max)s time a day. Ask a cashier.",
            "You can return purchases %(refunds_max)s times a day. Ask a cashier.",
            "refunds_max",
        ),
    ),
    refusals.PriceChanged: (
        N_("Price changed"),
        N_("The price changed. It costs %(total_cents)s now. Check it and buy again."),
    ),
    refusals.WrongStatus: (N_("Wrong status"), N_("Order %(order)s is %(order_status)s.")),
    refusals.TabLimitExceeded: (
        N_("Tab limit exceeded"),
        N_("This costs %(needed_cents)s. The tab owes %(owed_cents)s of at most %(limit_cents)s."),
    ),
    refusals.SettlementExceedsTab: (
        N_("Settlement exceeds tab"),
        N_("The tab owes %(owed_cents)s, so %(amount_cents)s is too much."),
    ),
    refusals.CoinsCapReached: (
        N_("Coin limit reached"),
        N_(
            "You can add %(cap_cents)s in coins a day. You can add %(left_cents)s more today. To add"
            " more, ask a cashier."
        ),
    ),
    refusals.DepositTooLarge: (
        N_("Too many coins"),
        N_("A machine takes at most %(limit_cents)s at a time. Ask a cashier."),
    ),
    refusals.MachineLimitReached: (
        N_("Machine limit reached"),
        N_("This machine takes no more coins in this hour. Try again later, or ask a cashier."),
    ),
    refusals.UserNotPresent: (
        N_("Not logged in here"),
        N_("Log in at this machine first."),
    ),
    refusals.UndoAtCounter: (
        N_("Return at the counter"),
        N_("This purchase cannot be returned here. Return it at the counter."),
    ),
    refusals.FulfilNotOffered: (
        N_("Not offered here"),
        N_("This machine does not offer that. Choose another machine."),
    ),
    refusals.TooManyPlaced: (
        N_("Too many waiting"),
        N_(
            "At most %(pieces_max)s products can wait for you, and %(placed)s do. Collect or cancel them"
            " first."
        ),
    ),
    refusals.StillHoldsValue: (
        N_("Not empty yet"),
        Plural(
            "To close this user account, first pay out %(earned_cents)s of earnings, settle %(owed_cents)s on"
            " the tab and remove %(stock)s piece of stock.",
            "To close this user account, first pay out %(earned_cents)s of earnings, settle %(owed_cents)s on"
            " the tab and remove %(stock)s pieces of stock.",
            "stock",
        ),
    ),
    refusals.WalletTouched: (
        N_("Wallet changed"),
        N_("The wallet was used in the meantime and has %(balance_cents)s now. Check and try again."),
    ),
    refusals.PlanChanged: (
        N_("Shelves changed"),
        N_("Somebody else changed these shelves. Load them again."),
    ),
    refusals.VersionChanged: (
        N_("Changed by somebody else"),
        N_("It was changed, and is at version %(version)s now. Load it again."),
    ),
    refusals.TooManyScreens: (
        N_("Too many screens"),
        N_("A machine can have at most %(count_max)s screens. Remove one first."),
    ),
    refusals.LastAdmin: (N_("Last admin"), N_("The shop needs at least one admin.")),
}
"""The title of its page, and its sentence."""

FIELD_PROBLEMS: Mapping[type[FieldProblem], str | Plural] = {
    field_problems.OutOfRange: N_("must be from %(least)s to %(most)s"),
    field_problems.TooSmall: N_("must be at least %(least)s"),
    field_problems.TooLarge: N_("must be at most %(most)s"),
    field_problems.NotAWholeNumber: N_("must be a whole number"),
    field_problems.NotADecimal: N_("must be a number such as 2.20"),
    field_problems.TooManyDecimals: Plural(
        "must have at most %(decimals_max)s decimal",
        "must have at most %(decimals_max)s decimals",
        "decimals_max",
    ),
    field_problems.AmountOutOfRange: N_("must be from %(cents_min)s to %(cents_max)s"),
    field_problems.AmountTooSmall: N_("must be at least %(cents_min)s"),
    field_problems.AmountTooLarge: N_("must be at most %(cents_max)s"),
    field_problems.NotPayableInCoins: N_("must be payable in coins of %(accepted)s"),
    field_problems.TaxOutOfRange: N_("must be from 0 to 100 per cent"),
    field_problems.WrongLength: Plural(
        "must have %(length_min)s to %(length_max)s characters",
        "must have %(length_min)s to %(length_max)s characters",
        "length_max",
    ),
    field_problems.SpaceAtEnds: N_("must not start or end with space"),
    field_problems.ForbiddenCharacters: N_("must not contain slashes or invisible characters"),
    field_problems.ReservedName: N_("must not be the name of the shop"),
    field_problems.NotAnEmail: N_("must look like name@example.org"),
    field_problems.NotABarcode: N_("must be %(length_min)s to %(length_max)s letters, digits or hyphens"),
    field_problems.CommonPassword: N_("is among the most common passwords"),
    field_problems.WrongPairingCode: N_("is not valid. Check it, or create a new one in the office"),
    field_problems.WrongSetupCode: N_("is not the code that the server printed"),
    field_problems.NotATimezone: N_("must be a name such as Europe/Berlin"),
    field_problems.NotYesOrNo: N_("must be yes or no"),
    field_problems.StateNotAllowed: N_("must be pending, active or disabled"),
    field_problems.ChangeOnTab: N_("must be “keep” when the order goes on the tab"),
    field_problems.SameUser: N_("must be another user"),
    field_problems.SameMachine: N_("must be another machine"),
    field_problems.NoRoles: N_("must include at least one role"),
    field_problems.RoleTwice: N_("must include each role only once"),
    field_problems.NoScopes: N_("must include at least one scope"),
    field_problems.WrongLineCount: Plural(
        "must include 1 to %(lines_max)s products", "must include 1 to %(lines_max)s products", "lines_max"
    ),
    field_problems.ProductTwice: N_("must include each product only once"),
    field_problems.MoreThanOrdered: N_("must be at most %(most)s of product %(product)s"),
    field_problems.SlotTwice: N_("must be different for each product"),
    field_problems.AboveCapacity: N_("must not be more than the capacity"),
    field_problems.NoCoins: N_("must include at least one coin"),
    field_problems.TooManyCoins: Plural(
        "must include at most %(most)s coin", "must include at most %(most)s coins", "most"
    ),
    field_problems.CoinCountTooSmall: N_("must include at least one coin of %(value_cents)s"),
    field_problems.CoinCountOutOfRange: N_("must include from 0 to %(most)s coins of %(value_cents)s"),
    field_problems.CoinNotCounted: N_("must include every coin, also %(value_cents)s"),
    field_problems.CoinTwice: N_("must include each coin only once"),
    field_problems.DayOutOfRange: N_("must be from %(first_day)s to %(last_day)s"),
    field_problems.DayAfter: N_("must not be after %(last_day)s"),
    field_problems.PeriodTooLong: Plural(
        "must be within %(days_max)s day of %(last_day)s",
        "must be within %(days_max)s days of %(last_day)s",
        "days_max",
    ),
    field_problems.NotAPicture: N_("must be a picture: PNG, JPEG or WebP"),
    field_problems.TooManyPixels: Plural(
        "must have at most %(pixels_max)s pixel", "must have at most %(pixels_max)s pixels", "pixels_max"
    ),
    field_problems.Animated: N_("must not be animated"),
}
"""All but StoredReason, which has a sentence of its own."""

CELL_PROBLEMS: Mapping[type[FieldProblem], str] = {
    field_problems.NotADecimal: N_("is not a number. Write it as 1.50"),
    field_problems.NotAWholeNumber: N_("is not a whole number. Write it as 12"),
    field_problems.NotYesOrNo: N_("is not yes or no"),
}
"""Of a file's cells, which are written in one way in every language."""

FIELDS: Mapping[str, str] = {
    "amount": N_("Amount"),
    "capacity": N_("Capacity"),
    "change": N_("Change"),
    "code": N_("Setup code"),
    "coins": N_("Coins"),
    "cost": N_("Purchase cost"),
    "category": N_("Category"),
    "barcode": N_("Barcode"),
    "counted": N_("Counted coins"),
    "days": N_("Days"),
    "deposit_max": N_("Largest deposit"),
    "email": N_("Email"),
    "external_ref": N_("Reference"),
    "from": N_("From"),
    "guest": N_("Guest"),
    "hourly_deposit_max": N_("Deposits an hour"),
    "image": N_("Picture"),
    "limit": N_("Limit"),
    "lines": N_("Order lines"),
    "name": N_("Name"),
    "par_level": N_("Refill level"),
    "password": N_("Password"),
    "price": N_("Price"),
    "products": N_("Products"),
    "quantity": N_("Quantity"),
    "roles": N_("Roles"),
    "scopes": N_("Scopes"),
    "shelves": N_("Shelves"),
    "slot": N_("Slot"),
    "state": N_("Status"),
    "stock": N_("Stock"),
    "tax": N_("Tax"),
    "timezone": N_("Time zone"),
    "to": N_("Target"),
    "username": N_("Username"),
}
"""What rules call a field, for where it does not stand beside the sentence."""

FILE_PROBLEMS: Mapping[type[FileProblem], str | Plural] = {
    file_problems.FileTooLarge: N_("The file is larger than %(mib)s MiB."),
    file_problems.FileIsUtf16: N_("The file is UTF-16. Save it as CSV in UTF-8."),
    file_problems.FileNotUtf8: N_("The file is not UTF-8. Save it as CSV in UTF-8."),
    file_problems.NulCharacter: N_("The file has a NUL character, so it is not a CSV file."),
    file_problems.QuotesOpen: N_("A quotation mark in this row is not closed, or is inside a cell."),
    file_problems.CellTooLong: Plural(
        "A cell has more than %(length_max)s character.",
        "A cell has more than %(length_max)s characters.",
        "length_max",
    ),
    file_problems.TooManyRows: Plural(
        "The file has more than %(rows_max)s row.", "The file has more than %(rows_max)s rows.", "rows_max"
    ),
    file_problems.FileEmpty: N_("The file is empty. Its first row must name the columns: %(columns)s."),
    file_problems.NameColumnMissing: N_("The first row must name the columns: name, and any of %(columns)s."),
    file_problems.UnknownColumn: N_("The column “%(column)s” is unknown. Use only these: %(columns)s."),
    file_problems.ColumnTwice: N_("The column %(column)s appears twice."),
    file_problems.TooManyCells: Plural(
        "This row has %(cells)s cell, but the first row has %(cells_max)s.",
        "This row has %(cells)s cells, but the first row has %(cells_max)s.",
        "cells",
    ),
    file_problems.InvalidCell: N_("%(column)s: “%(value)s” %(problem)s."),
    file_problems.NameMissing: N_("The name is missing."),
    file_problems.NameTwice: N_("%(name)s is already on line %(first_line)s."),
    file_problems.BarcodeInUse: N_("Another product already has the barcode %(barcode)s."),
    file_problems.PriceMissing: N_("%(name)s is new. Add a price."),
    file_problems.AboveShelfCapacity: N_("The shelf of %(name)s holds at most %(most)s."),
    file_problems.UnknownSeller: N_("There is no seller %(seller)s."),
    file_problems.SellerNotYou: N_("You can add only your own products."),
    file_problems.ProductNotYours: N_("%(name)s belongs to another seller."),
    file_problems.OtherSeller: N_(
        "%(name)s is sold by %(seller)s. The seller of a product cannot be changed."
    ),
}


def of_refusal(refusal: Refusal, words: Words, currency: Currency) -> str:
    """The refusal as a sentence."""
    _, text = REFUSALS[type(refusal)]
    if not isinstance(refusal, InvalidField):
        return _told(text, refusal.facts(), words, currency)
    field = words.gettext(FIELDS[refusal.field]) if refusal.field in FIELDS else refusal.field
    return _told(text, {"field": field, "reason": said(refusal.problem, words, currency)}, words, currency)


def said(problem: FieldProblem, words: Words, currency: Currency) -> str:
    """The end of a sentence that begins with the field."""
    if isinstance(problem, StoredReason):
        return problem.reason  # In the language of the records: nobody knows any more what it was made of.
    return _told(FIELD_PROBLEMS[type(problem)], problem.facts(), words, currency)


def sentence(problem: FieldProblem, words: Words, currency: Currency) -> str:
    """The problem as a sentence of its own, for beside the field."""
    told = said(problem, words, currency)
    return f"{told[:1].upper()}{told[1:]}."


def of_row(problem: FileProblem, words: Words, currency: Currency) -> str:
    """Why a file, or a row of it, is not taken, as a sentence."""
    facts: dict[str, object] = dict(problem.facts())
    if isinstance(problem, InvalidCell):
        text = CELL_PROBLEMS.get(type(problem.problem))
        facts["problem"] = words.gettext(text) if text else said(problem.problem, words, currency)
    elif isinstance(problem, FileTooLarge):
        facts["mib"] = problem.bytes_max // MIB
    return _told(FILE_PROBLEMS[type(problem)], facts, words, currency)


def _told(text: str | Plural, facts: Mapping[str, object], words: Words, currency: Currency) -> str:
    shown = {name: written(name, fact, words, currency) for name, fact in facts.items()}
    if not isinstance(text, Plural):
        return words.gettext(text, **shown)
    count = facts[text.fact]
    assert isinstance(count, int), "the fact that a text counts by is a number"
    return words.ngettext(text.one, text.many, count, **shown)


def written(name: str, fact: object, words: Words, currency: Currency) -> object:
    """A fact as this language writes it: amounts, days and long numbers; names and ids as they are."""
    match fact:
        case tuple():
            return ", ".join(str(written(name, one, words, currency)) for one in fact)
        case int() if "cents" in name or name == "accepted":
            return words.money(fact, currency)
        case int() if fact >= LONG_NUMBER and name not in _IDS:
            return words.number(f"{fact}")
        case str() if name.endswith("_day"):
            return words.day(date.fromisoformat(fact))
        case str():
            return _called(name, fact, words)
        case _:
            return fact


def _called(name: str, fact: str, words: Words) -> str:
    """One of a fixed set by its name in this language; whatever somebody has typed as it is."""
    called = Labels(words)
    match name:
        case "role" | "roles":
            return called.role(fact)
        case "scopes":
            return called.scope(fact)
        case "order_status":
            return called.status(fact)
        case "thing":
            return called.thing(cast("Thing", fact))
        case _:
            return fact
