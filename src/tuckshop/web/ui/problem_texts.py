"""What is wrong with a field, a cell or a file: a text for each problem, and what fields are called.

A field problem is the end of a sentence that begins with the field; beside the field it stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from tuckshop.domain import field_problems
from tuckshop.domain.field_problems import FieldProblem
from tuckshop.imports import file_problems
from tuckshop.imports.file_problems import FileProblem
from tuckshop.web.ui.i18n import N_, Plural

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
    field_problems.NameAsPassword: N_("must have letters besides the username"),
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
    "reason": N_("Reason"),
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
