"""The desk: what somebody sells, and what it brings."""

from __future__ import annotations

from tuckshop.web.desk import earnings, orders, overview, product, products, sales
from tuckshop.web.desk import product_file as file

HANDLERS = (
    *overview.HANDLERS,
    *products.HANDLERS,
    *product.HANDLERS,
    *orders.HANDLERS,
    *sales.HANDLERS,
    *earnings.HANDLERS,
    *file.HANDLERS,
)
