"""The shop at a glance, for those who run it: sums and short lists, none of which grows with the orders."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.users import Actor, Role, UserState
from tuckshop.identity import login_throttle
from tuckshop.identity.login_throttle import Remembered
from tuckshop.queries import orders
from tuckshop.queries.machines import is_low
from tuckshop.store import tables
from tuckshop.store.engine import reading

LOW_SHOWN = 8

accounts, boxes, users = tables.accounts, tables.coin_boxes, tables.users
machines, products, shelves = tables.machines, tables.products, tables.shelves


@dataclass(frozen=True, slots=True)
class LowShelf:
    """A shelf that is to be filled."""

    machine_id: int
    machine: str
    product_id: int
    product: str
    quantity: int
    par_level: int | None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """How the shop stands now.

    `float_cents`: what is in all wallets. `coins`: of all boxes, by denomination, the largest first. `low`:
    the emptiest LOW_SHOWN of `low_count` shelves. `waiting_orders` are to be dispensed, `waiting_users` to
    be let in.
    """

    float_cents: int
    coins: dict[int, int]
    low: list[LowShelf]
    low_count: int
    waiting_orders: int
    waiting_users: int
    log_ins: Remembered


async def taken(shop: Shop, *, actor: Actor) -> Dashboard:
    """The shop as it stands now. Raises RoleMissing."""
    actor.require(Role.CASHIER, Role.ADMIN)
    low = (
        select(machines.c.id, machines.c.name, products.c.id, products.c.name)
        .add_columns(shelves.c.quantity, shelves.c.par_level)
        .join_from(shelves, products, products.c.id == shelves.c.product_id)
        .join(machines, machines.c.id == shelves.c.machine_id)
        .where(is_low(), products.c.removed_us.is_(None))
    )
    wallets = select(func.sum(accounts.c.balance_cents)).where(accounts.c.kind == AccountKind.WALLET.value)
    coins = (
        select(boxes.c.value_cents, func.sum(boxes.c.count))
        .group_by(boxes.c.value_cents)
        .order_by(boxes.c.value_cents.desc())
    )
    placed = select(func.count()).where(orders.is_in(OrderStatus.PLACED))
    pending = select(func.count()).where(users.c.state == UserState.PENDING.value)
    async with reading(shop.engine) as connection:
        emptiest = low.order_by(shelves.c.quantity, products.c.id, machines.c.id).limit(LOW_SHOWN)
        return Dashboard(
            float_cents=int(await connection.scalar(wallets) or 0),
            coins={value: int(count) for value, count in await connection.execute(coins)},
            low=[LowShelf(*row) for row in await connection.execute(emptiest)],
            low_count=await connection.scalar(select(func.count()).select_from(low.subquery())) or 0,
            waiting_orders=await connection.scalar(placed) or 0,
            waiting_users=await connection.scalar(pending) or 0,
            log_ins=await login_throttle.remembered(connection, now_us=shop.clock()),
        )
