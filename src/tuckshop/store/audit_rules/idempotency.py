"""Answers that are kept for repeated requests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, exists, func, not_, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from tuckshop.store import tables
from tuckshop.store.audit_rules.rule import Rule, count, words
from tuckshop.store.forms import FORMER_RECEIPTS, REFUSAL, Form

_accounts = tables.accounts.c
_orders = tables.orders.c
_records = tables.idempotency.c
_refunds = tables.refunds.c
_transfers = tables.transfers.c

POINTERS = {
    "order_id": ("order.placed/1", "order.changed/1", "order.refunded/1"),
    "refund_id": ("order.refunded/1",),
    "transfer_id": (
        "wallet.deposited/1",
        "wallet.paid_out/1",
        "tab.settled/1",
        "money.moved/1",
        "seller.paid/1",
        "coin_box.moved/1",
        "transfer.reversed/1",
        "user.registered/1",  # if it was with coins
    ),
}
"""Columns of an idempotency record, and the forms of receipts that point to a row with them."""

AMOUNTS = {
    "order.placed/1": ("total_cents", tables.orders.c.total_cents),
    "order.changed/1": ("total_cents", tables.orders.c.total_cents),
    "order.refunded/1": ("amount_cents", tables.refunds.c.amount_cents),
    **dict.fromkeys(POINTERS["transfer_id"], ("amount_cents", func.coalesce(_transfers.amount_cents, 0))),
}
"""What these receipts tell of the row that they point to, and where that stands."""

SILENT = (
    "wallet.closed/1",
    "user.closed/1",
    "coin_box.counted/1",
    "stock.moved/1",
    "shelves.set/1",
    "product.saved/1",
    "product.removed/1",
    "product.approved/1",
    "products.changed/1",
    "products.undone/1",
)
"""The forms of receipts that point to no row. No refusal does."""


def records() -> Rule:
    return Rule(
        "every idempotency record refers to the result of its command",
        count(tables.idempotency),
        _broken_promises(),
    )


def _broken_promises() -> Select[Any]:
    """Records whose receipt does not tell of the row it points to, or points to none that it should.

    Of forms that are not known here only a newer release can tell; the books themselves are audited anyway.
    """
    is_registered = _kept_as("user.registered/1")
    without_coins = and_(is_registered, _Told("amount_cents") == 0)
    promised = cast(_Told("user_id"), BigInteger)
    the_user = exists().where(tables.users.c.id == promised)
    the_wallet = exists().where(_accounts.id == _transfers.target_id, _accounts.user_id == promised)
    broken = [
        *(_records[pointer].is_distinct_from(_Told(pointer)) for pointer in POINTERS),
        *(
            _records[pointer].is_(None) == and_(_kept_as(*kinds), not_(without_coins))
            for pointer, kinds in POINTERS.items()
        ),
        and_(is_registered, not_(the_user)),
        and_(is_registered, not_(without_coins), not_(the_wallet)),
        *(
            and_(_kept_as(kind), _Told(name).is_distinct_from(amount))
            for kind, (name, amount) in AMOUNTS.items()
        ),
    ]
    known = or_(
        _kept_as(*AMOUNTS, *SILENT),
        and_(_records.kind.like(f"{REFUSAL}%"), _records.kind.like("%/1")),
        _records.kind.not_like("%/%"),
    )
    return (
        select(_records.scope, _records.key, _records.kind, _records.outcome)
        .select_from(
            tables.idempotency.outerjoin(tables.orders, _orders.id == _records.order_id)
            .outerjoin(tables.refunds, _refunds.id == _records.refund_id)
            .outerjoin(tables.transfers, _transfers.id == _records.transfer_id)
        )
        .where(case((known, or_(*broken)), else_=False))
    )


def _kept_as(*kinds: str) -> ColumnElement[bool]:
    """Records in one of these forms, or under the name that it had before it was versioned."""
    former = [name for name, tag in FORMER_RECEIPTS.items() if Form(tag).kind in kinds]
    return _records.kind.in_([*kinds, *former])


class _Told(FunctionElement[int]):
    """A whole number in an idempotency record's outcome; NULL where it has none."""

    inherit_cache: bool | None = True

    def __init__(self, name: str) -> None:
        super().__init__(tables.idempotency.c.outcome, words(name))
        self.type = BigInteger()


@compiles(_Told, "postgresql")
def _told_postgresql(element: _Told, compiler: SQLCompiler, **more: Any) -> str:
    outcome, name = (compiler.process(clause, **more) for clause in element.clauses)
    return f"CAST(CAST({outcome} AS json) ->> {name} AS numeric)"


@compiles(_Told, "sqlite")
def _told_sqlite(element: _Told, compiler: SQLCompiler, **more: Any) -> str:
    outcome, name = (compiler.process(clause, **more) for clause in element.clauses)
    return f"json_extract({outcome}, '$.' || {name})"
