"""What the shop says to its operator: one line of JSON on standard error for each event."""

from __future__ import annotations

import sys

import structlog


def set_up_logs() -> None:
    """Sends events to standard error as JSON.

    Tracebacks come without local variables, which hold passwords and tokens; and plain, since drawing
    pretty ones takes seconds in which nobody is served.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
