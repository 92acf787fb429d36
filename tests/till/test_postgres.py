"""PostgreSQL goes away at the worst of moments: every command is settled once, or not at all and told so."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import asyncpg
import pytest

from tests.conftest import own_cluster, set_up
from tests.limits import HANG_SECONDS, until
from tests.shop import Clock, Shop, open_shop
from tests.till.wire import Wire, at_commit, at_message, open_wire
from tools.postgres import Cluster
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import EURO
from tuckshop.domain.users import Role
from tuckshop.store.engine import postgres_dsn
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.products import ChangeProduct
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.engine.queue import Till
from tuckshop.till.policy import Policy
from tuckshop.till.sql import postgres
from tuckshop.till.sql.books import OutcomeUnknown, Unavailable
from tuckshop.till.sql.postgres import PostgresBooks

pytestmark = pytest.mark.postgres

CRASHES = 20 if os.environ.get("TUCKSHOP_PROOF") == "1" else 3
SOLD_BETWEEN_CRASHES = 40


@pytest.fixture
async def shop(postgres_url: str) -> AsyncIterator[Shop]:
    async with open_shop(postgres_url) as opened:
        yield opened


@pytest.fixture
async def wire(shop: Shop) -> AsyncIterator[Wire]:
    async with open_wire(shop.url) as opened:
        yield opened


def till_on(url: str, *, answer_seconds: float = HANG_SECONDS) -> Till:
    books = PostgresBooks(dsn=postgres_dsn(url), clock=Clock())
    return Till(books=books, policy=Policy(currency=EURO), answer_seconds=answer_seconds)


def order(buyer: SessionCaller, product_id: int, key: str | None = None) -> Envelope:
    return Envelope(PlaceOrder(buyer, wallet_of(buyer.user_id), ((product_id, 1),)), key, b"f")


@pytest.mark.parametrize("deliver", [True, False], ids=["answer lost", "request lost"])
@pytest.mark.parametrize("hang", [True, False], ids=["server waits", "server notices"])
async def test_a_commit_cut_off_is_found_out_and_settled_once(
    shop: Shop, wire: Wire, *, deliver: bool, hang: bool
) -> None:
    ada = await shop.buyer(cents=450)
    cola = await shop.product()
    wire.deliver, wire.hang = deliver, hang
    async with till_on(wire.url) as till:
        await till.execute(order(ada, cola.product_id, "before"))
        wire.cut = at_commit
        async with asyncio.timeout(HANG_SECONDS):
            outcome = await till.execute(order(ada, cola.product_id, "k"))
        assert not outcome.replayed
        assert (await till.execute(order(ada, cola.product_id, "k"))).replayed
    assert wire.cuts == 1
    assert len(await shop.rows("orders")) == 2
    await shop.assert_clean()


async def test_a_connection_cut_at_any_statement_is_mended_and_the_command_settled_once(
    shop: Shop, wire: Wire
) -> None:
    ada = await shop.buyer(cents=10_000)
    cola = await shop.product(stock=100)
    placed = 0
    async with till_on(wire.url) as till:
        for deliver in (False, True):
            wire.deliver = deliver
            for number in itertools.count(1):
                wire.cut = at_message(number)
                cuts = wire.cuts
                async with asyncio.timeout(HANG_SECONDS):
                    outcome = await till.execute(order(ada, cola.product_id, f"{deliver} {number}"))
                placed += 1
                outcome.receipt()
                assert len(await shop.rows("orders")) == placed
                if wire.cuts == cuts:
                    wire.cut = None
                    break
            assert number > 10
    await shop.assert_clean()


@pytest.mark.parametrize("keyed", [True, False])
async def test_what_cannot_be_found_out_is_said_to_be_unknown(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch, *, keyed: bool
) -> None:
    monkeypatch.setattr(postgres, "FATE_SECONDS", 0.5)
    ada = await shop.buyer(cents=450)
    cola = await shop.product()
    key = "k" if keyed else None
    async with till_on(wire.url) as till:
        await till.execute(order(ada, cola.product_id, "before"))

        def cut_for_good(sent: bytes) -> bool:
            wire.closed = at_commit(sent)
            return wire.closed

        wire.cut = cut_for_good
        with pytest.raises(OutcomeUnknown):
            await till.execute(order(ada, cola.product_id, key))
        wire.closed = False
        assert (await till.execute(order(ada, cola.product_id, key))).replayed is keyed
    assert len(await shop.rows("orders")) == (2 if keyed else 3)
    await shop.assert_clean()


async def test_a_committed_change_without_a_row_of_its_own_is_said_to_be_unknown(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A seller's new price without a key adds no row by which it could be told from another transaction.
    monkeypatch.setattr(postgres, "FATE_SECONDS", 0.5)  # As long as it looks, it never can tell.
    sam = await shop.person("sam", Role.SELLER)
    cola = await shop.product(seller=sam)
    async with till_on(wire.url) as till:
        wire.cut = at_commit
        with pytest.raises(OutcomeUnknown):
            await till.execute(Envelope(ChangeProduct(sam, cola.product_id, price_cents=5)))
        monkeypatch.setattr(postgres, "FATE_SECONDS", HANG_SECONDS)
        wire.cut = at_commit
        keyed = Envelope(ChangeProduct(sam, cola.product_id, price_cents=6), "k", b"f")
        assert not (await till.execute(keyed)).replayed


async def test_a_till_cut_off_in_the_middle_keeps_nobody_waiting(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "IDLE_SECONDS", 1)
    ada = await shop.buyer(cents=450)
    cola = await shop.product()
    async with till_on(wire.url) as till:
        await till.execute(order(ada, cola.product_id))
        wire.deliver, wire.hang = True, True
        wire.cut = lambda sent: b"coin_boxes" in sent or b"INSERT INTO orders" in sent or b"COMMIT\0" in sent
        async with asyncio.timeout(HANG_SECONDS):
            outcomes = await asyncio.gather(
                till.execute(order(ada, cola.product_id)), shop.till.execute(order(ada, cola.product_id))
            )
        for outcome in outcomes:
            outcome.receipt()
    assert len(await shop.rows("orders")) == 3
    await shop.assert_clean()


async def test_a_till_finds_books_that_come_later(shop: Shop, wire: Wire) -> None:
    ada = await shop.buyer(cents=450)
    cola = await shop.product()
    wire.closed = True
    async with till_on(wire.url) as till:
        asked = asyncio.create_task(till.execute(order(ada, cola.product_id)))
        await until(lambda: wire.refused >= 3)
        assert not asked.done()
        wire.closed = False
        (await asked).receipt()
    async with till_on(shop.url.replace("/tuckshop_", "/not_there_"), answer_seconds=0) as till:
        with pytest.raises(Unavailable):
            await till.execute(order(ada, cola.product_id))


async def test_a_backend_ended_by_its_administrator_is_replaced(shop: Shop, wire: Wire) -> None:
    ada = await shop.buyer(cents=4500)
    cola = await shop.product(stock=30)
    async with till_on(wire.url) as till:
        for _ in range(5):
            (await till.execute(order(ada, cola.product_id))).receipt()
            await shop.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'tuckshop till' AND pid <> pg_backend_pid()"
            )
    assert len(await shop.rows("orders")) == 5
    await shop.assert_clean()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A server that may crash. Its log is written rarely, so that a crash loses all that it may lose."""
    with own_cluster({"wal_writer_delay": "10s", "autovacuum": "off", "max_connections": 20}) as cluster:
        yield cluster


@pytest.mark.proof
async def test_a_crash_of_the_server_needs_no_restart_of_the_till(
    cluster: Cluster, record_property: Callable[[str, object], None]
) -> None:
    url = cluster.create_database("shop")
    await set_up(url)
    async with open_shop(url) as shop:
        ada = await shop.buyer(cents=500_000)
        cola = await shop.product(price_cents=5, stock=100_000)
        answered: list[str] = []
        sold_again = asyncio.Event()
        stopping = False

        async def client(name: int) -> None:
            for number in itertools.count():
                if stopping:
                    return
                key = f"{name} {number}"
                while True:
                    try:
                        outcome = await shop.till.execute(order(ada, cola.product_id, key))
                    except (Unavailable, OutcomeUnknown):
                        continue
                    outcome.receipt()
                    answered.append(key)
                    sold_again.set()
                    break

        clients = [asyncio.create_task(client(name)) for name in range(8)]
        for _ in range(CRASHES):
            count = len(answered)
            await until(lambda: len(answered) >= count + SOLD_BETWEEN_CRASHES)  # noqa: B023
            await asyncio.to_thread(cluster.stop, "immediate")
            await asyncio.sleep(0.3)  # In which tills find nobody.
            await asyncio.to_thread(cluster.start)
            sold_again.clear()
            async with asyncio.timeout(HANG_SECONDS):
                await sold_again.wait()
        stopping = True
        await asyncio.gather(*clients)
        await shop.engine.dispose()
        kept = {row["key"] for row in await shop.rows("idempotency")}
        assert kept == set(answered)
        assert len(await shop.rows("orders")) == len(answered) == len(set(answered))
        await shop.assert_clean()
    record_property("figures", f"{CRASHES} crashes, {len(answered):,} purchases")


async def test_a_lost_transaction_is_not_mistaken_for_the_one_that_got_its_id(cluster: Cluster) -> None:
    url = cluster.create_database("shop")
    await set_up(url)

    class Crashing(PostgresBooks):
        """The server crashes as COMMIT is sent, and is up and busy again before anybody asks."""

        fate: Any = None

        async def _commit(self, connection: asyncpg.Connection[Any]) -> None:
            if self.fate is not None:
                await super()._commit(connection)
                return
            await asyncio.to_thread(cluster.stop, "immediate")
            await asyncio.to_thread(cluster.start)
            async with till_on(url) as other:
                for _ in range(20):
                    await other.execute(Envelope(Deposit(OPERATOR, wallet_of(bob.user_id), {5: 1})))
            asking = await asyncpg.connect(url)
            self.fate = await asking.fetchval("SELECT pg_xact_status($1::text::xid8)", self._transaction_id)
            await asking.close()
            await self._find_out(OSError("the server is gone"))

    async with open_shop(url) as shop:
        ada, bob = await shop.buyer("ada"), await shop.buyer("bob", cents=5)
        await shop.engine.dispose()
        books = Crashing(dsn=postgres_dsn(url), clock=Clock())
        async with Till(books=books, policy=Policy(currency=EURO), answer_seconds=HANG_SECONDS) as till:
            deposit = Deposit(OPERATOR, wallet_of(ada.user_id), {100: 1})
            outcome = await till.execute(Envelope(deposit, "k", b"f"))
        assert books.fate == "committed"  # So says the server of another transaction with this id.
        outcome.receipt()
        await shop.engine.dispose()
        assert [row["key"] for row in await shop.rows("idempotency")] == ["k"]
        assert max(row["amount_cents"] for row in await shop.rows("transfers")) == 100
        await shop.assert_clean()
