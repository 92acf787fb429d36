"""A plan becomes a history: tills that batch, execute and write for real, and clients that do not give up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from tests.shop import NOON_US
from tests.simulation.choices import Choices
from tests.simulation.connection import SimulatedBooks, record
from tests.simulation.database import Database, Event, Transaction
from tests.simulation.plans import Known, Plan, Step, envelope_of
from tests.simulation.scheduler import Scheduler, simulate
from tests.simulation.stage import POLICY, Dump, Stage, dump
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.engine import queue
from tuckshop.till.engine.queue import Busy, Defect, Till
from tuckshop.till.sql.books import OutcomeUnknown, Unavailable
from tuckshop.till.state.working_set import WorkingSet

TRIES = 12  # How often a client asks again; trouble is rarer.
ANSWER_SECONDS = 3.0  # Of the simulation, as all time is here: it costs none.
AGAIN_SECONDS = 0.5


class Died(Exception):
    """The till's process is gone, whatever became of the command."""


@dataclass
class History:
    """What has happened. `faults`: promises that were broken on the way."""

    plan: Plan
    choices: list[int]
    transactions: Sequence[Transaction] = ()
    acknowledged: list[tuple[Envelope, Outcome]] = field(default_factory=list)
    books: Dump = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    story: list[tuple[Any, ...]] = field(default_factory=list)
    deadlocks: int = 0
    waits: int = 0
    races: int = 0
    deaths: int = 0
    events: list[Event] = field(default_factory=list)

    @property
    def committed(self) -> list[Transaction]:
        """Those that took effect, in the order in which they did."""
        return sorted(
            (one for one in self.transactions if one.status == "committed"), key=lambda one: one.place
        )


class _Host:
    """A process with a till, which may die and start again."""

    def __init__(self, name: str, show: _Show) -> None:
        self.name = name
        self._show = show

    async def open(self) -> None:
        show = self._show
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.books = SimulatedBooks(show.database, self.name, show.plan.trouble, show.clock)
        self.till = Till(
            books=self.books, policy=POLICY, answer_seconds=ANSWER_SECONDS, committed=show.committed
        )
        await self.till.__aenter__()

    async def ask(self, envelope: Envelope) -> Outcome:
        """What the till answers. Raises as it does, and Died."""
        died = self.died
        call = asyncio.ensure_future(self.till.execute(envelope))
        either: set[asyncio.Future[Any]] = {call, died}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if call.done():
            return call.result()
        call.cancel()
        raise Died

    async def die(self) -> None:
        """The process is killed, and another takes its place."""
        self._show.database.tell(f"{self.name} is killed")
        self._show.history.deaths += 1
        worker = self.till._worker
        assert worker is not None
        self.books.die()
        self.died.set_result(None)
        worker.cancel()
        await asyncio.wait({worker})
        await self.open()


class _Show:
    """One history while it happens."""

    def __init__(self, plan: Plan, stage: Stage, choices: Choices, *, is_prompt: bool) -> None:
        self.plan = plan
        self.stage = stage
        self.choices = choices
        self.scheduler = Scheduler(choices)
        self.database = Database(stage.connection, self.scheduler, is_prompt=is_prompt)
        self.known = Known()
        self.history = History(plan, choices.made, self.database.transactions, story=self.database.story)
        self.hosts = [_Host(f"till {number + 1}", self) for number in range(plan.tills)]
        self._passed_us = 0
        self._deaths: list[asyncio.Future[None]] = []
        self.database.kill = self._kill

    def clock(self) -> int:
        """The server's time: every look at it finds another instant."""
        self._passed_us += 1_000
        return NOON_US + self._passed_us + int(asyncio.get_running_loop().time() * 1_000_000)

    def committed(self, work: WorkingSet) -> None:
        """What a till tells those who watch."""
        if self._last_of(work) != "committed":
            self.history.faults.append("somebody was told of what is not in the books")

    def _kill(self, name: str) -> None:
        (host,) = (one for one in self.hosts if one.name == name)
        self._deaths.append(asyncio.ensure_future(host.die()))

    def _last_of(self, work: WorkingSet) -> str:
        deciders = [one for one in self.database.transactions if one.work is work]
        return deciders[-1].status if deciders else "committed"

    async def run(self) -> None:
        for host in self.hosts:
            await host.open()
        clients: dict[int, list[tuple[int, Step]]] = {}
        for number, step in enumerate(self.plan.steps):
            clients.setdefault(step.client, []).append((number, step))
        tasks = [asyncio.ensure_future(self._client(name, steps)) for name, steps in clients.items()]
        await asyncio.gather(*tasks)
        await asyncio.gather(*self._deaths)
        for host in self.hosts:
            await self._close(host)
        # What a server still holds for clients that are gone, it gives up.
        for one in self.database.transactions:
            self.database.abort(one)

    async def _close(self, host: _Host) -> None:
        """Ends the host's till, and the one after it if it dies of what it still does for nobody."""
        till = None
        while till is not host.till:
            till = host.till
            with suppress(asyncio.CancelledError):
                await till.__aexit__()
            await asyncio.gather(*self._deaths)

    async def _client(self, client: int, steps: list[tuple[int, Step]]) -> None:
        name = f"client {client + 1}"
        for number, step in steps:
            await self.scheduler.turn(name)
            if self.choices.once_in(10):
                self.database.tell("two minutes pass")
                self._passed_us += 120_000_000
            envelope = envelope_of(step, self.plan, self.stage, self.known)
            copies = 2 if step.key is not None and self.choices.once_in(10) else 1
            await asyncio.gather(*(self._ask(f"{name}, #{number}", envelope) for _ in range(copies)))

    async def _ask(self, who: str, envelope: Envelope) -> None:
        for _ in range(TRIES):
            host = self.hosts[self.choices.pick(len(self.hosts))]
            self.database.tell(who, "asks", host.name, envelope)
            try:
                outcome = await host.ask(envelope)
            except (Unavailable, OutcomeUnknown, Busy, Died) as error:
                self.database.tell(who, "hears", error)
                if envelope.key is None:
                    return  # Nobody may ask again who cannot say that it is the same.
                await asyncio.sleep(AGAIN_SECONDS)
            except Defect:
                self.history.faults.append(f"a defect: {envelope.command}")
                return
            else:
                self._hear(who, envelope, outcome)
                return

    def _hear(self, who: str, envelope: Envelope, outcome: Outcome) -> None:
        self.database.tell(who, "hears", outcome)
        self.known.learn(outcome.answer)
        self.history.acknowledged.append((envelope, outcome))
        if not any(
            execution.outcome is outcome
            for one in self.database.transactions
            if one.status == "committed"
            for execution in one.executions
        ):
            self.history.faults.append(f"{who} was answered what is not in the books: {outcome}")


def happen(
    plan: Plan, stage: Stage, given: Sequence[int] | None = None, *, is_prompt: bool = False
) -> History:
    """Lets the plan happen, with the choices of its seed or those that are given.

    The books end as they began. Raises Stuck, and ModelBroken.
    """
    with stage.opened() as connection:
        show = _Show(plan, stage, Choices(plan.seed, given), is_prompt=is_prompt)
        with patch.object(queue, "execute", record(vars(queue)["execute"], show.database)):
            simulate(show.scheduler, show.run)
        history = show.history
        history.books = dump(connection)
        history.events = show.database.events
        history.deadlocks, history.waits = show.database.deadlocks, show.database.waits
        history.races = show.database.races
    return history
