"""The office: the whole shop, for those who run it."""

from __future__ import annotations

from tuckshop.web.office import (
    accounts,
    audit,
    catalogue,
    first,
    orders,
    overview,
    reports,
    settings,
)

HANDLERS = (
    *overview.HANDLERS,
    *accounts.HANDLERS,
    *orders.HANDLERS,
    *catalogue.HANDLERS,
    *reports.HANDLERS,
    *audit.HANDLERS,
    *settings.HANDLERS,
    *first.HANDLERS,
)
