"""A real PgBouncer before PostgreSQL: with a session for each connection it works, else it is named."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import server
from tests.api.conftest import serving
from tests.limits import HANG_SECONDS
from tests.server import ServerFailed
from tests.shop import open_shop
from tests.till.test_postgres import order
from tools import loopback
from tuckshop.store import sessions
from tuckshop.store.engine import DatabaseUnusable, opened_engine, read_state

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not Path(PROGRAM).exists(), reason="needs pgbouncer"),
]
Pooled = Callable[[str], str]


@contextmanager
def pgbouncer(url: str, mode: str) -> Iterator[str]:
    """The same database by way of a PgBouncer in this mode."""
    parts = urlsplit(url)
    port = loopback.free_port(range(32_000, 32_700))
    with tempfile.TemporaryDirectory(prefix="tuckshop-pgbouncer-") as folder:
        path = Path(folder) / "pgbouncer.ini"
        path.write_text(
            f"[databases]\n* = host={parts.hostname} port={parts.port} user={parts.username}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = {mode}\n"
        )
        path.chmod(0o644)
        Path(folder).chmod(0o755)
        as_other: dict[str, Any] = {}
        if os.geteuid() == 0:  # Which it does not run as.
            as_other = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        process = subprocess.Popen(
            [PROGRAM, "-q", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_other
        )
        try:
            _wait_for(port)
            yield url.replace(f":{parts.port}", f":{port}")
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("pgbouncer does not listen")


@pytest.fixture
def pooled(postgres_url: str) -> Iterator[Pooled]:
    with ExitStack() as stack:
        yield lambda mode: stack.enter_context(pgbouncer(postgres_url, mode))


async def test_sells_through_pgbouncer_with_a_session_each(pooled: Pooled) -> None:
    url = pooled("session")
    async with open_shop(url) as shop:
        ada = await shop.buyer(cents=450)
        cola = await shop.product()
        (await shop.till.execute(order(ada, cola.product_id, "k"))).receipt()
        assert (await shop.till.execute(order(ada, cola.product_id, "k"))).replayed
        await shop.assert_clean()
    async with serving(url) as api:
        assert (await api.client.get("/v1/products")).status_code == 200


@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_names_pgbouncer_where_sessions_are_shared(pooled: Pooled, mode: str) -> None:
    async with opened_engine(pooled(mode)) as engine:
        with pytest.raises(DatabaseUnusable) as refused:
            await read_state(engine)
    if mode == "transaction":
        assert str(refused.value) == sessions.POOLED


def test_names_pgbouncer_when_the_server_starts(pooled: Pooled, tmp_path: Path) -> None:
    url = pooled("transaction")
    named = pytest.raises(ServerFailed, match="PgBouncer with pool_mode = transaction")
    with named, server.serving(url, tmp_path):
        pass


async def test_postgresql_itself_shares_no_sessions(postgres_url: str) -> None:
    async with opened_engine(postgres_url) as engine:
        assert not await sessions.are_shared(engine)
