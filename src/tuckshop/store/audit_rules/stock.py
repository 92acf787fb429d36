"""What lies on the shelves of machines."""

from __future__ import annotations

from tuckshop.domain.products import StockKind
from tuckshop.store import tables
from tuckshop.store.audit_rules.joins import is_
from tuckshop.store.audit_rules.rule import Rule, count, differing, recorded, witness

_shelves = tables.shelves.c
_stock = tables.stock_movements.c


def shelves() -> Rule:
    return Rule(
        "every shelf equals the sum of its stock movements",
        count(tables.shelves, tables.stock_movements),
        differing(
            ("machine_id", "product_id"),
            recorded(_shelves.quantity, _shelves.machine_id, _shelves.product_id, of=tables.shelves),
            witness(_stock.quantity, _stock.machine_id, _stock.product_id, of=tables.stock_movements),
        ),
    )


def moves() -> Rule:
    return Rule(
        "every moved piece arrived at its machine",
        count(tables.stock_movements),
        differing(
            ("product_id", "created_us"),
            recorded(_stock.quantity, _stock.product_id, _stock.created_us, of=tables.stock_movements).where(
                _stock.kind == is_(StockKind.MOVE), _stock.quantity > 0
            ),
            witness(-_stock.quantity, _stock.product_id, _stock.created_us, of=tables.stock_movements).where(
                _stock.kind == is_(StockKind.MOVE), _stock.quantity < 0
            ),
        ),
    )
