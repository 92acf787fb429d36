"""Orders that are too old to tell who bought: their buyer becomes `former buyers`, one for all of them.

Nothing of the sums changes. A user's old sales and refunds move to the wallet and the tab of the former
buyers; one transfer for each user and portion keeps both balances as they were. Whole months at a time, so
that the one transfer does not tell a single order. See docs/decisions/0038-how-long-data-are-kept.md.

Each user's portion is one transaction that holds their wallet and tab, as a sale does. It can be cut off
between any two, and nodes that do it at once find what is left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, exists, func, insert, null, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.context import Shop
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS, BusinessDays, date_of, day_of
from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.orders import OrderStatus, Payment
from tuckshop.domain.users import FORMER_BUYERS, UserState
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.store.erased import NO_PASSWORD

CHUNK = 200  # Orders a transaction: on SQLite, sales wait for each.
MOVEMENTS_CHUNK = 2_000  # Of those few are changed.
DONE = "retention.orders"  # The counter that holds until when all is done.
REASON = "past orders"

accounts, counters, movements, orders = (
    tables.accounts,
    tables.counters,
    tables.stock_movements,
    tables.orders,
)
refunds, requests, transfers, users = (
    tables.refunds,
    tables.refund_requests,
    tables.transfers,
    tables.users,
)


class _Former(NamedTuple):
    """The former buyers, and the ids of their accounts."""

    user_id: int
    wallet_id: int
    tab_id: int


def until_us(now_us: int, *, days: int, by: BusinessDays) -> int:
    """The first instant of the month in which orders are not too old yet; they are kept for so many days."""
    day = date_of(by.of(now_us - days * DAY_SECONDS * MICROSECONDS))
    return by.start_us(day_of(date(day.year, day.month, 1)))


async def forget_buyers(shop: Shop, *, days: int) -> int:
    """Gives the orders of users that are older than so many days to the former buyers; how many."""
    before_us = until_us(shop.clock(), days=days, by=shop.till.policy.days)
    due = and_(orders.c.buyer_id.is_not(None), orders.c.created_us < before_us)
    async with reading(shop.engine) as connection:
        done_us = await connection.scalar(select(counters.c.last_id).where(counters.c.name == DONE))
        if done_us is not None and done_us >= before_us:
            return 0
        buyers = (await connection.scalars(select(orders.c.buyer_id).where(due).distinct())).all()
    if not buyers:
        return 0
    former = await _former_buyers(shop)
    await _forget_movers(shop, former, before_us)
    count = 0
    for buyer_id in sorted(set(buyers) - {former.user_id}):
        while moved := await _forget_portion(shop, former, buyer_id, before_us):
            count += moved
            await asyncio.sleep(0)
    await _remember(shop, before_us)
    return count


async def _former_buyers(shop: Shop) -> _Former:
    """Made when they are first needed, by one node alone: a closed user of that name, whom nobody can be."""
    this = users.c.username_key == FORMER_BUYERS, users.c.state == UserState.CLOSED.value
    async with writing(shop.engine) as connection:
        await connection.execute(select(tables.shop.c.id).with_for_update())
        user_id = await connection.scalar(select(users.c.id).where(*this).order_by(users.c.id).limit(1))
        if user_id is None:
            now_us = shop.clock()
            row = {"username": FORMER_BUYERS, "username_key": FORMER_BUYERS, "password_hash": NO_PASSWORD}
            roles = {"is_buyer": True, "is_seller": False, "is_cashier": False, "is_admin": False}
            times = dict.fromkeys(("created_us", "closed_us", "erased_us"), now_us)
            made = insert(users).values(**row, **roles, **times, state=UserState.CLOSED.value)
            user_id = (await connection.execute(made.returning(users.c.id))).scalar_one()
        ids = [
            await _account(connection, user_id, kind, make=True)
            for kind in (AccountKind.WALLET, AccountKind.TAB)
        ]
    return _Former(user_id, *(one or 0 for one in ids))


async def _account(
    connection: AsyncConnection, user_id: int, kind: AccountKind, *, make: bool = False
) -> int | None:
    """The id of the user's account, which is locked as the till does it."""
    this = accounts.c.user_id == user_id, accounts.c.kind == kind.value
    query = select(accounts.c.id).where(*this).with_for_update(key_share=True)
    account_id: int | None = await connection.scalar(query)
    if account_id is None and make:
        row = {"kind": kind.value, "user_id": user_id, "balance_cents": 0}
        new = insert(accounts).values(row).returning(accounts.c.id)
        account_id = (await connection.execute(new)).scalar_one()
    return account_id


async def _forget_movers(shop: Shop, former: _Former, before_us: int) -> None:
    """Whose purchases took pieces from shelves; while the orders still tell whose they are."""
    own = exists().where(
        orders.c.id == movements.c.order_id,
        orders.c.buyer_id == movements.c.actor_id,
        orders.c.created_us < before_us,
        orders.c.status != OrderStatus.PLACED.value,
    )
    async with reading(shop.engine) as connection:
        last = select(func.max(movements.c.id)).where(movements.c.created_us < before_us)
        last_id = await connection.scalar(last) or 0
    for first in range(1, last_id + 1, MOVEMENTS_CHUNK):
        end = min(first + MOVEMENTS_CHUNK - 1, last_id)
        some = movements.c.id.between(first, end)
        due = and_(some, movements.c.actor_id.is_not(None), movements.c.actor_id != former.user_id, own)
        async with reading(shop.engine) as connection:
            ids = (await connection.scalars(select(movements.c.id).where(due))).all()
        if ids:
            these = movements.c.id.in_(ids)
            async with writing(shop.engine) as connection:
                # In one order, as another node may do the same.
                await connection.execute(
                    select(movements.c.id).where(these).order_by(movements.c.id).with_for_update()
                )
                await connection.execute(update(movements).where(these).values(actor_id=former.user_id))
            await asyncio.sleep(0)


async def _forget_portion(shop: Shop, former: _Former, buyer_id: int, before_us: int) -> int:
    async with writing(shop.engine) as connection:
        wallet_id = await _account(connection, buyer_id, AccountKind.WALLET)
        tab_id = await _account(connection, buyer_id, AccountKind.TAB)
        ids = await _due(connection, buyer_id, tab_id, before_us)
        if not ids:
            return 0
        moved = _Moved(connection, former, buyer_id, ids)
        on_tab = 0 if tab_id is None else await moved.net_cents(tab_id)
        from_wallet = 0 if wallet_id is None else await moved.net_cents(wallet_id)
        for own_id, theirs_id in ((wallet_id, former.wallet_id), (tab_id, former.tab_id)):
            if own_id is not None:
                await moved.transfers(own_id, theirs_id)
        await moved.orders()
        if on_tab:
            assert tab_id is not None
            wallet_id = wallet_id or await _account(connection, buyer_id, AccountKind.WALLET, make=True)
        # What the user's accounts had paid for these orders, as one sum; the former buyers' are left at 0.
        steps = (
            (TransferKind.CHARGE, tab_id, wallet_id, on_tab),
            (TransferKind.TRANSFER, wallet_id, former.wallet_id, on_tab + from_wallet),
            (TransferKind.SETTLEMENT, former.wallet_id, former.tab_id, on_tab),
        )
        rows = [
            {"kind": kind.value, "source_id": source_id, "target_id": target_id, "amount_cents": cents}
            for kind, source_id, target_id, cents in steps
            if cents
        ]
        await _post(connection, rows, created_us=before_us - 1)
    return len(ids)


async def _due(
    connection: AsyncConnection, buyer_id: int, tab_id: int | None, before_us: int
) -> Sequence[int]:
    """Orders with which nobody has anything to do any more; of a tab that owes, none."""
    late_refund = exists().where(refunds.c.order_id == orders.c.id, refunds.c.created_us >= before_us)
    query = (
        select(orders.c.id)
        .where(
            orders.c.buyer_id == buyer_id,
            orders.c.created_us < before_us,
            orders.c.status != OrderStatus.PLACED.value,
            or_(orders.c.fulfilled_us.is_(None), orders.c.fulfilled_us < before_us),
            ~late_refund,
        )
        .order_by(orders.c.id)
        .limit(CHUNK)
    )
    owed = await connection.scalar(select(accounts.c.balance_cents).where(accounts.c.id == tab_id))
    if owed:
        query = query.where(orders.c.payment != Payment.TAB.value)
    return (await connection.scalars(query)).all()


class _Moved(NamedTuple):
    """Orders of one user that change hands, in one transaction."""

    connection: AsyncConnection
    former: _Former
    buyer_id: int
    ids: Sequence[int]

    async def net_cents(self, account_id: int) -> int:
        """What the account paid for the orders, less what came back to it; below 0: more came back."""
        signed = case(
            (transfers.c.source_id == account_id, transfers.c.amount_cents), else_=-transfers.c.amount_cents
        )
        either = or_(transfers.c.source_id == account_id, transfers.c.target_id == account_id)
        query = select(func.sum(signed)).where(either, transfers.c.order_id.in_(self.ids))
        return int(await self.connection.scalar(query) or 0)

    async def transfers(self, own_id: int, theirs_id: int) -> None:
        """The sales and refunds of the orders, between the same accounts but for this one."""
        for end in (transfers.c.source_id, transfers.c.target_id):
            these = update(transfers).where(end == own_id, transfers.c.order_id.in_(self.ids))
            await self.connection.execute(
                these.values(
                    {end: theirs_id, "actor_id": self._actor(transfers.c.actor_id), "reason": null()}
                )
            )

    async def orders(self) -> None:
        """The orders themselves, and what was said when they were refunded."""
        these = update(orders).where(orders.c.id.in_(self.ids))
        await self.connection.execute(these.values(buyer_id=self.former.user_id, client_ref=None))
        back = update(refunds).where(refunds.c.order_id.in_(self.ids))
        actor = self._actor(refunds.c.actor_id)
        await self.connection.execute(back.values(actor_id=actor, reason=None))
        asked = update(requests).where(requests.c.order_id.in_(self.ids))
        await self.connection.execute(asked.values(reason=None))

    def _actor(self, actor_id: ColumnElement[Any]) -> ColumnElement[Any]:
        """Who served others stays."""
        return case((actor_id == self.buyer_id, self.former.user_id), else_=actor_id)


async def _post(connection: AsyncConnection, rows: list[dict[str, Any]], *, created_us: int) -> None:
    """Transfers that change no balance beside those that changed hands."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        counter = counters.c.name == transfers.name
        last = counters.c.last_id
        more = update(counters).where(counter).values(last_id=last + len(rows)).returning(last)
        last_id = (await connection.execute(more)).scalar_one()
        ids = list(range(last_id - len(rows) + 1, last_id + 1))
    else:
        more_ids = text("SELECT nextval('transfers_id_seq') FROM generate_series(1, :count)")
        ids = list((await connection.execute(more_ids, {"count": len(rows)})).scalars())
    values = [
        {**row, "id": new_id, "reason": REASON, "created_us": created_us}
        for new_id, row in zip(ids, rows, strict=True)
    ]
    await connection.execute(insert(transfers), values)


async def _remember(shop: Shop, before_us: int) -> None:
    """Until the next month there is nothing to look for."""
    async with writing(shop.engine) as connection:
        adding: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        done = adding(counters).values(name=DONE, last_id=before_us)
        await connection.execute(
            done.on_conflict_do_update(index_elements=[counters.c.name], set_={"last_id": before_us})
        )
