"""The account room: logging in and out, and everything about oneself."""

from __future__ import annotations

from tuckshop.web.account import log_in, overview

HANDLERS = (*log_in.HANDLERS, *overview.HANDLERS)
