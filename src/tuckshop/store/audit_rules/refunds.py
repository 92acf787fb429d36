"""What was refunded: paid by its sellers, to its buyer, onto its shelf."""

from __future__ import annotations

from sqlalchemy import and_, case, func, select

from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.orders import Payment
from tuckshop.domain.products import StockKind
from tuckshop.store import tables
from tuckshop.store.audit_rules.joins import (
    AS_SOLD,
    IS_REFUND,
    ORDER_LINES,
    RETURNED_CENTS,
    SELLER_ACCOUNT,
    account,
    is_,
)
from tuckshop.store.audit_rules.rule import Rule, count, differing, recorded, wide, witness

_accounts = tables.accounts.c
_lines = tables.order_lines.c
_orders = tables.orders.c
_refund_lines = tables.refund_lines.c
_refunds = tables.refunds.c
_stock = tables.stock_movements.c
_transfers = tables.transfers.c

_refund_orders = tables.refunds.join(tables.orders, _orders.id == _refunds.order_id)


def amounts() -> Rule:
    return Rule(
        "every refund's amount equals its lines at the price sold",
        count(tables.refunds, tables.refund_lines),
        differing(
            ("refund_id",),
            recorded(_refunds.amount_cents, _refunds.id, of=tables.refunds),
            witness(RETURNED_CENTS, _refund_lines.refund_id, of=AS_SOLD),
        ),
    )


def returned_to_buyers() -> Rule:
    return Rule(
        "every refund was paid in full to the buyer of the order",
        count(tables.refunds),
        differing(
            ("refund_id", "order_id", "account", "user_id", "guest_id"),
            recorded(
                _refunds.amount_cents,
                _refunds.id,
                _refunds.order_id,
                _orders.payment,
                _orders.buyer_id,
                _orders.guest_id,
                of=_refund_orders,
            ),
            witness(
                _transfers.amount_cents,
                _transfers.refund_id,
                _transfers.order_id,
                # What had been settled of a tab comes back to the wallet.
                case(
                    (
                        and_(_orders.payment == Payment.TAB, _accounts.kind == is_(AccountKind.WALLET)),
                        is_(AccountKind.TAB),
                    ),
                    else_=_accounts.kind,
                ),
                _accounts.user_id,
                _accounts.guest_id,
                of=account(_transfers.target_id).join(tables.orders, _orders.id == _transfers.order_id),
            ).where(IS_REFUND),
        ),
    )


def taken_back_from_sellers() -> Rule:
    return Rule(
        "every seller paid back the price of their refunded lines",
        count(tables.refund_lines),
        differing(
            ("refund_id", "account", "seller_id"),
            recorded(RETURNED_CENTS, _refund_lines.refund_id, SELLER_ACCOUNT, _lines.seller_id, of=AS_SOLD),
            witness(
                _transfers.amount_cents,
                _transfers.refund_id,
                _accounts.kind,
                _accounts.user_id,
                of=account(_transfers.source_id),
            ).where(IS_REFUND),
        ),
    )


def owed_for_orders() -> Rule:
    """A refund comes off what is owed for its own order: so what others owe is still there to be paid.

    What a reversal charged is owed for no order.
    """
    left_cents = (wide(_lines.quantity) - _lines.refunded_quantity) * _lines.price_cents
    left = (
        select(_orders.buyer_id, func.sum(left_cents).label("cents"))
        .select_from(ORDER_LINES)
        .where(_orders.payment == Payment.TAB)
        .group_by(_orders.buyer_id)
        .subquery()
    )
    charged = (
        select(func.coalesce(func.sum(_transfers.amount_cents), 0))
        .where(_transfers.kind == is_(TransferKind.CHARGE), _transfers.source_id == _accounts.id)
        .scalar_subquery()
    )
    left_of = func.coalesce(left.c.cents, 0) + charged
    return Rule(
        "no tab owes more than what is left of its orders",
        select(func.count()).where(_accounts.kind == is_(AccountKind.TAB)),
        select(_accounts.user_id, (-_accounts.balance_cents).label("owed_cents"), left_of.label("left_cents"))
        .select_from(tables.accounts.outerjoin(left, left.c.buyer_id == _accounts.user_id))
        .where(_accounts.kind == is_(AccountKind.TAB), -_accounts.balance_cents > left_of),
    )


def pieces_counted() -> Rule:
    return Rule(
        "every order line has the number of its refunded pieces",
        count(tables.order_lines, tables.refund_lines),
        differing(
            ("order_id", "product_id"),
            recorded(_lines.refunded_quantity, _lines.order_id, _lines.product_id, of=tables.order_lines),
            witness(
                _refund_lines.quantity,
                _refund_lines.order_id,
                _refund_lines.product_id,
                of=tables.refund_lines,
            ),
        ),
    )


def pieces_returned() -> Rule:
    return Rule(
        "every returned piece is back on the shelf it was sold from",
        count(tables.refund_lines),
        differing(
            ("refund_id", "order_id", "machine_id", "product_id"),
            recorded(
                _refund_lines.quantity,
                _refund_lines.refund_id,
                _refund_lines.order_id,
                _orders.machine_id,
                _refund_lines.product_id,
                of=tables.refund_lines.join(tables.orders, _orders.id == _refund_lines.order_id),
            ),
            witness(
                _stock.quantity,
                _stock.refund_id,
                _stock.order_id,
                _stock.machine_id,
                _stock.product_id,
                of=tables.stock_movements,
            ).where(_stock.kind == is_(StockKind.REFUND)),
        ),
    )
