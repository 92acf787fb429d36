"""One day in the shop, in which every command is given: docs/money.md tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from tests.shop import Shop
from tests.till.reading import Posted, post
from tests.till.registering import register
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Change, Payment
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.approvals import ApproveProduct
from tuckshop.till.commands.imports import ChangeProducts, ProductsChanged, UndoProducts
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import CancelOrder, Dispense, OrderPlaced, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund, RefundNewest
from tuckshop.till.commands.tabs import SettleTab, TabSettled
from tuckshop.till.commands.transfers import (
    CloseWallet,
    MoneyMoved,
    PaySeller,
    ReverseTransfer,
    SendMoney,
    TopUp,
)
from tuckshop.till.commands.users import CloseUser, Registered
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PayOut


class Day:
    """One day in the shop; each method is the step under the heading of the same words."""

    def __init__(self, shop: Shop, ada: SessionCaller, sam: SessionCaller, sue: SessionCaller) -> None:
        self.shop, self.ada, self.sam, self.sue = shop, ada, sam, sue
        self.wallet = wallet_of(ada.user_id)
        self.products: list[int] = []
        self.first_order = 0
        self.last_order = 0
        self.bob = ada
        self.guest = self.wallet
        self.cara, self.cara_id, self.caras_first = self.wallet, 0, 0

    async def adding_a_product(self) -> list[Posted]:
        added = [
            await post(self.shop, command)
            for command in (
                AddProduct(self.sam, "cola", 150, 3),
                AddProduct(self.sue, "crisps", 80, 5),
                AddProduct(OPERATOR, "gum", 13, 10, for_house=True),
            )
        ]
        for one in added:
            assert isinstance(one.receipt, ProductRecord)
            self.products.append(one.receipt.product_id)
        return added

    async def restocking(self) -> list[Posted]:
        return [await post(self.shop, Restock(self.sam, self.products[0], 2))]

    async def correcting_the_stock(self) -> list[Posted]:
        return [await post(self.shop, ChangeProduct(self.sam, self.products[0], stock=4))]

    async def changing_several_products(self) -> list[Posted]:
        steps = (
            AddProduct(OPERATOR, "nuts", 90, 6, for_house=True),
            ChangeProduct(OPERATOR, self.products[0], stock=4),
        )
        return [await post(self.shop, ChangeProducts(OPERATOR, steps))]

    async def undoing_an_import(self) -> list[Posted]:
        nuts = next(row["id"] for row in await self.shop.rows("products") if row["name"] == "nuts")
        steps = (
            ChangeProduct(OPERATOR, nuts, stock=9),
            AddProduct(OPERATOR, "chips", 70, 3, for_house=True),
        )
        imported = await post(self.shop, ChangeProducts(OPERATOR, steps))
        assert isinstance(imported.receipt, ProductsChanged)
        return [imported, await post(self.shop, UndoProducts(OPERATOR, imported.receipt.done))]

    async def approving_a_product(self) -> list[Posted]:
        added = await post(self.shop, AddProduct(self.sue, "соla", 150, 2))  # The first letters are Cyrillic.
        assert isinstance(added.receipt, ProductRecord)
        assert added.receipt.waiting is True
        number = added.receipt.product_id
        return [
            added,
            *[
                await post(self.shop, command)
                for command in (ApproveProduct(OPERATOR, number), RemoveProduct(self.sue, number))
            ],
        ]

    async def depositing_coins(self) -> list[Posted]:
        return [await post(self.shop, Deposit(OPERATOR, self.wallet, {100: 4, 50: 2}))]

    async def buying(self) -> list[Posted]:
        cola, crisps, gum = self.products
        posted = await post(self.shop, PlaceOrder(self.ada, self.wallet, ((cola, 2), (crisps, 1), (gum, 1))))
        assert isinstance(posted.receipt, OrderPlaced)
        self.first_order = posted.receipt.order_id
        return [posted]

    async def buying_with_change(self) -> list[Posted]:
        gum = self.products[2]
        return [await post(self.shop, PlaceOrder(OPERATOR, self.wallet, ((gum, 1),), Change.RETURN))]

    async def refunding_a_line(self) -> list[Posted]:
        return [await post(self.shop, Refund(self.ada, self.first_order, {self.products[0]: 1}))]

    async def taking_a_product_off_sale(self) -> list[Posted]:
        return [await post(self.shop, RemoveProduct(self.sue, self.products[1]))]

    async def refunding_the_rest(self) -> list[Posted]:
        return [await post(self.shop, Refund(self.ada, self.first_order))]

    async def paying_out(self) -> list[Posted]:
        return [await post(self.shop, PayOut(OPERATOR, self.wallet))]

    async def topping_a_wallet_up(self) -> list[Posted]:
        return [await post(self.shop, TopUp(OPERATOR, self.wallet, 1000, "bank 17"))]

    async def sending_money(self) -> list[Posted]:
        self.bob = await self.shop.buyer("Bob")
        to = wallet_of(self.bob.user_id)
        return [await post(self.shop, SendMoney(self.ada, self.wallet, to, 250))]

    async def filling_the_machine(self) -> list[Posted]:
        return [await post(self.shop, FillCoins(OPERATOR, 1, {20: 10}))]

    async def counting_the_machine(self) -> list[Posted]:
        return [await post(self.shop, CountCoins(OPERATOR, 1, {100: 1, 50: 0, 20: 5, 10: 0, 5: 0}))]

    async def collecting(self) -> list[Posted]:
        return [await post(self.shop, CollectCoins(OPERATOR, 1, {100: 1, 20: 2}))]

    async def moving_stock(self) -> list[Posted]:
        hall = await self.shop.machine()
        return [await post(self.shop, MoveStock(self.sam, 1, hall, self.products[0], 1))]

    async def paying_a_seller(self) -> list[Posted]:
        wallet = wallet_of(self.bob.user_id)
        bought = await post(self.shop, PlaceOrder(self.bob, wallet, ((self.products[0], 1),)))
        self.shop.clock.forward(301)
        return [bought, await post(self.shop, PaySeller(OPERATOR, self.sam.user_id, "pay 1"))]

    async def closing_a_wallet(self) -> list[Posted]:
        return [await post(self.shop, CloseWallet(self.bob, wallet_of(self.bob.user_id)))]

    async def closing_a_user(self) -> list[Posted]:
        bob_id = self.bob.user_id
        sent = await post(self.shop, SendMoney(self.ada, self.wallet, wallet_of(bob_id), 20))
        return [sent, await post(self.shop, CloseUser(self.bob, bob_id))]

    async def buying_on_a_tab(self) -> list[Posted]:
        await self.shop.execute("UPDATE users SET tab_limit_cents = 500 WHERE username = 'Ada'")
        cola, _, gum = self.products
        return [await self._on_tab((cola, 1), (gum, 2))]

    async def making_an_order_smaller(self) -> list[Posted]:
        return [await post(self.shop, ReduceOrder(self.ada, self.last_order, {self.products[2]: 2}))]

    async def cancelling_an_order(self) -> list[Posted]:
        ordered = await self._on_tab((self.products[2], 1))
        return [ordered, await post(self.shop, CancelOrder(self.ada, self.last_order))]

    async def failing_an_order(self) -> list[Posted]:
        ordered = await self._on_tab((self.products[0], 1))
        return [ordered, await post(self.shop, Dispense(self.sam, self.last_order, failed=True))]

    async def settling_a_tab_in_coins(self) -> list[Posted]:
        return [await post(self.shop, SettleTab(OPERATOR, self.ada.user_id, coins={50: 1}))]

    async def settling_a_tab_by_bank(self) -> list[Posted]:
        ordered = await self._on_tab((self.products[2], 1))
        user_id = self.ada.user_id
        paid = SettleTab(OPERATOR, user_id, amount_cents=13, external_ref="bank 18")
        await self.shop.do(Dispense(OPERATOR, self.last_order))
        return [ordered, await post(self.shop, paid)]

    async def writing_off_what_comes_back(self) -> list[Posted]:
        return [await post(self.shop, Refund(OPERATOR, self.last_order, write_off=True))]

    async def _on_tab(self, *lines: tuple[int, int]) -> Posted:
        posted = await post(self.shop, PlaceOrder(self.ada, self.wallet, lines, payment=Payment.TAB))
        assert isinstance(posted.receipt, OrderPlaced)
        self.last_order = posted.receipt.order_id
        return posted

    async def planning_the_shelves(self) -> list[Posted]:
        gum = self.products[2]
        planned = await post(self.shop, SetShelves(OPERATOR, 1, (ShelfPlan(gum, price_cents=15),)))
        return [planned, await post(self.shop, PlaceOrder(self.ada, self.wallet, ((gum, 1),)))]

    async def serving_a_guest(self) -> list[Posted]:
        key, self.guest = await self.shop.machine_key(1), await self.shop.guest("Door")
        buying = PlaceOrder(key, self.guest, ((self.products[2], 1),), Change.RETURN)
        return [await post(self.shop, one) for one in (Deposit(key, self.guest, {100: 2}), buying)]

    async def refunding_a_guest(self) -> list[Posted]:
        key = await self.shop.machine_key(1)
        return [await post(self.shop, RefundNewest(key, self.guest, self.products[2]))]

    async def registering_with_coins(self) -> list[Posted]:
        self.shop.till.policy = replace(self.shop.till.policy, coins=CoinsPolicy.SELF)
        posted = await post(self.shop, register("Cara", coins={100: 1}))
        assert isinstance(posted.receipt, Registered)
        self.cara_id, self.cara = posted.receipt.user_id, wallet_of(posted.receipt.user_id)
        self.caras_first = posted.receipt.transfer_id or 0
        return [posted]

    async def reversing_a_deposit(self) -> list[Posted]:
        wrong = await post(self.shop, Deposit(OPERATOR, self.cara, {100: 2}))
        return [wrong, await self._reversed(wrong, "was 0.50 twice")]

    async def reversing_a_topup(self) -> list[Posted]:
        wrong = await post(self.shop, TopUp(OPERATOR, self.cara, 500, "bank 19"))
        return [wrong, await self._reversed(wrong, "was for Ada")]

    async def reversing_what_is_spent(self) -> list[Posted]:
        bought = await post(self.shop, PlaceOrder(OPERATOR, self.cara, ((self.products[2], 1),)))
        back = ReverseTransfer(OPERATOR, self.caras_first, "was a button", owe=True)
        return [bought, await post(self.shop, back)]

    async def reversing_a_settlement_in_coins(self) -> list[Posted]:
        wrong = await post(self.shop, SettleTab(OPERATOR, self.cara_id, coins={20: 1}))
        return [wrong, await self._reversed(wrong, "was Ada's coin")]

    async def _reversed(self, wrong: Posted, reason: str) -> Posted:
        receipt = wrong.receipt
        assert isinstance(receipt, CoinsDeposited | MoneyMoved | TabSettled)
        return await post(self.shop, ReverseTransfer(OPERATOR, receipt.transfer_id, reason))

    async def in_the_evening(self) -> list[Posted]:
        return []


def steps(day: Day) -> Iterator[tuple[str, Callable[[], Awaitable[list[Posted]]]]]:
    """The steps by their names, in the order in which they are taken."""
    for name, step in vars(Day).items():
        if callable(step) and not name.startswith("_"):
            yield name, getattr(day, name)


async def open_day(shop: Shop) -> Day:
    """The morning: a buyer and two sellers are there."""
    ada = await shop.buyer("Ada")
    sam, sue = await shop.person("Sam", Role.SELLER), await shop.person("Sue", Role.SELLER)
    return Day(shop, ada, sam, sue)
