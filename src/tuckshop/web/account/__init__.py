"""The account room: coming in and going out, and everything about oneself."""

from __future__ import annotations

from tuckshop.web.account import log_in, overview, profile, purchases, register
from tuckshop.web.account import security as safety
from tuckshop.web.account import statement as money

HANDLERS = (
    *log_in.HANDLERS,
    *register.HANDLERS,
    *overview.HANDLERS,
    *purchases.HANDLERS,
    *money.HANDLERS,
    *safety.HANDLERS,
    *profile.HANDLERS,
)
