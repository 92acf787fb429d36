"""Two tills on one database: nobody hears of the other, and nothing is lost between them.

Where the race has one worst moment, the second till strikes exactly there (`Interrupted`); the rest is tried
in numbers. On SQLite the second till stands for the command line, which takes its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text

from tests.limits import HANG_SECONDS
from tests.shop import Clock, Shop, open_books, open_shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.limits import hourly
from tuckshop.domain.money import EURO
from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import (
    BarcodeTaken,
    NameTaken,
    NotPayable,
    Refusal,
    UnknownOrder,
    UnknownProduct,
    UnknownUser,
)
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import guests
from tuckshop.store.engine import postgres_dsn, reading
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Command, Envelope, Outcome
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.transfers import PaySeller
from tuckshop.till.commands.users import CloseUser, UserClosed
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.engine.queue import Till
from tuckshop.till.policy import Policy
from tuckshop.till.sql.books import Books
from tuckshop.till.sql.postgres import PostgresBooks
from tuckshop.till.sql.steps import Read, Rows
from tuckshop.till.state.posting import use
from tuckshop.till.state.read_set import ReadSet

ROUNDS = 20


def wallet(caller: SessionCaller) -> AccountRef:
    assert caller.user_id is not None
    return wallet_of(caller.user_id)


def second_till(shop: Shop) -> Till:
    return Till(books=open_books(shop.url, shop.clock), policy=shop.till.policy)


async def both(shop: Shop, other: Till, *pairs: tuple[Envelope, Envelope]) -> list[tuple[Outcome, Outcome]]:
    """Each pair at once, one at each till, and all pairs at once."""
    first = [shop.till.execute(one) for one, _ in pairs]
    second = [other.execute(two) for _, two in pairs]
    outcomes = await asyncio.gather(*first, *second)
    return list(zip(outcomes[: len(pairs)], outcomes[len(pairs) :], strict=True))


def kinds(outcomes: tuple[Outcome, ...]) -> list[str]:
    return sorted(type(outcome.answer).__name__ for outcome in outcomes)


async def test_orders_of_the_same_products_in_opposite_order(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    ada, bob = await shop.buyer("ada", cents=5000), await shop.buyer("bob", cents=5000)
    cola, tea = [(await shop.product(name, price_cents=5, stock=150, seller=sam)).product_id for name in "ct"]
    there = Envelope(PlaceOrder(ada, wallet(ada), ((cola, 1), (tea, 1))))
    back = Envelope(PlaceOrder(bob, wallet(bob), ((tea, 1), (cola, 1))))
    async with second_till(shop) as other:
        for _ in range(ROUNDS):
            for outcomes in await both(shop, other, *[(there, back), (back, there)] * 2):
                assert set(kinds(outcomes)) <= {"OrderPlaced", "OutOfStock"}
    assert len(await shop.rows("orders")) == 150
    await shop.assert_clean()


async def test_the_last_can_is_sold_once(shop: Shop) -> None:
    ada, bob = await shop.buyer("ada", cents=5000), await shop.buyer("bob", cents=5000)
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            can = (await shop.product(f"can {number}", price_cents=5, stock=1)).product_id
            (outcomes,) = await both(
                shop,
                other,
                (
                    Envelope(PlaceOrder(ada, wallet(ada), ((can, 1),))),
                    Envelope(PlaceOrder(bob, wallet(bob), ((can, 1),))),
                ),
            )
            assert kinds(outcomes) == ["OrderPlaced", "OutOfStock"]
    await shop.assert_clean()


async def test_one_key_at_two_tills_has_one_effect(shop: Shop) -> None:
    admin = await shop.person("admin", Role.ADMIN, Role.SELLER)
    ada = await shop.buyer(cents=5000)
    cola = (await shop.product(price_cents=5, stock=100, seller=admin)).product_id
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            commands: list[Command] = [
                PlaceOrder(ada, wallet(ada), ((cola, 1),)),
                Deposit(OPERATOR, wallet(ada), {5: 1}),
                Restock(admin, cola, 1),
                AddProduct(admin, f"tea {number}", 5, 1),
            ]
            envelopes = [Envelope(one, f"{type(one).__name__} {number}", b"f") for one in commands]
            # The second till gets them in the opposite order.
            first = [shop.till.execute(one) for one in envelopes]
            second = [other.execute(one) for one in reversed(envelopes)]
            outcomes = await asyncio.gather(*first, *second)
            for one, two in zip(outcomes[:4], reversed(outcomes[4:]), strict=True):
                assert one.answer == two.answer
                assert one.replayed != two.replayed
                one.receipt()
    assert len(await shop.rows("orders")) == ROUNDS
    assert len(await shop.rows("products")) == ROUNDS + 1
    await shop.assert_clean()


async def test_a_wallet_nobody_had_yet_gets_both_first_deposits(shop: Shop) -> None:
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            ada = await shop.buyer(f"ada {number}")
            one = Envelope(Deposit(OPERATOR, wallet(ada), {50: 1}))
            two = Envelope(Deposit(OPERATOR, wallet(ada), {20: 1}))
            for outcome in (await both(shop, other, (one, two)))[0]:
                outcome.receipt()
    balances = [row["balance_cents"] for row in await shop.rows("accounts") if row["kind"] == "wallet"]
    assert balances == [70] * ROUNDS
    await shop.assert_clean()


async def test_a_sellers_first_sales_make_one_account(shop: Shop) -> None:
    ada, bob = await shop.buyer("ada", cents=5000), await shop.buyer("bob", cents=5000)
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            sam = await shop.person(f"sam {number}", Role.SELLER)
            cola = (await shop.product(f"c {number}", price_cents=5, seller=sam)).product_id
            tea = (await shop.product(f"t {number}", price_cents=7, seller=sam)).product_id
            one = Envelope(PlaceOrder(ada, wallet(ada), ((cola, 1),)))
            two = Envelope(PlaceOrder(bob, wallet(bob), ((tea, 1),)))
            for outcome in (await both(shop, other, (one, two)))[0]:
                outcome.receipt()
    earnings = [row["balance_cents"] for row in await shop.rows("accounts") if row["kind"] == "earnings"]
    assert earnings == [12] * ROUNDS
    await shop.assert_clean()


async def test_a_product_name_goes_to_one(shop: Shop) -> None:
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            cola, tea = f"cola {number}", f"tea {number}"
            pairs = [
                (Envelope(AddProduct(sam, cola, 5, 1)), Envelope(AddProduct(sue, tea, 5, 1))),
                (Envelope(AddProduct(sam, tea, 5, 1)), Envelope(AddProduct(sue, cola, 5, 1))),
            ]
            (cola_one, tea_two), (tea_one, cola_two) = await both(shop, other, *pairs)
            assert kinds((cola_one, cola_two)) == kinds((tea_one, tea_two)) == ["NameTaken", "ProductRecord"]
    await shop.assert_clean()


async def test_a_barcode_goes_to_one_of_two_tills(shop: Shop) -> None:
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            one, two = (
                Envelope(
                    AddProduct(OPERATOR, f"{name} {number}", 5, 1, for_house=True, barcode=f"CODE-{number}")
                )
                for name in ("cola", "tea")
            )
            (outcomes,) = await both(shop, other, (one, two))
            assert kinds(outcomes) == ["BarcodeTaken", "ProductRecord"]
    await shop.assert_clean()


async def test_an_order_is_refunded_once(shop: Shop) -> None:
    ada = await shop.buyer(cents=5000)
    cola = (await shop.product(price_cents=5, stock=100)).product_id
    async with second_till(shop) as other:
        for _ in range(ROUNDS):
            order = await shop.buy(ada, (cola, 1))
            back = Envelope(Refund(OPERATOR, order.order_id))  # Buyers give back three times a day.
            (outcomes,) = await both(shop, other, (back, back))
            assert kinds(outcomes) == ["RefundExceedsSale", "Refunded"]
    await shop.assert_clean()


async def test_nothing_is_sold_or_put_on_a_shelf_after_removal(shop: Shop) -> None:
    ada = await shop.buyer(cents=5000)
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            cola = (await shop.product(f"cola {number}", price_cents=5)).product_id
            pairs = [
                (
                    Envelope(RemoveProduct(OPERATOR, cola)),
                    Envelope(PlaceOrder(ada, wallet(ada), ((cola, 1),))),
                ),
                (Envelope(Restock(OPERATOR, cola, 1)), Envelope(Restock(OPERATOR, cola, 1))),
            ]
            for outcome in [one for pair in await both(shop, other, *pairs) for one in pair]:
                assert not isinstance(outcome.answer, Refusal) or isinstance(outcome.answer, UnknownProduct)
    assert {row["quantity"] for row in await shop.rows("shelves")} == {0}
    await shop.assert_clean()


async def test_who_is_being_closed_is_left_with_nothing(shop: Shop) -> None:
    """A deposit, a sale, a new product and a sale of theirs at the same time: before it, or refused."""
    await shop.person("root", Role.ADMIN)
    bob = await shop.buyer("bob", cents=5000)
    tea = (await shop.product("tea", price_cents=5, stock=100)).product_id
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            ida = await shop.person(f"ida {number}", Role.BUYER, Role.SELLER)
            if number % 2:
                await shop.do(Deposit(OPERATOR, wallet(ida), {5: 1}))
            own = (await shop.product(f"own {number}", price_cents=5, stock=1, seller=ida)).product_id
            close = Envelope(CloseUser(ida, ida.user_id))
            rivals: list[Command] = [
                Deposit(OPERATOR, wallet(ida), {50: 1}),
                PlaceOrder(ida, wallet(ida), ((tea, 1),)),
                AddProduct(ida, f"cola {number}", 5, 1),
                AddProduct(OPERATOR, f"nuts {number}", 5, 1, seller_id=ida.user_id),
                PlaceOrder(bob, wallet(bob), ((own, 1),)),
                ChangeProduct(ida, own, stock=0),
            ]
            await both(shop, other, *[(close, Envelope(rival)) for rival in rivals])
    closed = {row["id"] for row in await shop.rows("users") if row["state"] == "closed"}
    held = {row["user_id"] for row in await shop.rows("accounts") if row["balance_cents"]}
    assert not closed & held
    await shop.assert_clean()


@pytest.mark.parametrize("rival", ["deposit", "house", "own"])
async def test_whoever_is_closed_at_once_with_one_rival(shop: Shop, rival: str) -> None:
    await shop.person("root", Role.ADMIN)
    async with second_till(shop) as other:
        for number in range(ROUNDS):
            ida = await shop.person(f"ida {number}", Role.BUYER, Role.SELLER)
            user_id = ida.user_id
            commands: dict[str, Command] = {
                "deposit": Deposit(OPERATOR, wallet(ida), {50: 1}),
                "house": AddProduct(OPERATOR, f"nuts {number}", 5, 1, seller_id=user_id),
                "own": AddProduct(ida, f"cola {number}", 5, 1),
            }
            pair = Envelope(CloseUser(ida, user_id)), Envelope(commands[rival])
            ((closing, against),) = await both(shop, other, pair)
            if rival == "deposit":
                # Before it, and then it is part of what nobody claims; or to nobody.
                closing.receipt()
                assert not isinstance(against.answer, Refusal) or against.answer == UnknownUser(user_id)
            else:
                assert isinstance(closing.answer, Refusal) != isinstance(against.answer, Refusal)
    await shop.assert_clean()


# --- At the worst moment


class Interrupted(PostgresBooks):
    """After the read of this name, once, somebody else acts and is done before this till goes on."""

    moment = ""
    act: Callable[[], Awaitable[Any]] | None = None

    async def _read(self, read: Read, rows: Rows) -> Any:
        found = await super()._read(read, rows)
        if self.act is not None and read.name == self.moment:
            act, self.act = self.act, None
            await act()
        return found


@pytest.fixture
async def postgres_shop(postgres_url: str) -> AsyncIterator[Shop]:
    async with open_shop(postgres_url) as opened:
        yield opened


async def until_it_waits(shop: Shop, task: asyncio.Task[Any]) -> None:
    """Returns when a connection to the shop's database waits for what another one has locked."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(HANG_SECONDS):
        waiting = 0
        while not waiting:
            assert not task.done(), "it waits for nobody"
            async with reading(shop.engine) as connection:
                waiting = await connection.scalar(query)
            await asyncio.sleep(0.005)


@asynccontextmanager
async def interrupted(
    shop: Shop, moment: str, act: Callable[[], Awaitable[Any]], **policy: Any
) -> AsyncIterator[Till]:
    books = Interrupted(dsn=postgres_dsn(shop.url), clock=Clock())
    books.moment, books.act = moment, act
    async with Till(books=books, policy=Policy(currency=EURO, payout_delay_days=0, **policy)) as till:
        yield till
    assert books.act is None


@pytest.mark.postgres
@pytest.mark.parametrize("moment", ["wallets_by_user_id", "machines", "accounts_of_machine_id"])
async def test_a_wallet_made_between_reading_and_writing_keeps_what_is_in_it(
    postgres_shop: Shop, moment: str
) -> None:
    ada = await postgres_shop.buyer()

    async def deposit_there() -> None:
        await postgres_shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}))

    async with interrupted(postgres_shop, moment, deposit_there) as till:
        outcome = await till.execute(Envelope(Deposit(OPERATOR, wallet(ada), {50: 1})))
    assert getattr(outcome.answer, "balance_cents", None) == 150
    await postgres_shop.assert_clean()


@pytest.mark.postgres
@pytest.mark.parametrize("moment", ["held", "sessions"])
async def test_a_wallet_made_while_its_owner_is_closed_stays_empty(postgres_shop: Shop, moment: str) -> None:
    shop = postgres_shop
    await shop.person("root", Role.ADMIN)
    ada = await shop.person("ada", Role.BUYER)

    async def deposit_there() -> None:
        await shop.do(Deposit(OPERATOR, wallet(ada), {100: 1}))

    async with interrupted(shop, moment, deposit_there) as till:
        outcome = await till.execute(Envelope(CloseUser(ada, ada.user_id)))
    assert outcome.answer == UserClosed(ada.user_id, 100)
    assert {row["kind"]: row["balance_cents"] for row in await shop.rows("accounts")}["wallet"] == 0
    await shop.assert_clean()


@pytest.mark.postgres
async def test_a_tab_without_a_wallet_is_read_by_one_till_at_a_time(postgres_url: str) -> None:
    async with open_shop(postgres_url, tab_limit_cents=1000) as shop:
        ada = await shop.buyer()  # No money ever came in: there is no wallet to be locked.
        cola = (await shop.product(price_cents=100)).product_id
        order = Envelope(PlaceOrder(ada, wallet(ada), ((cola, 1),), payment=Payment.TAB))
        (await shop.till.execute(order)).receipt()
        buying: list[asyncio.Task[Outcome]] = []

        async def buy_there() -> None:
            buying.append(asyncio.create_task(shop.till.execute(order)))
            await until_it_waits(shop, buying[0])

        async with interrupted(
            shop,
            "tabs",
            buy_there,
            tab_limit_cents=1000,
            tabs_for=TabsFor.EVERYBODY,
            tab_exposure_cents=20_000,
        ) as till:
            (await till.execute(order)).receipt()
        (await buying[0]).receipt()
        balances = {row["kind"]: row["balance_cents"] for row in await shop.rows("accounts")}
        assert balances["tab"] == -300
        await shop.assert_clean()


@pytest.mark.postgres
async def test_a_guest_is_not_forgotten_while_the_first_money_comes(postgres_shop: Shop) -> None:
    shop = postgres_shop
    door, _ = await shop.guest("door"), await shop.guest("the newest, who always stays")
    shop.clock.forward(guests.UNUSED_SECONDS + 1)
    running = cast(RunningShop, SimpleNamespace(engine=shop.engine, clock=shop.clock))
    forgetting: list[asyncio.Task[int]] = []

    async def forget_there() -> None:
        forgetting.append(asyncio.create_task(guests.forget_unused(running)))
        await until_it_waits(shop, forgetting[0])

    async with interrupted(shop, "guests", forget_there) as till:
        (await till.execute(Envelope(Deposit(OPERATOR, door, {100: 1})))).receipt()
    assert await forgetting[0] == 0
    assert {row["name"] for row in await shop.rows("guests")} >= {"door"}
    await shop.assert_clean()


@pytest.mark.postgres
async def test_a_seller_is_paid_by_one_till_at_a_time(postgres_shop: Shop) -> None:
    shop = postgres_shop
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer(cents=150)
    await shop.buy(ada, ((await shop.product(seller=sam, refundable=False)).product_id, 1))
    paying: list[asyncio.Task[Outcome]] = []

    async def pay_there() -> None:
        paying.append(asyncio.create_task(shop.till.execute(Envelope(PaySeller(OPERATOR, sam.user_id, "2")))))
        await until_it_waits(shop, paying[0])

    async with interrupted(shop, "payees", pay_there) as till:
        (await till.execute(Envelope(PaySeller(OPERATOR, sam.user_id, "1")))).receipt()
    assert (await paying[0]).answer == NotPayable(payable_cents=0, balance_cents=0)
    await shop.assert_clean()


@pytest.mark.postgres
async def test_a_counter_that_limits_is_counted_by_one_till_at_a_time(postgres_shop: Shop) -> None:
    """By no command of its own: what is read, counted and written is the same for all that ask for it."""
    shop, counter = postgres_shop, hourly("pieces", "machine:1")
    counting: list[asyncio.Task[None]] = []

    async def count(books: Books) -> None:
        need = ReadSet(Policy(currency=EURO))
        need.limits.add(counter)
        await books.transact(need, lambda work: use(work, counter, 1))

    async def count_there() -> None:
        counting.append(asyncio.create_task(count(there)))
        await until_it_waits(shop, counting[0])

    there, here = open_books(shop.url, shop.clock), Interrupted(dsn=postgres_dsn(shop.url), clock=shop.clock)
    try:
        await count(there)
        here.moment, here.act = "limit_counters", count_there
        await count(here)
        await counting[0]
    finally:
        await there.close()
        await here.close()
    assert [row["used"] for row in await shop.rows("limit_counters")] == [3]


@pytest.mark.postgres
async def test_an_order_made_between_two_looks_is_not_refunded_to_a_wallet_unseen(
    postgres_shop: Shop,
) -> None:
    ada = await postgres_shop.buyer(cents=1000)
    cola = (await postgres_shop.product()).product_id
    first = await postgres_shop.buy(ada, (cola, 1))
    guess = first.order_id + 1

    async def order_there() -> None:
        assert (await postgres_shop.buy(ada, (cola, 1))).order_id == guess

    async with interrupted(postgres_shop, "order_facts", order_there) as till:
        outcome = await till.execute(Envelope(Refund(OPERATOR, guess)))
    assert outcome.answer == UnknownOrder(guess)
    await postgres_shop.assert_clean()


@pytest.mark.postgres
async def test_a_name_taken_between_reading_and_writing_is_refused(postgres_shop: Shop) -> None:
    """By a process of an older release: those of this one wait for each other, see below."""
    tea = (await postgres_shop.product("tea")).product_id

    async def take_it() -> None:
        await postgres_shop.execute(
            "UPDATE products SET name = 'cola', name_key = 'cola' WHERE id = :id", id=tea
        )

    async with interrupted(postgres_shop, "machines", take_it) as till:
        outcome = await till.execute(Envelope(AddProduct(OPERATOR, "Cola", 5, 1, for_house=True)))
    assert outcome.answer == NameTaken("Cola")
    await postgres_shop.assert_clean()


@pytest.mark.postgres
async def test_new_names_of_products_are_looked_at_by_one_till_at_a_time(postgres_shop: Shop) -> None:
    shop = postgres_shop
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    adding: list[asyncio.Task[Outcome]] = []

    async def add_there() -> None:
        adding.append(asyncio.create_task(shop.till.execute(Envelope(AddProduct(sue, "со1а", 5, 1)))))
        await until_it_waits(shop, adding[0])

    async with interrupted(shop, "looks", add_there) as till:
        (await till.execute(Envelope(AddProduct(sam, "cola", 5, 1)))).receipt()
    added = (await adding[0]).receipt()
    assert isinstance(added, ProductRecord)
    assert [row["product_id"] for row in await shop.rows("waiting_products")] == [added.product_id]
    await shop.assert_clean()


@pytest.mark.postgres
async def test_a_barcode_taken_between_reading_and_writing_is_refused(postgres_shop: Shop) -> None:
    cola = (await postgres_shop.product("cola")).product_id

    async def take_it() -> None:
        await postgres_shop.do(ChangeProduct(OPERATOR, cola, barcode="AAAA"))

    async with interrupted(postgres_shop, "machines", take_it) as till:
        outcome = await till.execute(
            Envelope(AddProduct(OPERATOR, "tea", 5, 1, for_house=True, barcode="AAAA"))
        )
    assert outcome.answer == BarcodeTaken("AAAA", cola)
    await postgres_shop.assert_clean()


@pytest.mark.postgres
async def test_a_key_used_between_reading_and_writing_is_replayed(postgres_shop: Shop) -> None:
    ada = await postgres_shop.buyer()  # Without a wallet yet, for which the two would wait.
    envelope = Envelope(Deposit(OPERATOR, wallet(ada), {50: 1}), "k", b"f")

    async def ask_there() -> None:
        await postgres_shop.till.execute(envelope)

    async with interrupted(postgres_shop, "machines", ask_there) as till:
        outcome = await till.execute(envelope)
    assert outcome.replayed
    assert len(await postgres_shop.rows("transfers")) == 1
    await postgres_shop.assert_clean()


@pytest.mark.postgres
async def test_nothing_is_put_on_a_new_shelf_of_a_product_that_is_being_removed(postgres_shop: Shop) -> None:
    shop = postgres_shop
    cola = (await shop.product("cola", stock=1)).product_id
    await shop.execute(
        "INSERT INTO machines (name, name_key, timezone, box_kind, created_us)"
        " VALUES ('attic', 'attic', 'UTC', 'unlimited', 1)"
    )
    attic = next(row["id"] for row in await shop.rows("machines") if row["name"] == "attic")
    removing: list[asyncio.Task[Outcome]] = []

    async def remove_there() -> None:
        removing.append(asyncio.create_task(shop.till.execute(Envelope(RemoveProduct(OPERATOR, cola)))))
        await until_it_waits(shop, removing[0])

    async with interrupted(shop, "machines", remove_there) as till:
        restocked = await till.execute(Envelope(Restock(OPERATOR, cola, 1, machine_id=attic)))
    restocked.receipt()
    (await removing[0]).receipt()
    assert [row["quantity"] for row in await shop.rows("shelves")] == [0, 0]
    await shop.assert_clean()


async def test_of_two_refunds_the_earnings_cover_one(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    ada, bob = await shop.buyer("ada", cents=2000), await shop.buyer("bob", cents=2000)
    cola = (await shop.product(price_cents=100, stock=100, seller=sam)).product_id
    async with second_till(shop) as other:
        for number in range(ROUNDS // 2):
            adas, bobs = [await shop.buy(one, (cola, 1)) for one in (ada, bob)]
            shop.clock.forward(301)
            await shop.do(PaySeller(OPERATOR, sam.user_id, f"pay {number}", 100))
            pair = Envelope(Refund(sam, adas.order_id)), Envelope(Refund(sam, bobs.order_id))
            (outcomes,) = await both(shop, other, pair)
            assert kinds(outcomes) == ["RefundNotCovered", "Refunded"]
    await shop.assert_clean()


async def test_two_tills_take_no_more_declared_coins_than_one(database_url: str) -> None:
    cap_cents = 100
    async with (
        open_shop(database_url, coins=CoinsPolicy.SELF, coins_machine_daily_cap_cents=cap_cents) as shop,
        second_till(shop) as other,
    ):
        ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
        for number in range(ROUNDS // 2):
            hall = await shop.machine(f"hall {number}")
            pair = [Envelope(Deposit(one, wallet(one), {100: 1}, hall)) for one in (ada, bob)]
            (outcomes,) = await both(shop, other, (pair[0], pair[1]))
            assert kinds(outcomes) == ["CoinsDeposited", "MachineCoinsCapReached"]
        await shop.assert_clean()
