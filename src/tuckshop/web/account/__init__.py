"""The account room: coming in and going out, and everything about oneself."""

from __future__ import annotations

from tuckshop.web.account import (
    log_in,
    overview,
    profile,
    purchases,
    register,
    second_factor,
    security,
    sign_on,
    statement,
)

HANDLERS = (
    *log_in.HANDLERS,
    *sign_on.HANDLERS,
    *register.HANDLERS,
    *overview.HANDLERS,
    *purchases.HANDLERS,
    *statement.HANDLERS,
    *security.HANDLERS,
    *second_factor.HANDLERS,
    *profile.HANDLERS,
)
