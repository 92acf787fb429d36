"""Why a file, or a row of it, is not taken, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from tuckshop.domain import field_problems
from tuckshop.domain.field_problems import FieldProblem
from tuckshop.domain.money import Currency
from tuckshop.imports import file_problems
from tuckshop.imports.file_problems import FileProblem, FileTooLarge, InvalidCell
from tuckshop.web.ui.i18n import N_, Plural, Words
from tuckshop.web.ui.refusal_texts import said, told

MIB = 1024**2

CELL_PROBLEMS: Mapping[type[FieldProblem], str] = {
    field_problems.NotADecimal: N_("is not a number. Write it as 1.50"),
    field_problems.NotAWholeNumber: N_("is not a whole number. Write it as 12"),
    field_problems.NotYesOrNo: N_("is not yes or no"),
}
"""Of a file's cells, which are written in one way in every language."""

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


def of_row(problem: FileProblem, words: Words, currency: Currency) -> str:
    """Why a file, or a row of it, is not taken, as a sentence."""
    facts: dict[str, object] = dict(problem.facts())
    if isinstance(problem, InvalidCell):
        text = CELL_PROBLEMS.get(type(problem.problem))
        facts["problem"] = words.gettext(text) if text else said(problem.problem, words, currency)
    elif isinstance(problem, FileTooLarge):
        facts["mib"] = problem.bytes_max // MIB
    return told(FILE_PROBLEMS[type(problem)], facts, words, currency)
