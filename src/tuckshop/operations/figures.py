"""What the books say of the shop for Prometheus: money, machines, the last audit and the last backup.

Looked up when somebody asks and it is old: adding up every wallet of a large shop takes a while, and nobody
watches it by the second.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop import __version__
from tuckshop.context import Shop
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.ledger import AccountKind
from tuckshop.operations import audit, backups
from tuckshop.store import tables
from tuckshop.store.engine import DatabaseAway, file_of, reading

KEPT_SECONDS = 60.0
MACHINES_MAX = 500  # Each has three time series; of more, those that were added last are left out.
ORDERS_MAX = 10_000  # So many of the newest are looked through for each machine's last sale.

machines, shelves, boxes = tables.machines, tables.shelves, tables.coin_boxes
orders, products = tables.orders, tables.products


@dataclass(slots=True)
class MachineFigures:
    """One machine: `last_sale_us` is 0 for one that is not in the shop's newest ORDERS_MAX orders."""

    machine_id: int
    name: str
    empty_slots: int = 0
    coins_cents: int = 0
    last_sale_us: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What was in the books."""

    float_cents: int
    machine_count: int
    machines: list[MachineFigures]


@dataclass(slots=True)
class Figures:
    """What was found last, and until when that is good enough."""

    _found: Found | None = None
    _until: float = 0.0
    _sales: dict[int, int] = field(default_factory=dict)

    async def families(self, shop: Shop) -> list[Metric]:
        """All of them; without those of the books while the database is away."""
        now = asyncio.get_running_loop().time()
        if now >= self._until or self._found is None:
            try:
                self._found = await self._look(shop)
                self._until = now + KEPT_SECONDS
            except (DatabaseAway, DBAPIError):
                self._found = None
        told = [_build(shop), *_disk(shop)]
        if self._found is not None:
            told += [*_money(self._found), *_machines(self._found)]
        return [*told, *await _dated(shop)]

    async def _look(self, shop: Shop) -> Found:
        async with reading(shop.engine) as connection:
            wallets = select(func.sum(tables.accounts.c.balance_cents)).where(
                tables.accounts.c.kind == AccountKind.WALLET.value
            )
            found = await self._of_machines(connection)
            return Found(
                float_cents=int(await connection.scalar(wallets) or 0),
                machine_count=await connection.scalar(select(func.count()).select_from(machines)) or 0,
                machines=found,
            )

    async def _of_machines(self, connection: AsyncConnection) -> list[MachineFigures]:
        query = select(machines.c.id, machines.c.name).order_by(machines.c.id).limit(MACHINES_MAX)
        found = {row.id: MachineFigures(row.id, row.name) for row in await connection.execute(query)}
        empty = (
            select(shelves.c.machine_id, func.count())
            .join(products, products.c.id == shelves.c.product_id)
            .where(shelves.c.quantity == 0, shelves.c.slot.is_not(None), products.c.removed_us.is_(None))
            .group_by(shelves.c.machine_id)
        )
        coins = select(boxes.c.machine_id, func.sum(boxes.c.count * boxes.c.value_cents))
        newest = select(orders.c.machine_id, orders.c.created_us).order_by(orders.c.id.desc())
        recent = newest.limit(ORDERS_MAX).subquery()
        last = select(recent.c.machine_id, func.max(recent.c.created_us)).group_by(recent.c.machine_id)
        for machine_id, at_us in await connection.execute(last):
            self._sales[machine_id] = int(at_us)
        slots = {row[0]: int(row[1]) for row in await connection.execute(empty)}
        boxed = await connection.execute(coins.group_by(boxes.c.machine_id))
        held = {row[0]: int(row[1]) for row in boxed}
        for machine_id, one in found.items():
            one.empty_slots = slots.get(machine_id, 0)
            one.coins_cents = held.get(machine_id, 0)
            one.last_sale_us = self._sales.get(machine_id, 0)
        return list(found.values())


def _build(shop: Shop) -> Metric:
    labels = {
        "version": __version__,
        "python": platform.python_version(),
        "database": shop.engine.dialect.name,
    }
    return InfoMetricFamily("tuckshop_build", "Version of Tuckshop and what it runs on.", value=labels)


def _disk(shop: Shop) -> Iterator[Metric]:
    if shop.engine.dialect.name != "sqlite":
        return  # The disk of another server's database.
    try:
        disk = os.statvfs(file_of(shop.engine).parent)
    except OSError:
        return
    yield GaugeMetricFamily(
        "tuckshop_disk_free_bytes",
        "Free space on the disk of the SQLite file.",
        disk.f_bavail * disk.f_frsize,
    )
    yield GaugeMetricFamily(
        "tuckshop_disk_size_bytes", "Size of the disk of the SQLite file.", disk.f_blocks * disk.f_frsize
    )


def _money(found: Found) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "tuckshop_float_cents", "Total of all wallets, in minor units.", value=found.float_cents
    )


def _machines(found: Found) -> Iterator[Metric]:
    labels = ("machine", "name")
    yield GaugeMetricFamily("tuckshop_machines", "Machines of the shop.", value=found.machine_count)
    slots = GaugeMetricFamily(
        "tuckshop_machine_empty_slots", "Slots of a machine without stock.", labels=labels
    )
    coins = GaugeMetricFamily(
        "tuckshop_machine_coins_cents", "Coins in a machine's coin box, in minor units.", labels=labels
    )
    sales = GaugeMetricFamily(
        "tuckshop_machine_last_sale_timestamp_seconds",
        f"Time of a machine's last order; 0: none in the shop's last {ORDERS_MAX} orders.",
        labels=labels,
    )
    for one in found.machines:
        values = (str(one.machine_id), one.name)
        slots.add_metric(values, one.empty_slots)
        coins.add_metric(values, one.coins_cents)
        sales.add_metric(values, one.last_sale_us / MICROSECONDS)
    yield from (slots, coins, sales)


async def _dated(shop: Shop) -> list[Metric]:
    """When it was last done, and how that went: looked up each time, since it is a row each."""
    try:
        # Without any, one of 1970: old enough for every alarm on its age.
        audited = await audit.last(shop.engine) or audit.Last(at_us=0, failed_rules=0)
        backup = await backups.last(shop.engine, kind=backups.Kind.BACKUP)
        restore_test = await backups.last(shop.engine, kind=backups.Kind.RESTORE_TEST)
    except (DatabaseAway, DBAPIError):
        return []
    told: list[Metric] = [
        GaugeMetricFamily(
            "tuckshop_audit_timestamp_seconds",
            "Time of the last audit (`tuckshop audit` or GET /v1/audit); 0: never.",
            value=audited.at_us / MICROSECONDS,
        )
    ]
    if audited.at_us:
        told.append(
            GaugeMetricFamily(
                "tuckshop_audit_failed_rules", "Failed checks of the last audit.", value=audited.failed_rules
            )
        )
    for name, what, last in (
        ("backup", "backup", backup),
        ("restore_test", "restore test of a backup", restore_test),
    ):
        at = last.at_us / MICROSECONDS if last else 0
        timed = f"Time of the last {what}; 0: never."
        told.append(GaugeMetricFamily(f"tuckshop_{name}_timestamp_seconds", timed, value=at))
        if last is not None:
            went = f"Whether the last {what} succeeded."
            told.append(GaugeMetricFamily(f"tuckshop_{name}_ok", went, value=int(last.is_good)))
    return told
