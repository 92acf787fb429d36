"""What is kept beside the lines of orders and refunds: daily sums, sellers, status."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, func, literal_column, not_, select

from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.refunds import RefundKind
from tuckshop.store import tables
from tuckshop.store.audit_rules.joins import AS_SOLD, LINE_CENTS, ORDER_LINES, RETURNED_CENTS, is_
from tuckshop.store.audit_rules.rule import Rule, count, differing, recorded, witness

_lines = tables.order_lines.c
_orders = tables.orders.c
_products = tables.products.c
_refund_lines = tables.refund_lines.c
_refunds = tables.refunds.c
_sales = tables.sales.c


def daily_sums() -> Rule:
    return Rule(
        "every day's totals equal its sales and refunds",
        count(tables.sales, tables.order_lines, tables.refund_lines),
        _sales_offenders(),
    )


def _sales_offenders() -> Select[Any]:
    """Figures of the rollup that reports are made of, where lines add up to something else."""
    in_sales = _sales.day, _sales.machine_id, _sales.product_id
    in_lines = _orders.day, _orders.machine_id, _lines.product_id
    in_refunds = _refunds.day, _orders.machine_id, _refund_lines.product_id
    given_back = AS_SOLD.join(tables.refunds, _refunds.id == _refund_lines.refund_id).join(
        tables.orders, _orders.id == _refund_lines.order_id
    )
    figures = (
        (_sales.sold_quantity, _lines.quantity, in_lines, ORDER_LINES),
        (_sales.sold_cents, LINE_CENTS, in_lines, ORDER_LINES),
        (_sales.refunded_quantity, _refund_lines.quantity, in_refunds, given_back),
        (_sales.refunded_cents, RETURNED_CENTS, in_refunds, given_back),
    )
    sides = []
    for figure, amount, keys, source in figures:
        name = literal_column(f"'{figure.name}'", Text).label("figure")
        sides += [
            recorded(figure, *in_sales, name, of=tables.sales),
            witness(amount, *keys, name, of=source),
        ]
    return differing(("day", "machine_id", "product_id", "figure"), *sides)


def sellers_of_lines() -> Rule:
    return Rule(
        "every order line has the seller of its product",
        count(tables.order_lines),
        _foreign_lines(),
    )


def _foreign_lines() -> Select[Any]:
    """Lines whose earnings are another's than the product says, by which reports tell sellers apart."""
    return (
        select(_lines.order_id, _lines.product_id, _lines.seller_id)
        .select_from(tables.order_lines.join(tables.products, _products.id == _lines.product_id))
        .where(_products.seller_id.is_distinct_from(_lines.seller_id))
    )


def statuses() -> Rule:
    return Rule("every order's status matches its refunds", count(tables.orders), _status_offenders())


def _status_offenders() -> Select[Any]:
    sold, returned = func.sum(_lines.quantity), func.sum(_lines.refunded_quantity)
    # An order that is still to be dispensed can be made smaller; any other way back shows in its status.
    ways = [_ways_back(_refunds.kind != is_(RefundKind.REDUCTION))]
    ways += [_ways_back(_refunds.kind == is_(kind)) for kind in RefundKind]
    back, refunded, _, cancelled, failed = ways
    whole = returned == sold
    fitting = case(
        (_orders.status.in_((OrderStatus.PLACED, OrderStatus.DISPENSED)), and_(not_(whole), back == 0)),
        (_orders.status == OrderStatus.PARTLY_REFUNDED, and_(not_(whole), back > 0, refunded == back)),
        (_orders.status == OrderStatus.REFUNDED, and_(whole, back > 0, refunded == back)),
        (_orders.status == OrderStatus.CANCELLED, and_(whole, back == 1, cancelled == 1)),
        else_=and_(whole, back == 1, failed == 1),
    )
    unfulfilled = _orders.status.in_((OrderStatus.PLACED, OrderStatus.CANCELLED, OrderStatus.FAILED))
    timely = case(
        (_orders.fulfilled_us.is_(None), unfulfilled),
        else_=and_(not_(unfulfilled), _orders.fulfilled_us >= _orders.created_us),
    )
    return (
        select(_orders.id.label("order_id"), _orders.status, sold.label("sold"), returned.label("refunded"))
        .select_from(ORDER_LINES)
        .group_by(_orders.id, _orders.status, _orders.created_us, _orders.fulfilled_us)
        .having(not_(and_(fitting, timely)))
    )


def _ways_back(which: ColumnElement[bool]) -> ColumnElement[int]:
    found = select(func.count()).select_from(tables.refunds).where(_refunds.order_id == _orders.id, which)
    return found.correlate(tables.orders).scalar_subquery()
