"""For pytest (`-p tests.proof.plugin`): writes as JSON what was found, and how each test ended."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "TUCKSHOP_TEST_TOLD"
"""The environment names the file to write."""
POSTGRES, SQLITE, NEITHER = "PostgreSQL", "SQLite", ""

_WORST = ("passed", "skipped", "failed")


class Told:
    """`found`: the database of each test. `ends`: how it ended, and why if it was left out or failed.

    `figures`: what tests counted, in words: `record_property("figures", "3 kills")`.
    """

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.ends: dict[str, tuple[str, str]] = {}
        self.figures: dict[str, list[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.found = {item.nodeid: database_of(item) for item in session.items}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        why = ""
        if isinstance(report.longrepr, tuple):
            why = report.longrepr[2].removeprefix("Skipped: ")
        elif report.failed:
            why = report.longreprtext.strip().rpartition("\n")[2]
        before = self.ends.get(report.nodeid, ("passed", ""))
        end = max(before, (report.outcome, why), key=lambda one: _WORST.index(one[0]))
        self.ends[report.nodeid] = end
        if report.when == "teardown":
            self.figures[report.nodeid] = [
                str(value) for name, value in report.user_properties if name == "figures"
            ]

    def pytest_sessionfinish(self) -> None:
        Path(os.environ[VARIABLE]).write_text(json.dumps(vars(self)), "utf-8")


def database_of(item: pytest.Item) -> str:
    """The one that the test is about."""
    params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    fixtures: list[str] = getattr(item, "fixturenames", [])
    if item.get_closest_marker("postgres") or "postgres" in params.values():
        return POSTGRES
    return SQLITE if "sqlite" in params.values() or "sqlite_url" in fixtures else NEITHER


def pytest_configure(config: pytest.Config) -> None:
    """Listens, where somebody wants to know."""
    if VARIABLE in os.environ:
        config.pluginmanager.register(Told())
