"""Who may owe: users whom an admin has approved; others where the shop says so, all together so much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.shop import Shop, open_shop
from tests.till.reading import refuse
from tests.till.test_two_tills import interrupted, until_it_waits
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import TabExposureReached, TabLimitExceeded
from tuckshop.domain.tabs import TabsFor
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.orders import CancelOrder, OrderPlaced, PlaceOrder
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import ReverseTransfer, TopUp
from tuckshop.till.commands.wallet import PayOut

LIMIT, CEILING = 500, 700


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """A shop where those whom an admin approves may owe 5.00."""
    async with open_shop(database_url, tab_limit_cents=LIMIT, tabs_for=TabsFor.APPROVED) as opened:
        yield opened


@pytest.fixture
async def open_to_all(database_url: str) -> AsyncIterator[Shop]:
    """A shop where everybody may owe 5.00, and all strangers together 7.00."""
    async with open_shop(database_url, tab_limit_cents=LIMIT, tab_exposure_cents=CEILING) as opened:
        yield opened


async def approve(shop: Shop, *names: str) -> None:
    for name in names:
        await shop.execute("UPDATE users SET tab_approved = TRUE WHERE username = :name", name=name)


async def product(shop: Shop, cents: int = 100) -> int:
    return (await shop.product("cola", price_cents=cents, stock=90)).product_id


def order(buyer: SessionCaller, product_id: int, quantity: int) -> PlaceOrder:
    return PlaceOrder(buyer, wallet_of(buyer.user_id), ((product_id, quantity),), payment=Payment.TAB)


async def test_a_stranger_owes_nothing(shop: Shop) -> None:
    ada, cola = await shop.buyer("ada"), await product(shop)
    await refuse(shop, order(ada, cola, 1), TabLimitExceeded(limit_cents=0, owed_cents=0, needed_cents=100))
    await approve(shop, "ada")
    await shop.do(order(ada, cola, 5))
    await refuse(shop, order(ada, cola, 1), TabLimitExceeded(LIMIT, 500, 100))
    await shop.assert_clean()


async def test_many_strangers_owe_no_more_than_the_ceiling(open_to_all: Shop) -> None:
    shop = open_to_all
    ada, bob, cleo = [await shop.buyer(name) for name in ("ada", "bob", "cleo")]
    cola = await product(shop)
    await shop.do(order(ada, cola, 5))
    await shop.do(order(bob, cola, 1))
    full = TabExposureReached(ceiling_cents=CEILING, owed_cents=600, needed_cents=200)
    await refuse(shop, order(cleo, cola, 2), full)
    await shop.do(order(cleo, cola, 1))  # To the last cent.
    # Whoever is approved has a limit of their own, and counts among the others no more.
    await approve(shop, "bob")
    await shop.do(order(bob, cola, 4))
    await shop.do(order(cleo, cola, 1))
    await refuse(shop, order(cleo, cola, 1), TabExposureReached(CEILING, 700, 100))
    await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=300, external_ref="bank 1"))
    await shop.do(order(cleo, cola, 3))
    await shop.assert_clean()


async def test_a_batch_counts_as_one_after_the_other(open_to_all: Shop) -> None:
    shop = open_to_all
    ada, bob, cleo = [await shop.buyer(name) for name in ("ada", "bob", "cleo")]
    cola = await product(shop)
    placed = await shop.do(order(ada, cola, 3))
    assert isinstance(placed, OrderPlaced)
    outcomes = await shop.till.execute_together(
        [
            Envelope(order(bob, cola, 4)),
            Envelope(order(cleo, cola, 1)),
            Envelope(CancelOrder(ada, placed.order_id)),
            Envelope(order(cleo, cola, 3)),
            Envelope(order(ada, cola, 1)),
        ]
    )
    assert [type(one.answer).__name__ for one in outcomes] == [
        "OrderPlaced", "TabExposureReached", "OrderChanged", "OrderPlaced", "TabExposureReached",
    ]  # fmt: skip
    await shop.assert_clean()


async def test_what_a_reversal_puts_on_a_tab_counts_too(open_to_all: Shop) -> None:
    shop = open_to_all
    ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
    cola = await product(shop)
    wrong = await shop.do(TopUp(OPERATOR, wallet_of(ada.user_id), 600, "bank 1"))
    await shop.do(PayOut(OPERATOR, wallet_of(ada.user_id)))
    await shop.do(ReverseTransfer(OPERATOR, getattr(wrong, "transfer_id", 0), "typed", owe=True))
    await refuse(shop, order(bob, cola, 2), TabExposureReached(CEILING, 600, 200))
    await shop.do(order(bob, cola, 1))
    await shop.assert_clean()


@pytest.mark.postgres
async def test_two_tills_never_lend_more_than_the_ceiling(postgres_url: str) -> None:
    async with open_shop(postgres_url, tab_limit_cents=LIMIT, tab_exposure_cents=CEILING) as shop:
        ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
        cola = await product(shop)
        buying: list[asyncio.Task[Outcome]] = []

        async def buy_there() -> None:
            buying.append(asyncio.create_task(shop.till.execute(Envelope(order(bob, cola, 4)))))
            await until_it_waits(shop, buying[0])

        policy = {
            "tab_limit_cents": LIMIT, "tabs_for": TabsFor.EVERYBODY, "tab_exposure_cents": CEILING,
        }  # fmt: skip
        async with interrupted(shop, "tab_exposure", buy_there, **policy) as till:
            (await till.execute(Envelope(order(ada, cola, 4)))).receipt()
        assert (await buying[0]).answer == TabExposureReached(CEILING, 400, 400)
        await shop.assert_clean()


@pytest.mark.postgres
async def test_who_is_approved_waits_for_no_stranger(postgres_url: str) -> None:
    async with open_shop(postgres_url, tab_limit_cents=LIMIT, tab_exposure_cents=CEILING) as shop:
        ada, bob = await shop.buyer("ada"), await shop.buyer("bob")
        await approve(shop, "bob")
        cola, tea = await product(shop), (await shop.product("tea", price_cents=10)).product_id

        buying: list[asyncio.Task[Outcome]] = []
        waited: list[bool] = []

        async def buy_there() -> None:
            buying.append(asyncio.create_task(shop.till.execute(Envelope(order(bob, tea, 1)))))
            with suppress(AssertionError):  # It waits for nobody.
                await until_it_waits(shop, buying[0])
            waited.append(not buying[0].done())

        policy = {
            "tab_limit_cents": LIMIT, "tabs_for": TabsFor.EVERYBODY, "tab_exposure_cents": CEILING,
        }  # fmt: skip
        async with interrupted(shop, "tab_exposure", buy_there, **policy) as till:
            (await till.execute(Envelope(order(ada, cola, 1)))).receipt()
        (await buying[0]).receipt()
        assert waited == [False]
        await shop.assert_clean()
