"""What the till says to its database, statement by statement, whichever database it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tuckshop.till.sql import script
from tuckshop.till.sql.steps import Script, Step


def heard(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """A list to which every step of every plan is added from now on."""
    steps: list[Step] = []

    def listening(make: Callable[..., Script]) -> Callable[..., Script]:
        def plan(*given: Any) -> Script:
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
        monkeypatch.setattr(script, name, listening(getattr(script, name)))
    return steps
