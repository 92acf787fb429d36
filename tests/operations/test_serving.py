"""One server for one SQLite file, whatever path leads there and however the other ended."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.limits import HANG_SECONDS
from tuckshop.operations import serving
from tuckshop.store.engine import DatabaseUnusable

HOLDER = (
    "import sys, time\nfrom tuckshop.operations import serving\n"
    "with serving.alone(sys.argv[1]):\n    print('alone', flush=True)\n    sys.stdin.read()\n"
)


def held(url: str) -> subprocess.Popen[str]:
    """Another process that serves the file."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "alone\n"
    return process


def test_a_second_one_is_refused_until_the_first_is_killed(sqlite_url: str, tmp_path: Path) -> None:
    link = tmp_path / "link.sqlite3"
    link.symlink_to(tmp_path / "shop.sqlite3")
    with held(sqlite_url) as process:
        for url in (sqlite_url, f"sqlite:///{link}"):
            with (
                pytest.raises(DatabaseUnusable, match="Another server is running on the database"),
                serving.alone(url),
            ):
                raise AssertionError("served twice")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(HANG_SECONDS)
    with serving.alone(sqlite_url):
        pass
    with serving.alone(sqlite_url):
        pass


def test_what_it_forked_still_serves(sqlite_url: str) -> None:
    with serving.alone(sqlite_url):
        worker = os.fork()
        if worker == 0:
            signal.pause()
            os._exit(0)
    try:
        with pytest.raises(DatabaseUnusable), serving.alone(sqlite_url):
            raise AssertionError("served twice")
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    with serving.alone(sqlite_url):
        pass


def test_the_lock_is_the_owners_alone(sqlite_url: str, tmp_path: Path) -> None:
    with serving.alone(sqlite_url):
        assert stat.S_IMODE((tmp_path / "shop.sqlite3.serving").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    with (
        pytest.raises(DatabaseUnusable, match="cannot write in the folder"),
        serving.alone(f"sqlite:///{missing}/shop.sqlite3"),
    ):
        raise AssertionError("served")


def test_postgresql_may_have_several() -> None:
    with serving.alone("postgresql://db/shop"), serving.alone("postgresql://db/shop"):
        pass
