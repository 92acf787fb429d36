"""Boundaries of what is sold, given back, paid and added up, in a shop with books."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import update

from tests.api.conftest import serving
from tests.boundaries.scene import DAY_US, Asked, Scene, outcome
from tests.web.conftest import browsers
from tuckshop.domain.days import DAY_SECONDS, MICROSECONDS, Period, date_of
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Fulfil
from tuckshop.domain.refusals import RefundNotCovered
from tuckshop.domain.users import OPERATOR as OFFICE
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.operations import orders as order_operations
from tuckshop.operations import refund_requests
from tuckshop.queries import earnings, guests, orders, reports, statements, storefront
from tuckshop.queries import refund_requests as refund_lists
from tuckshop.store import tables
from tuckshop.store.engine import writing
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Outcome
from tuckshop.till.commands.orders import Dispense, PlaceOrder
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.transfers import PaySeller
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.sql.statements import CLOCK_SECONDS_BACK_MAX

WINDOW_SECONDS = 300
HOUR_SECONDS = 3_600
PRICE_CENTS = 150


async def bought(scene: Scene, ada: SessionCaller, *, is_late: bool, **product: Any) -> int:
    """An order of one piece, dispensed now: made just now as well, or an hour ago."""
    cola = await scene.shop.product(f"cola {len(await scene.shop.rows('products'))}", **product)
    fulfil = Fulfil.LATER if is_late else Fulfil.NOW
    order = await scene.shop.buy(ada, (cola.product_id, 1), fulfil=fulfil)
    if is_late:
        scene.clock.forward(HOUR_SECONDS)
        await scene.shop.do(Dispense(OPERATOR, order.order_id))
    return order.order_id


# --- The refund window, for buyers and for sellers who wait for their money


async def refund(scene: Scene) -> Asked:
    ada = await scene.shop.buyer(cents=1_000)
    cola = await scene.shop.product(price_cents=PRICE_CENTS)
    made = [await scene.shop.buy(ada, (cola.product_id, 1)) for _ in range(3)]

    async def ask() -> str:
        return await outcome(scene.shop.do(Refund(ada, made.pop().order_id)))

    return Asked(scene.later(WINDOW_SECONDS), ask)


async def returnable(scene: Scene) -> Asked:
    ada = await scene.shop.buyer(cents=1_000)
    order_id = await bought(scene, ada, is_late=True)

    async def ask() -> bool:
        return order_id in await orders.returnable(
            scene.running, buyer_id=ada.user_id or 0, order_ids=[order_id]
        )

    return Asked(scene.later(WINDOW_SECONDS), ask)


async def undo_at_the_machine(scene: Scene) -> Asked:
    ada = await scene.shop.buyer(cents=1_000)
    await bought(scene, ada, is_late=True)

    async def ask() -> bool:
        wallet = wallet_of(ada.user_id)
        return await storefront.newest_bought(scene.running, wallet=wallet, machine_id=1) is not None

    return Asked(scene.later(WINDOW_SECONDS), ask)


async def payable_at_once(scene: Scene) -> Asked:
    return await _payable(scene, is_late=False)


async def payable_late(scene: Scene) -> Asked:
    return await _payable(scene, is_late=True)


async def _payable(scene: Scene, *, is_late: bool) -> Asked:
    ada, sam = await scene.shop.buyer(cents=1_000), await scene.shop.person("sam", Role.SELLER)
    await bought(scene, ada, is_late=is_late, seller=sam, price_cents=PRICE_CENTS)
    return Asked(scene.later(WINDOW_SECONDS), _asked_of(scene, sam))


async def young_at_once(scene: Scene) -> Asked:
    return await _young(scene, is_late=False)


async def young_late(scene: Scene) -> Asked:
    return await _young(scene, is_late=True)


async def _young(scene: Scene, *, is_late: bool) -> Asked:
    """Of a seller who is paid after a day, for what no buyer may return."""
    ada, sam = await scene.shop.buyer(cents=1_000), await scene.shop.person("sam", Role.SELLER)
    await scene.shop.execute("UPDATE users SET payout_delay_days = 1 WHERE id = :id", id=sam.user_id)
    await bought(scene, ada, is_late=is_late, seller=sam, price_cents=PRICE_CENTS, refundable=False)
    return Asked(scene.later(DAY_SECONDS), _asked_of(scene, sam))


async def clock_set_back(scene: Scene) -> Asked:
    """What is held back of an order in the window's last instant, if the clock was set back once it was made.

    The boundary is in how far: each microsecond that passes at the end was set back more at the beginning.
    """
    ada = await scene.shop.buyer(cents=1_000)
    begun_us, last_us = scene.clock.now_us, scene.later(WINDOW_SECONDS)

    async def ask() -> tuple[int, str]:
        more_us = scene.clock.now_us - last_us
        sam = await scene.shop.person(f"sam {more_us}", Role.SELLER)
        scene.clock.now_us = begun_us = _fresh(scene)
        await bought(scene, ada, is_late=False, seller=sam, price_cents=PRICE_CENTS)
        scene.clock.now_us -= CLOCK_SECONDS_BACK_MAX * MICROSECONDS + more_us
        await bought(scene, ada, is_late=False)
        scene.clock.now_us = begun_us + WINDOW_SECONDS * MICROSECONDS
        return await _asked_of(scene, sam)()

    assert begun_us < last_us
    return Asked(last_us, ask)


def _fresh(scene: Scene) -> int:
    """An instant before which nothing else happened for an hour."""
    return scene.clock.now_us + HOUR_SECONDS * MICROSECONDS


def _asked_of(scene: Scene, sam: SessionCaller) -> Callable[[], Awaitable[tuple[int, str]]]:
    """What the page says that can be paid, and whether the till pays."""

    async def ask() -> tuple[int, str]:
        found = await earnings.earnings(scene.running, seller_id=sam.user_id or 0)
        ref = f"{sam.user_id} {scene.clock.now_us}"
        paid = await outcome(scene.shop.do(PaySeller(OPERATOR, sam.user_id or 0, ref, PRICE_CENTS)))
        return found.payable_cents, paid

    return ask


# --- A day, for what is counted by it


async def fourth_refund(scene: Scene) -> Asked:
    ada = await scene.shop.buyer(cents=2_000)
    cola = await scene.shop.product(price_cents=PRICE_CENTS)

    async def ask() -> str:
        order = await scene.shop.buy(ada, (cola.product_id, 1))
        return await outcome(scene.shop.do(Refund(ada, order.order_id)))

    assert [await ask() for _ in range(4)] == ["done"] * 3 + ["RefundsExhausted"]
    return Asked(scene.clock.now_us + DAY_US, ask)


async def refund_request(scene: Scene) -> Asked:
    ada = await scene.shop.buyer(cents=4_000)
    sam = await scene.shop.person("sam", Role.SELLER)
    cola = await scene.shop.product(price_cents=PRICE_CENTS, stock=30, seller=sam)

    async def ask() -> int:
        order = await scene.shop.buy(ada, (cola.product_id, 1))
        return await listed_request(scene, Refund(sam, order.order_id))

    assert [await ask() for _ in range(refund_requests.REQUESTS_PER_DAY + 1)][-2:] == [1, 0]
    return Asked(scene.clock.now_us + DAY_US, ask)


async def request_that_waits(scene: Scene) -> Asked:
    """Asked is: the refund is made now, and the list was told at the instant."""
    ada = await scene.shop.buyer(cents=1_000)
    sam = await scene.shop.person("sam", Role.SELLER)
    cola = await scene.shop.product(price_cents=PRICE_CENTS, seller=sam)
    instant_us = scene.later(HOUR_SECONDS)
    made = [await scene.shop.buy(ada, (cola.product_id, 1)) for _ in range(3)]

    async def ask() -> int:
        now_us, order_id = scene.clock.now_us, made.pop().order_id
        scene.clock.now_us = instant_us
        assert await listed_request(scene, Refund(sam, order_id)) == 1
        scene.clock.now_us = now_us
        await scene.shop.do(Refund(OPERATOR, order_id))
        return len(await refund_lists.of_order(scene.running, actor=OFFICE, order_id=order_id))

    return Asked(instant_us, ask)


async def listed_request(scene: Scene, command: Refund) -> int:
    """How often the refund is on the office's list, now that it was refused."""
    refused = Outcome(RefundNotCovered(PRICE_CENTS, 0))
    await refund_requests.note(scene.running, command=command, outcome=refused)
    return len(await refund_lists.of_order(scene.running, actor=OFFICE, order_id=command.order_id))


async def fourth_refund_of_a_guest(scene: Scene) -> Asked:
    hall, door = await scene.shop.machine(), await scene.shop.guest()
    served = (await scene.shop.machine_key(hall)).serving(door.guest_id or 0)
    cola = await scene.shop.product(price_cents=PRICE_CENTS, machine_id=hall)
    await scene.shop.do(Deposit(OPERATOR, door, {100: 9}, hall))

    async def ask() -> str:
        order: Any = await scene.shop.do(PlaceOrder(served, door, ((cola.product_id, 1),), machine_id=hall))
        return await outcome(scene.shop.do(Refund(served, order.order_id)))

    assert [await ask() for _ in range(4)] == ["done"] * 3 + ["RefundsExhausted"]
    return Asked(scene.clock.now_us + DAY_US, ask)


async def declared_coins(scene: Scene) -> Asked:
    ada = await scene.shop.buyer()

    async def ask() -> str:
        return await outcome(scene.shop.do(Deposit(ada, wallet_of(ada.user_id), {5: 1})))

    await scene.shop.do(Deposit(ada, wallet_of(ada.user_id), {100: 200}))
    assert await ask() == "CoinsCapReached"
    return Asked(scene.clock.now_us + DAY_US, ask)


# --- Periods


async def statement(scene: Scene) -> Asked:
    """Whether the closing balance of the day before has it; whether its lines do; whether the day's do."""
    ada = await scene.shop.buyer(cents=100)
    day = scene.shop.till.policy.days.of(scene.clock.now_us) + 2

    async def of(one: int) -> statements.Statement:
        period = Period(date_of(one), date_of(one))
        return await statements.statement(
            scene.running, actor=OFFICE, user_id=ada.user_id or 0, period=period
        )

    async def ask() -> tuple[bool, bool, bool]:
        closed_cents = (await of(day - 1)).closing_cents
        await scene.shop.do(Deposit(OPERATOR, wallet_of(ada.user_id), {5: 1}))
        before, after = await of(day - 1), await of(day)
        is_before, is_after = (
            scene.clock.now_us in {line.created_us for line in one.lines} for one in (before, after)
        )
        return before.closing_cents != closed_cents, is_before, is_after

    return Asked(scene.shop.till.policy.days.start_us(day), ask)


async def pay_outs_of_a_day(scene: Scene) -> Asked:
    """What the reports of the day before and of the day say was paid to a seller, once it was."""
    ada, sam = await scene.shop.buyer(cents=1_000), await scene.shop.person("sam", Role.SELLER)
    await bought(scene, ada, is_late=False, seller=sam, price_cents=PRICE_CENTS)
    day = scene.shop.till.policy.days.of(scene.clock.now_us) + 2

    async def of(one: int) -> int:
        report = await reports.earnings(
            scene.running, actor=OFFICE, period=Period(date_of(one), date_of(one))
        )
        return sum(row.paid_cents for row in report.rows)

    async def ask() -> tuple[int, int]:
        before, after = await of(day - 1), await of(day)
        await scene.shop.do(PaySeller(OPERATOR, sam.user_id or 0, f"{scene.clock.now_us}", 10))
        return await of(day - 1) - before, await of(day) - after

    return Asked(scene.shop.till.policy.days.start_us(day), ask)


async def sales_of_a_day(scene: Scene) -> Asked:
    """How many pieces the reports of the day before and of the day say were sold, once one was."""
    ada = await scene.shop.buyer(cents=1_000)
    cola = await scene.shop.product(price_cents=PRICE_CENTS)
    day = scene.shop.till.policy.days.of(scene.clock.now_us) + 2

    async def of(one: int) -> int:
        period = Period(date_of(one), date_of(one))
        return (await reports.sell_through(scene.running, actor=OFFICE, period=period)).total.quantity

    async def ask() -> tuple[int, int]:
        before, after = await of(day - 1), await of(day)
        await scene.shop.buy(ada, (cola.product_id, 1))
        return await of(day - 1) - before, await of(day) - after

    return Asked(scene.shop.till.policy.days.start_us(day), ask)


async def unclaimed(scene: Scene) -> Asked:
    await scene.shop.do(Deposit(OPERATOR, await scene.shop.guest(), {50: 1}))

    async def ask() -> int:
        return len(await guests.unclaimed(scene.running, actor=OFFICE, days=30))

    return Asked(scene.clock.now_us + 30 * DAY_US, ask)


# --- Said twice


async def dispensed_before_it_was_made(scene: Scene) -> Asked:
    ada = await scene.shop.buyer(cents=1_000)
    order_id = await bought(scene, ada, is_late=True)
    (order,) = await scene.shop.rows("orders")

    async def ask() -> bool:
        dispensed = update(tables.orders).where(tables.orders.c.id == order_id)
        async with writing(scene.shop.engine) as connection:
            await connection.execute(dispensed.values(fulfilled_us=scene.clock.now_us))
        return not await scene.shop._broken_rules()

    return Asked(order["created_us"], ask)


async def pressed_again(scene: Scene) -> Asked:
    """What the machine says to a press that was sent before."""
    api = await scene.stack.enter_async_context(
        serving(scene.shop.url, clock=scene.clock, coins=CoinsPolicy.SELF)
    )
    await scene.shop.draw_coins()
    guest = (await scene.stack.enter_async_context(browsers(api)))()
    await guest.open()
    page = guest.page
    await guest.press("coin-20", page)

    async def ask() -> str:
        await guest.press("coin-20", page)
        return guest.says

    return Asked(scene.later(5), ask)


async def late_order(scene: Scene) -> Asked:
    """How many orders are cancelled because nobody dispensed them."""
    ada, cola = await scene.shop.buyer(cents=500), await scene.shop.product(price_cents=PRICE_CENTS)
    order = await scene.shop.buy(ada, (cola.product_id, 1), fulfil=Fulfil.LATER)

    async def ask() -> int:
        return await order_operations.expire_placed(scene.running, hours=24)

    return Asked(order.created_us + DAY_US, ask)


async def served_by_a_machine(scene: Scene) -> Asked:
    ada, key = await scene.shop.buyer(), await scene.shop.machine_key(1)
    await scene.shop.log_in_at(1, ada)
    (session,) = await scene.shop.rows("sessions")

    async def ask() -> str:
        return await outcome(scene.shop.do(Deposit(key, wallet_of(ada.user_id), {5: 1})))

    return Asked(session["expires_us"], ask)
