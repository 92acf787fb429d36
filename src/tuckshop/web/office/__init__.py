"""The office: the whole shop, for those who run it."""

from __future__ import annotations

from tuckshop.web.office import admin_log as log
from tuckshop.web.office import (
    audit,
    machines,
    orders,
    overview,
    payouts,
    products,
    reports,
    settings,
    shelves,
    tabs,
)
from tuckshop.web.office import cash_desk as counter
from tuckshop.web.office import coin_boxes as boxes
from tuckshop.web.office import first_admin as first
from tuckshop.web.office import top_ups as topups
from tuckshop.web.office import unclaimed_money as leftovers
from tuckshop.web.office import users as accounts

HANDLERS = (
    *overview.HANDLERS,
    *accounts.HANDLERS,
    *orders.HANDLERS,
    *products.HANDLERS,
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
