"""What must hold of every history: one effect for each command, as if they had come one after the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from msgspec.structs import replace

from tests.shop import every_rule
from tests.simulation.connection import Execution
from tests.simulation.database import Transaction
from tests.simulation.histories import History
from tests.simulation.stage import POLICY, Dump, Stage, dump
from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import KeyReused, Refusal, Unauthenticated
from tuckshop.store.tables.base import TILL_IDS
from tuckshop.till.commands.base import Outcome
from tuckshop.till.commands.machines import ShelvesSet
from tuckshop.till.commands.orders import OrderPlaced
from tuckshop.till.commands.tabs import TabSettled
from tuckshop.till.engine import replay
from tuckshop.till.engine.execute import execute, reads
from tuckshop.till.sql import script
from tuckshop.till.sql.account_ids import AccountIds
from tuckshop.till.sql.sqlite import SqliteBooks
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

T = TypeVar("T")

LOCK_ORDER = (
    "wallets_by_user_id",
    "wallets_by_guest_id",
    "tabs",
    "held",
    "guests",
    "sellers",
    "payees",
    "shop",
    "changing",
    "planned",
    "shelves",
    "limit_counters",
    "coin_boxes",
)
"""As `tuckshop.till.sql.script` says it; what is written comes after all of these."""
LAST_LOCKS = ("add coin_boxes", "add accounts")
TRIALS_MAX = 300  # Orders of transactions to try: the first one fits nearly always.


def broken(history: History, stage: Stage, *, with_audit: bool = True) -> list[str]:
    """Which promises the history broke, in words; empty if none."""
    faults = [*history.faults, *_keys(history), *_locks(history)]
    if not faults:
        faults += in_turn(history, stage, with_audit=with_audit)
    return faults


def _keys(history: History) -> Iterator[str]:
    """One answer for each key, and the same for whoever asks again."""
    answers: dict[tuple[str, str], object] = {}
    unkeyed: set[int] = set()
    for execution in _executions(history.committed):
        envelope, outcome = execution.envelope, execution.outcome
        if envelope.key is None:
            if id(envelope) in unkeyed:
                yield f"{envelope.command} had an effect twice"
            unkeyed.add(id(envelope))
        if envelope.key is None or isinstance(outcome.answer, KeyReused | Unauthenticated):
            continue
        ref = (envelope.command.caller.scope, envelope.key)
        if outcome.replayed and answers.get(ref) != outcome.answer:
            yield f"{ref} was answered otherwise the second time"
        elif not outcome.replayed and ref in answers:
            yield f"{ref} had an effect twice"
        answers[ref] = outcome.answer


def _locks(history: History) -> Iterator[str]:
    """Rows are locked in the one order: by kind, and each kind by ascending id."""
    for one in history.transactions:
        last: tuple[int, Any] = (-1, ())
        for name, (_, row) in one.locks:
            if name in LOCK_ORDER:
                place = LOCK_ORDER.index(name)
            elif name in LAST_LOCKS:
                place = len(LOCK_ORDER) + LAST_LOCKS.index(name)
            else:
                continue
            if (place, row) < last:
                yield f"{one.who} locked {name} {row} after {last}"
            last = (place, row)


def in_turn(history: History, stage: Stage, *, with_audit: bool) -> list[str]:
    """What is wrong unless some order of the transactions explains every answer and the books.

    An order keeps what one sees: whoever began after another's end comes after it. The order of the commits
    is tried first; others matter where a command was refused by what it read without a lock.

    Where none fits, refusals are looked at more closely: one changes nothing, so it is right if it was at any
    moment since its transaction began.
    """
    searches = [_Search(history), _Search(history, is_lenient=True)]
    for search in searches:
        with stage.opened() as connection:
            if search.fits(connection, history.committed):
                return _audit(connection) if with_audit else []
    return [searches[0].first_difference or "no order explains the books"]


class _Search:
    def __init__(self, history: History, *, is_lenient: bool = False) -> None:
        self.history = history
        self._is_lenient = is_lenient
        self._right: set[int] = set()  # refusals that were right at some moment before their place
        self.first_difference = ""
        self._trials = 0

    def fits(self, connection: sqlite3.Connection, left: list[Transaction]) -> bool:
        if not left:
            difference = _difference(self.history.books, dump(connection))
            self.first_difference = self.first_difference or difference
            return not difference
        for one in left:
            if self._trials >= TRIALS_MAX or any(other.ended < one.begun for other in left):
                continue
            self._trials += 1
            if self._is_lenient:
                self._look_ahead(connection, left)
            mark = f"trial{len(left)}"
            connection.execute(f"SAVEPOINT {mark}")
            if self._repeats(connection, one) and self.fits(
                connection, [other for other in left if other is not one]
            ):
                return True
            connection.execute(f"ROLLBACK TO {mark}")
            connection.execute(f"RELEASE {mark}")
        return False

    def _look_ahead(self, connection: sqlite3.Connection, left: list[Transaction]) -> None:
        """Which refusals would be right just now, of those whose transactions may have begun."""
        begun = [one for one in left if not any(other.ended < one.begun for other in left)]
        for execution in _executions(begun):
            if isinstance(execution.outcome.answer, Refusal) and not execution.outcome.replayed:
                connection.execute("SAVEPOINT ahead")
                if repeat(connection, execution) == execution.outcome:
                    self._right.add(id(execution))
                connection.execute("ROLLBACK TO ahead")
                connection.execute("RELEASE ahead")

    def _repeats(self, connection: sqlite3.Connection, one: Transaction) -> bool:
        before = "command"  # SQLite finds the innermost of the name.
        for execution in one.executions:
            connection.execute(f"SAVEPOINT {before}")
            told = repeat(connection, execution)
            if _decided(told) != _decided(execution.outcome):
                if id(execution) in self._right:
                    connection.execute(f"ROLLBACK TO {before}")
                    _keep(connection, execution)
                    continue
                command, outcome = execution.envelope.command, execution.outcome
                difference = f"{command}\n  was answered {outcome}\n  and is, alone, {told}"
                self.first_difference = self.first_difference or difference
                return False
        return True


def repeat(connection: sqlite3.Connection, execution: Execution) -> Outcome | str:
    """The outcome of the command by itself on SQLite, with its ids, at its instant; or why none."""
    try:
        return _settle(connection, execution, lambda work: execute(execution.envelope, work))
    except StopIteration:
        return "no answer: it takes more ids than it took"
    except sqlite3.Error as error:
        return f"no answer: {error}"


def _keep(connection: sqlite3.Connection, execution: Execution) -> None:
    """Writes what a refused command leaves behind: its answer, if it has a key."""
    answer = execution.outcome.answer
    if not isinstance(answer, KeyReused | Unauthenticated):
        _settle(connection, execution, lambda work: replay.keep(answer, execution.envelope, work))


def _settle(connection: sqlite3.Connection, execution: Execution, decide: Callable[[WorkingSet], T]) -> T:
    books = SqliteBooks(path="", clock=lambda: execution.now_us)
    books._connection = connection
    need = ReadSet(POLICY)
    reads(execution.envelope, need)
    accounts = AccountIds()
    work: WorkingSet = books._run(script.load(need, accounts))
    work.new_ids = {name: iter(ids) for name, ids in execution.ids.items()}
    decided = decide(work)
    if work.changes.any():
        books._run(script.store(work, accounts))
    return decided


def _decided(outcome: Outcome | str) -> object:
    """Without what an answer only tells, and no lock keeps: another till may change it at the same moment.

    A wallet that was not there to be locked and that the command leaves alone; shelves without a plan.
    """
    match outcome:
        case Outcome(answer=TabSettled() as settled):
            return replace(settled, balance_cents=0), outcome.replayed
        case Outcome(answer=OrderPlaced(payment=Payment.TAB) as placed):
            return replace(placed, balance_cents=0), outcome.replayed
        case Outcome(answer=ShelvesSet() as planned):
            plans = [
                one
                for one in planned.shelves
                if any((one.slot, one.capacity, one.par_level, one.price_cents))
            ]
            return replace(planned, shelves=tuple(plans)), outcome.replayed
        case _:
            return outcome


def _difference(books: Dump, expected: Dump) -> str:
    for table, rows in books.items():
        if rows != expected[table]:
            more = [row for row in rows if row not in expected[table]]
            less = [row for row in expected[table] if row not in rows]
            return f"{table}: has {more}\n  and should have {less}"
    return ""


def _executions(transactions: list[Transaction]) -> Iterator[Execution]:
    for one in transactions:
        yield from one.executions


def _audit(connection: sqlite3.Connection) -> list[str]:
    sql, given = every_rule("sqlite")
    for name in TILL_IDS:  # Nobody has counted: the ids were given.
        connection.execute(
            f"UPDATE counters SET last_id = (SELECT coalesce(max(id), 0) FROM {name}) WHERE name = ?", (name,)
        )
    return [f"the audit finds {name}" for (name,) in connection.execute(sql, given)]
