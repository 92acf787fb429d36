"""The till: gathers the commands that arrive while a batch is being written, and executes them together."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import structlog

from tuckshop.domain.refusals import DepositTooLarge, MachineLimitReached, Refusal, UserNotPresent
from tuckshop.store.health import Health
from tuckshop.store.ids_behind import IdsBehind
from tuckshop.store.troubles import AWAY, LASTING
from tuckshop.telemetry import COMMANDS, Alerts, Spread
from tuckshop.till.callers import MachineCaller
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.orders import OrderPlaced
from tuckshop.till.engine.execute import execute, reads
from tuckshop.till.policy import Policy
from tuckshop.till.sql.books import BatchRefused, Books, Contended, OutcomeUnknown, Unavailable
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

log = structlog.get_logger(__name__)

BATCH_MAX = 256  # Beyond this a batch's own length shows in every caller's wait, and gains nothing.
QUEUE_MAX = 4096  # Some half a second of work at full speed; whoever comes later had better be told.
CONTENTION_TRIES = 8
CONTENTION_PAUSE_SECONDS = 0.005
ANSWER_SECONDS = 8.0  # In which every command is answered: callers are promised ten, with the way to them.
AWAY_PAUSE_SECONDS = 0.2


class Busy(Exception):
    """The queue is full, or the till is closing; nothing was taken."""


class Defect(Exception):
    """This one command cannot be written though no rule refuses it. Its neighbours are not touched."""


@dataclass(slots=True)
class _Waiting:
    envelope: Envelope
    answer: asyncio.Future[Outcome]
    answer_due: float
    is_begun: bool = False  # It may be in the books by now, or soon.
    is_dropped: bool = False  # Its caller was told that it had no effect: it must not have one.


@dataclass(slots=True)
class Tally:
    """What the till has done since it opened."""

    batches: int = 0
    commands: int = 0
    largest_batch: int = 0
    sizes: Spread = field(default_factory=lambda: Spread(COMMANDS))
    settling: Spread = field(default_factory=Spread)  # seconds a batch
    refusals: Counter[str] = field(default_factory=Counter)
    sales: int = 0
    sales_cents: int = 0

    def batch(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Counts a batch that is durable. Replays were counted when they happened."""
        self.batches += 1
        self.commands += len(outcomes)
        self.largest_batch = max(self.largest_batch, len(outcomes))
        self.sizes.add(len(outcomes))
        self.settling.add(seconds)
        for answer, replayed in ((outcome.answer, outcome.replayed) for outcome in outcomes):
            if replayed:
                continue
            if type(answer) is OrderPlaced:
                self.sales += 1
                self.sales_cents += answer.total_cents
            elif isinstance(answer, Refusal):
                self.refusals[type(answer).__name__] += 1


class Till:
    """One queue, one batch in flight. Open it as an async context manager in the running loop."""

    def __init__(
        self,
        *,
        books: Books,
        policy: Policy,
        batch_max: int = BATCH_MAX,
        queue_max: int = QUEUE_MAX,
        answer_seconds: float = ANSWER_SECONDS,
        committed: Callable[[WorkingSet], None] | None = None,
        in_doubt: Callable[[], None] | None = None,
        alerts: Alerts | None = None,
        health: Health | None = None,
    ) -> None:
        self.policy = policy
        self.tally = Tally()
        self._books = books
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._answer_seconds = answer_seconds
        self._committed = committed
        self._in_doubt = in_doubt
        self._alerts = alerts or Alerts()
        self._health = health or Health()
        self._queue: deque[_Waiting] = deque()
        self._taken: Sequence[_Waiting] = ()  # off the queue, for the batch that is being written
        self._look: asyncio.TimerHandle | None = None
        self._beginning = threading.Lock()  # SQLite decides in a thread of its own
        self._arrival = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Till:
        self._worker = asyncio.create_task(self._work(), name="till")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Takes nothing more, executes what is queued, gives the books back."""
        self._closing = True
        self._arrival.set()
        if self._worker is not None:
            await self._worker
        if self._look is not None:
            self._look.cancel()
        await self._books.close()

    @property
    def waiting(self) -> int:
        """How many commands wait for their batch."""
        return len(self._queue)

    async def execute(self, envelope: Envelope) -> Outcome:
        """The command's outcome, once it is durable; or that there is none yet, after `ANSWER_SECONDS`.

        A caller that is cancelled while it waits does not cancel the command.

        Raises:
            Busy, Unavailable, IdsBehind: the command had no effect.
            OutcomeUnknown: it may have had; asking again with the same key is safe.
            Defect: it had none, and never will.
        """
        if self._closing or len(self._queue) >= self._queue_max:
            raise Busy
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome] = loop.create_future()
        waiting = _Waiting(envelope, answer, loop.time() + self._answer_seconds)
        self._queue.append(waiting)
        self._arrival.set()
        if self._look is None:
            self._look = loop.call_at(waiting.answer_due, self._answer_late)
        return await answer

    async def execute_together(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """The outcomes of commands that arrive in one instant. Raises as `execute`, for the first to fail."""
        return list(await asyncio.gather(*(self.execute(envelope) for envelope in envelopes)))

    async def _work(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._arrival.clear()
                await self._arrival.wait()
                continue
            size = min(len(self._queue), self._batch_max)
            self._taken = [self._queue.popleft() for _ in range(size)]
            await self._execute(self._taken)
            self._taken = ()

    def _answer_late(self) -> None:
        """Answers whoever has waited long enough; those who came first have waited longest."""
        self._look = None
        loop = asyncio.get_running_loop()
        for waiting in (*self._taken, *self._queue):
            if waiting.answer.done():
                continue
            if loop.time() < waiting.answer_due:
                self._look = loop.call_at(waiting.answer_due, self._answer_late)
                break
            with self._beginning:
                waiting.is_dropped = not waiting.is_begun
            _fail(waiting, OutcomeUnknown() if waiting.is_begun else Unavailable("not begun in time"))
        while self._queue and self._queue[0].is_dropped:
            self._queue.popleft()

    async def _execute(self, batch: list[_Waiting]) -> None:
        """Executes a batch; one that the database refuses is halved until the culprit stands alone."""
        begun = perf_counter()
        try:
            batch, outcomes, work = await self._write(batch)
        except (Unavailable, OutcomeUnknown) as error:
            for waiting in batch:
                _fail(waiting, error)
            if self._in_doubt is not None and isinstance(error, OutcomeUnknown):
                self._in_doubt()
            trouble = error.trouble if isinstance(error, Unavailable) else AWAY
            if trouble is not None:
                self._health.failed(trouble)
        except Exception as error:
            _put_back(batch)
            if len(batch) == 1 and isinstance(error, IdsBehind):
                _fail(batch[0], error)
                return
            if len(batch) == 1:
                command = batch[0].envelope.command.tag
                _fail(batch[0], Defect(command))
                log.error("till.defect", command=command, exc_info=error)
                return
            middle = len(batch) // 2
            await self._execute(batch[:middle])
            await self._execute(batch[middle:])
        else:
            self.tally.batch(outcomes, perf_counter() - begun)
            if work.changes.any():
                self._health.wrote()
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(outcome)
            self._tell(batch, outcomes, work)

    def _tell(self, batch: Sequence[_Waiting], outcomes: Sequence[Outcome], work: WorkingSet) -> None:
        """Tells who watches. The batch is durable: whatever goes wrong here, it is not executed again."""
        try:
            if self._committed is not None:
                self._committed(work)
            for waiting, outcome in zip(batch, outcomes, strict=True):
                if type(waiting.envelope.command.caller) is MachineCaller:
                    _tell_of_machine(waiting.envelope, outcome, self._alerts)
        except Exception as error:
            log.error("till.not_told", exc_info=error)

    async def _write(self, batch: list[_Waiting]) -> tuple[list[_Waiting], list[Outcome], WorkingSet]:
        """Those of the batch that were not dropped meanwhile, what became of them, and the books then."""
        answer_due = min(waiting.answer_due for waiting in batch)
        loop = asyncio.get_running_loop()
        begun: list[_Waiting] = []
        outcomes: list[Outcome] = []
        decided: list[WorkingSet] = []

        def decide(work: WorkingSet) -> None:
            decided[:] = [work]
            with self._beginning:
                begun[:] = [waiting for waiting in batch if not waiting.is_dropped]
                for waiting in begun:
                    waiting.is_begun = True
            try:
                outcomes[:] = [execute(waiting.envelope, work) for waiting in begun]
            except StopIteration as error:
                # No future can carry this one: whoever waits for it would wait for ever.
                raise RuntimeError("a command took more ids than were reserved for it") from error

        tries = 0
        while True:
            need = ReadSet(self.policy)
            for waiting in batch:
                reads(waiting.envelope, need)
            try:
                await self._books.transact(need, decide)
            except Contended as error:
                _put_back(begun)
                tries += 1
                if tries >= CONTENTION_TRIES:
                    # A key that stays taken is a defect of a command; a lock that does is the database's.
                    kind = BatchRefused if error.on_key else Unavailable
                    raise kind(str(error)) from error
                await asyncio.sleep(CONTENTION_PAUSE_SECONDS * tries)
            except Unavailable as error:
                _put_back(begun)
                is_lasting = error.trouble is not None and error.trouble.cause in LASTING
                if is_lasting or self._closing or loop.time() + AWAY_PAUSE_SECONDS >= answer_due:
                    raise
                await asyncio.sleep(AWAY_PAUSE_SECONDS)
            else:
                return begun, outcomes, decided[0]


def _tell_of_machine(envelope: Envelope, outcome: Outcome, alerts: Alerts) -> None:
    """A line for everything that a machine's key has moved or was refused, sales to guests excepted.

    What is out of its pattern staff sees in the office too.
    """
    command, answer = envelope.command, outcome.answer
    caller = command.caller
    if outcome.replayed or type(answer) is OrderPlaced or not isinstance(caller, MachineCaller):
        return
    wallet = getattr(command, "wallet", None)
    facts = {
        "command": command.tag,
        "machine_id": caller.machine_id,
        "user_id": wallet and wallet.user_id,
        "guest_id": wallet and wallet.guest_id,
    }
    if isinstance(answer, Refusal):
        # Out of its pattern: more than a machine is trusted with, or for somebody who is not there.
        is_alarming = isinstance(answer, DepositTooLarge | MachineLimitReached | UserNotPresent)
        (log.warning if is_alarming else log.info)("machine.refused", refusal=answer.code, **facts)
        if is_alarming:
            alerts.add("machine", f"machine:{caller.machine_id}", answer.code)
    else:
        log.info("machine.acted", amount_cents=getattr(answer, "amount_cents", None), **facts)


def _put_back(begun: list[_Waiting]) -> None:
    """Nothing was written of these: whoever is told so now is told the truth."""
    for waiting in begun:
        waiting.is_begun = False


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
        waiting.answer.exception()  # Whoever asked may be gone; that is not worth a warning.
