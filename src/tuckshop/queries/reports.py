"""What was sold: by day, product, seller and machine, and what each seller earned of it.

Made of the sales that the till adds up as they happen: a report costs what its days, products and machines
cost, however many orders there were.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, select, union_all

from tuckshop.context import Shop
from tuckshop.domain.days import Period, date_of, day_of, period
from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.refusals import NotOwner, ReportTooLarge
from tuckshop.domain.users import Actor, Role
from tuckshop.store import tables

ROWS_MAX = 50_000  # A hundred products by the day for a year: some 10 MB while it is written.

sales, products, users, machines = tables.sales, tables.products, tables.users, tables.machines
accounts, transfers = tables.accounts, tables.transfers


class By(StrEnum):
    """What a report tells apart."""

    DAY = "day"
    PRODUCT = "product"
    SELLER = "seller"
    MACHINE = "machine"


class Named(NamedTuple):
    """A product, seller or machine. The house has no id."""

    id: int | None
    name: str


HOUSE = Named(None, "house")


class Figures(NamedTuple):
    """Pieces and money sold, and refunded; the difference is what was earned."""

    sold_quantity: int
    sold_cents: int
    refunded_quantity: int
    refunded_cents: int

    @property
    def quantity(self) -> int:
        """Pieces that were kept."""
        return self.sold_quantity - self.refunded_quantity

    @property
    def amount_cents(self) -> int:
        """What they brought; below 0 where more came back than was sold in that time."""
        return self.sold_cents - self.refunded_cents


@dataclass(frozen=True, slots=True)
class SalesRow:
    """Sales of one day, product, seller or machine; `keys` are what the report was asked to tell apart."""

    keys: dict[By, date | Named]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Sales:
    """The sales of a period, in the order of their keys, and of all of it together."""

    period: Period
    rows: list[SalesRow]
    total: Figures


@dataclass(frozen=True, slots=True)
class SellerEarnings:
    """What a seller sold and was paid in a period, and what the shop owes them now."""

    seller: Named
    figures: Figures
    paid_cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class Earnings:
    """Earnings of a period, by seller; the house first."""

    period: Period
    rows: list[SellerEarnings]


def period_of(shop: Shop, first: date | None, last: date | None) -> Period:
    """From day to day, both of them in it; up to today and thirty days unless said. Raises InvalidField."""
    return period(first, last, today=date_of(shop.till.policy.days.of(shop.clock())))


async def sell_through(
    shop: Shop,
    *,
    actor: Actor,
    period: Period,
    by: Sequence[By] = (By.DAY,),
    product_id: int | None = None,
    seller_id: int | None = None,
    machine_id: int | None = None,
) -> Sales:
    """Sales as told apart `by`, of one product, seller or machine where asked. Sellers see their own.

    Raises:
        RoleMissing, NotOwner: the actor may not see it.
        ReportTooLarge: it would have more than ROWS_MAX rows.
    """
    seller_id = _visible(actor, seller_id)
    where = [_within(period)]
    if product_id is not None:
        where.append(sales.c.product_id == product_id)
    if machine_id is not None:
        where.append(sales.c.machine_id == machine_id)
    if seller_id is not None:
        where.append(sales.c.product_id.in_(select(products.c.id).where(products.c.seller_id == seller_id)))
    async with shop.reading_late() as connection:
        found = (await connection.execute(_grouped(by, where).limit(ROWS_MAX + 1))).all()
    if len(found) > ROWS_MAX:
        raise ReportTooLarge(rows_max=ROWS_MAX)
    # Beside the loop, in which the till sells: the longest report takes Python a third of a second.
    return await asyncio.to_thread(_told, found, period, by)


async def earnings(shop: Shop, *, actor: Actor, period: Period) -> Earnings:
    """What each seller sold and was paid in the period. Sellers see their own.

    Raises:
        RoleMissing: the actor may not see it.
        ReportTooLarge: there are more than ROWS_MAX sellers.
    """
    only = _visible(actor, None)
    sold = await sell_through(shop, actor=actor, period=period, by=[By.SELLER])
    figures = {row.keys[By.SELLER]: row.figures for row in sold.rows}
    days = shop.till.policy.days
    payouts = (
        select(transfers.c.source_id.label("account_id"), transfers.c.amount_cents, transfers.c.created_us)
        # All of them have one, and so an index finds them.
        .where(transfers.c.kind == TransferKind.EARNINGS_PAYOUT, transfers.c.external_ref.is_not(None))
    )
    taken_back = (
        select(transfers.c.target_id, -transfers.c.amount_cents, transfers.c.created_us)
        .join(accounts, accounts.c.id == transfers.c.target_id)
        .where(transfers.c.reverses_id.is_not(None), accounts.c.kind == AccountKind.EARNINGS.value)
    )
    moved = union_all(payouts, taken_back).subquery()
    paid = (
        select(moved.c.account_id, func.sum(moved.c.amount_cents).label("cents"))
        .where(
            moved.c.created_us >= days.start_us(day_of(period.first)),
            moved.c.created_us < days.start_us(day_of(period.last) + 1),
        )
        .group_by(moved.c.account_id)
        .subquery()
    )
    query = (
        select(users.c.id, users.c.username, accounts.c.balance_cents, paid.c.cents)
        .select_from(accounts)
        .outerjoin(users, users.c.id == accounts.c.user_id)
        .outerjoin(paid, paid.c.account_id == accounts.c.id)
        .where(accounts.c.kind.in_((AccountKind.EARNINGS.value, AccountKind.HOUSE.value)))
        .order_by(accounts.c.user_id.is_not(None), accounts.c.user_id)
        .limit(ROWS_MAX + 1)
    )
    if only is not None:
        query = query.where(accounts.c.user_id == only)
    async with shop.reading_late() as connection:
        found = (await connection.execute(query)).all()
    if len(found) > ROWS_MAX:
        raise ReportTooLarge(rows_max=ROWS_MAX)
    rows = []
    for user_id, username, balance_cents, paid_cents in found:
        seller = HOUSE if user_id is None else Named(user_id, username)
        sums = figures.get(seller, _NOTHING)
        rows.append(SellerEarnings(seller, sums, int(paid_cents or 0), balance_cents))
    return Earnings(period, rows)


_FIGURES = tuple(sales.c[name] for name in Figures._fields)
_NOTHING = Figures(0, 0, 0, 0)


def _visible(actor: Actor, seller_id: int | None) -> int | None:
    """Whose sales the actor gets to see, None for everybody's. Raises RoleMissing, NotOwner."""
    if actor.has(Role.ADMIN, Role.CASHIER):
        return seller_id
    actor.require(Role.SELLER, Role.CASHIER, Role.ADMIN)
    if seller_id not in (None, actor.user_id):
        raise NotOwner(thing="report")
    return actor.user_id


def _within(period: Period) -> ColumnElement[bool]:
    return sales.c.day.between(day_of(period.first), day_of(period.last))


def _grouped(by: Sequence[By], where: list[ColumnElement[bool]]) -> Select[Any]:
    """Added up first, so that names are looked up once for each row of the report and not of the sales."""
    ids = {By.DAY: sales.c.day, By.PRODUCT: sales.c.product_id, By.MACHINE: sales.c.machine_id}
    ids[By.SELLER] = sales.c.product_id
    keys = list(dict.fromkeys(ids[one] for one in by))
    added = select(*keys, *_sums(_FIGURES)).where(*where).group_by(*keys).subquery()
    columns: list[ColumnElement[Any]] = []
    query: Any = added
    if By.PRODUCT in by or By.SELLER in by:
        query = query.join(products, products.c.id == added.c.product_id)
        query = query.outerjoin(users, users.c.id == products.c.seller_id) if By.SELLER in by else query
    if By.MACHINE in by:
        query = query.join(machines, machines.c.id == added.c.machine_id)
    for one in by:
        columns += _columns(one, added)
    if By.SELLER in by and By.PRODUCT not in by:
        figures = _sums(tuple(added.c[name] for name in Figures._fields))
        grouped = select(*columns, *figures).select_from(query).group_by(*columns)
    else:
        grouped = select(*columns, *(added.c[name] for name in Figures._fields)).select_from(query)
    # The house, which has no id, comes first on every database.
    return grouped.order_by(*(func.coalesce(column, 0) for column in columns if column.name != "name"))


def _columns(one: By, added: Any) -> tuple[ColumnElement[Any], ...]:
    match one:
        case By.DAY:
            return (added.c.day,)
        case By.PRODUCT:
            return products.c.id, products.c.name.label("name")
        case By.SELLER:
            return users.c.id, users.c.username.label("name")
        case By.MACHINE:
            return machines.c.id, machines.c.name.label("name")


def _sums(columns: Sequence[ColumnElement[int]]) -> list[ColumnElement[int]]:
    # PostgreSQL adds up in a type that Python reads slowly.
    return [cast(func.sum(column), BigInteger).label(column.name) for column in columns]


def _told(found: Sequence[Any], period: Period, by: Sequence[By]) -> Sales:
    rows = [_row(row, by) for row in found]
    return Sales(period, rows, _sum([row.figures for row in rows]))


def _row(row: Any, by: Sequence[By]) -> SalesRow:
    cells = iter(row)
    keys: dict[By, date | Named] = {}
    for one in by:
        keys[one] = date_of(next(cells)) if one is By.DAY else _named(next(cells), next(cells))
    return SalesRow(keys, Figures(*cells))


def _named(its_id: int | None, name: str | None) -> Named:
    return HOUSE if its_id is None else Named(its_id, name or "")


def _sum(figures: Sequence[Figures]) -> Figures:
    return Figures(*map(sum, zip(*figures, strict=True))) if figures else _NOTHING


Rows = list[tuple[object, ...]]
_HEADS: dict[By, tuple[str, ...]] = {By.DAY: ("day",)} | {
    one: (f"{one}", f"{one}_name") for one in By if one is not By.DAY
}


def sales_table(report: Sales, by: Sequence[By]) -> Rows:
    """The report as a table with a head, for a spreadsheet: amounts in minor units."""
    head = [name for one in by for name in _HEADS[one]]
    rows: Rows = [(*head, *Figures._fields, "quantity", "amount_cents")]
    for row in report.rows:
        cells: list[object] = []
        for key in row.keys.values():
            cells += key if isinstance(key, Named) else [key]
        rows.append((*cells, *row.figures, row.figures.quantity, row.figures.amount_cents))
    return rows


def earnings_table(report: Earnings) -> Rows:
    """The report as a table with a head, for a spreadsheet: amounts in minor units."""
    rows: Rows = [
        ("seller", "seller_name", *Figures._fields, "quantity", "amount_cents", "paid_cents", "balance_cents")
    ]
    for row in report.rows:
        figures = row.figures
        rows.append(
            (*row.seller, *figures, figures.quantity, figures.amount_cents, row.paid_cents, row.balance_cents)
        )
    return rows
