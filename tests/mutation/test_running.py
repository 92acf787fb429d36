"""Mutants are put in place of what tests call."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.mutation.judged import equivalent
from tests.mutation.mutants import all_mutants
from tests.planted.planting import ROOT

LISTED = """
[[equivalent]]
module = "domain/transfers.py"
place = "_check_amount"
change = "amount_cents < 1 -> {change}"
why = "{why}"
"""


@pytest.mark.parametrize(
    ("tests", "said", "status"),
    [
        ("tests/domain/test_transfers.py", "2 of 2 mutants are killed, 0 survive.", 0),
        ("tests/domain/test_payables.py", "survives: domain/transfers.py", 1),
    ],
)
def test_one_is_killed_by_the_tests_that_look(tests: str, said: str, status: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.mutation", "_check_amount: ", "--tests", tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (status, "")
    assert said in ran.stdout


def test_those_that_change_nothing_are_in_the_code() -> None:
    assert len(equivalent(all_mutants())) > 0


@pytest.mark.parametrize(("change", "why"), [("amount_cents <= 0", "same"), ("amount_cents <= 1", " ")])
def test_one_that_is_not_in_the_code_or_has_no_reason_says_so(change: str, why: str) -> None:
    with pytest.raises(LookupError, match="_check_amount"):
        equivalent(all_mutants(), LISTED.format(change=change, why=why))
