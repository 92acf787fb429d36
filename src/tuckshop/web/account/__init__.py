"""The account room: coming in and going out, and everything about oneself."""

from __future__ import annotations

from tuckshop.web.account import log_in, money, overview, profile, purchases, register, safety

HANDLERS = (
    *log_in.HANDLERS,
    *register.HANDLERS,
    *overview.HANDLERS,
    *purchases.HANDLERS,
    *money.HANDLERS,
    *safety.HANDLERS,
    *profile.HANDLERS,
)
