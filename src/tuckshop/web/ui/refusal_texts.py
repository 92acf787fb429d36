"""Why a value, or a file, is not taken, in the reader's language: the tables from problems to texts.

A field problem is the end of a sentence that begins with the field; beside the field it stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, cast

from tuckshop.domain import field_problems as of_field
from tuckshop.domain.field_problems import FieldProblem, StoredReason
from tuckshop.domain.money import Currency
from tuckshop.imports import file_problems as of_file
from tuckshop.imports.file_problems import FileProblem, FileTooLarge, InvalidCell
from tuckshop.web.ui.i18n import Words
from tuckshop.web.ui.labels import Naming

if TYPE_CHECKING:
    from tuckshop.domain.refusals import Thing

LONG_NUMBER = 10_000  # From five digits on a number needs marks between them.
_IDS = frozenset({"image", "machine", "order", "product", "session", "token", "transfer", "user", "version"})
MIB = 1024**2

FIELD_PROBLEMS: Mapping[type[FieldProblem], str] = {
    of_field.OutOfRange: "must be from {least} to {most}",
    of_field.TooSmall: "must be at least {least}",
    of_field.TooLarge: "must be at most {most}",
    of_field.NotAWholeNumber: "must be a whole number",
    of_field.NotADecimal: "must be a plain decimal number such as 2.20",
    of_field.TooManyDecimals: "must have at most {decimals_max} decimals",
    of_field.AmountOutOfRange: "must be from {cents_min} to {cents_max}",
    of_field.AmountTooSmall: "must be at least {cents_min}",
    of_field.AmountTooLarge: "must be at most {cents_max}",
    of_field.NotPayableInCoins: "must be payable in coins of {accepted}",
    of_field.TaxOutOfRange: "must be from 0 to 100 per cent",
    of_field.WrongLength: "must have {length_min} to {length_max} characters",
    of_field.SpaceAtEnds: "must not start or end with space",
    of_field.ForbiddenCharacters: "must not contain slashes or invisible characters",
    of_field.ReservedName: "must not be the shop's own",
    of_field.NotAnEmail: "must look like name@example.org",
    of_field.CommonPassword: "is among the most common passwords",
    of_field.WrongSetupCode: "is not the code that the server has printed",
    of_field.NotATimezone: "must be a name such as Europe/Berlin",
    of_field.NotYesOrNo: "must be yes or no",
    of_field.StateNotAllowed: "must be pending, active or disabled",
    of_field.ChangeOnTab: "must be keep where the order goes on the tab",
    of_field.SameUser: "must be somebody else",
    of_field.SameMachine: "must be another machine",
    of_field.NoRoles: "must name at least one role",
    of_field.RoleTwice: "must name each role once",
    of_field.NoScopes: "must name at least one scope",
    of_field.WrongLineCount: "must name 1 to {lines_max} products",
    of_field.ProductTwice: "must name each product once",
    of_field.MoreThanOrdered: "must be at most {most} of product {product}",
    of_field.SlotTwice: "must be given to one product alone",
    of_field.AboveCapacity: "must be at most the capacity",
    of_field.NoCoins: "must hold at least one coin",
    of_field.TooManyCoins: "must hold at most {most} coins in one go",
    of_field.CoinCountTooSmall: "must hold at least 1 of {value_cents}",
    of_field.CoinCountOutOfRange: "must hold from 0 to {most} of {value_cents}",
    of_field.CoinNotCounted: "must name every coin, {value_cents} too",
    of_field.CoinTwice: "must name each coin once",
    of_field.DayOutOfRange: "must be from {first_day} to {last_day}",
    of_field.DayAfter: "must not be after {last_day}",
    of_field.PeriodTooLong: "must be within {days_max} days of {last_day}",
    of_field.NotAPicture: "must be a picture: PNG, JPEG or WebP",
    of_field.TooManyPixels: "must have at most {pixels_max} pixels",
    of_field.Animated: "must not move",
}
"""All but StoredReason, which has a sentence of its own."""

FIELDS: Mapping[str, str] = {
    "amount": "Amount",
    "capacity": "Capacity",
    "change": "Change",
    "code": "Setup code",
    "coins": "Coins",
    "cost": "Purchase cost",
    "counted": "Counted coins",
    "days": "Days",
    "email": "Email",
    "external_ref": "Reference",
    "from": "From",
    "guest": "Guest",
    "image": "Picture",
    "limit": "Limit",
    "lines": "Order lines",
    "name": "Name",
    "par_level": "Refill level",
    "password": "Password",
    "price": "Price",
    "products": "Products",
    "quantity": "Quantity",
    "roles": "Roles",
    "scopes": "Scopes",
    "shelves": "Shelves",
    "slot": "Slot",
    "state": "State",
    "stock": "Stock",
    "tax": "Tax",
    "timezone": "Timezone",
    "to": "Target",
    "username": "Username",
}
"""What rules call a field, for where it does not stand beside the sentence."""

FILE_PROBLEMS: Mapping[type[FileProblem], str] = {
    of_file.FileTooLarge: "The file is larger than {mib} MiB.",
    of_file.FileIsUtf16: "The file is UTF-16; save it as CSV in UTF-8.",
    of_file.FileNotUtf8: "The file is not UTF-8; save it as CSV in UTF-8.",
    of_file.NulCharacter: "There is a NUL character: this is no CSV file.",
    of_file.QuotesOpen: "The quotes in this row do not close, or stand in a cell.",
    of_file.CellTooLong: "A cell has more than {length_max} characters.",
    of_file.TooManyRows: "The file has more than {rows_max} rows.",
    of_file.FileEmpty: "The file is empty: its first row names {columns}.",
    of_file.NameColumnMissing: "The first row must name the columns: name, and any of {columns}.",
    of_file.UnknownColumn: "There is no column “{column}”, only {columns}.",
    of_file.ColumnTwice: "The column {column} is there twice.",
    of_file.TooManyCells: "There are {cells} cells, and the first row names {cells_max}.",
    of_file.InvalidCell: "{column}: “{value}” {problem}.",
    of_file.NameMissing: "The name is missing.",
    of_file.NameTwice: "{name} is on line {first_line} already.",
    of_file.PriceMissing: "{name} is new and needs a price.",
    of_file.AboveShelfCapacity: "The shelf of {name} holds at most {most}.",
    of_file.UnknownSeller: "There is no seller {seller}.",
    of_file.SellerNotYou: "Add products of your own alone.",
    of_file.ProductNotYours: "{name} belongs to somebody else.",
    of_file.OtherSeller: "{name} is sold by {seller}, and products keep their sellers.",
}


def said(problem: FieldProblem, words: Words, currency: Currency) -> str:
    """The end of a sentence that begins with the field."""
    if isinstance(problem, StoredReason):
        return problem.reason  # In the language of the records: nobody knows any more what it was made of.
    facts = {name: written(name, fact, words, currency) for name, fact in problem.facts().items()}
    return words.say(FIELD_PROBLEMS[type(problem)], **facts)


def sentence(problem: FieldProblem, words: Words, currency: Currency) -> str:
    """The problem as a sentence of its own, for beside the field."""
    told = said(problem, words, currency)
    return f"{told[:1].upper()}{told[1:]}."


def of_row(problem: FileProblem, words: Words, currency: Currency) -> str:
    """Why a file, or a row of it, is not taken, as a sentence."""
    facts = {name: written(name, fact, words, currency) for name, fact in problem.facts().items()}
    if isinstance(problem, InvalidCell):
        facts["problem"] = said(problem.problem, words, currency)
    elif isinstance(problem, FileTooLarge):
        facts["mib"] = problem.bytes_max // MIB
    return words.say(FILE_PROBLEMS[type(problem)], **facts)


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
