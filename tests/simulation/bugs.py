"""Bugs of the till, each with one guard taken away, that the simulation promises to find."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from tests.simulation.database import FIRST_ID
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.engine import queue, replay
from tuckshop.till.sql import account_ids, books, script, statements
from tuckshop.till.sql.account_ids import AccountIds
from tuckshop.till.sql.postgres import PostgresBooks
from tuckshop.till.sql.steps import Read, Reserve, Script
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

Bug = Callable[[], AbstractContextManager[Any]]


def locked_reads(place: dict[str, Any]) -> Iterator[tuple[Read, Bug]]:
    """Every read of a module that locks rows, and the bug that it does not.

    Searched for among all statements, so that a new lock is a new bug.
    """
    for name, value in list(place.items()):
        if isinstance(value, Read) and value.lock:
            yield value, partial(patch.dict, place, {name: value._replace(lock=None)})
        elif isinstance(value, dict):
            for key, read in value.items():
                if isinstance(read, Read) and read.lock:
                    yield read, partial(patch.dict, value, {key: read._replace(lock=None)})


def _shelves_in_any_order() -> AbstractContextManager[Any]:
    """Shelves are locked from the last to the first by one till, as by one that sorts otherwise."""
    select = statements.SHELVES.select.replace(
        "ORDER BY s.machine_id, s.product_id", "ORDER BY s.machine_id, s.product_id DESC"
    )
    return patch.object(statements, "SHELVES", statements.SHELVES._replace(select=select))


def _before_the_wait() -> AbstractContextManager[Any]:
    """Wallets are locked, but what is used was read before the wait."""
    real = script.load

    def load(need: ReadSet, ids: AccountIds) -> Any:
        steps, answer = real(need, ids), None
        try:
            while True:
                step = steps.send(answer)
                if not isinstance(step, Reserve) and step[0] in statements.WALLETS.values():
                    assert isinstance(step[0], Read)
                    before = yield step[0]._replace(lock=None), step[1]
                    yield step
                    answer = before
                else:
                    answer = yield step
        except StopIteration as done:
            return done.value

    return patch.object(script, "load", load)


def _forgotten_key() -> AbstractContextManager[Any]:
    """What was answered under a key is not kept."""
    return patch.object(replay, "keep", lambda *_: None)


def _late_record() -> AbstractContextManager[Any]:
    """Idempotency records are written in a transaction of their own, after the other."""
    real = PostgresBooks.transact

    async def transact(self: PostgresBooks, need: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        late: list[Any] = []

        def decide_only(work: WorkingSet) -> None:
            decide(work)
            late[:], work.changes.idempotency = work.changes.idempotency, []

        def write_late(work: WorkingSet) -> None:
            work.changes.idempotency = list(late)

        await real(self, need, decide_only)
        if late:
            await real(self, ReadSet(need.policy), write_late)

    return patch.object(PostgresBooks, "transact", transact)


@contextmanager
def _early_answer() -> Iterator[None]:
    """The till goes on before the server has said that it committed."""
    real_commit, real_transact = PostgresBooks._commit, PostgresBooks.transact

    async def commit(self: PostgresBooks, connection: Any) -> None:
        later = asyncio.ensure_future(real_commit(self, connection))
        later.add_done_callback(lambda done: done.cancelled() or done.exception())
        self.__dict__["later"] = later

    async def transact(self: PostgresBooks, need: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        if later := self.__dict__.get("later"):
            await asyncio.wait({later})
        await real_transact(self, need, decide)

    with patch.object(PostgresBooks, "_commit", commit), patch.object(PostgresBooks, "transact", transact):
        yield


def _lost_is_done() -> AbstractContextManager[Any]:
    """A COMMIT whose answer is lost counts as done."""

    async def find_out(self: PostgresBooks) -> None:
        await self._disconnect()

    return patch.object(PostgresBooks, "_find_out", find_out)


def _lost_is_undone() -> AbstractContextManager[Any]:
    """A COMMIT whose answer is lost is tried again."""

    async def find_out(self: PostgresBooks) -> None:
        await self._disconnect()
        raise books.Unavailable

    return patch.object(PostgresBooks, "_find_out", find_out)


def _blind() -> AbstractContextManager[Any]:
    """No command sees what its neighbours of the same batch did."""
    real: Callable[[Envelope, WorkingSet], Outcome] = vars(queue)["execute"]
    loaded: list[tuple[WorkingSet, dict[Any, Any], dict[Any, Any]]] = []

    def execute(envelope: Envelope, work: WorkingSet) -> Outcome:
        balances, shelves = work.accounts.balances, work.products.shelves
        if not loaded or loaded[0][0] is not work:
            loaded[:] = [(work, dict(balances), dict(shelves))]
        _, balances_loaded, shelves_loaded = loaded[0]
        balances.update(balances_loaded)
        shelves.update(shelves_loaded)
        return real(envelope, work)

    return patch.object(queue, "execute", execute)


def _ids_twice() -> AbstractContextManager[Any]:
    """Each till counts ids for itself."""
    real = PostgresBooks._reserve

    async def reserve(self: PostgresBooks, step: Reserve) -> Any:
        now_us, _ = await real(self, step)
        counted = self.__dict__.setdefault("counted", {})
        ids = {}
        for name, count in step.counts.items():
            first = counted.get(name, FIRST_ID)
            counted[name] = first + count
            ids[name] = iter(range(first + 1, first + count + 1))
        return now_us, ids

    return patch.object(PostgresBooks, "_reserve", reserve)


def _set_instead_of_added() -> AbstractContextManager[Any]:
    """What is to be added to an account becomes its balance."""
    return patch.object(statements, "ADD_CENTS", statements.ADD_CENTS._replace(added=False))


def _anybodys_wallet() -> AbstractContextManager[Any]:
    """A wallet that another till made since it was looked for is taken as one's own."""
    real = AccountIds.find_or_make

    def find_or_make(self: AccountIds, refs: Any) -> Script:
        missing = [ref for ref in refs if ref not in self.known and ref not in self.fresh]
        yield from account_ids._look_up(missing, self.fresh)
        return (yield from real(self, refs))

    return patch.object(AccountIds, "find_or_make", find_or_make)


def _hasty_memory() -> AbstractContextManager[Any]:
    """Accounts are remembered before the transaction that makes them is committed."""
    real = AccountIds.find_or_make

    def find_or_make(self: AccountIds, refs: Any) -> Any:
        found = yield from real(self, refs)
        self.known.update(found)
        return found

    return patch.object(AccountIds, "find_or_make", find_or_make)


LOCKS: dict[str, Bug] = {f"{read.name} are not locked": bug for read, bug in locked_reads(vars(statements))}
UNSEEN = ("shop are not locked", "limit_counters are not locked")
"""Locks that no history takes, or hardly one. tests/planted has their controls, of two tills."""

BUGS: dict[str, Bug] = {
    **LOCKS,
    "shelves are locked in another order": _shelves_in_any_order,
    "a balance is from before the wait": _before_the_wait,
    "idempotency records are forgotten": _forgotten_key,
    "idempotency records come in a second transaction": _late_record,
    "commands are answered before they are durable": _early_answer,
    "a lost COMMIT counts as done": _lost_is_done,
    "a lost COMMIT is tried again": _lost_is_undone,
    "neighbours of a batch are blind to each other": _blind,
    "ids are reserved twice": _ids_twice,
    "a sum is set instead of added": _set_instead_of_added,
    "another till's new wallet is taken as one's own": _anybodys_wallet,
    "accounts are remembered before they are durable": _hasty_memory,
}
