"""The desk: what somebody sells, and what it brings."""

from __future__ import annotations

from tuckshop.web.desk import earnings, orders, overview, products, sales
from tuckshop.web.desk import product_file as file

HANDLERS = (
    *overview.HANDLERS,
    *products.HANDLERS,
    *orders.HANDLERS,
    *sales.HANDLERS,
    *earnings.HANDLERS,
    *file.HANDLERS,
)
