"""What is wrong with a file, for whoever sits at the terminal: one table from problem to sentence."""

from __future__ import annotations

from collections.abc import Mapping

from tuckshop.cli.errors import predicate
from tuckshop.imports import file_problems as problems
from tuckshop.imports.file_problems import FileProblem, FileTooLarge, InvalidCell

MIB = 1024**2

TABLE: Mapping[type[FileProblem], str] = {
    problems.FileTooLarge: "The file is larger than {mib} MiB.",
    problems.FileIsUtf16: "The file is UTF-16: save it as CSV in UTF-8.",
    problems.FileNotUtf8: "The file is not UTF-8: save it as CSV in UTF-8.",
    problems.NulCharacter: "There is a NUL character: this is no CSV file.",
    problems.QuotesOpen: "The quotes in this row do not close, or stand in a cell.",
    problems.CellTooLong: "A cell has more than {length_max} characters.",
    problems.TooManyRows: "The file has more than {rows_max} rows.",
    problems.FileEmpty: "The file is empty: its first row names {columns}.",
    problems.NameColumnMissing: "The first row must name the columns: name, and any of {columns}.",
    problems.UnknownColumn: "There is no column {column!r}, only {columns}.",
    problems.ColumnTwice: "The column {column} is there twice.",
    problems.TooManyCells: "There are {cells} cells, and the first row names {cells_max}.",
    problems.InvalidCell: "{value!r} {problem}.",
    problems.NameMissing: "The name is missing.",
    problems.NameTwice: "{name} is on line {first_line} already.",
    problems.BarcodeInUse: "Another product has the barcode {barcode}.",
    problems.PriceMissing: "{name} is new and needs a price.",
    problems.AboveShelfCapacity: "The shelf of {name} holds at most {most}.",
    problems.UnknownSeller: "There is no seller {seller!r}.",
    problems.SellerNotYou: "Add products of your own alone.",
    problems.ProductNotYours: "{name} belongs to somebody else.",
    problems.OtherSeller: "{name} is sold by {seller}, and products keep their sellers.",
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
