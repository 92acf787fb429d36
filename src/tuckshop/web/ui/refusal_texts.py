"""Why a value, or a file, is not taken, in the reader's language: the tables from problems to texts.

A field problem is the end of a sentence that begins with the field; beside the field it stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, cast

from tuckshop.domain import field_problems as of_field
from tuckshop.domain import refusals
from tuckshop.domain.field_problems import FieldProblem, StoredReason
from tuckshop.domain.money import Currency
from tuckshop.domain.refusals import InvalidField, Refusal
from tuckshop.imports import file_problems as of_file
from tuckshop.imports.file_problems import FileProblem, FileTooLarge, InvalidCell
from tuckshop.web.ui.i18n import N_, Plural, Words
from tuckshop.web.ui.labels import Naming

if TYPE_CHECKING:
    from tuckshop.domain.refusals import Thing

LONG_NUMBER = 10_000  # From five digits on a number needs marks between them.
_IDS = frozenset({"image", "machine", "order", "product", "session", "token", "transfer", "user", "version"})
MIB = 1024**2

REFUSALS: Mapping[type[Refusal], tuple[str, str | Plural]] = {
    refusals.BadCredentials: (N_("Wrong name or password"), N_("Name and password do not belong together.")),
    refusals.SessionEnded: (N_("Not logged in"), N_("The token is missing or not good any more: log in.")),
    refusals.CredentialReused: (
        N_("Token used twice"),
        N_("This refresh token was used before; its session has been ended. Log in again."),
    ),
    refusals.RoleMissing: (N_("Role missing"), N_("This needs one of the roles %(roles)s.")),
    refusals.NotOwner: (N_("Not yours"), N_("This %(thing)s belongs to somebody else.")),
    refusals.ScopeMissing: (N_("Scope missing"), N_("This needs an API token of the scope %(scopes)s.")),
    refusals.LogInNeeded: (N_("Log-in needed"), N_("No API token can do this: log in.")),
    refusals.CoinsNotAttested: (
        N_("Coins not attested"),
        N_("Coins need a witness here: a cashier or an admin puts them in or pays them out."),
    ),
    refusals.RegistrationClosed: (N_("Registration closed"), N_("Nobody registers as %(role)s here.")),
    refusals.UnknownUser: (N_("Unknown user"), N_("There is no user %(user)s.")),
    refusals.UnknownGuest: (N_("Unknown guest"), N_("There is no guest %(guest)s.")),
    refusals.UnknownProduct: (N_("Unknown product"), N_("Product %(product)s is not on sale.")),
    refusals.UnknownMachine: (N_("Unknown machine"), N_("There is no machine %(machine)s.")),
    refusals.UnknownOrder: (N_("Unknown order"), N_("There is no order %(order)s for you.")),
    refusals.UnknownPurchase: (
        N_("Unknown purchase"),
        N_("The guest has nothing of product %(product)s to give back here."),
    ),
    refusals.UnknownSession: (N_("Unknown session"), N_("You have no session %(session)s.")),
    refusals.UnknownToken: (N_("Unknown token"), N_("You have no API token %(token)s.")),
    refusals.UnknownImage: (N_("Unknown image"), N_("There is no image %(image)s.")),
    refusals.InvalidField: (N_("Invalid value"), N_("%(field)s %(reason)s.")),
    refusals.CoinNotAccepted: (
        N_("Coin not accepted"),
        N_("No coin of %(value_cents)s is taken; these are: %(accepted)s."),
    ),
    refusals.KeyReused: (N_("Idempotency key reused"), N_("The key %(key)s stands for another request.")),
    refusals.RecordUnreadable: (
        N_("Answer cannot be read"),
        N_(
            "The answer under the key %(key)s was stored at %(recorded_at)s by another release."
            " Nothing was done again."
        ),
    ),
    refusals.ReportTooLarge: (
        N_("Report too large"),
        Plural(
            "It would have more than %(rows_max)s row: ask for fewer days or less detail.",
            "It would have more than %(rows_max)s rows: ask for fewer days or less detail.",
            "rows_max",
        ),
    ),
    refusals.TooManyTries: (
        N_("Too many tries"),
        Plural(
            "Too many log-ins were tried: wait %(retry_seconds)s second.",
            "Too many log-ins were tried: wait %(retry_seconds)s seconds.",
            "retry_seconds",
        ),
    ),
    refusals.InsufficientFunds: (
        N_("Insufficient funds"),
        N_("This costs %(needed_cents)s; the wallet holds %(balance_cents)s."),
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
        N_("The shelf takes %(capacity)s of product %(product)s."),
    ),
    refusals.BalanceTooLarge: (N_("Balance too large"), N_("A wallet holds at most %(balance_cents_max)s.")),
    refusals.ChangeUnpayable: (
        N_("Change unpayable"),
        N_("The coin box cannot pay %(change_cents)s with the coins it holds."),
    ),
    refusals.NothingToPayOut: (N_("Nothing to pay out"), N_("No coin can pay %(balance_cents)s.")),
    refusals.CoinsMissing: (
        N_("Coins missing"),
        N_("The coin box holds %(available)s of %(value_cents)s, not more."),
    ),
    refusals.CoinsOwed: (
        N_("Coins owed"),
        N_("The coin box of machine %(machine)s is below zero in some coin: fill or count it."),
    ),
    refusals.NotPayable: (
        N_("Not payable"),
        N_("Of %(balance_cents)s earned, %(payable_cents)s can be paid out now."),
    ),
    refusals.NameTaken: (N_("Name taken"), N_("The name %(name)s is taken.")),
    refusals.BarcodeTaken: (N_("Barcode taken"), N_("Product %(product)s has the barcode %(barcode)s.")),
    refusals.EmailTaken: (N_("Email taken"), N_("The address %(email)s is taken.")),
    refusals.ClientRefTaken: (
        N_("Reference used"),
        N_("The reference %(client_ref)s stands for order %(order)s."),
    ),
    refusals.ExternalRefTaken: (
        N_("External reference used"),
        N_("The reference %(external_ref)s stands for transfer %(transfer)s."),
    ),
    refusals.NotRefundable: (N_("Not refundable"), N_("Product %(product)s was sold without a way back.")),
    refusals.RefundWindowOver: (
        N_("Refund window over"),
        Plural(
            "Buyers give back within %(window_seconds)s second; ask a cashier.",
            "Buyers give back within %(window_seconds)s seconds; ask a cashier.",
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
        N_("Refunds exhausted"),
        Plural(
            "Buyers give back %(refunds_max)s time a day; ask a cashier.",
            "Buyers give back %(refunds_max)s times a day; ask a cashier.",
            "refunds_max",
        ),
    ),
    refusals.WrongStatus: (N_("Wrong status"), N_("Order %(order)s is %(order_status)s.")),
    refusals.TabLimitExceeded: (
        N_("Tab limit exceeded"),
        N_("This costs %(needed_cents)s; the tab owes %(owed_cents)s and may owe %(limit_cents)s."),
    ),
    refusals.SettlementExceedsTab: (
        N_("Settlement exceeds tab"),
        N_("The tab owes %(owed_cents)s, not %(amount_cents)s."),
    ),
    refusals.CoinsCapReached: (
        N_("Coins cap reached"),
        N_("Buyers declare up to %(cap_cents)s in coins a day, now %(left_cents)s more; ask a cashier."),
    ),
    refusals.StillHoldsValue: (
        N_("Still holds value"),
        Plural(
            "First settle %(earned_cents)s earned, %(owed_cents)s owed and %(stock)s piece.",
            "First settle %(earned_cents)s earned, %(owed_cents)s owed and %(stock)s pieces.",
            "stock",
        ),
    ),
    refusals.WalletTouched: (
        N_("Wallet touched"),
        N_("Somebody used the wallet meanwhile: it holds %(balance_cents)s now."),
    ),
    refusals.PlanChanged: (N_("Planned meanwhile"), N_("Somebody else has planned these shelves.")),
    refusals.VersionChanged: (N_("Changed meanwhile"), N_("It is at version %(version)s now.")),
    refusals.TooManyTokens: (
        N_("Too many tokens"),
        Plural(
            "Nobody has more than %(count_max)s API token: revoke one first.",
            "Nobody has more than %(count_max)s API tokens: revoke one first.",
            "count_max",
        ),
    ),
    refusals.LastAdmin: (N_("Last admin"), N_("The shop needs an admin.")),
}
"""The title of its page, and its sentence."""

FIELD_PROBLEMS: Mapping[type[FieldProblem], str | Plural] = {
    of_field.OutOfRange: N_("must be from %(least)s to %(most)s"),
    of_field.TooSmall: N_("must be at least %(least)s"),
    of_field.TooLarge: N_("must be at most %(most)s"),
    of_field.NotAWholeNumber: N_("must be a whole number"),
    of_field.NotADecimal: N_("must be a plain decimal number such as 2.20"),
    of_field.TooManyDecimals: Plural(
        "must have at most %(decimals_max)s decimal",
        "must have at most %(decimals_max)s decimals",
        "decimals_max",
    ),
    of_field.AmountOutOfRange: N_("must be from %(cents_min)s to %(cents_max)s"),
    of_field.AmountTooSmall: N_("must be at least %(cents_min)s"),
    of_field.AmountTooLarge: N_("must be at most %(cents_max)s"),
    of_field.NotPayableInCoins: N_("must be payable in coins of %(accepted)s"),
    of_field.TaxOutOfRange: N_("must be from 0 to 100 per cent"),
    of_field.WrongLength: Plural(
        "must have %(length_min)s to %(length_max)s characters",
        "must have %(length_min)s to %(length_max)s characters",
        "length_max",
    ),
    of_field.SpaceAtEnds: N_("must not start or end with space"),
    of_field.ForbiddenCharacters: N_("must not contain slashes or invisible characters"),
    of_field.ReservedName: N_("must not be the shop's own"),
    of_field.NotAnEmail: N_("must look like name@example.org"),
    of_field.NotABarcode: N_("must be %(length_min)s to %(length_max)s letters, digits or hyphens"),
    of_field.CommonPassword: N_("is among the most common passwords"),
    of_field.WrongSetupCode: N_("is not the code that the server has printed"),
    of_field.NotATimezone: N_("must be a name such as Europe/Berlin"),
    of_field.NotYesOrNo: N_("must be yes or no"),
    of_field.StateNotAllowed: N_("must be pending, active or disabled"),
    of_field.ChangeOnTab: N_("must be keep where the order goes on the tab"),
    of_field.SameUser: N_("must be somebody else"),
    of_field.SameMachine: N_("must be another machine"),
    of_field.NoRoles: N_("must name at least one role"),
    of_field.RoleTwice: N_("must name each role once"),
    of_field.NoScopes: N_("must name at least one scope"),
    of_field.WrongLineCount: Plural(
        "must name 1 to %(lines_max)s products", "must name 1 to %(lines_max)s products", "lines_max"
    ),
    of_field.ProductTwice: N_("must name each product once"),
    of_field.MoreThanOrdered: N_("must be at most %(most)s of product %(product)s"),
    of_field.SlotTwice: N_("must be given to one product alone"),
    of_field.AboveCapacity: N_("must be at most the capacity"),
    of_field.NoCoins: N_("must hold at least one coin"),
    of_field.TooManyCoins: Plural(
        "must hold at most %(most)s coin in one go", "must hold at most %(most)s coins in one go", "most"
    ),
    of_field.CoinCountTooSmall: N_("must hold at least 1 of %(value_cents)s"),
    of_field.CoinCountOutOfRange: N_("must hold from 0 to %(most)s of %(value_cents)s"),
    of_field.CoinNotCounted: N_("must name every coin, %(value_cents)s too"),
    of_field.CoinTwice: N_("must name each coin once"),
    of_field.DayOutOfRange: N_("must be from %(first_day)s to %(last_day)s"),
    of_field.DayAfter: N_("must not be after %(last_day)s"),
    of_field.PeriodTooLong: Plural(
        "must be within %(days_max)s day of %(last_day)s",
        "must be within %(days_max)s days of %(last_day)s",
        "days_max",
    ),
    of_field.NotAPicture: N_("must be a picture: PNG, JPEG or WebP"),
    of_field.TooManyPixels: Plural(
        "must have at most %(pixels_max)s pixel", "must have at most %(pixels_max)s pixels", "pixels_max"
    ),
    of_field.Animated: N_("must not move"),
}
"""All but StoredReason, which has a sentence of its own."""

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
    "email": N_("Email"),
    "external_ref": N_("Reference"),
    "from": N_("From"),
    "guest": N_("Guest"),
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
    "state": N_("State"),
    "stock": N_("Stock"),
    "tax": N_("Tax"),
    "timezone": N_("Timezone"),
    "to": N_("Target"),
    "username": N_("Username"),
}
"""What rules call a field, for where it does not stand beside the sentence."""

FILE_PROBLEMS: Mapping[type[FileProblem], str | Plural] = {
    of_file.FileTooLarge: N_("The file is larger than %(mib)s MiB."),
    of_file.FileIsUtf16: N_("The file is UTF-16; save it as CSV in UTF-8."),
    of_file.FileNotUtf8: N_("The file is not UTF-8; save it as CSV in UTF-8."),
    of_file.NulCharacter: N_("There is a NUL character: this is no CSV file."),
    of_file.QuotesOpen: N_("The quotes in this row do not close, or stand in a cell."),
    of_file.CellTooLong: Plural(
        "A cell has more than %(length_max)s character.",
        "A cell has more than %(length_max)s characters.",
        "length_max",
    ),
    of_file.TooManyRows: Plural(
        "The file has more than %(rows_max)s row.", "The file has more than %(rows_max)s rows.", "rows_max"
    ),
    of_file.FileEmpty: N_("The file is empty: its first row names %(columns)s."),
    of_file.NameColumnMissing: N_("The first row must name the columns: name, and any of %(columns)s."),
    of_file.UnknownColumn: N_("There is no column “%(column)s”, only %(columns)s."),
    of_file.ColumnTwice: N_("The column %(column)s is there twice."),
    of_file.TooManyCells: Plural(
        "There is %(cells)s cell, and the first row names %(cells_max)s.",
        "There are %(cells)s cells, and the first row names %(cells_max)s.",
        "cells",
    ),
    of_file.InvalidCell: N_("%(column)s: “%(value)s” %(problem)s."),
    of_file.NameMissing: N_("The name is missing."),
    of_file.NameTwice: N_("%(name)s is on line %(first_line)s already."),
    of_file.BarcodeInUse: N_("Another product has the barcode %(barcode)s."),
    of_file.PriceMissing: N_("%(name)s is new and needs a price."),
    of_file.AboveShelfCapacity: N_("The shelf of %(name)s holds at most %(most)s."),
    of_file.UnknownSeller: N_("There is no seller %(seller)s."),
    of_file.SellerNotYou: N_("Add products of your own alone."),
    of_file.ProductNotYours: N_("%(name)s belongs to somebody else."),
    of_file.OtherSeller: N_("%(name)s is sold by %(seller)s, and products keep their sellers."),
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
        facts["problem"] = said(problem.problem, words, currency)
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
    called = Naming(words)
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
