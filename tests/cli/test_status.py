"""Which shop this is."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Environment, Terminal
from tuckshop import __version__
from tuckshop.identity.access_tokens import fingerprint
from tuckshop.operations import backups
from tuckshop.operations.backups import Kind
from tuckshop.store.engine import opened_engine
from tuckshop.store.migrations import revisions

AT_US = 1_767_323_045_000_000  # 2026-01-02 03:04:05
KEY = fingerprint(b"k" * 64)


def _read(told: str) -> dict[str, str]:
    return dict(re.split(r"  +", line.strip(), maxsplit=1) for line in told.splitlines() if line.strip())


def _record(terminal: Terminal) -> None:
    async def record() -> None:
        async with opened_engine(f"sqlite:///{terminal.database}") as engine:
            await backups.record(engine, kind=Kind.BACKUP, is_good=True, now_us=AT_US)
            await backups.record(engine, kind=Kind.RESTORE_TEST, is_good=False, now_us=AT_US)

    asyncio.run(record())
    terminal.tamper(f"INSERT INTO audits VALUES ({AT_US}, 0)")
    terminal.tamper(f"UPDATE shop SET key_fingerprint = '{KEY}'")


def test_says_which_shop_it_is_and_how_it_is(open_terminal: Terminal, environment: Environment) -> None:
    environment(shop_name="Corner shop")
    open_terminal("user", "add", "ada")
    open_terminal("machine", "add", "hall")
    told = _read(open_terminal.works("status"))
    assert told["Shop"] == "Corner shop"
    assert told["Database"] == f"sqlite:///{open_terminal.database}"
    assert told["Revision"] == f"{revisions()[-1]} (up to date)"
    assert told["Version"] == __version__
    assert told["Settings file"] == "none"
    assert (told["Machines"], told["Users"], told["Demo"]) == ("2", "1", "no")
    assert {told[f"Last {one}"] for one in ("backup", "restore test", "audit")} == {"never"}
    assert told["Key of the shop"].startswith("not stored yet")
    assert told["Key here"] == KEY
    assert re.fullmatch(rf"[\d,.]+ of [\d,.]+ GB at {open_terminal.home}", told["Disk free"])
    assert "Problem" not in told

    _record(open_terminal)
    told = _read(open_terminal.works("status"))
    assert told["Last backup"] == told["Last audit"] == "2026-01-02 03:04 UTC, passed"
    assert told["Last restore test"] == "2026-01-02 03:04 UTC, failed"
    assert told["Key of the shop"] == told["Key here"]


def test_says_the_same_as_json(open_terminal: Terminal, tmp_path: Path) -> None:
    _record(open_terminal)
    (tmp_path / "shop.env").write_text("TUCKSHOP_SHOP_NAME=Corner shop\n")
    told = json.loads(open_terminal.works("--config", "shop.env", "status", "--json"))
    disk = told.pop("disk")
    assert 0 < disk["free_bytes"] <= disk["total_bytes"]
    assert told == {
        "name": "Corner shop",
        "version": __version__,
        "settings_file": str(tmp_path / "shop.env"),
        "database": f"sqlite:///{open_terminal.database}",
        "revision": revisions()[-1],
        "revision_needed": revisions()[-1],
        "shop": {
            "currency": "EUR",
            "demo": False,
            "machines": 1,
            "users": 0,
            "key_fingerprint": KEY,
            "last_audit": {"at": "2026-01-02T03:04:05Z", "passed": True},
            "last_backup": {"at": "2026-01-02T03:04:05Z", "passed": True},
            "last_restore_test": {"at": "2026-01-02T03:04:05Z", "passed": False},
        },
        "key_fingerprint": KEY,
        "problems": [],
    }


def test_a_key_that_is_not_the_shops_is_a_problem(open_terminal: Terminal) -> None:
    _record(open_terminal)
    (open_terminal.home / "secret.key").write_text("x" * 64)
    answer = open_terminal("status")
    assert (answer.code, answer.error) == (1, "")
    assert "is not the shop's" in _read(answer.out)["Problem"]
    (open_terminal.home / "secret.key").unlink()
    told = json.loads(open_terminal("status", "--json").out)
    assert told["key_fingerprint"] is None
    assert "There is no signing secret" in told["problems"][0]
    open_terminal.tamper("UPDATE shop SET is_demo = true")
    (open_terminal.home / "secret.key").write_text("x" * 64)
    assert open_terminal("status").code == 0  # A demo's key is a new one at every start.


@pytest.mark.parametrize(
    ("change", "revision", "problem"),
    [
        ("UPDATE alembic_version SET version_num = '9999', compatible_since = '9999'", "9999", "newer"),
        ("UPDATE alembic_version SET version_num = '0001'", "0001", "Run `tuckshop db upgrade`"),
        ("DROP TABLE audits", revisions()[-1], "The table audits is missing"),
    ],
)
def test_what_is_wrong_with_the_database_is_a_line(
    open_terminal: Terminal, change: str, revision: str, problem: str
) -> None:
    open_terminal.tamper(change)
    answer = open_terminal("status")
    assert (answer.code, answer.error) == (1, "")
    told = _read(answer.out)
    assert told["Revision"].startswith(revision)
    assert problem in told["Problem"]
    assert "Machines" not in told


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://ada:hunter22@127.0.0.1:1/shop", "cannot be reached"),
        ("mysql://ada:hunter22@127.0.0.1:1/shop", "must look like"),
        ("sqlite:///nowhere/at/all.sqlite3", "Create one with `tuckshop init`"),
        ("sqlite:///", "must look like"),
    ],
)
def test_works_without_the_database(
    open_terminal: Terminal, environment: Environment, url: str, problem: str
) -> None:
    environment(database_url=url)
    answer = open_terminal("status")
    assert (answer.code, answer.error) == (1, "")
    assert "hunter22" not in answer.out
    told = _read(answer.out)
    assert problem in told["Problem"]
    assert told["Key here"] == KEY
    assert "Disk free" in told
    assert problem in json.loads(open_terminal("status", "--json").out)["problems"][0]


def test_in_a_new_place_it_names_all_that_is_missing(terminal: Terminal) -> None:
    told = json.loads(terminal("status", "--json").out)
    assert ["database" in one or "secret" in one for one in told["problems"]] == [True, True]
    assert not terminal.home.exists()
