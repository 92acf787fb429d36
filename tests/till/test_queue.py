"""The till around its books: who shares a batch, who waits, who is told no, and what outlives its caller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.limits import HANG_SECONDS
from tests.shop import Clock, Shop, open_books
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import EURO
from tuckshop.domain.refusals import InsufficientFunds, OutOfStock
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Command, Envelope
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, RemoveProduct, Restock
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.engine import queue
from tuckshop.till.engine.queue import Busy, Defect, Till
from tuckshop.till.policy import Policy
from tuckshop.till.sql.books import BatchRefused, Books, Contended, OutcomeUnknown, Unavailable
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


class Trouble:
    """Books in front of the real ones: they hold every batch at a gate, and fail when they are told."""

    def __init__(self, real: Books) -> None:
        self.real = real
        self.gate = asyncio.Event()
        self.gate.set()
        self.after = asyncio.Event()
        self.after.set()
        self.written = asyncio.Event()
        self.errors: list[Exception] = []
        self.decided: list[Exception] = []  # The same once all is decided, in place of the commit.
        self.tries = 0

    async def transact(self, wanted: ReadSet, decide: Callable[[WorkingSet], None]) -> None:
        await self.gate.wait()
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        await self.real.transact(wanted, self._failing(decide) if self.decided else decide)
        self.written.set()
        await self.after.wait()

    def _failing(self, decide: Callable[[WorkingSet], None]) -> Callable[[WorkingSet], None]:
        def decide_and_fail(work: WorkingSet) -> None:
            decide(work)
            raise self.decided.pop(0)

        return decide_and_fail

    async def close(self) -> None:
        await self.real.close()


@asynccontextmanager
async def troubled(shop: Shop, **options: Any) -> AsyncIterator[tuple[Till, Trouble]]:
    """A second till on the shop's database, with trouble."""
    trouble = Trouble(open_books(shop.url, shop.clock))
    async with Till(books=trouble, policy=Policy(currency=EURO), **options) as till:
        yield till, trouble


class Waits:
    """asyncio for the till's module, with a clock on which only pauses take time, and all of them no time."""

    def __init__(self) -> None:
        self.now_seconds = 0.0
        self._calls: list[tuple[float, Callable[[], None]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    def get_running_loop(self) -> Waits:
        return self

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    def time(self) -> float:
        return self.now_seconds

    def call_at(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        self._calls.append((seconds, callback))
        return asyncio.get_running_loop().call_later(HANG_SECONDS, lambda: None)

    def pass_by(self, seconds: float) -> None:
        """So much time passes, and what is due by then is called."""
        self.now_seconds += seconds
        due = [call for call in self._calls if call[0] <= self.now_seconds]
        self._calls = [call for call in self._calls if call not in due]
        for _, callback in due:
            callback()

    async def sleep(self, seconds: float) -> None:
        self.now_seconds += seconds
        await asyncio.sleep(0)


def order(buyer: SessionCaller, product_id: int, quantity: int = 1) -> Envelope:
    return Envelope(PlaceOrder(buyer, wallet_of(buyer.user_id), ((product_id, quantity),)))


def kinds(outcomes: list[Any]) -> list[str]:
    return [type(getattr(outcome, "answer", outcome)).__name__ for outcome in outcomes]


async def let_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


# --- Neighbours


async def test_a_refusal_neither_refuses_nor_delays_its_neighbours(shop: Shop) -> None:
    ada, bob, cleo = [await shop.buyer(name, cents=300) for name in ("ada", "bob", "cleo")]
    cola = await shop.product(stock=2)
    batches = shop.till.tally.batches
    outcomes = await shop.till.execute_together(
        [
            order(ada, cola.product_id),
            order(ada, cola.product_id, 2),
            order(bob, cola.product_id),
            order(cleo, cola.product_id),
        ]
    )
    assert shop.till.tally.batches == batches + 1
    assert kinds(outcomes) == ["OrderPlaced", "OutOfStock", "OrderPlaced", "OutOfStock"]
    assert outcomes[1].answer == OutOfStock(cola.product_id, 1)
    assert outcomes[3].answer == OutOfStock(cola.product_id, 0)
    await shop.assert_clean()


async def test_the_commands_of_a_batch_see_each_other_in_the_order_of_arrival(shop: Shop) -> None:
    ada = await shop.buyer()
    cola = await shop.product(stock=1)
    deposit = Envelope(Deposit(OPERATOR, wallet_of(ada.user_id), {50: 3}))
    outcomes = await shop.till.execute_together(
        [order(ada, cola.product_id), deposit, order(ada, cola.product_id), order(ada, cola.product_id)]
    )
    assert outcomes[0].answer == InsufficientFunds(150, 0)
    assert kinds(outcomes[1:]) == ["CoinsDeposited", "OrderPlaced", "OutOfStock"]
    assert isinstance(outcomes[2].answer, OrderPlaced)
    await shop.assert_clean()


@pytest.mark.parametrize("place", [0, 5, 12])
async def test_what_the_database_refuses_is_a_defect_of_that_command_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    ada = await shop.buyer(cents=1500)
    cola = await shop.product(stock=100)
    monkeypatch.setattr(
        "tuckshop.till.commands.products.check_price", lambda cents, **_: cents
    )  # Forgets the rule.
    commands: list[Command] = [order(ada, cola.product_id).command for _ in range(12)]
    commands.insert(place, AddProduct(OPERATOR, "free beer", 0, 1, for_house=True))
    outcomes = await asyncio.gather(
        *(shop.till.execute(Envelope(command)) for command in commands), return_exceptions=True
    )
    culprit = outcomes.pop(place)
    assert isinstance(culprit, Defect)
    assert str(culprit) == "product.add"
    expected = ["OrderPlaced"] * 10 + ["InsufficientFunds"] * 2
    assert kinds(list(outcomes)) == expected  # Still in the order of arrival.
    assert [row["name"] for row in await shop.rows("products")] == ["cola"]
    await shop.assert_clean()


async def test_a_rule_that_breaks_is_a_defect_of_that_command_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cola = await shop.product(stock=1)

    def broken(*_: object) -> None:
        raise StopIteration  # The nastiest: futures and generators do not carry it.

    monkeypatch.setattr("tuckshop.till.commands.products.RemoveProduct.execute", broken)
    outcomes = await asyncio.wait_for(
        asyncio.gather(
            shop.till.execute(Envelope(Restock(OPERATOR, cola.product_id, 1))),
            shop.till.execute(Envelope(RemoveProduct(OPERATOR, cola.product_id))),
            shop.till.execute(Envelope(Restock(OPERATOR, cola.product_id, 1))),
            return_exceptions=True,
        ),
        HANG_SECONDS,
    )
    assert kinds(list(outcomes)) == ["ProductRecord", "Defect", "ProductRecord"]
    await shop.assert_clean()


async def test_a_name_given_up_is_free_for_the_next_command_of_the_batch(shop: Shop) -> None:
    cola, tea, gum = [await shop.product(name, stock=1) for name in ("cola", "tea", "gum")]
    batches = shop.till.tally.batches
    commands: list[Command] = [
        ChangeProduct(OPERATOR, cola.product_id, name="mate"),
        ChangeProduct(OPERATOR, tea.product_id, name="cola"),
        ChangeProduct(OPERATOR, cola.product_id, name="tea"),  # Cola and tea have swapped names.
        RemoveProduct(OPERATOR, gum.product_id),
        AddProduct(OPERATOR, "gum", 5, 1, for_house=True),
        AddProduct(OPERATOR, "mate", 6, 1, for_house=True),
    ]
    outcomes = await shop.till.execute_together([Envelope(command) for command in commands])
    assert all(not isinstance(outcome.answer, Exception) for outcome in outcomes)
    assert shop.till.tally.batches == batches + 1  # Settled together: nothing was halved.
    rows = {row["id"]: (row["name"], row["name_key"], row["version"]) for row in await shop.rows("products")}
    assert rows[cola.product_id] == ("tea", "tea", 3)
    assert rows[tea.product_id] == ("cola", "cola", 2)
    assert rows[gum.product_id] == ("gum", "gum", 1)
    assert sorted(name for name, _, _ in rows.values()) == ["cola", "gum", "gum", "mate", "tea"]
    await shop.assert_clean()


async def test_a_product_made_and_renamed_and_removed_in_one_batch_leaves_its_names(shop: Shop) -> None:
    # Only somebody who guesses the next id can do that.
    guess = (await shop.product("first")).product_id + 1
    batches = shop.till.tally.batches
    commands: list[Command] = [
        AddProduct(OPERATOR, "cola", 5, 1, for_house=True),
        ChangeProduct(OPERATOR, guess, name="tea"),
        AddProduct(OPERATOR, "cola", 5, 1, for_house=True),
        RemoveProduct(OPERATOR, guess),
        AddProduct(OPERATOR, "tea", 5, 1, for_house=True),
    ]
    outcomes = await shop.till.execute_together([Envelope(command) for command in commands])
    assert kinds(outcomes) == [
        "ProductRecord",
        "ProductRecord",
        "ProductRecord",
        "ProductRemoved",
        "ProductRecord",
    ]
    assert shop.till.tally.batches == batches + 1
    removed = next(row for row in await shop.rows("products") if row["id"] == guess)
    assert (removed["name"], removed["name_key"], removed["version"]) == ("tea", "tea", 2)
    assert removed["removed_us"] is not None
    await shop.assert_clean()


async def test_a_batch_takes_no_more_than_it_may(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    async with troubled(shop, batch_max=4) as (till, _):
        restocks = [Envelope(Restock(OPERATOR, cola.product_id, 1)) for _ in range(10)]
        outcomes = await till.execute_together(restocks)
        assert till.tally.largest_batch == 4
        assert (till.tally.batches, till.tally.commands) == (3, 10)
    assert isinstance(outcomes[-1].answer, ProductRecord)
    assert outcomes[-1].answer.stock == 10


# --- Waiting


async def test_nobody_is_answered_before_the_books_are_written(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    async with troubled(shop) as (till, trouble):
        trouble.after.clear()
        asked = asyncio.create_task(till.execute(Envelope(Restock(OPERATOR, cola.product_id, 1))))
        await asyncio.wait_for(trouble.written.wait(), HANG_SECONDS)
        await let_run()
        assert not asked.done()  # Not before the books say that it is written.
        trouble.after.set()
        assert kinds([await asked]) == ["ProductRecord"]


async def test_whoever_listens_hears_of_a_batch_once_it_is_durable(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1))
    heard: list[bool] = []

    def hear(_: WorkingSet) -> None:
        heard.append(trouble.written.is_set())

    async with troubled(shop, committed=hear) as (till, trouble):
        trouble.decided = [Contended("after it was decided")]
        await till.execute(restock)
        assert heard == [True]
        trouble.written.clear()
        trouble.decided = [BatchRefused("after it was decided")]
        with pytest.raises(Defect):
            await till.execute(restock)
    assert heard == [True]


async def test_what_goes_wrong_while_a_batch_is_told_is_not_executed_again(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1))

    def fail(_: WorkingSet) -> None:
        raise RuntimeError("whoever listens is broken")

    async with troubled(shop, committed=fail) as (till, _):
        assert kinds(await till.execute_together([restock, restock])) == ["ProductRecord"] * 2
        assert kinds([await till.execute(restock)]) == ["ProductRecord"]
    assert (await shop.rows("shelves"))[0]["quantity"] == 3


async def test_a_full_queue_takes_nothing_more(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    async with troubled(shop, queue_max=3) as (till, trouble):
        trouble.gate.clear()
        restock = Envelope(Restock(OPERATOR, cola.product_id, 1))
        taken = [asyncio.create_task(till.execute(restock))]
        await let_run()  # The first is in the books' hands; three may wait.
        taken += [asyncio.create_task(till.execute(restock)) for _ in range(3)]
        await let_run()
        refused = asyncio.create_task(till.execute(restock))
        await let_run()
        trouble.gate.set()
        outcomes = await asyncio.gather(*taken)
        with pytest.raises(Busy):
            await refused
        await till.execute(restock)
    assert kinds(outcomes) == ["ProductRecord"] * 4
    assert (await shop.rows("shelves"))[0]["quantity"] == 5


async def test_a_caller_who_goes_away_does_not_take_the_command_along(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    async with troubled(shop) as (till, trouble):
        trouble.gate.clear()
        restock = Envelope(Restock(OPERATOR, cola.product_id, 1))
        in_flight = asyncio.create_task(till.execute(restock))
        await let_run()
        queued = asyncio.create_task(till.execute(restock))
        staying = asyncio.create_task(till.execute(restock))
        await let_run()
        in_flight.cancel()
        queued.cancel()
        await let_run()
        assert in_flight.cancelled()
        assert queued.cancelled()
        trouble.gate.set()
        outcome = await staying
    assert isinstance(outcome.answer, ProductRecord)
    assert outcome.answer.stock == 3
    await shop.assert_clean()


async def test_closing_settles_what_is_queued_and_takes_nothing_more(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    trouble = Trouble(open_books(shop.url, Clock()))
    till = Till(books=trouble, policy=Policy(currency=EURO), batch_max=2)
    await till.__aenter__()
    trouble.gate.clear()
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1))
    asked = [asyncio.create_task(till.execute(restock)) for _ in range(7)]
    await let_run()
    closing = asyncio.create_task(till.__aexit__())
    await let_run()
    with pytest.raises(Busy):
        await till.execute(restock)
    assert not closing.done()
    trouble.gate.set()
    await asyncio.wait_for(closing, HANG_SECONDS)
    assert kinds([task.result() for task in asked]) == ["ProductRecord"] * 7
    assert (await shop.rows("shelves"))[0]["quantity"] == 7


async def test_an_idle_till_closes(shop: Shop) -> None:
    async with asyncio.timeout(HANG_SECONDS):
        async with troubled(shop) as (_, trouble):
            pass
    assert trouble.tries == 0


# --- Trouble with the books


async def test_another_tills_luck_is_tried_again_until_it_turns(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "CONTENTION_PAUSE_SECONDS", 0)
    cola = await shop.product(stock=0)
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1))
    async with troubled(shop) as (till, trouble):
        trouble.errors = [Contended("deadlock")] * (queue.CONTENTION_TRIES - 1)
        assert kinds([await till.execute(restock)]) == ["ProductRecord"]
        trouble.errors = [Contended("deadlock")] * queue.CONTENTION_TRIES
        trouble.errors += [Unavailable("away")] * 100  # Locks that stay taken: the database is not to be had.
        with pytest.raises(Unavailable):
            await till.execute(restock)
        trouble.errors = [Contended("key", on_key=True)] * queue.CONTENTION_TRIES
        with pytest.raises(Defect):
            await till.execute(restock)
        assert kinds([await till.execute(restock)]) == ["ProductRecord"]
    assert (await shop.rows("shelves"))[0]["quantity"] == 2


async def test_books_that_are_away_are_waited_for_as_long_as_callers_wait(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Waits()
    monkeypatch.setattr(queue, "asyncio", waits)
    cola = await shop.product(stock=0)
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1))
    pauses = round(queue.ANSWER_SECONDS / queue.AWAY_PAUSE_SECONDS)
    async with troubled(shop) as (till, trouble):
        trouble.errors = [Unavailable("away")] * (pauses - 1)
        assert kinds([await till.execute(restock)]) == ["ProductRecord"]
        trouble.errors = [Unavailable("away")] * 1000
        begun_seconds = waits.now_seconds
        outcomes = await asyncio.gather(*(till.execute(restock) for _ in range(3)), return_exceptions=True)
        assert kinds(list(outcomes)) == ["Unavailable"] * 3
        waited_seconds = waits.now_seconds - begun_seconds
        assert 0 <= queue.ANSWER_SECONDS - waited_seconds <= queue.AWAY_PAUSE_SECONDS + 1e-6
        trouble.errors = []
        assert kinds([await till.execute(restock)]) == ["ProductRecord"]
    assert (await shop.rows("shelves"))[0]["quantity"] == 2


async def test_what_nobody_can_tell_is_not_tried_again_blindly(shop: Shop) -> None:
    cola = await shop.product(stock=0)
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1), "k", b"f")
    async with troubled(shop) as (till, trouble):
        trouble.errors = [OutcomeUnknown()]
        with pytest.raises(OutcomeUnknown):
            await till.execute(restock)
        assert trouble.tries == 1
        assert not (await till.execute(restock)).replayed
        assert (await till.execute(restock)).replayed


async def test_whoever_waits_too_long_behind_others_is_told_and_not_executed_later(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Waits()
    monkeypatch.setattr(queue, "asyncio", waits)
    cola = await shop.product(stock=0)
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1))
    async with troubled(shop, batch_max=2) as (till, trouble):
        trouble.gate.clear()
        early = [asyncio.create_task(till.execute(restock)) for _ in range(3)]
        await let_run()
        waits.pass_by(queue.ANSWER_SECONDS / 2)
        late = asyncio.create_task(till.execute(restock))
        await let_run()
        waits.pass_by(queue.ANSWER_SECONDS / 2)
        outcomes: list[Any] = list(await asyncio.gather(*early, return_exceptions=True))
        assert kinds(outcomes) == ["Unavailable"] * 3
        assert not late.done()
        trouble.gate.set()
        assert kinds([await late]) == ["ProductRecord"]
    assert (await shop.rows("shelves"))[0]["quantity"] == 1
    await shop.assert_clean()


async def test_whoever_waits_too_long_for_a_commit_is_told_that_its_outcome_is_unknown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Waits()
    monkeypatch.setattr(queue, "asyncio", waits)
    cola = await shop.product(stock=0)
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1), "k", b"f")
    async with troubled(shop) as (till, trouble):
        trouble.after.clear()
        asked = asyncio.create_task(till.execute(restock))
        await trouble.written.wait()
        behind = asyncio.create_task(till.execute(Envelope(Restock(OPERATOR, cola.product_id, 5))))
        await let_run()
        waits.pass_by(queue.ANSWER_SECONDS)
        outcomes: list[Any] = list(await asyncio.gather(asked, behind, return_exceptions=True))
        assert kinds(outcomes) == ["OutcomeUnknown", "Unavailable"]
        trouble.after.set()
        assert (await till.execute(restock)).replayed
    assert (await shop.rows("shelves"))[0]["quantity"] == 1
    await shop.assert_clean()


async def test_what_was_decided_and_not_written_is_not_unknown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Waits()
    monkeypatch.setattr(queue, "asyncio", waits)
    cola = await shop.product(stock=0)
    restock = Envelope(Restock(OPERATOR, cola.product_id, 1), "k", b"f")
    async with troubled(shop) as (till, trouble):
        trouble.decided = [Unavailable("away")] * 1000
        with pytest.raises(Unavailable):
            await till.execute(restock)
        trouble.decided = []
        assert not (await till.execute(restock)).replayed
    assert (await shop.rows("shelves"))[0]["quantity"] == 1
