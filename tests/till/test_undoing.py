"""What buyers take back by themselves, where nobody sees whether the goods came back."""

from __future__ import annotations

import pytest

from tests.shop import Shop, open_shop
from tests.till.reading import refuse
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS
from tuckshop.domain.limits import HOUR_SECONDS
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.refusals import UndoAtCounter
from tuckshop.domain.users import Role
from tuckshop.till.callers import MachineCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.refunds import Refund, Refunded, RefundNewest
from tuckshop.till.commands.wallet import Deposit

DAY_US = DAY_SECONDS * MICROSECONDS


async def bought_by_guest(shop: Shop, key: MachineCaller, name: str, product_id: int) -> RefundNewest:
    """A purchase of a guest who was never here before, and what would take it back."""
    guest = await shop.guest(name)
    await shop.do(Deposit(key, guest, {100: 2}, key.machine_id))
    await shop.do(PlaceOrder(key, guest, ((product_id, 1),), machine_id=key.machine_id))
    return RefundNewest(key, guest, product_id, key.machine_id)


async def test_guests_take_nothing_back_by_themselves_unless_said(database_url: str) -> None:
    # 20 of 20 cans were bought by guests of 20 names, undone, and paid out.
    async with open_shop(database_url, guest_undo=UndoMode.OFF) as shop:
        hall = await shop.machine()
        key, cola = await shop.machine_key(hall), await shop.product(price_cents=100, machine_id=hall)
        undo = await bought_by_guest(shop, key, "one", cola.product_id)
        ((order_id, *_),) = [tuple(row.values()) for row in await shop.rows("orders")]
        for command in (undo, Refund(key, order_id)):
            await refuse(shop, command, UndoAtCounter())
        cashier = await shop.person("cas", Role.CASHIER)
        await shop.do(RefundNewest(cashier, undo.wallet, cola.product_id, hall))
        # Who has a log-in is somebody, and is bound by the number of a day.
        ada = await shop.buyer("ada", cents=100)
        order = await shop.buy(ada, (cola.product_id, 1), machine_id=hall)
        await shop.do(Refund(ada, order.order_id))
        await shop.assert_clean()


async def test_whoever_they_are_a_machine_takes_back_3_an_hour(database_url: str) -> None:
    async with open_shop(database_url, guest_undo=UndoMode.BOUNDED) as shop:
        hall, attic = await shop.machine(), await shop.machine("attic")
        shop.clock.now_us += DAY_US - shop.clock.now_us % DAY_US + 600 * MICROSECONDS
        cola = (await shop.product(price_cents=100, machine_id=hall)).product_id
        key, other = await shop.machine_key(hall), await shop.machine_key(attic)
        undos = [await bought_by_guest(shop, key, f"guest {number}", cola) for number in range(5)]
        outcomes = await shop.till.execute_together([Envelope(undo) for undo in undos])
        enough = UndoAtCounter(retry_seconds=HOUR_SECONDS - 600)
        assert [type(one.answer) for one in outcomes] == [Refunded] * 3 + [UndoAtCounter] * 2
        assert outcomes[3].answer == enough
        await refuse(shop, undos[3], enough)
        tea = (await shop.product("tea", price_cents=100, machine_id=attic)).product_id
        await shop.do(await bought_by_guest(shop, other, "elsewhere", tea))
        shop.clock.forward(HOUR_SECONDS)
        later = await bought_by_guest(shop, key, "later", cola)
        await shop.do(later)
        await shop.assert_clean()


async def test_whoever_they_are_a_machine_takes_back_5_00_a_day(database_url: str) -> None:
    async with open_shop(database_url, guest_undo=UndoMode.BOUNDED, user_undo=UndoMode.BOUNDED) as shop:
        shop.clock.now_us += DAY_US - shop.clock.now_us % DAY_US
        cake, pie = [
            (await shop.product(name, price_cents=cents)).product_id
            for name, cents in (("cake", 250), ("pie", 501))
        ]
        people = [await shop.buyer(name, cents=1_000) for name in ("ada", "bob", "cleo", "dan")]
        orders = [await shop.buy(one, (cake, 1)) for one in people[:3]]
        for one, order in zip(people[:2], orders[:2], strict=True):
            await shop.do(Refund(one, order.order_id))
            shop.clock.forward(60)
        late = Refund(people[2], orders[2].order_id)
        await refuse(shop, late, UndoAtCounter(retry_seconds=DAY_SECONDS - 120))
        # What is worth more than a day's never comes back this way.
        dear = await shop.buy(people[3], (pie, 1))
        await refuse(shop, Refund(people[3], dear.order_id), UndoAtCounter())
        cashier = await shop.person("cas", Role.CASHIER)
        for order in (orders[2], dear):
            await shop.do(Refund(cashier, order.order_id))
        assert [row["used"] for row in await shop.rows("limit_counters")] == [2, 500]
        await shop.assert_clean()


@pytest.mark.parametrize("name", ["once", "twice"])
async def test_a_replay_is_counted_once(database_url: str, name: str) -> None:
    async with open_shop(database_url, guest_undo=UndoMode.BOUNDED) as shop:
        cola = (await shop.product(price_cents=100)).product_id
        undo = await bought_by_guest(shop, await shop.machine_key(1), name, cola)
        for _ in range(3):
            await shop.do(undo, key="again")
        counters = {row["name"]: row["used"] for row in await shop.rows("limit_counters")}
        assert (counters["machine:1/undone/3600"], counters["machine:1/undone_cents/86400"]) == (1, 100)
        assert isinstance(await shop.do(PlaceOrder(undo.caller, undo.wallet, ((cola, 1),))), OrderPlaced)
