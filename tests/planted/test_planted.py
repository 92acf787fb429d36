"""The planted bugs still apply, and a quick sample of them is caught; `make proof.planted` tries them all."""

from __future__ import annotations

import pytest

from tests.planted.planting import Bug, bugs, is_there, plant
from tests.planted.running import fate
from tests.simulation.bugs import locked_reads
from tuckshop.till.sql import statements

SAMPLE = (
    "two-transactions-on-sqlite",
    "wallet-orders-on-the-tab",
    "greedy-change",
    "forms-without-a-token",
    "any-host",
    "unclaimed-a-moment-late",
)
"""Of different rooms, and quick: each starts pytest anew."""


@pytest.mark.parametrize("bug", bugs().values(), ids=bugs())
def test_it_still_applies(bug: Bug) -> None:
    planted = bug.planted(bug.path().read_text())
    compile(planted, bug.path(), "exec")
    assert bug.tests, "nobody says what must fail"
    assert [test for test in bug.tests if not is_there(test)] == []


@pytest.mark.parametrize("name", SAMPLE)
def test_it_is_caught(name: str) -> None:
    assert fate(bugs()[name]) == ""


def test_every_lock_of_the_till_has_a_bug_that_takes_it_away() -> None:
    those = [bug for bug in bugs().values() if bug.module == statements.__name__]
    source = those[0].path().read_text()
    locks = _locks(source)
    assert locks == {read.name for read, _ in locked_reads(vars(statements))}
    taken = {bug.name: locks - _locks(bug.planted(source)) for bug in those}
    assert set().union(*taken.values()) == locks
    for name, missing in taken.items():
        assert not missing or any("two_tills" in test for test in bugs()[name].tests), name


def _locks(source: str) -> set[str]:
    """What a module of statements would lock."""
    loaded: dict[str, object] = {"__name__": "statements"}
    exec(compile(source, "statements", "exec"), loaded)
    return {read.name for read, _ in locked_reads(loaded)}


def test_one_that_no_longer_applies_says_so() -> None:
    bug = bugs()[SAMPLE[0]]
    for source in ("", bug.old * 2):
        with pytest.raises(LookupError, match=f"no longer applies: {bug.name}"):
            bug.planted(source)


def test_one_that_comes_too_late_says_so() -> None:
    with pytest.raises(RuntimeError, match="too late"):
        plant(bugs()[SAMPLE[0]])


def test_one_that_its_tests_let_pass_is_not_caught() -> None:
    harmless = Bug(name=SAMPLE[0], harm="", module="", old="", new="", tests=("tests/domain/test_money.py",))
    assert "pytest ended with 0" in fate(harmless)
