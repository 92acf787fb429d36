"""What the coalition buys and sells, calls off, undoes and takes out; and what those who are honest do."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from secrets import token_urlsafe
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.coalition.doors import APP_DEMO, KIOSK, SHOP, SIMPLE, VENDING, Guest
from tests.coalition.purse import DAY_US, HOUR_US, Deal
from tests.coalition.stage import COUNTED, FIRST, YARD, Member, Product
from tests.coalition.strangers import MACHINES, Order, Strangers, credit
from tests.web.browsing import Browser
from tuckshop.domain.coins import fewest, total_cents
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


class Coalition(Strangers):
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

    # --- What they buy

    async def buy(self) -> None:
        """Somebody buys something, by one of the doors."""
        own = [one for one in self.products if one.seller is not None]
        product = self.dice.choice(own if own and self.dice.random() < 0.5 else self.products)
        quantity = self.dice.choice((1, 1, 2))
        match self.dice.randrange(9):
            case 0 | 1 | 2 | 3:
                await self.buy_by_v1(self.buyer(product.cents * quantity), product, quantity)
            case 4 | 5:
                here = self.dice.choice([one for one in self.products if one.machine == FIRST])
                await self.buy_by_dialect(self.buyer(here.cents * quantity), here, quantity)
            case 6 | 7:
                guest = self.guest(product.cents, at_page=True)
                assert guest is not None
                assert guest.browser is not None
                here = self.dice.choice([one for one in self.products if one.machine == guest.machine])
                await self.buy_by_page(guest.browser, guest, here)
            case _:
                if self.dice.random() < 0.5:
                    member = self.buyer(product.cents)
                    await self.buy_by_page(await self.doors.browser_of(member), member, product)
                else:
                    await self.buy_by_key()

    async def buy_by_v1(self, member: Member, product: Product, quantity: int) -> None:
        on_tab = self.dice.random() < 0.3
        offered = (None, "later") if product.machine == FIRST else ("now", "later", "later", "later")
        fulfil = self.dice.choice(offered)
        body = {
            "lines": [{"product": product.id, "quantity": quantity}],
            "payment": "tab" if on_tab else "wallet",
            "machine": product.machine,
            "change": "keep" if on_tab else self.dice.choice(("keep", "keep", "keep", "return")),
        } | ({"fulfil": fulfil} if fulfil else {})
        answer = await self.doors.by(member, "POST", "/v1/orders", body)
        if answer.status_code == 201:
            told = answer.json()
            change = {int(value): count for value, count in told["change"].items()}
            self.took(member.name, product.machine, total_cents(change))
            await self.ordered(told["id"], member, product, quantity, on_tab=on_tab)

    async def buy_by_dialect(self, member: Member, product: Product, quantity: int) -> None:
        basket, reference = {"products": [{"id": product.id, "quantity": quantity}]}, None
        match self.dice.randrange(4):
            case 0:
                body: dict[str, Any] = {"productId": product.id, "amount": quantity}
                answer = await self.doors.by(member, "POST", f"{VENDING}/api/v1/wallet/buy", body)
                if answer.status_code == 200:
                    self.took(member.name, FIRST, sum(answer.json()["change"]))
            case 1:
                body = {"name": product.name, "amount": quantity}
                answer = await self.doors.by(member, "POST", f"{SIMPLE}/api/buyer/buy", body)
            case 2:
                answer = await self.doors.by(member, "POST", f"{APP_DEMO}/api/order", basket)
            case _:
                reference = f"basket-{len(self.orders)}"
                answer = await self.doors.by(member, "POST", f"{SHOP}/api/orders/{reference}", basket)
        if answer.status_code in (200, 201):
            on_tab = not answer.request.url.path.startswith((VENDING, SIMPLE))
            await self.ordered(
                None, member, product, quantity, on_tab=on_tab, reference=reference, machine=FIRST
            )

    async def buy_by_page(self, browser: Browser, who: Member | Guest, product: Product) -> None:
        """What a page sells, with the total that stands on it."""
        await browser.open(f"/m/{product.machine}?pick={product.id}")
        cents = credit(browser)
        fields = {"key": token_urlsafe(16), "pick": str(product.id), "total": str(product.cents)}
        answer = await browser.post(f"/m/{product.machine}/buy", fields)
        assert answer.status_code < 500, answer.text
        browser.look(answer)
        if browser.page.texts.get("credit") and credit(browser) == cents - product.cents:
            await self.ordered(None, who, product, 1, on_tab=False)

    async def buy_by_key(self) -> None:
        """The holder of a key buys for a guest of its own."""
        product = self.dice.choice([one for one in self.products if one.machine == YARD])
        guest = self.guest(product.cents, at_page=False)
        if guest is None:
            return
        if self.dice.random() < 0.5:
            path = f"{KIOSK}/api/v1/products/{product.id}/buy"
            answer = await self.doors.by_key(YARD, "POST", path, {"user_name": guest.name})
        else:
            lines = [{"product": product.id, "quantity": 1}]
            body = {"guest": guest.name, "lines": lines, "machine": YARD}
            answer = await self.doors.by_key(YARD, "POST", "/v1/orders", body)
        if answer.status_code == 201:
            await self.ordered(None, guest, product, 1, on_tab=False, machine=YARD)

    async def ordered(
        self, order_id: int | None, who: Member | Guest, product: Product, quantity: int, *,
        on_tab: bool, reference: str | None = None, machine: int | None = None,
    ) -> None:  # fmt: skip
        """Somebody of the coalition has ordered something at the price that stood there.

        Contracts without numbers of orders: the office knows the newest.
        """
        told = await self.newest()
        assert order_id in (None, told["id"])
        product = product if machine is None else replace(product, machine=machine)
        is_placed = told["status"] == "placed"
        cents = product.cents * quantity
        order = Order(
            told["id"],
            who,
            product,
            product.cents,
            quantity,
            on_tab,
            is_placed,
            self.stage.clock(),
            reference,
        )
        self.orders.append(order)
        if on_tab:
            self.purse.charge(who.name, cents)
        else:
            self.funds[who.name] -= cents
        if product.seller is None:
            is_final = not product.refundable and not on_tab
            self.purse.deals[order.id] = Deal(cents, who.name, on_tab, is_final, not is_placed)

    async def newest(self) -> dict[str, Any]:
        """The newest order of all, as the office has it."""
        answer = await self.doors.by_staff("root", "GET", "/v1/orders?whose=all&limit=1")
        items: list[dict[str, Any]] = answer.json()["items"]
        return items[0] if items else {"id": 0}

    # --- What comes back

    async def undo(self) -> None:
        """Somebody gives back by themselves what was dispensed, and keeps it."""
        bought = [order for order in self.orders if order.owner is not self.ada]
        order = self.dice.choice(bought[-4:]) if bought else None
        if order is None or order.is_placed or not order.left:
            return
        pieces, owner, machine = 1, order.owner, order.product.machine
        lines = {"lines": [{"product": order.product.id, "quantity": pieces}]}
        if isinstance(owner, Guest) and owner.browser is None:
            body = {"guest": owner.name, "product": order.product.id}
            kiosk = f"{KIOSK}/api/v1/products/{order.product.id}/refund"
            path, sent = self.dice.choice(
                ((kiosk, {"user_name": owner.name}), ("/v1/guests/refunds", body),
                 (f"/v1/orders/{order.id}/refunds", lines))
            )  # fmt: skip
            answer = await self.doors.by_key(YARD, "POST", path, sent)
        elif isinstance(owner, Guest):
            assert owner.browser is not None
            rose = await self.press(owner.browser, machine, "undo", order=str(order.id))
            if rose > 0:
                self.undone(order, order.left)
            return
        else:
            answer = await self.doors.by(owner, "POST", f"/v1/orders/{order.id}/refunds", lines)
        if answer.status_code in (200, 201):
            self.undone(order, pieces)

    def undone(self, order: Order, pieces: int) -> None:
        """So many pieces were given back in name alone."""
        cents = order.cents_each * pieces
        order.left -= pieces
        if order.on_tab:
            self.purse.pay_tab(order.owner.name, cents)
        else:
            self.funds[order.owner.name] += cents
        is_foreign = order.product.seller is None
        is_sellers = isinstance(order.owner, Member) and order.owner.name == order.product.seller
        if not is_sellers:
            self.purse.undo(order.product.machine, cents, now_us=self.stage.clock(), is_foreign=is_foreign)

    async def call_off(self) -> None:
        """Somebody calls off what was not dispensed yet, all of it or a piece."""
        placed = [order for order in self.orders if order.is_placed and isinstance(order.owner, Member)]
        if not placed:
            return
        order = self.dice.choice(placed)
        assert isinstance(order.owner, Member)
        pieces = 1 if order.left > 1 and self.dice.random() < 0.5 else order.left
        body: dict[str, Any] = {"status": "cancelled"}
        path, kept = f"/v1/orders/{order.id}", {"product": order.product.id, "quantity": order.left - pieces}
        if order.reference is not None:
            path, kept = f"{SHOP}/api/orders/{order.reference}", {"id": order.product.id} | kept
            del kept["product"]
        if pieces < order.left:
            body = {"products" if order.reference else "lines": [kept]}
        answer = await self.doors.by(order.owner, "PATCH", path, body)
        if answer.status_code == 200:
            self.called_off(order, pieces, by_shop=False)

    def called_off(self, order: Order, pieces: int, *, by_shop: bool) -> None:
        """So many pieces will not be dispensed. What was agreed to be final still counts, unless the shop
        itself gave up."""
        order.left -= pieces
        order.is_placed = order.left > 0
        if order.on_tab:
            self.purse.pay_tab(order.owner.name, order.cents_each * pieces)
        deal = self.purse.deals.get(order.id)
        if deal is not None and (by_shop or not deal.is_final):
            deal.cents -= order.cents_each * pieces

    async def take_back_some(self) -> None:
        """A seller of the coalition refunds something that it has sold."""
        sold = [order for order in self.orders if order.product.seller is not None and order.left]
        if sold:
            await self.take_back(self.dice.choice(sold[-4:]))

    async def take_back(self, order: Order) -> None:
        """Its seller refunds it, also to Ada, who hands it back; or says what has become of it."""
        seller = next((one for one in self.standing if one.name == order.product.seller), None)
        if seller is None:
            return
        if order.is_placed:
            status = self.dice.choice(("failed", "dispensed", "dispensed"))
            answer = await self.doors.by(seller, "PATCH", f"/v1/orders/{order.id}", {"status": status})
            if answer.status_code == 200 and status == "failed":
                self.called_off(order, order.left, by_shop=True)
            elif answer.status_code == 200:
                order.is_placed = False
            return
        answer = await self.doors.by(seller, "POST", f"/v1/orders/{order.id}/refunds", {})
        if answer.status_code == 201:
            if order.on_tab:
                self.purse.pay_tab(order.owner.name, order.cents_each * order.left)
            if order.owner is self.ada:
                self.purse.sold -= order.cents_each * order.left
            order.left = 0

    # --- What they sell

    async def reprice(self) -> None:
        """A seller changes a product's price, and whether it comes back; or has a new one."""
        if not self.has("seller"):
            return
        seller = self.one("seller")
        own = [place for place, one in enumerate(self.products) if one.seller == seller.name]
        seen = {product.id for _, product in self.seen}
        own = [place for place in own if self.products[place].id in seen] or own
        cents, refundable = self.dice.choice((50, 200, 250)), self.dice.random() < 0.5
        if not own or self.dice.random() < 0.2:
            machine = self.dice.choice(MACHINES)
            await self.add_product(seller, machine, cents=cents, refundable=refundable)
            return
        place = self.dice.choice(own)
        body = {"price": cents, "refundable": refundable}
        answer = await self.doors.by(seller, "PATCH", f"/v1/products/{self.products[place].id}", body)
        if answer.status_code == 200:
            self.products[place] = replace(self.products[place], cents=cents, refundable=refundable)

    async def stock(self) -> None:
        """A seller puts some more in, or removes a product; or somebody tries so with the house's."""
        product, member = self.dice.choice(self.products), self.dice.choice(self.standing)
        if self.dice.random() < 0.7:
            path, body = f"/v1/products/{product.id}/stock", {"restock": 5, "machine": product.machine}
            await self.doors.by(member, "POST", path, body)
        else:
            answer = await self.doors.by(member, "DELETE", f"/v1/products/{product.id}")
            if answer.status_code < 300:
                self.products.remove(product)

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

    def took(self, who: str, machine: int, cents: int) -> None:
        """Somebody has taken coins that a machine paid by itself."""
        self.purse.take_coins(who, machine, cents, is_changer=machine in COUNTED)
        self.funds[who] -= cents

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
