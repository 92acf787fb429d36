"""The desk: what somebody sells, and what it brings."""

from __future__ import annotations

from tuckshop.web.desk import earnings, file, orders, overview, product, products, sales

HANDLERS = (
    *overview.HANDLERS,
    *products.HANDLERS,
    *product.HANDLERS,
    *orders.HANDLERS,
    *sales.HANDLERS,
    *earnings.HANDLERS,
    *file.HANDLERS,
)
