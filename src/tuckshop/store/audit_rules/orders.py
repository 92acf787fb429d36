"""What was sold: paid by its buyer, earned by its sellers, taken off its shelf."""

from __future__ import annotations

from tuckshop.domain.products import StockKind
from tuckshop.store import tables
from tuckshop.store.audit_rules.joins import IS_SALE, LINE_CENTS, ORDER_LINES, SELLER_ACCOUNT, account, is_
from tuckshop.store.audit_rules.rule import Rule, count, differing, recorded, witness

_accounts = tables.accounts.c
_lines = tables.order_lines.c
_orders = tables.orders.c
_stock = tables.stock_movements.c
_transfers = tables.transfers.c


def totals() -> Rule:
    return Rule(
        "every order's total equals the sum of its lines",
        count(tables.orders, tables.order_lines),
        differing(
            ("order_id",),
            recorded(_orders.total_cents, _orders.id, of=tables.orders),
            witness(LINE_CENTS, _lines.order_id, of=tables.order_lines),
        ),
    )


def payments() -> Rule:
    return Rule(
        "every order was paid in full by its buyer",
        count(tables.orders),
        differing(
            ("order_id", "account", "user_id", "guest_id"),
            recorded(
                _orders.total_cents,
                _orders.id,
                _orders.payment,
                _orders.buyer_id,
                _orders.guest_id,
                of=tables.orders,
            ),
            witness(
                _transfers.amount_cents,
                _transfers.order_id,
                _accounts.kind,
                _accounts.user_id,
                _accounts.guest_id,
                of=account(_transfers.source_id),
            ).where(IS_SALE),
        ),
    )


def sellers_share() -> Rule:
    return Rule(
        "every seller received the price of their order lines",
        count(tables.order_lines),
        differing(
            ("order_id", "account", "seller_id"),
            recorded(LINE_CENTS, _lines.order_id, SELLER_ACCOUNT, _lines.seller_id, of=tables.order_lines),
            witness(
                _transfers.amount_cents,
                _transfers.order_id,
                _accounts.kind,
                _accounts.user_id,
                of=account(_transfers.target_id),
            ).where(IS_SALE),
        ),
    )


def pieces_sold() -> Rule:
    return Rule(
        "every sold piece was taken from its shelf",
        count(tables.order_lines),
        differing(
            ("order_id", "machine_id", "product_id"),
            recorded(_lines.quantity, _lines.order_id, _orders.machine_id, _lines.product_id, of=ORDER_LINES),
            witness(
                -_stock.quantity,
                _stock.order_id,
                _stock.machine_id,
                _stock.product_id,
                of=tables.stock_movements,
            ).where(_stock.kind == is_(StockKind.SALE)),
        ),
    )
