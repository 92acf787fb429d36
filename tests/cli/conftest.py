"""A terminal for the tests: a home of its own, and nothing of the environment that they run in."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.planted.planting import VARIABLE
from tuckshop import settings_file
from tuckshop.cli.main import cli


@dataclass
class Answer:
    """What a command printed, and how it ended. `shop`: the line that says which shop it changes, if any."""

    code: int
    out: str
    error: str
    shop: str = ""


@dataclass
class Terminal:
    """Runs commands in `home`."""

    home: Path

    @property
    def database(self) -> Path:
        return self.home / "tuckshop.sqlite3"

    def __call__(self, *words: str, given: str | None = None) -> Answer:
        # What --config sets is for this command alone.
        runner = CliRunner(env={settings_file.VARIABLE: os.environ.get(settings_file.VARIABLE)})
        result = runner.invoke(cli, list(words), input=given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        shop, error = "", result.stderr
        if error.startswith("Shop: "):
            shop, _, error = error.partition("\n")
        return Answer(result.exit_code, result.stdout, error, shop)

    def works(self, *words: str, given: str | None = None) -> str:
        """What the command prints."""
        answer = self(*words, given=given)
        assert answer.code == 0, answer
        assert answer.error == ""
        return answer.out

    def refused(self, *words: str, given: str | None = None) -> str:
        """The one line that refuses the command, which changes nothing."""
        before = self.books()
        answer = self(*words, given=given)
        assert answer.code == 2, answer
        assert answer.out == ""
        assert answer.error.startswith("Error: ")
        assert answer.error.count("\n") == 1
        assert self.books() == before
        return answer.error.removeprefix("Error: ").strip()

    def books(self) -> dict[str, list[Any]]:
        """Every row of every table, if there is a database."""
        if not self.database.exists():
            return {}
        try:
            with closing(sqlite3.connect(self.database)) as connection:
                names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}
        except sqlite3.Error:
            return {"": [self.database.read_bytes()]}

    def rows(self, query: str) -> list[Any]:
        """What the query finds."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def tamper(self, statement: str) -> None:
        """Changes the database behind everybody's back."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)


def _serves(*_: object, **__: object) -> None:
    raise AssertionError("it serves")


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in an empty folder."""
    for name in [name for name in os.environ if name.startswith("TUCKSHOP_") and name != VARIABLE]:
        monkeypatch.delenv(name)
    # Or a server that nobody refuses would serve in this process, and the test would never end.
    monkeypatch.setattr("tuckshop.cli.serve._serve", _serves)
    monkeypatch.setattr(settings_file, "USUAL", tmp_path / "etc" / "tuckshop.env")  # Not the computer's own.
    home = tmp_path / "home"
    monkeypatch.setenv("TUCKSHOP_HOME", str(home))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Terminal(home)


@pytest.fixture
def open_terminal(terminal: Terminal, sqlite_template: Path) -> Terminal:
    """A terminal with a shop and a key file; nobody is in the shop yet."""
    terminal.home.mkdir()
    shutil.copy(sqlite_template, terminal.database)
    (terminal.home / "secret.key").write_text("k" * 64)
    return terminal


Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Sets TUCKSHOP_ variables."""

    def put(**settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"TUCKSHOP_{name.upper()}", value)

    return put
