"""What the coalition buys and sells, calls off and undoes, by every door."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_urlsafe
from typing import Any

from tests.coalition.doors import APP_DEMO, KIOSK, SHOP, SIMPLE, VENDING, Guest
from tests.coalition.purse import Deal
from tests.coalition.stage import COUNTED, FIRST, YARD, Member, Product
from tests.coalition.strangers import MACHINES, Order, Strangers, credit
from tests.web.browsing import Browser
from tuckshop.domain.coins import total_cents


class Dealings(Strangers):
    """Orders of theirs, and products of theirs."""

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

    def took(self, who: str, machine: int, cents: int) -> None:
        """Somebody has taken coins that a machine paid by itself."""
        self.purse.take_coins(who, machine, cents, is_changer=machine in COUNTED)
        self.funds[who] -= cents
