"""What the till says to its database, statement by statement, whichever database it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tuckshop.till.sql import script as books
from tuckshop.till.sql.statements import Plan, Step


def heard(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """A list to which every step of every plan is added from now on."""
    steps: list[Step] = []

    def listening(make: Callable[..., Plan]) -> Callable[..., Plan]:
        def plan(*given: Any) -> Plan:
            told, answer = make(*given), None
            try:
                while True:
                    step = told.send(answer)
                    steps.append(step)
                    answer = yield step
            except StopIteration as done:
                return done.value

        return plan

    for name in ("load", "store"):
        monkeypatch.setattr(books, name, listening(getattr(books, name)))
    return steps
