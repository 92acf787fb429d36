"""Products in a file: a seller's own, or with an admin's rights everybody's, out of the shop and into it.

A product is known by its name, by the rule that makes names the same. New names are added, known ones changed
to what their row says; what the file does not name stays as it is. So taking a file twice changes nothing.
Every row is looked at before the first is done. Then they are done in portions, each one command of the
till's, between which others are served; a file that stopped half-way goes on where it was if taken again.
`portions` has how, and how an import is undone.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, select

from tuckshop.context import Shop
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.money import Currency
from tuckshop.domain.products import PRODUCTS_MAX
from tuckshop.domain.refusals import (
    BarcodeTaken,
    NameTaken,
    NotOwner,
    Refusal,
    StockTooLarge,
    UnknownProduct,
    UnknownUser,
)
from tuckshop.domain.selling import Use, require_room
from tuckshop.domain.users import OPERATOR, Actor, Role, name_key
from tuckshop.imports import csv_files, portions, product_rows
from tuckshop.imports.file_problems import BarcodeInUse
from tuckshop.imports.portions import Importer
from tuckshop.imports.product_rows import COLUMNS, ImportRow, Known, Problem, Seller
from tuckshop.queries import machines, selling
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.imports import ChangeProducts
from tuckshop.till.commands.products import AddProduct, ChangeProduct

PAGE = 500
PORTION = 200  # Rows of one command: a tenth of a second of the till's, after which others are served.
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
class Stopped:
    """How many rows of how many were done before something stopped it; None: see the problems."""

    rows_done: int
    rows: int
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file, or would. With problems nothing was done, unless it `stopped` half-way."""

    acts: tuple[Act, ...] = ()
    unchanged: int = 0
    problems: tuple[Problem, ...] = ()
    stopped: Stopped | None = None

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
    caller: Importer,
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

    `actor` is what the caller may do now; the till asks again. With a `key`, each row is done once: taken
    again, the file changes nothing but for rows that it did not come to, whatever was sold or changed
    meanwhile. And it can be undone: see `portions.undo`.

    Raises:
        RoleMissing, SessionEnded: only sellers and admins have products.
        UnknownMachine: as it says.
        KeyReused: for another file or machine.
        ImportUndone: it was undone under this key.
        Refusal: of the first portion, as by quotas, or since others kept changing the same products; nothing
            was done. One of a later portion is in the report.
    """
    actor.require(Role.SELLER, Role.ADMIN)
    await machines.find(shop, machine_id=machine_id)
    try:
        # Not in the loop, which others wait for.
        table = await asyncio.to_thread(_parsed, content, shop.currency)
    except csv_files.FileUnreadable as error:
        return Report(problems=(Problem(error.line, error.problem),))
    asked = _Asked(shop, caller, actor, machine_id, reason, key, content)
    report, steps = await _look(shop, caller, actor, table, machine_id, reason, progress)
    if report.problems or dry_run or not steps:
        return report
    await _require_room(shop, actor, steps)
    planned = list(zip(report.acts, steps, strict=True))
    done: list[Act] = []
    for start in range(0, len(table.products), PORTION):
        rows = table.products[start : start + PORTION]
        part = [one for one in planned if rows[0].line <= one[0].line <= rows[-1].line]
        try:
            done += await _apply(asked, start, rows, part)
        except Refusal as refusal:
            if start == 0:
                raise
            return Report(tuple(done), stopped=Stopped(start, len(table.products), refusal))
        except _NowWrong as wrong:
            if start == 0:
                return Report(problems=wrong.problems)
            return Report(tuple(done), problems=wrong.problems, stopped=Stopped(start, len(table.products)))
    return Report(tuple(done), report.unchanged) if done else Report()


def _parsed(content: bytes, currency: Currency) -> product_rows.Table:
    return product_rows.parse(csv_files.read(content, rows_max=PRODUCTS_MAX), currency=currency)


class _Asked(NamedTuple):
    """Who takes a file, and how; `key`: under which it is taken once; `content`: of the file."""

    shop: Shop
    caller: Importer
    actor: Actor
    machine_id: int
    reason: str
    key: str | None
    content: bytes

    async def portion(self, steps: list[AddProduct | ChangeProduct], start: int) -> Outcome:
        """What the till did. With a key, it leaves a record even where there is nothing to be done."""
        command = ChangeProducts(self.caller, tuple(steps))
        if self.key is None:
            outcome = await self.shop.till.execute(Envelope(command))
            outcome.receipt()
            return outcome
        file = hashlib.sha256(b"%d " % self.machine_id + self.content).digest()
        return await portions.do(self.shop, command, key=self.key, start=start, fingerprint=file)


async def _require_room(shop: Shop, actor: Actor, steps: list[AddProduct | ChangeProduct]) -> None:
    """Raises TooManyProducts, TooManyPieces where new products are more than a seller may have."""
    more: dict[int, Use] = {}
    for step in steps:
        seller_id = step.seller_id or actor.user_id if isinstance(step, AddProduct) else None
        if isinstance(step, AddProduct) and seller_id is not None and not step.for_house:
            before = more.get(seller_id, Use())
            more[seller_id] = Use(before.products + 1, before.pieces + step.stock)
    for seller_id, new in more.items():
        found = await selling.find(shop, actor=OPERATOR, user_id=seller_id)
        require_room(found.quota, found.used, new)


class _NowWrong(Exception):
    """What others did since the file was looked at and these rows do not go together any more."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems


async def _apply(
    asked: _Asked,
    start: int,
    rows: tuple[ImportRow, ...],
    part: list[tuple[Act, AddProduct | ChangeProduct]],
) -> list[Act]:
    """Does what the rows from `start` on ask for, and what became of it; nothing if it was done before.

    Raises:
        Refusal, _NowWrong: none of these rows was done.
    """
    for tried in range(1, _TRIES + 1):
        if not part and asked.key is None:
            return []
        try:
            outcome = await asked.portion([step for _, step in part], start)
        except (BarcodeTaken, NameTaken, NotOwner, StockTooLarge, UnknownProduct, UnknownUser):
            # Somebody was faster between the look and the till; the next look tells which row it concerns.
            if tried == _TRIES:
                raise
        else:
            return [] if outcome.replayed else [act for act, _ in part]
        table = product_rows.Table(rows, ())
        report, steps = await _look(
            asked.shop, asked.caller, asked.actor, table, asked.machine_id, asked.reason, lambda *_: None
        )
        if report.problems:
            raise _NowWrong(report.problems)
        part = list(zip(report.acts, steps, strict=True))
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
    caller: Importer,
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
