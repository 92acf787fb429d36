"""A shop moves to another database by one command."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Environment, Terminal
from tests.cli.server import serving
from tests.conftest import PostgresServer
from tests.limits import HANG_SECONDS
from tools.loopback import free_port


@pytest.fixture
def stocked(open_terminal: Terminal) -> Terminal:
    """A shop with something in it."""
    for words in ("product add Cola 1.50 --stock 5", "user add ada", "machine add hall", "coins fill 50x9"):
        open_terminal.works(*words.split())
    return open_terminal


def test_says_what_was_copied_and_what_comes_next(stocked: Terminal, environment: Environment) -> None:
    target = stocked.home / "two.sqlite3"
    told = stocked.works("copy", "--to", f"sqlite:///{target}")
    assert f"To         sqlite:///{target}\n" in told
    assert "rows, all compared. Audit passed.\n" in told
    assert "UTC. What is sold later is not in the copy: to move the shop, stop its servers" in told
    assert f"Copy secret.key from {stocked.home} to the nodes that serve the copy" in told
    environment(database_url=f"sqlite:///{target}")
    assert "Cola" in stocked.works("product", "list")
    for words in ("product add Tea 1 --stock 2", "user add eve", "machine add attic", "stock add cola 1"):
        stocked.works(*words.split())
    stocked.works("audit")


def test_copies_while_the_shop_is_open(stocked: Terminal) -> None:
    with serving("serve", cwd=stocked.home) as server:
        stocked.works("copy", "--to", f"sqlite:///{stocked.home}/two.sqlite3")
        server.end()
    with closing(sqlite3.connect(stocked.home / "two.sqlite3")) as connection:
        assert connection.execute("SELECT key_fingerprint FROM shop").fetchall() == [(None,)]


def test_refuses_a_target_that_cannot_be_used(stocked: Terminal) -> None:
    home = stocked.home
    (home / "notes.txt").write_text("not a database, but a text that somebody wants to keep")
    for url, told in (
        (f"sqlite:///{stocked.database}", "The target already contains a shop"),
        (f"sqlite:///{home}/notes.txt", "not a SQLite database"),
        (f"sqlite:///{home}/nowhere/shop.sqlite3", "cannot be created"),
        ("mysql://db/shop", "--to must look like sqlite:///path"),
        (f"postgresql://nobody:hidden@127.0.0.1:{free_port()}/shop", "PostgreSQL cannot be reached"),
    ):
        answer = stocked("copy", "--to", url)
        assert (answer.code, answer.out) == (2, "")
        assert answer.error.startswith("Error: Cannot copy there. ")
        assert told in answer.error
        assert "hidden" not in answer.error
        assert "TUCKSHOP_DATABASE_URL" not in answer.error
    assert (home / "notes.txt").read_text().startswith("not a database")


def test_one_that_is_killed_leaves_no_shop(stocked: Terminal, environment: Environment) -> None:
    target = stocked.home / "two.sqlite3"
    program = (
        "import asyncio, sys\nfrom tuckshop.operations import copy\n"
        "async def wait(_):\n    print('copied', flush=True)\n    await asyncio.Event().wait()\n"
        "copy._require_clean = wait\nfrom tuckshop.cli.main import cli\ncli(['copy', '--to', sys.argv[1]])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, f"sqlite:///{target}"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "copied\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=HANG_SECONDS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TUCKSHOP_DATABASE_URL", f"sqlite:///{target}")
        assert "run `tuckshop copy` again if a copy was interrupted" in stocked("serve").error
    stocked.works("copy", "--to", f"sqlite:///{target}")
    environment(database_url=f"sqlite:///{target}")
    stocked.works("audit")


def test_ids_that_are_behind_are_named_and_mended(stocked: Terminal) -> None:
    stocked.tamper("UPDATE counters SET last_id = 0")
    told = stocked.refused("product", "add", "Tea", "1")
    assert told.startswith("The next id of products is used already")
    assert "run `tuckshop db sequences`" in told
    assert "taken" not in told
    assert "The next id of transfers is used already" in stocked.refused("coins", "fill", "50x9")
    assert stocked.works("db", "sequences") == "Set the next ids of products, transfers.\n"
    assert "Nothing was changed" in stocked.works("db", "sequences")
    stocked.works("product", "add", "Tea", "1")
    stocked.works("audit")


@pytest.mark.postgres
def test_moves_to_postgresql_and_serves_there(
    stocked: Terminal, environment: Environment, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.new_database()
    stocked.works("copy", "--to", url)
    environment(database_url=url)
    for words in ("product add Tea 1 --stock 2", "user add eve", "machine add attic", "stock add cola 1"):
        stocked.works(*words.split())
    stocked.works("audit")
    with serving("serve", cwd=stocked.home, database_url=url) as server:
        assert b"Tea" in server.get("/v1/products")
        server.end()
    stocked.works("copy", "--to", f"sqlite:///{tmp_path}/back.sqlite3")
    environment(database_url=f"sqlite:///{tmp_path}/back.sqlite3")
    assert "Tea" in stocked.works("product", "list")
    stocked.works("audit")
