"""The office: the whole shop, for those who run it."""

from __future__ import annotations

from tuckshop.web.office import (
    admin_log,
    audit,
    cash_desk,
    coin_boxes,
    first_admin,
    machines,
    orders,
    overview,
    payouts,
    products,
    refund_requests,
    reports,
    selling,
    settings,
    shelves,
    tabs,
    top_ups,
    transfers,
    unclaimed_money,
    users,
)

HANDLERS = (
    *overview.HANDLERS,
    *users.HANDLERS,
    *selling.HANDLERS,
    *orders.HANDLERS,
    *refund_requests.HANDLERS,
    *products.HANDLERS,
    *reports.HANDLERS,
    *machines.HANDLERS,
    *shelves.HANDLERS,
    *coin_boxes.HANDLERS,
    *payouts.HANDLERS,
    *top_ups.HANDLERS,
    *transfers.HANDLERS,
    *tabs.HANDLERS,
    *cash_desk.HANDLERS,
    *unclaimed_money.HANDLERS,
    *audit.HANDLERS,
    *admin_log.HANDLERS,
    *settings.HANDLERS,
    *first_admin.HANDLERS,
)
