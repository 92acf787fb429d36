"""A batch gives exactly the answers and the books that its commands would give one at a time."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.till.histories import (
    PRELUDE_LENGTH,
    Bench,
    Execute,
    History,
    assert_balanced,
    histories,
    open_bench,
)
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.engine.execute import execute
from tuckshop.till.sql.books import BatchRefused
from tuckshop.till.state.working_set import WorkingSet

EXAMPLES = 600 if os.environ.get("TUCKSHOP_PROOF") else 60


def compare(url: str, *, execute: Execute = execute, phases: tuple[Phase, ...] = tuple(Phase)) -> None:
    """Tries histories in one batch, in a few, and one at a time. Raises on the first difference."""
    with asyncio.Runner() as runner:
        context = open_bench(url)
        bench = runner.run(context.__aenter__())

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=phases,
            print_blob=True,
        )
        @given(histories(bench.people))
        def same(history: History) -> None:
            runner.run(assert_same(bench, history, execute))

        try:
            same()
        finally:
            runner.run(context.__aexit__(None, None, None))


async def assert_same(bench: Bench, history: History, execute: Execute) -> None:
    alone = range(PRELUDE_LENGTH + 1, len(history.envelopes))
    answers, books = await bench.run(history, alone, execute=execute)
    assert_balanced(books)
    for cuts in ((), history.cuts):
        answers_together, books_together = await bench.run(history, cuts, execute=execute)
        for envelope, apart, together in zip(history.envelopes, answers, answers_together, strict=True):
            assert together == apart, envelope
        assert books_together == books


@pytest.mark.proof
def test_any_cut_of_a_history_ends_in_the_same_answers_and_books(database_url: str) -> None:
    compare(database_url)


def test_control_commands_that_do_not_see_what_their_batch_took_from_the_shelf(database_url: str) -> None:
    with pytest.raises((AssertionError, BatchRefused)):
        compare(database_url, execute=blind_to_shelves(), phases=(Phase.generate,))


def test_control_commands_that_do_not_see_what_their_batch_spent(database_url: str) -> None:
    with pytest.raises((AssertionError, BatchRefused)):
        compare(database_url, execute=blind_to_balances(), phases=(Phase.generate,))


def blind_to_shelves() -> Execute:
    """A planted bug: each command decides on the shelves as loaded; the sums at the batch's end are right."""
    moved = _Moved()

    def execute_blind(envelope: Envelope, work: WorkingSet) -> Outcome:
        others = moved.in_batch(work)
        seen = {
            ref: shelf._replace(quantity=shelf.quantity - others[ref])
            for ref, shelf in work.products.shelves.items()
        }
        work.products.shelves = dict(seen)
        outcome = execute(envelope, work)
        for ref, shelf in work.products.shelves.items():
            work.products.shelves[ref] = shelf._replace(quantity=shelf.quantity + others[ref])
            others[ref] += shelf.quantity - (seen[ref].quantity if ref in seen else 0)
        return outcome

    return execute_blind


def blind_to_balances() -> Execute:
    """The same for the wallets."""
    moved = _Moved()

    def execute_blind(envelope: Envelope, work: WorkingSet) -> Outcome:
        others = moved.in_batch(work)
        seen = {ref: cents - others[ref] for ref, cents in work.accounts.balances.items()}
        work.accounts.balances = dict(seen)
        outcome = execute(envelope, work)
        for ref, cents in work.accounts.balances.items():
            work.accounts.balances[ref] = cents + others[ref]
            others[ref] += cents - seen.get(ref, 0)
        return outcome

    return execute_blind


class _Moved:
    """What the commands of the batch so far have moved."""

    def __init__(self) -> None:
        self.work: WorkingSet | None = None
        self.by_ref: Counter[Any] = Counter()

    def in_batch(self, work: WorkingSet) -> Counter[Any]:
        if work is not self.work:
            self.work, self.by_ref = work, Counter()
        return self.by_ref
