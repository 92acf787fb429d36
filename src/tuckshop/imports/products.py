"""Products in a file: a seller's own, or with an admin's rights everybody's, out of the shop and into it.

A product is known by its name, by the rule that makes names the same. New names are added, known ones changed
to what their row says; what the file does not name stays as it is. So taking a file twice changes nothing.
All rows or none: they are one command of the till's.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from tuckshop.context import Shop
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.products import PRODUCTS_MAX
from tuckshop.domain.refusals import (
    BarcodeTaken,
    NameTaken,
    NotOwner,
    StockTooLarge,
    UnknownProduct,
    UnknownUser,
)
from tuckshop.domain.users import Actor, Role, name_key
from tuckshop.imports import csv_files, product_rows
from tuckshop.imports.file_problems import BarcodeInUse
from tuckshop.imports.product_rows import COLUMNS, Known, Problem, Seller
from tuckshop.queries import machines
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.callers import OperatorCaller, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ChangeProducts

PAGE = 500
REASON = "imported"
_TRIES = 3  # Looks at a shop that others are changing at the same names just now.

products, shelves, users = tables.products, tables.shelves, tables.users

Progress = Callable[[int, int], None]
"""Is told how many rows of how many have been looked at."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a row does to a product: `fields` change. A new one has all of them."""

    line: int
    name: str
    is_new: bool
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file, or would. With problems nothing was done."""

    acts: tuple[Act, ...] = ()
    unchanged: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def added(self) -> int:
        """How many products are new."""
        return sum(act.is_new for act in self.acts)

    @property
    def changed(self) -> int:
        """How many known products differ from their rows."""
        return len(self.acts) - self.added

    @property
    def corrected(self) -> int:
        """How many of those differ in stock."""
        return sum(not act.is_new and "stock" in act.fields for act in self.acts)


async def take(
    shop: Shop,
    *,
    caller: SessionCaller | OperatorCaller,
    actor: Actor,
    content: bytes,
    machine_id: int = DEFAULT_MACHINE_ID,
    reason: str = REASON,
    dry_run: bool = False,
    key: str | None = None,
    progress: Progress = lambda done, of: None,
) -> Report:
    """Adds and changes the products that a file lists; `stock` is that of the machine.

    Stock is a count: the shelf holds that many once the file is taken, whatever was sold since it was
    counted, and the difference is a correction. But a row whose `stock` still is what `stock_exported` says
    was not counted by anybody: it leaves the shelf alone, with the sales since the export.

    `actor` is what the caller may do now; the till asks again. With a `key`, the file is taken once: taken
    again, it changes nothing, whatever was sold or changed meanwhile.

    Raises:
        RoleMissing, SessionEnded: only sellers and admins have products.
        UnknownMachine: as it says.
        BarcodeTaken, NameTaken, NotOwner, StockTooLarge, UnknownProduct, UnknownUser: others kept changing
            the same products; nothing was done.
    """
    actor.require(Role.SELLER, Role.ADMIN)
    await machines.find(shop, machine_id=machine_id)
    try:
        table = product_rows.parse(csv_files.read(content, rows_max=PRODUCTS_MAX), currency=shop.currency)
    except csv_files.FileUnreadable as error:
        return Report(problems=(Problem(error.line, error.problem),))
    for tried in range(1, _TRIES + 1):
        report, steps = await _look(shop, caller, actor, table, machine_id, reason, progress)
        if report.problems or dry_run or not steps:
            return report
        try:
            # Each try has a key of its own: a refusal is an answer too, and is repeated as one.
            once = (None, b"") if key is None else (f"{key}.{tried}", hashlib.sha256(content).digest())
            outcome = await shop.till.execute(Envelope(ChangeProducts(caller, tuple(steps)), *once))
            outcome.receipt()
        except (BarcodeTaken, NameTaken, NotOwner, StockTooLarge, UnknownProduct, UnknownUser):
            # Somebody was faster between the look and the till; the next look tells which row it concerns.
            if tried == _TRIES:
                raise
        else:
            return Report() if outcome.replayed else report
    raise AssertionError("the last try returns or raises")


async def give(
    shop: Shop, *, machine_id: int = DEFAULT_MACHINE_ID, seller_id: int | None = None
) -> AsyncIterator[tuple[str, ...]]:
    """The rows of a file that `take` takes: the head, then what is on sale, of one seller or of all."""
    yield COLUMNS
    after_id = 0
    query = _known(machine_id).order_by(products.c.id).limit(PAGE)
    if seller_id is not None:
        query = query.where(products.c.seller_id == seller_id)
    while True:
        async with reading(shop.engine) as connection:
            page = [Known(*row) for row in await connection.execute(query.where(products.c.id > after_id))]
        for one in page:
            yield product_rows.written(one, shop.currency)
        if len(page) < PAGE:
            return
        after_id = page[-1].product_id


async def _look(
    shop: Shop,
    caller: SessionCaller | OperatorCaller,
    actor: Actor,
    table: product_rows.Table,
    machine_id: int,
    reason: str,
    progress: Progress,
) -> tuple[Report, list[AddProduct | ChangeProduct]]:
    """What the rows would do to the shop as it stands, and the steps that do it."""
    problems = list(table.problems)
    acts: list[Act] = []
    steps: list[AddProduct | ChangeProduct] = []
    seller_ids: list[int | None] = []  # of each step: whose the product is
    unchanged = 0
    for start in range(0, len(table.products), PAGE):
        page = table.products[start : start + PAGE]
        known = await _find(shop, {good.key for good in page}, machine_id)
        sellers = await _sellers(shop, {name_key(good.seller) for good in page if good.seller})
        for good in page:
            try:
                step, fields = product_rows.step(
                    good,
                    known.get(good.key),
                    sellers,
                    caller=caller,
                    actor=actor,
                    machine_id=machine_id,
                    reason=reason,
                )
            except product_rows.Wrong as wrong:
                problems += (Problem(good.line, one) for one in wrong.problems)
                continue
            if step is None:
                unchanged += 1
                continue
            steps.append(step)
            seller_ids.append(_seller_id(step, known.get(good.key), actor))
            acts.append(Act(good.line, good.name, isinstance(step, AddProduct), fields))
        progress(start + len(page), len(table.products))
    problems += await _barcodes_in_use(shop, acts, steps, seller_ids)
    problems.sort(key=lambda problem: problem.line or 0)
    return Report(tuple(acts), unchanged, tuple(problems)), steps


async def _find(shop: Shop, keys: set[str], machine_id: int) -> dict[str, Known]:
    query = _known(machine_id).where(products.c.name_key.in_(keys))
    async with reading(shop.engine) as connection:
        found = [Known(*row) for row in await connection.execute(query)]
    return {name_key(one.name): one for one in found}


def _seller_id(step: AddProduct | ChangeProduct, known: Known | None, actor: Actor) -> int | None:
    if known is not None:
        return known.seller_id
    assert isinstance(step, AddProduct)
    return None if step.for_house else step.seller_id or actor.user_id


async def _barcodes_in_use(
    shop: Shop, acts: list[Act], steps: list[AddProduct | ChangeProduct], seller_ids: list[int | None]
) -> list[Problem]:
    """The lines whose barcodes the till would refuse, step by step as it goes."""
    codes = [step.barcode for step in steps if step.barcode]
    bearers: dict[tuple[int | None, str], object] = {}  # A product is its id, or the line that adds it.
    query = select(products.c.seller_id, products.c.barcode, products.c.id).where(
        products.c.removed_us.is_(None)
    )
    async with reading(shop.engine) as connection:
        for start in range(0, len(codes), PAGE):
            page = query.where(products.c.barcode.in_(codes[start : start + PAGE]))
            bearers.update({(row[0], row[1]): row[2] for row in await connection.execute(page)})
    worn = {product_id: ref for ref, product_id in bearers.items()}
    problems = []
    for act, step, seller_id in zip(acts, steps, seller_ids, strict=True):
        if not step.barcode:
            continue
        product: object = step.product_id if isinstance(step, ChangeProduct) else act
        if bearers.setdefault((seller_id, step.barcode), product) != product:
            problems.append(Problem(act.line, BarcodeInUse(step.barcode)))
            continue
        given_up = worn.pop(product, None)
        if given_up not in (None, (seller_id, step.barcode)):
            bearers.pop(given_up, None)
    return problems


async def _sellers(shop: Shop, keys: set[str]) -> dict[str, Seller]:
    query = select(users.c.id, users.c.username).where(
        users.c.username_key.in_(keys), users.c.is_seller, users.c.state != "closed"
    )
    async with reading(shop.engine) as connection:
        found = [Seller(*row) for row in await connection.execute(query)] if keys else []
    return {name_key(one.username): one for one in found}


def _known(machine_id: int) -> Select[Any]:
    """Products at their own price, not that of the machine's shelf: the file is about the product."""
    on_machine = and_(shelves.c.product_id == products.c.id, shelves.c.machine_id == machine_id)
    other: dict[str, ColumnElement[Any]] = {
        "product_id": products.c.id,
        "seller": users.c.username,
        "stock": func.coalesce(shelves.c.quantity, 0),
        "capacity": shelves.c.capacity,
    }
    return (
        select(*(other[name] if name in other else products.c[name] for name in Known._fields))
        .outerjoin(shelves, on_machine)
        .outerjoin(users, users.c.id == products.c.seller_id)
        .where(products.c.removed_us.is_(None))
    )
