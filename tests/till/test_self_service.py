"""Staff serve others. With their own money, tab and orders they are customers, whatever their roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from tests.shop import Shop
from tests.till.reading import refuse
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Change, Fulfil, Payment
from tuckshop.domain.refusals import CoinsCapReached, RefundExceedsSale, RoleMissing, SelfService
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Command
from tuckshop.till.commands.orders import CancelOrder, Dispense, PlaceOrder, ReduceOrder
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import PaySeller, TopUp
from tuckshop.till.commands.wallet import Deposit, PayOut
from tuckshop.till.policy import Policy

EURO_COIN = {100: 1}


@dataclass
class Scene:
    """Somebody of the staff who also buys and sells, with 20.00 in the wallet, and three colas."""

    shop: Shop
    me: SessionCaller
    cola: int
    old: int  # an order that customers may not return any more
    placed: int  # one that waits, as old

    def wallet(self) -> Any:
        return wallet_of(self.me.user_id)


async def staged(shop: Shop, *roles: Role) -> Scene:
    me = await shop.person("me", Role.BUYER, Role.SELLER, *roles)
    await shop.do(Deposit(OPERATOR, wallet_of(me.user_id), {100: 20}))
    await shop.execute("UPDATE users SET tab_limit_cents = 10000 WHERE id = :id", id=me.user_id)
    cola = (await shop.product("cola", price_cents=100, stock=9)).product_id
    mine = (await shop.product("mine", price_cents=50, stock=9, seller=me)).product_id
    old = (await shop.buy(me, (cola, 1))).order_id
    placed = (await shop.buy(me, (cola, 2), fulfil=Fulfil.LATER)).order_id
    await shop.do(PlaceOrder(me, wallet_of(me.user_id), ((cola, 1),), payment=Payment.TAB))
    other = await shop.buyer("other", cents=500)
    await shop.buy(other, (mine, 4))
    shop.clock.forward(86_400 * 30)
    return Scene(shop, me, cola, old, placed)


ACTS: dict[str, Callable[[Scene], Command]] = {
    "wallet.deposit": lambda it: Deposit(it.me, it.wallet(), EURO_COIN),
    "wallet.payout": lambda it: PayOut(it.me, it.wallet()),
    "wallet.topup": lambda it: TopUp(it.me, it.wallet(), 100, "bank-1"),
    "tab.settle": lambda it: SettleTab(it.me, it.me.user_id, coins=EURO_COIN),
    "tab.settle by bank": lambda it: SettleTab(it.me, it.me.user_id, amount_cents=100, external_ref="bank-2"),
    "earnings.payout": lambda it: PaySeller(it.me, it.me.user_id, "bank-3"),
    "order.place": lambda it: PlaceOrder(it.me, it.wallet(), ((it.cola, 1),), Change.RETURN),
    "order.refund": lambda it: Refund(it.me, it.old),
    "order.refund and written off": lambda it: Refund(it.me, it.old, write_off=True),
    "order.cancel": lambda it: CancelOrder(it.me, it.placed),
    "order.reduce": lambda it: ReduceOrder(it.me, it.placed, {it.cola: 1}),
    "order.dispense": lambda it: Dispense(it.me, it.placed, failed=True),
}
each_act = pytest.mark.parametrize("name", ACTS)


def tag(name: str) -> str:
    return name.partition(" ")[0]


@each_act
@pytest.mark.parametrize("role", [Role.CASHIER, Role.ADMIN])
async def test_staff_do_not_serve_themselves_where_others_can(shop: Shop, name: str, role: Role) -> None:
    scene = await staged(shop, role)
    await shop.person("another", Role.CASHIER)
    await refuse(shop, ACTS[name](scene), SelfService(act=tag(name)))


@each_act
async def test_another_one_does_it_for_them(shop: Shop, name: str) -> None:
    scene = await staged(shop, Role.CASHIER)
    root = await shop.person("root", Role.ADMIN)
    await shop.do(replace(ACTS[name](scene), caller=root))
    assert {row["for_self"] for row in await shop.rows("transfers")} == {False}
    await shop.assert_clean()


@each_act
async def test_an_admin_alone_does_and_is_marked(shop: Shop, name: str) -> None:
    scene = await staged(shop, Role.ADMIN)
    known = {row["id"] for row in await shop.rows("transfers")}, len(await shop.rows("admin_log"))
    await shop.do(ACTS[name](scene))
    made = [row for row in await shop.rows("transfers") if row["id"] not in known[0]]
    assert made
    assert all(row["for_self"] for row in made)
    (line,) = (await shop.rows("admin_log"))[known[1] :]
    assert (line["action"], line["actor_id"]) == (tag(name), scene.me.user_id)
    assert json.loads(line["after"])["for_self"] is True
    await shop.assert_clean()


@each_act
async def test_a_cashier_does_not_even_alone(shop: Shop, name: str) -> None:
    scene = await staged(shop, Role.CASHIER)
    await refuse(shop, ACTS[name](scene), SelfService(act=tag(name)))


@pytest.mark.parametrize("state", ["disabled", "pending", "closed"])
async def test_who_cannot_log_in_is_no_other(shop: Shop, state: str) -> None:
    scene = await staged(shop, Role.ADMIN)
    gone = await shop.person("gone", Role.ADMIN)
    await shop.execute(
        "UPDATE users SET state = :state, closed_us = CASE WHEN :state = 'closed' THEN 1 END WHERE id = :id",
        state=state,
        id=gone.user_id,
    )
    await shop.do(ACTS["order.refund"](scene))


async def test_with_a_token_that_does_not_lend_the_role_nobody_is_staff(shop: Shop) -> None:
    scene = await staged(shop, Role.ADMIN)
    await shop.execute("UPDATE sessions SET scopes = 'buy' WHERE id = :id", id=scene.me.session_id)
    await refuse(shop, ACTS["wallet.topup"](scene), RoleMissing(roles=("admin",)))


class TestAsCustomers:
    """What every customer may, staff may too, and no more of it."""

    async def test_return_what_they_have_just_bought_as_often_as_others(self, shop: Shop) -> None:
        scene = await staged(shop, Role.ADMIN)
        await shop.person("another", Role.CASHIER)
        for _ in range(3):
            bought = await shop.buy(scene.me, (scene.cola, 1))
            await shop.do(Refund(scene.me, bought.order_id))
        bought = await shop.buy(scene.me, (scene.cola, 1))
        await refuse(shop, Refund(scene.me, bought.order_id), SelfService(act="order.refund"))

    async def test_are_told_what_hinders_everybody(self, shop: Shop) -> None:
        scene = await staged(shop, Role.CASHIER)
        bought = await shop.buy(scene.me, (scene.cola, 1))
        too_many = Refund(scene.me, bought.order_id, {scene.cola: 2})
        await refuse(shop, too_many, RefundExceedsSale(product=scene.cola, refundable_quantity=1))

    async def test_declare_coins_up_to_the_cap_of_others(self, shop: Shop) -> None:
        shop.till.policy = Policy(shop.currency, coins=CoinsPolicy.SELF, coins_daily_cap_cents=150)
        scene = await staged(shop, Role.CASHIER)
        known = len(await shop.rows("admin_log"))
        await shop.do(ACTS["wallet.deposit"](scene))
        assert len(await shop.rows("admin_log")) == known
        await refuse(shop, ACTS["wallet.deposit"](scene), SelfService(act="wallet.deposit"))

    async def test_others_are_refused_as_before(self, shop: Shop) -> None:
        shop.till.policy = Policy(shop.currency, coins=CoinsPolicy.SELF, coins_daily_cap_cents=50)
        ada = await shop.buyer("ada")
        refusal = CoinsCapReached(cap_cents=50, left_cents=50)
        await refuse(shop, Deposit(ada, wallet_of(ada.user_id), EURO_COIN), refusal)
