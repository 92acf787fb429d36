"""Whatever the coalition does next, what it takes out, and what those do beside it who are honest."""

from __future__ import annotations

from random import Random
from secrets import token_urlsafe

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.coalition.dealings import Dealings
from tests.coalition.doors import SIMPLE, VENDING, Guest
from tests.coalition.purse import DAY_US, HOUR_US
from tests.coalition.stage import FIRST, YARD, Member
from tests.coalition.strangers import MACHINES, Order
from tuckshop.domain.coins import fewest
from tuckshop.domain.users import OPERATOR as OPERATOR_ACTOR
from tuckshop.operations import orders as orders_kept
from tuckshop.operations import tabs as tab_operations

COINS = (5, 10, 20, 50, 100)
MINUTE_US = 60_000_000
CLOCK_STEPS_US = (MINUTE_US, 6 * MINUTE_US, HOUR_US, 25 * HOUR_US, 8 * DAY_US, 8 * DAY_US)
PLACED_HOURS = 24
APPROVED_CENTS = 300
ACTS = {
    "buy": 18, "undo": 8, "call_off": 7, "pay_out": 7, "use_key": 3, "declare": 8, "insert": 4,
    "register": 3, "meet": 2, "close": 1, "send": 2, "send_to_bank": 1, "reprice": 5, "take_back_some": 4,
    "stock": 1, "hand_out": 3, "pass_time": 7, "pay_seller": 6, "approve": 1, "settle": 2, "look": 2,
    "buy_as_seen": 5, "count": 2, "repeat": 2,
}  # fmt: skip
"""How often each is tried: as often as it takes that their plots come about."""


class Coalition(Dealings):
    """A seed a step, as in R10: commands that are too simple never get past the first refusal."""

    @rule(seed=st.integers(0, 2**32 - 1))
    def act(self, seed: int) -> None:
        """One rule for all: of many, Hypothesis leaves half out."""
        self.dice = Random(seed)
        (name,) = self.dice.choices(list(ACTS), weights=list(ACTS.values()))
        self.runner.run(getattr(self, name)())
        self.purse.check()

    def teardown(self) -> None:
        """At the end everybody takes out what there is to be had, and it is never more than may be."""
        self.runner.run(self.cash_out())
        self.purse.check()
        figures = {**self.purse.taken, **self.purse.given}
        self.came_about.update(name for name, cents in figures.items() if cents)
        self.runner.run(self.doors.client.aclose())

    async def cash_out(self) -> None:
        """Wallets are emptied, at the counter or into a seller's earnings; sellers wait for their money, and
        then refund all that they have sold."""
        if self.dice.random() < 0.5:
            await self.spend()
        await self.empty_wallets()
        await self.pass_time(8 * DAY_US)
        for member in self.standing:
            if "seller" in member.roles:
                await self.pay(member)
        for order in self.orders:
            if order.product.seller is not None and order.left:
                await self.take_back(order)
        await self.empty_wallets()

    async def spend(self) -> None:
        """Members buy of one of their own as much as they can pay."""
        sold = [one for one in self.products if one.seller is not None]
        for member in self.standing if sold else ():
            product = self.dice.choice(sold)
            quantity = self.funds[member.name] // product.cents
            if quantity and "buyer" in member.roles:
                await self.buy_by_v1(member, product, quantity)

    async def empty_wallets(self) -> None:
        """Members go to the cashier, and guests press the lever."""
        for member in self.standing:
            await self.pay_out_at_counter(member)
        for guest in self.guests:
            await self.pay_out_guest(guest)

    # --- What they take out

    async def pay_out(self) -> None:
        """Somebody takes out what is in a wallet, by one of the doors."""
        member = self.buyer(5)
        match self.dice.randrange(8):
            case 0 | 7:
                machine = self.dice.choice(MACHINES)
                answer = await self.doors.by(member, "POST", "/v1/wallet/payout", {"machine": machine})
                self.paid(answer, member.name, machine)
            case 1:
                await self.pay_out_at_counter(member)
            case 2:
                answer = await self.doors.by(member, "POST", f"{VENDING}/api/v1/wallet/reset")
                if answer.status_code == 200:
                    self.took(member.name, FIRST, sum(answer.json()["returned"]))
            case 3:
                answer = await self.doors.by(member, "POST", f"{SIMPLE}/api/buyer/reset")
                if answer.status_code == 200:
                    returned = answer.json()["returned"].items()
                    self.took(member.name, FIRST, sum(int(value) * count for value, count in returned))
            case 4:
                # Ada has never been there: her money is not for whoever holds a key.
                owner = self.dice.choice([member, self.ada])
                answer = await self.doors.by_key(YARD, "POST", "/v1/wallet/payout", {"user": owner.id})
                self.paid(answer, owner.name, YARD)
            case _:
                await self.pay_out_guest(self.dice.choice(self.guests))

    def paid(self, answer: httpx.Response, who: str, machine: int) -> None:
        """A machine has paid, if it has."""
        if answer.status_code == 200:
            self.took(who, machine, answer.json()["amount"])

    async def pay_out_at_counter(self, member: Member) -> None:
        """A cashier pays whoever asks what is in the wallet."""
        body = {"user": member.id, "machine": FIRST}
        self.paid(await self.doors.by_staff("cas", "POST", "/v1/wallet/payout", body), member.name, FIRST)

    async def pay_out_guest(self, guest: Guest) -> None:
        """The lever, or what the holder of a key makes of it."""
        if guest.browser is None:
            answer = await self.doors.by_key(YARD, "POST", "/v1/wallet/payout", {"guest": guest.name})
            self.paid(answer, guest.name, YARD)
        else:
            fell = -await self.press(guest.browser, guest.machine, "return")
            if fell > 0:
                self.took(guest.name, guest.machine, fell)

    async def send(self) -> None:
        """Money from one member to another."""
        cents = self.dice.choice((50, 200))
        source, target = self.buyer(cents), self.one()
        answer = await self.doors.by(
            source, "POST", "/v1/wallet/transfers", {"to": target.id, "amount": cents}
        )
        if answer.status_code == 201:
            self.funds.update({target.name: cents, source.name: -cents})
            self.purse.hand_on(source.name, target.name, cents)

    async def repeat(self) -> None:
        """Something is sent again, with its key: nothing more comes of it than came before."""
        if self.doors.sent:
            await self.doors.again(self.dice.randrange(len(self.doors.sent)))

    # --- What those do who are honest

    async def pass_time(self, step_us: int | None = None) -> None:
        """Time passes, and what was placed too long ago is not waited for any more."""
        self.stage.clock.now_us += step_us or self.dice.choice(CLOCK_STEPS_US)
        await orders_kept.expire_placed(self.stage.running, hours=PLACED_HOURS)
        for order in self.orders:
            late = self.stage.clock() - order.ordered_us > PLACED_HOURS * HOUR_US
            if order.is_placed and not order.on_tab and late:
                told = await self.doors.by_staff("root", "GET", f"/v1/orders/{order.id}")
                assert told.json()["status"] == "cancelled", "a shelf is held for ever"
                self.called_off(order, order.left, by_shop=True)

    async def hand_out(self) -> None:
        """A machine's controller dispenses what was placed there, or cannot; at the first a cashier does."""
        placed = [order for order in self.orders if order.is_placed]
        if not placed:
            return
        order = self.dice.choice(placed)
        status = self.dice.choice(("dispensed", "dispensed", "failed"))
        path, body = f"/v1/orders/{order.id}", {"status": status}
        if order.product.machine == FIRST:
            answer = await self.doors.by_staff("cas", "PATCH", path, body)
        else:
            answer = await self.doors.by_key(order.product.machine, "PATCH", path, body)
        if answer.status_code == 200 and status == "failed":
            self.called_off(order, order.left, by_shop=True)
        elif answer.status_code == 200:
            order.is_placed = False
            if order.id in self.purse.deals:
                self.purse.deals[order.id].is_out = True

    async def pay_seller(self) -> None:
        """An admin pays a seller what the shop says is payable."""
        if self.has("seller"):
            await self.pay(self.one("seller"))

    async def pay(self, seller: Member) -> None:
        path, body = f"/v1/earnings/{seller.id}/payouts", {"external_ref": self.ref()}
        answer = await self.doors.by_staff("root", "POST", path, body)
        if answer.status_code == 201:
            self.purse.be_paid(answer.json()["amount"])

    async def approve(self) -> None:
        """An admin knows somebody, and says how much this one may owe."""
        member = self.one()
        if not self.purse.owed[member.name]:
            await tab_operations.set_limit(
                self.stage.running, actor=OPERATOR_ACTOR, user_id=member.id, limit_cents=APPROVED_CENTS
            )
            self.purse.approved[member.name] = APPROVED_CENTS

    async def settle(self) -> None:
        """Somebody pays a tab, really."""
        member, cents = self.one(), 100
        answer = await self.doors.by_staff(
            "cas", "POST", f"/v1/tabs/{member.id}/settlements", {"coins": {"100": 1}, "machine": FIRST}
        )
        if answer.status_code == 201:
            self.purse.insert(member.name, FIRST, cents)
            self.purse.pay_tab(member.name, answer.json()["amount"])

    async def look(self) -> None:
        """Ada looks at what a stranger sells, and at what it costs."""
        sold = [one for one in self.products if one.seller is not None]
        if sold:
            product = self.dice.choice(sold)
            browser = await self.doors.browser_of(self.ada)
            page = await browser.open(f"/m/{product.machine}?pick={product.id}")
            self.seen.append((page, product))

    async def buy_as_seen(self) -> None:
        """Ada presses Buy on a page that she has looked at: she pays what stood there, or nothing."""
        if not self.seen:
            await self.look()
        if self.dice.random() < 0.5:
            await self.reprice()  # Of what she sees, if that seller is the one.
        if not self.seen:
            return
        page, product = self.seen.pop(self.dice.randrange(len(self.seen)))
        if page.by_id("buy") is None:
            return
        browser = await self.doors.browser_of(self.ada)
        before = (await self.newest())["id"]
        await browser.press("buy", page, key=token_urlsafe(16))
        order_id = (await self.newest())["id"]
        if order_id != before:
            self.purse.sold += product.cents
            now_us = self.stage.clock()
            order = Order(order_id, self.ada, product, product.cents, 1, False, False, now_us)
            self.orders.append(order)

    async def count(self) -> None:
        """An admin counts what really lies in a machine."""
        machine = self.dice.choice(MACHINES)
        coins = fewest(max(self.purse.boxes[machine], 0), dict.fromkeys(COINS)) or {}
        counted = [{"value": value, "count": coins.get(value, 0)} for value in COINS]
        path = f"/v1/machines/{machine}/coins/count"
        answer = await self.doors.by_staff("root", "POST", path, {"counted": counted})
        assert answer.status_code in (200, 201), answer.text
