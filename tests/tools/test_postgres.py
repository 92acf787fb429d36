"""The servers that tests and benchmarks run on: private, durable, able to crash, and gone afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.limits import HANG_SECONDS
from tools import postgres
from tools.postgres import Cluster, PostgresFailed, PostgresMissing

# One group: with several workers, only one of them starts this module's server.
pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("postgres-cluster")]

if "TUCKSHOP_TEST_POSTGRES_URL" in os.environ:
    # Who names a server need not have the programs. Without either, these tests fail and say what is missing.
    try:
        postgres.find_programs()
    except PostgresMissing:
        pytest.skip("a server is given, and no programs are here to start another", allow_module_level=True)

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster({"shared_buffers": "16MB", "work_mem": "3MB"}) as cluster:
        yield cluster


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("server_encoding", "UTF8"),
        ("shared_buffers", "16MB"),
        ("work_mem", "3MB"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
    ],
)
async def test_runs_with_these_settings(cluster: Cluster, setting: str, expected: str) -> None:
    assert await value(cluster.url(), f"SELECT current_setting('{setting}')") == expected


async def test_sorts_by_bytes_on_every_computer(cluster: Cluster) -> None:
    url = cluster.create_database("collation")
    collation = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
    assert await value(url, collation) == "C"


def test_never_runs_as_root(cluster: Cluster) -> None:
    assert cluster.running
    assert (cluster.directory / "data" / "PG_VERSION").stat().st_uid != 0


async def test_makes_databases_by_any_name(cluster: Cluster) -> None:
    url = cluster.create_database("a shop/ä")
    assert await value(url, "SELECT current_database()") == "a shop/ä"


def test_says_why_a_database_was_not_made(cluster: Cluster) -> None:
    cluster.create_database("twice")
    with pytest.raises(PostgresFailed, match="already exists"):
        cluster.create_database("twice")


async def test_keeps_what_was_committed_before_a_crash(cluster: Cluster) -> None:
    url = cluster.create_database("crash")
    await value(url, "CREATE TABLE sale AS SELECT 1 AS id")

    cluster.stop("immediate")
    assert not cluster.running
    with pytest.raises(ConnectionRefusedError):
        await asyncpg.connect(url)
    cluster.start()

    assert await value(url, "SELECT count(*) FROM sale") == 1
    log = (cluster.directory / "server.log").read_text()
    assert "automatic recovery in progress" in log


async def test_starts_again_after_its_process_was_killed(cluster: Cluster) -> None:
    pid = int((cluster.directory / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    cluster.stop()
    cluster.start()
    assert await value(cluster.url(), "SELECT 1") == 1


def test_refuses_to_start_twice(cluster: Cluster) -> None:
    with pytest.raises(RuntimeError, match="runs already"):
        cluster.start()


def test_leaves_nothing_behind() -> None:
    with Cluster() as cluster:
        directory, port = cluster.directory, cluster.port
    assert not cluster.running
    assert not directory.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_says_what_the_server_refused_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not pytest's own directory: the server's account may not enter that.
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", parent)
        with pytest.raises(PostgresFailed, match="no_such_setting"), Cluster({"no_such_setting": 1}):
            pass
        assert list(Path(parent).iterdir()) == []


def test_is_gone_when_its_process_is_killed() -> None:
    program = (
        "import time\nfrom tools.postgres import Cluster\n"
        "with Cluster() as c: print(c.directory, c.port, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout is not None
        directory, port = user.stdout.readline().split()
        user.kill()

    deadline = time.monotonic() + HANG_SECONDS
    while Path(directory).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(directory).exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_says_how_to_provide_missing_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgres, "_program_directories", lambda: iter([tmp_path]))
    with pytest.raises(PostgresMissing, match=r"apt-get install postgresql.*TUCKSHOP_TEST_POSTGRES_URL="):
        Cluster()


def test_takes_the_newest_programs_and_needs_all_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert [postgres._version(Path(f"/{name}/bin")) for name in ("9.6", "15")] == [[9, 6], [15]]
    complete, partial = tmp_path / "complete", tmp_path / "partial"
    for directory, programs in ((partial, ["initdb"]), (complete, ["initdb", "postgres", "createdb"])):
        directory.mkdir()
        for program in programs:
            shutil.copy("/bin/sh", directory / program)
    monkeypatch.setattr(postgres, "_program_directories", lambda: iter([partial, complete]))
    assert postgres.find_programs() == complete
