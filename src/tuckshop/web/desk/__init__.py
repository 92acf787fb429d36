"""The desk: what somebody sells, and what it brings."""

from __future__ import annotations

from tuckshop.web.desk import earnings, orders, overview, product_file, products, sales

HANDLERS = (
    *overview.HANDLERS,
    *products.HANDLERS,
    *orders.HANDLERS,
    *sales.HANDLERS,
    *earnings.HANDLERS,
    *product_file.HANDLERS,
)
