"""What can be wrong with a file of rows, or with one of its rows: a closed set, each with its facts.

How it is said is each interface's own table, and a test proves that every table has a row for each of these.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from tuckshop.domain.field_problems import FieldProblem

VALUE_LENGTH_MAX = 40  # Of what a cell holds: enough to find it again.


@dataclass(frozen=True)
class FileProblem:
    """Why a file, or a row of it, is not taken; the fields are the facts that explain it."""

    def facts(self) -> dict[str, Any]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class FileTooLarge(FileProblem):
    """The file has more than `bytes_max`."""

    bytes_max: int


@dataclass(frozen=True)
class FileIsUtf16(FileProblem):
    """The file is UTF-16, as some spreadsheets save "Unicode text"."""


@dataclass(frozen=True)
class FileNotUtf8(FileProblem):
    """There are bytes that are no UTF-8."""


@dataclass(frozen=True)
class NulCharacter(FileProblem):
    """There is a NUL, which no text has."""


@dataclass(frozen=True)
class QuotesOpen(FileProblem):
    """A quote is not closed, or stands inside of a cell."""


@dataclass(frozen=True)
class CellTooLong(FileProblem):
    """A cell has more than `length_max` characters."""

    length_max: int


@dataclass(frozen=True)
class TooManyRows(FileProblem):
    """There are more than `rows_max` rows below the head."""

    rows_max: int


@dataclass(frozen=True)
class FileEmpty(FileProblem):
    """There is no row at all."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class NameColumnMissing(FileProblem):
    """The head does not name the column by which rows are known."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class UnknownColumn(FileProblem):
    """The head names a column that there is not."""

    column: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ColumnTwice(FileProblem):
    """The head names a column twice."""

    column: str


@dataclass(frozen=True)
class TooManyCells(FileProblem):
    """A row has more cells than the head names."""

    cells: int
    cells_max: int


@dataclass(frozen=True)
class InvalidCell(FileProblem):
    """A cell's `value`, cut at VALUE_LENGTH_MAX, breaks the rules of its column."""

    column: str
    value: str
    problem: FieldProblem


@dataclass(frozen=True)
class NameMissing(FileProblem):
    """A row has nothing in the column `name`."""


@dataclass(frozen=True)
class NameTwice(FileProblem):
    """Another line names the same thing."""

    name: str
    first_line: int


@dataclass(frozen=True)
class BarcodeInUse(FileProblem):
    """Another product of the same seller has this barcode, or gets it from a line above."""

    barcode: str


@dataclass(frozen=True)
class PriceMissing(FileProblem):
    """A new product without a price."""

    name: str


@dataclass(frozen=True)
class AboveShelfCapacity(FileProblem):
    """More pieces than the shelf holds, `most`."""

    name: str
    most: int


@dataclass(frozen=True)
class UnknownSeller(FileProblem):
    """There is no such seller."""

    seller: str


@dataclass(frozen=True)
class SellerNotYou(FileProblem):
    """Sellers add products of their own alone."""


@dataclass(frozen=True)
class ProductNotYours(FileProblem):
    """The product belongs to somebody else."""

    name: str


@dataclass(frozen=True)
class OtherSeller(FileProblem):
    """The product is sold by `seller`, and products keep their sellers."""

    name: str
    seller: str
