"""Rows about products: what their cells mean, and what each would do to the product that it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from tuckshop.domain.field_problems import NotAWholeNumber, NotYesOrNo
from tuckshop.domain.money import Currency, parse_price, show
from tuckshop.domain.products import (
    QUANTITY_MAX,
    check_barcode,
    check_category,
    check_product_name,
    check_quantity,
    parse_tax,
    show_tax,
)
from tuckshop.domain.refusals import InvalidField
from tuckshop.domain.users import HOUSE_NAME, USERNAME_LENGTH_MAX, Actor, Role, name_key
from tuckshop.imports.csv_files import Row
from tuckshop.imports.file_problems import (
    VALUE_LENGTH_MAX,
    AboveShelfCapacity,
    ColumnTwice,
    FileEmpty,
    FileProblem,
    InvalidCell,
    NameColumnMissing,
    NameMissing,
    NameTwice,
    OtherSeller,
    PriceMissing,
    ProductNotYours,
    SellerNotYou,
    TooManyCells,
    UnknownColumn,
    UnknownSeller,
)
from tuckshop.till.callers import Caller
from tuckshop.till.commands.products import AddProduct, ChangeProduct

COLUMNS = (
    "name",
    "price",
    "stock",
    "stock_exported",
    "seller",
    "refundable",
    "tax",
    "cost",
    "category",
    "barcode",
)
_YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and on which line of the file; None: with the whole of it."""

    line: int | None
    problem: FileProblem


class Wrong(Exception):
    """A row that cannot be done, with all that is wrong with it."""

    def __init__(self, *problems: FileProblem) -> None:
        super().__init__(*problems)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row with its cells read. None: not said, so it stays as it is, or is as usual for a new product."""

    line: int
    name: str
    price: int | None = None
    stock: int | None = None
    stock_exported: int | None = None
    seller: str | None = None
    refundable: bool | None = None
    tax: int | None = None
    cost: int | None = None
    category: str | None = None
    barcode: str | None = None

    @property
    def key(self) -> str:
        """By which the product is found."""
        return name_key(self.name)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows that can be read, and what is wrong with the others."""

    products: tuple[ImportRow, ...]
    problems: tuple[Problem, ...]


class Known(NamedTuple):
    """A product on sale, with its shelf on the machine that the file is about."""

    product_id: int
    name: str
    price_cents: int
    seller_id: int | None
    seller: str | None
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    category: str | None
    barcode: str | None
    stock: int
    capacity: int | None


class Seller(NamedTuple):
    """Whose products there may be."""

    id: int
    username: str


def parse(rows: Sequence[Row], *, currency: Currency) -> Table:
    """The rows under their head, which names some of COLUMNS in any order."""
    if not rows:
        return Table((), (Problem(None, FileEmpty(COLUMNS)),))
    columns = tuple(cell.lower() for cell in rows[0].cells)
    about_head = _about_head(columns)
    if about_head:
        return Table((), tuple(Problem(rows[0].line, problem) for problem in about_head))
    products: list[ImportRow] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    readers = _readers(currency)
    for row in rows[1:]:
        try:
            good = _good(row, columns, readers)
            first = seen.setdefault(good.key, row.line)
            if first != row.line:
                raise Wrong(NameTwice(good.name, first))
            products.append(good)
        except Wrong as wrong:
            problems += (Problem(row.line, problem) for problem in wrong.problems)
    return Table(tuple(products), tuple(problems))


def step(
    good: ImportRow,
    known: Known | None,
    sellers: Mapping[str, Seller],
    *,
    caller: Caller,
    actor: Actor,
    machine_id: int,
    reason: str,
) -> tuple[AddProduct | ChangeProduct | None, tuple[str, ...]]:
    """The command that makes the shop as the row says, and the fields that differ; None if none does.

    Raises:
        Wrong: the row and the shop do not go together.
    """
    if known is None:
        seller_id = _seller_id(good, sellers, actor)
        if good.price is None:
            raise Wrong(PriceMissing(good.name))
        added = AddProduct(
            caller,
            name=good.name,
            price_cents=good.price,
            stock=good.stock or 0,
            refundable=good.refundable is not False,
            tax_basis_points=good.tax or 0,
            cost_cents=good.cost or 0,
            category=good.category,
            barcode=good.barcode,
            for_house=seller_id is None,
            machine_id=machine_id,
            seller_id=seller_id,
        )
        return added, tuple(name for name in COLUMNS if name != "stock_exported")
    _require_same_seller(good, known, actor)
    is_counted = good.stock is not None and good.stock != good.stock_exported
    differing: dict[str, Any] = {
        name: (argument, new)
        for name, argument, new, old in (
            ("name", "name", good.name, known.name),
            ("price", "price_cents", good.price, known.price_cents),
            ("stock", "stock", good.stock if is_counted else None, known.stock),
            ("refundable", "refundable", good.refundable, known.refundable),
            ("tax", "tax_basis_points", good.tax, known.tax_basis_points),
            ("cost", "cost_cents", good.cost, known.cost_cents),
            ("category", "category", good.category, known.category),
            ("barcode", "barcode", good.barcode, known.barcode),
        )
        if new is not None and new != old
    }
    if not differing:
        return None, ()
    most = max(known.stock, known.capacity or QUANTITY_MAX)
    if "stock" in differing and (good.stock or 0) > most:
        raise Wrong(AboveShelfCapacity(known.name, most))
    changed = ChangeProduct(
        caller,
        known.product_id,
        machine_id=machine_id,
        reason=reason if "stock" in differing else None,
        **dict(differing.values()),
    )
    return changed, tuple(differing)


def written(known: Known, currency: Currency) -> tuple[str, ...]:
    """The product as a row of a file, in the order of COLUMNS."""
    stock = str(known.stock)
    return (
        known.name,
        show(known.price_cents, exponent=currency.exponent),
        stock,
        stock,
        known.seller or HOUSE_NAME,
        "yes" if known.refundable else "no",
        show_tax(known.tax_basis_points),
        show(known.cost_cents, exponent=currency.exponent),
        known.category or "",
        known.barcode or "",
    )


def _about_head(columns: Sequence[str]) -> list[FileProblem]:
    unknown = [name[:VALUE_LENGTH_MAX] for name in columns if name not in COLUMNS]
    twice = sorted({name for name in columns if columns.count(name) > 1 and name in COLUMNS})
    return [
        *(UnknownColumn(name, COLUMNS) for name in unknown),
        *(ColumnTwice(name) for name in twice),
        *([] if "name" in columns else [NameColumnMissing(COLUMNS)]),
    ]


Reader = Callable[[str], Any]


def _readers(currency: Currency) -> dict[str, Reader]:
    return {
        "name": check_product_name,
        "price": partial(parse_price, currency=currency),
        "stock": partial(_whole, field="stock"),
        "stock_exported": partial(_whole, field="stock_exported"),
        "seller": str,
        "refundable": _yes_no,
        "tax": parse_tax,
        "cost": partial(parse_price, currency=currency, field="cost", cents_min=0),
        "category": check_category,
        "barcode": check_barcode,
    }


def _good(row: Row, columns: Sequence[str], readers: Mapping[str, Reader]) -> ImportRow:
    cells = row.cells
    if any(cells[len(columns) :]):
        raise Wrong(TooManyCells(len(cells), len(columns)))
    read: dict[str, Any] = {}
    problems: list[FileProblem] = []
    for name, cell in zip(columns, cells, strict=False):
        if not cell:
            continue
        try:
            read[name] = readers[name](cell)
        except InvalidField as refusal:
            problems.append(InvalidCell(name, cell[:VALUE_LENGTH_MAX], refusal.problem))
    if "name" not in read and not problems:
        problems.append(NameMissing())
    if problems:
        raise Wrong(*problems)
    return ImportRow(row.line, **read)


def _whole(text: str, *, field: str) -> int:
    if re.fullmatch("[0-9]{1,9}", text, re.ASCII) is None:
        raise InvalidField(field=field, problem=NotAWholeNumber())
    return check_quantity(int(text), field=field, least=0)


def _yes_no(text: str) -> bool:
    if text.lower() not in _YES_NO:
        raise InvalidField(field="refundable", problem=NotYesOrNo())
    return _YES_NO[text.lower()]


def _seller_id(good: ImportRow, sellers: Mapping[str, Seller], actor: Actor) -> int | None:
    """Whose a new product becomes; None: the shop's own."""
    is_admin = actor.has(Role.ADMIN)
    if good.seller is None:
        return None if is_admin else actor.user_id
    if name_key(good.seller) == HOUSE_NAME and is_admin:
        return None
    seller = sellers.get(name_key(good.seller))
    if seller is not None and (is_admin or seller.id == actor.user_id):
        return seller.id
    raise Wrong(UnknownSeller(good.seller[:USERNAME_LENGTH_MAX]) if is_admin else SellerNotYou())


def _require_same_seller(good: ImportRow, known: Known, actor: Actor) -> None:
    if not actor.has(Role.ADMIN) and known.seller_id != actor.user_id:
        raise Wrong(ProductNotYours(known.name))
    seller = known.seller or HOUSE_NAME
    if good.seller is not None and name_key(good.seller) != name_key(seller):
        raise Wrong(OtherSeller(known.name, seller))
