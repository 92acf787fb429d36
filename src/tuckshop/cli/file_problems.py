"""What is wrong with a file, for whoever sits at the terminal: one table from problem to sentence."""

from __future__ import annotations

from collections.abc import Mapping

from tuckshop.cli.errors import predicate
from tuckshop.domain import field_problems
from tuckshop.domain.field_problems import FieldProblem
from tuckshop.imports import file_problems
from tuckshop.imports.file_problems import FileProblem, FileTooLarge, InvalidCell

MIB = 1024**2

TABLE: Mapping[type[FileProblem], str] = {
    file_problems.FileTooLarge: "The file is larger than {mib} MiB.",
    file_problems.FileIsUtf16: "The file is UTF-16. Save it as CSV in UTF-8.",
    file_problems.FileNotUtf8: "The file is not UTF-8. Save it as CSV in UTF-8.",
    file_problems.NulCharacter: "The file has a NUL character, so it is not a CSV file.",
    file_problems.QuotesOpen: "A quotation mark in this row is not closed, or is inside a cell.",
    file_problems.CellTooLong: "A cell has more than {length_max} characters.",
    file_problems.TooManyRows: "The file has more than {rows_max} rows.",
    file_problems.FileEmpty: "The file is empty. Its first row must name the columns: {columns}.",
    file_problems.NameColumnMissing: "The first row must name the columns: name, and any of {columns}.",
    file_problems.UnknownColumn: "The column {column!r} is unknown. Use only these: {columns}.",
    file_problems.ColumnTwice: "The column {column} appears twice.",
    file_problems.TooManyCells: "This row has {cells} cells, but the first row has {cells_max}.",
    file_problems.InvalidCell: "{value!r} {problem}.",
    file_problems.NameMissing: "The name is missing.",
    file_problems.NameTwice: "{name} is already on line {first_line}.",
    file_problems.BarcodeInUse: "Another product already has the barcode {barcode}.",
    file_problems.PriceMissing: "{name} is new. Add a price.",
    file_problems.AboveShelfCapacity: "The shelf of {name} holds at most {most}.",
    file_problems.UnknownSeller: "There is no seller {seller!r}.",
    file_problems.SellerNotYou: "You can add only your own products.",
    file_problems.ProductNotYours: "{name} belongs to another seller.",
    file_problems.OtherSeller: "{name} is sold by {seller}. The seller of a product cannot be changed.",
}

CELL_PROBLEMS: Mapping[type[FieldProblem], str] = {
    field_problems.NotADecimal: "is not a number. Write it as 1.50",
    field_problems.NotAWholeNumber: "is not a whole number. Write it as 12",
    field_problems.NotYesOrNo: "is not yes or no",
}
"""Said of cells, where others are said of fields."""


def sentence(problem: FileProblem, line: int | None, *, exponent: int = 2) -> str:
    """Where and what, amounts in the shop's major units: `Line 2, price: '1,5O' is not a number. ...`.

    What cells hold is quoted: it may be anything, and a terminal obeys much of it.
    """
    facts: dict[str, object] = {}
    for name, fact in problem.facts().items():
        match fact:
            case tuple():
                facts[name] = ", ".join(map(str, fact))
            case int():
                facts[name] = f"{fact:,}"
            case _:
                facts[name] = fact
    places = [] if line is None else [f"Line {line}"]
    if isinstance(problem, InvalidCell):
        places.append(problem.column)
        text = CELL_PROBLEMS.get(type(problem.problem))
        facts["problem"] = text or predicate(problem.problem, exponent=exponent)
    elif isinstance(problem, FileTooLarge):
        facts["mib"] = problem.bytes_max // MIB
    told = TABLE[type(problem)].format(**facts)
    return f"{', '.join(places)}: {told}" if places else told
