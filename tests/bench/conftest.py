"""Databases for the bench's shops, and the audit that they must pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import PostgresServer
from tuckshop.operations.audit import Report, audit
from tuckshop.store.engine import open_engine


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where no shop is yet, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bench.sqlite3'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


async def audited(url: str) -> Report:
    """What the audit finds in the database."""
    engine = open_engine(url)
    try:
        return await audit(engine)
    finally:
        await engine.dispose()
