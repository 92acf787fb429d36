"""One compiler of SQL for all engines of the tests.

An engine compiles each statement once and keeps the text; a shop opens one engine and keeps it for weeks.
Tests open thousands: to compile everything anew for each took a quarter of their time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from tuckshop.store import engine as store_engine

STATEMENTS_MAX = 5_000  # Those of all tests of one process, many of them of the tests' own.

_dialects: dict[str, Dialect] = {}
_compiled: LRUCache[Any, Any] = LRUCache(STATEMENTS_MAX)


def share_compiler() -> None:
    """From now on, engines of one kind share what the first of them that connects learns and compiles."""
    store_engine.create_async_engine = _create_sharing  # type: ignore[attr-defined]


def _create_sharing(*arguments: Any, **options: Any) -> AsyncEngine:
    engine = create_async_engine(*arguments, **options)
    inner = engine.sync_engine
    inner._compiled_cache = _compiled
    if inner.dialect.name in _dialects:
        inner.dialect = _dialects[inner.dialect.name]
        return engine

    # A dialect asks for the server's version when it first connects; only then others may take it over.
    @event.listens_for(inner, "engine_connect")
    def remember(_connection: object) -> None:
        _dialects.setdefault(inner.dialect.name, inner.dialect)

    return engine
