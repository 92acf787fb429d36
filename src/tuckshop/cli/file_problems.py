"""What is wrong with a file, for whoever sits at the terminal: one table from problem to sentence."""

from __future__ import annotations

from collections.abc import Mapping

from tuckshop.cli.errors import predicate
from tuckshop.imports import file_problems as problems
from tuckshop.imports.file_problems import FileProblem, FileTooLarge, InvalidCell

MIB = 1024**2

TABLE: Mapping[type[FileProblem], str] = {
    problems.FileTooLarge: "The file is larger than {mib} MiB.",
    problems.FileIsUtf16: "The file is UTF-16. Save it as CSV in UTF-8.",
    problems.FileNotUtf8: "The file is not UTF-8. Save it as CSV in UTF-8.",
    problems.NulCharacter: "The file has a NUL character, so it is not a CSV file.",
    problems.QuotesOpen: "The quotation marks in this row are not closed, or are inside a cell.",
    problems.CellTooLong: "A cell has more than {length_max} characters.",
    problems.TooManyRows: "The file has more than {rows_max} rows.",
    problems.FileEmpty: "The file is empty. Its first row must name the columns: {columns}.",
    problems.NameColumnMissing: "The first row must name the columns: name, and any of {columns}.",
    problems.UnknownColumn: "There is no column {column!r}, only {columns}.",
    problems.ColumnTwice: "The column {column} occurs twice.",
    problems.TooManyCells: "This row has {cells} cells, but the first row names {cells_max} columns.",
    problems.InvalidCell: "{value!r} {problem}.",
    problems.NameMissing: "The name is missing.",
    problems.NameTwice: "{name} is already on line {first_line}.",
    problems.BarcodeInUse: "Another product has the barcode {barcode}.",
    problems.PriceMissing: "{name} is new and needs a price.",
    problems.AboveShelfCapacity: "The shelf of {name} holds at most {most}.",
    problems.UnknownSeller: "There is no seller {seller!r}.",
    problems.SellerNotYou: "You can add only your own products.",
    problems.ProductNotYours: "{name} belongs to another seller.",
    problems.OtherSeller: "{name} is sold by {seller}. The seller of a product cannot change.",
}


def sentence(problem: FileProblem, line: int | None, *, exponent: int = 2) -> str:
    """Where and what, amounts in the shop's major units: `line 2, price: '1,5O' must be ...`.

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
    places = [] if line is None else [f"line {line}"]
    if isinstance(problem, InvalidCell):
        places.append(problem.column)
        facts["problem"] = predicate(problem.problem, exponent=exponent)
    elif isinstance(problem, FileTooLarge):
        facts["mib"] = problem.bytes_max // MIB
    told = TABLE[type(problem)].format(**facts)
    return f"{', '.join(places)}: {told}" if places else told
