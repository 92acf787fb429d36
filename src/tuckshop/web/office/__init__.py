"""The office: the whole shop, for those who run it."""

from __future__ import annotations

from tuckshop.web.office import (
    accounts,
    orders,
    overview,
)

HANDLERS = (
    *overview.HANDLERS,
    *accounts.HANDLERS,
    *orders.HANDLERS,
)
