"""The desk: what somebody sells, and what it brings."""

from __future__ import annotations

from tuckshop.web.desk import overview, product, products

HANDLERS = (*overview.HANDLERS, *products.HANDLERS, *product.HANDLERS)
