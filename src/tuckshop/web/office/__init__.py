"""The office: the whole shop, for those who run it."""

from __future__ import annotations

from tuckshop.web.office import (
    accounts,
    audit,
    boxes,
    counter,
    first,
    leftovers,
    log,
    machines,
    orders,
    overview,
    payouts,
    product,
    products,
    reports,
    settings,
    shelves,
    tabs,
    topups,
)

HANDLERS = (
    *overview.HANDLERS,
    *accounts.HANDLERS,
    *orders.HANDLERS,
    *products.HANDLERS,
    *product.HANDLERS,
    *reports.HANDLERS,
    *machines.HANDLERS,
    *shelves.HANDLERS,
    *boxes.HANDLERS,
    *payouts.HANDLERS,
    *topups.HANDLERS,
    *tabs.HANDLERS,
    *counter.HANDLERS,
    *leftovers.HANDLERS,
    *audit.HANDLERS,
    *log.HANDLERS,
    *settings.HANDLERS,
    *first.HANDLERS,
)
