"""What the office sees first: each sum with its numbers."""

from __future__ import annotations

import pytest

from tests.shop import Clock, Shop
from tuckshop.context import Shop as Running
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import BadCredentials, RoleMissing, TooManyTries
from tuckshop.domain.users import Actor, Role
from tuckshop.identity import login_throttle, registration, sessions
from tuckshop.queries import dashboard
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import SetShelves
from tuckshop.till.commands.wallet import Deposit

CASHIER = Actor(1, frozenset({Role.CASHIER}))


async def test_money_coins_and_what_waits(shop: Shop, running: Running) -> None:
    ada = await shop.buyer(cents=165)  # 100 + 50 + 10 + 5
    await shop.do(Deposit(OPERATOR, wallet_of(ada.user_id), {100: 2}))
    cola = await shop.product("cola", price_cents=65, stock=5)
    bob = await shop.buyer("bob")
    await shop.execute("UPDATE users SET tab_limit_cents = 100 WHERE id = :id", id=bob.user_id)
    await shop.buy(bob, (cola.product_id, 1), payment=Payment.TAB)  # What is owed is in no wallet.
    await shop.execute("UPDATE users SET state = 'pending' WHERE id = :id", id=ada.user_id)
    seen = await dashboard.taken(running, actor=CASHIER)
    assert seen.float_cents == 365
    assert {value: count for value, count in seen.coins.items() if count} == {100: 3, 50: 1, 10: 1, 5: 1}
    assert (seen.waiting_orders, seen.waiting_users, seen.low) == (1, 1, [])


async def test_a_shelf_is_low_below_its_par_level_and_without_one_with_three_or_fewer(
    shop: Shop, running: Running
) -> None:
    stocks = {"four": 4, "three": 3, "below": 9, "at par": 10, "may be empty": 0}
    made = {name: (await shop.product(name, stock=stock)).product_id for name, stock in stocks.items()}
    pars = {"below": 10, "at par": 10, "may be empty": 0}
    plans = tuple(ShelfPlan(made[name], par_level=par) for name, par in pars.items())
    await shop.do(SetShelves(OPERATOR, 1, plans))
    gone = await shop.product("not sold any more", stock=1)
    await shop.execute("UPDATE products SET removed_us = 1 WHERE id = :id", id=gone.product_id)
    seen = await dashboard.taken(running, actor=CASHIER)
    assert [(one.product, one.machine, one.quantity, one.par_level) for one in seen.low] == [
        ("three", "default", 3, None),
        ("below", "default", 9, 10),
    ]
    assert seen.low_count == 2


async def test_only_those_who_run_the_shop(running: Running) -> None:
    for role in (Role.BUYER, Role.SELLER):
        with pytest.raises(RoleMissing):
            await dashboard.taken(running, actor=Actor(1, frozenset({role})))


async def test_failed_log_ins_are_remembered_for_a_minute_each(
    open_for_business: Running, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0.0)
    shop = open_for_business

    async def failed(name: str) -> None:
        with pytest.raises((BadCredentials, TooManyTries)):
            await sessions.log_in(shop, username=name, password="wrong", address="192.0.2.7")

    async def seen() -> tuple[int, int]:
        return (await dashboard.taken(shop, actor=CASHIER)).log_ins

    await registration.add(shop, username="ada", email=None, password="correct horse", roles=[Role.BUYER])
    await sessions.log_in(shop, username="ada", password="correct horse", address="192.0.2.7")
    assert await seen() == (0, 0)  # One that succeeds is none.
    await failed("ada")
    await failed("nobody")
    assert await seen() == (2, 0)
    for _ in range(12):  # Ten in all; the others are not looked at.
        await failed("ada")
    assert await seen() == (11, 1)
    clock.forward(61)
    assert await seen() == (9, 0)
