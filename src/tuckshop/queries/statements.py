"""Statements: everything that moved somebody's account in a period, and what it held before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from tuckshop.context import Shop
from tuckshop.domain.days import Period, day_of
from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.refusals import ReportTooLarge, UnknownUser
from tuckshop.domain.users import Actor, Role
from tuckshop.queries.reports import ROWS_MAX, Named, Rows
from tuckshop.store import tables
from tuckshop.store.engine import reading

accounts, transfers, users = tables.accounts, tables.transfers, tables.users

KINDS = (AccountKind.WALLET, AccountKind.EARNINGS, AccountKind.TAB)
"""Accounts that people have."""


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: above 0 into the account, below 0 out of it; and the balance that it left."""

    id: int
    kind: str
    amount_cents: int
    balance_cents: int
    order_id: int | None
    external_ref: str | None
    created_us: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account in a period, oldest first. A tab's balance is below 0: what is owed."""

    user: Named
    account: AccountKind
    period: Period
    opening_cents: int
    lines: list[Line]
    closing_cents: int


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement as its owner reads it: with the balance that it left, and who sent or got it.

    `reversed_kind`: of what it takes back, if it is a reversal.
    """

    id: int
    kind: str
    amount_cents: int
    balance_cents: int
    order_id: int | None
    other: str | None
    reason: str | None
    reversed_kind: str | None
    created_us: int


async def newest(
    shop: Shop, *, user_id: int, account: AccountKind = AccountKind.WALLET, before_id: int | None, limit: int
) -> list[Movement]:
    """The user's account, newest first, those before `before_id`; the balance is the one after each."""
    assert account in KINDS
    held = select(accounts.c.id, accounts.c.balance_cents).where(
        accounts.c.user_id == user_id, accounts.c.kind == account.value
    )
    async with reading(shop.engine) as connection:
        account_id, balance_cents = (await connection.execute(held)).one_or_none() or (0, 0)
        own, signed = _own(account_id), _signed(account_id)
        others, was = accounts.alias("others"), transfers.alias("was")
        query = (
            select(
                transfers, signed.label("signed_cents"), users.c.username, was.c.kind.label("reversed_kind")
            )
            .outerjoin(
                others,
                and_(
                    transfers.c.kind == TransferKind.TRANSFER.value,
                    others.c.id
                    == case(
                        (transfers.c.target_id == account_id, transfers.c.source_id),
                        else_=transfers.c.target_id,
                    ),
                ),
            )
            .outerjoin(users, users.c.id == others.c.user_id)
            .outerjoin(was, was.c.id == transfers.c.reverses_id)
            .where(own)
            .order_by(transfers.c.id.desc())
            .limit(limit)
        )
        if before_id is not None:
            newer = select(func.sum(signed)).where(own, transfers.c.id >= before_id)
            balance_cents -= int(await connection.scalar(newer) or 0)
            query = query.where(transfers.c.id < before_id)
        found = []
        for row in await connection.execute(query):
            found.append(
                Movement(
                    row.id,
                    row.kind,
                    row.signed_cents,
                    balance_cents,
                    row.order_id,
                    row.username,
                    row.reason,
                    row.reversed_kind,
                    row.created_us,
                )
            )
            balance_cents -= row.signed_cents
    return found


async def statement(
    shop: Shop, *, actor: Actor, user_id: int, account: AccountKind = AccountKind.WALLET, period: Period
) -> Statement:
    """The user's account in these days; of others, for admins only.

    Raises:
        UnknownUser: there is none, or the actor may not know.
        ReportTooLarge: more than ROWS_MAX movements.
    """
    assert account in KINDS
    if user_id != actor.user_id and not actor.has(Role.ADMIN):
        raise UnknownUser(user=user_id)
    days = shop.till.policy.days
    begins_us, ends_us = days.start_us(day_of(period.first)), days.start_us(day_of(period.last) + 1)
    async with reading(shop.engine) as connection:
        username = await connection.scalar(select(users.c.username).where(users.c.id == user_id))
        if username is None:
            raise UnknownUser(user=user_id)
        held = (
            await connection.execute(
                select(accounts.c.id, accounts.c.balance_cents).where(
                    accounts.c.user_id == user_id, accounts.c.kind == account.value
                )
            )
        ).one_or_none()
        # Nothing has ever moved an account that is not there.
        account_id, balance_cents = held or (0, 0)
        own, signed = _own(account_id), _signed(account_id)
        after = select(func.sum(signed)).where(own, transfers.c.created_us >= ends_us)
        within = (
            select(
                transfers.c.id,
                transfers.c.kind,
                signed,
                transfers.c.order_id,
                transfers.c.external_ref,
                transfers.c.created_us,
            )
            .where(and_(own, transfers.c.created_us >= begins_us, transfers.c.created_us < ends_us))
            .order_by(transfers.c.created_us, transfers.c.id)
            .limit(ROWS_MAX + 1)
        )
        closing_cents = balance_cents - int(await connection.scalar(after) or 0)
        found = (await connection.execute(within)).all()
    if len(found) > ROWS_MAX:
        raise ReportTooLarge(rows_max=ROWS_MAX)
    opening_cents = running = closing_cents - sum(row[2] for row in found)
    lines = []
    for transfer_id, kind, cents, order_id, external_ref, created_us in found:
        running += cents
        lines.append(Line(transfer_id, kind, cents, running, order_id, external_ref, created_us))
    return Statement(Named(user_id, username), account, period, opening_cents, lines, closing_cents)


def table(report: Statement) -> Rows:
    """The statement as a table with a head, for a spreadsheet: times in UTC, amounts in minor units."""
    rows: Rows = [("time", "id", "kind", "order", "reference", "amount_cents", "balance_cents")]
    rows.append((None, None, "opening", None, None, None, report.opening_cents))
    for line in report.lines:
        at = datetime.fromtimestamp(line.created_us / 1_000_000, tz=UTC).isoformat(timespec="seconds")
        rows.append(
            (at, line.id, line.kind, line.order_id, line.external_ref, line.amount_cents, line.balance_cents)
        )
    rows.append((None, None, "closing", None, None, None, report.closing_cents))
    return rows


def _own(account_id: int) -> ColumnElement[bool]:
    return or_(transfers.c.source_id == account_id, transfers.c.target_id == account_id)


def _signed(account_id: int) -> ColumnElement[Any]:
    return case(
        (transfers.c.target_id == account_id, transfers.c.amount_cents), else_=-transfers.c.amount_cents
    )
