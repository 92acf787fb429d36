"""One key, one effect: the same request gets the same answer, another request is told so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.shop import Shop
from tests.till.registering import register
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Change, Payment
from tuckshop.domain.refusals import (
    CoinNotAccepted,
    InsufficientFunds,
    KeyReused,
    OutOfStock,
    Refusal,
    RoleMissing,
    SessionEnded,
)
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.approvals import ApproveProduct
from tuckshop.till.commands.base import Command, Envelope, Outcome, Receipt
from tuckshop.till.commands.imports import ChangeProducts, ImportedProduct, UndoProducts
from tuckshop.till.commands.machines import CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import CloseWallet, PaySeller, ReverseTransfer, TopUp
from tuckshop.till.commands.users import CloseUser
from tuckshop.till.commands.wallet import Deposit, PayOut
from tuckshop.till.state import forms


def order(buyer: SessionCaller, product_id: int, **more: Any) -> PlaceOrder:
    return PlaceOrder(buyer, wallet_of(buyer.user_id), ((product_id, 1),), **more)


async def ask(shop: Shop, command: Command, key: str = "k", fingerprint: bytes = b"as before") -> Outcome:
    return await shop.till.execute(Envelope(command, key, fingerprint))


async def test_every_receipt_is_replayed_as_it_was_though_the_shop_has_moved_on(shop: Shop) -> None:
    shop.till.policy = replace(shop.till.policy, coins=CoinsPolicy.SELF)
    admin = await shop.person("admin", Role.ADMIN, Role.SELLER)
    ada, bob = await shop.buyer(cents=1000), await shop.buyer("bob")
    wallet = wallet_of(ada.user_id)
    hall = await shop.machine()
    cola = await shop.product(seller=admin)
    bought = await shop.buy(ada, (cola.product_id, 1))
    await shop.execute("UPDATE users SET tab_limit_cents = 500")
    (deposited, *_) = [row["id"] for row in await shop.rows("transfers") if row["kind"] == "deposit"]
    gum = await shop.product("gum", price_cents=50, seller=admin, refundable=False)
    await shop.buy(ada, (gum.product_id, 1))
    tab = await shop.buy(ada, (cola.product_id, 2), payment=Payment.TAB)
    commands: list[Command] = [
        Deposit(admin, wallet, {50: 1, 5: 1}),
        PlaceOrder(admin, wallet, ((cola.product_id, 2),), Change.RETURN, client_ref="ref"),
        Refund(admin, bought.order_id, {cola.product_id: 1}, "warm"),
        ReduceOrder(admin, tab.order_id, {cola.product_id: 1}),
        SettleTab(admin, ada.user_id, coins={50: 1}),
        PayOut(admin, wallet),
        ReverseTransfer(admin, deposited, "typed wrong", owe=True),
        AddProduct(admin, "tea", 7, 2, tax_basis_points=700, cost_cents=3),
        Restock(admin, cola.product_id, 1),
        ChangeProduct(admin, cola.product_id, name="cola zero", stock=4),
        ChangeProducts(
            admin, (AddProduct(admin, "mate", 9, 1), ChangeProduct(admin, cola.product_id, stock=5))
        ),
        UndoProducts(admin, (ImportedProduct(cola.product_id, 3, 1, 4, 5, {}),)),
        ApproveProduct(admin, cola.product_id),
        MoveStock(admin, 1, hall, cola.product_id, 1),
        SetShelves(admin, 1, (ShelfPlan(cola.product_id, "A1", 8, 4, 140),)),
        FillCoins(admin, 1, {20: 2}),
        CountCoins(admin, 1, dict.fromkeys((5, 10, 20, 50, 100), 1)),
        TopUp(admin, wallet, 200, "bank 1"),
        PaySeller(admin, admin.user_id, "bank 2"),
        CloseWallet(admin, wallet),
        register("dan", "dan@example.org", coins={50: 1}),
        CloseUser(admin, bob.user_id),
        RemoveProduct(admin, cola.product_id),
    ]
    first = [await ask(shop, command, f"key {place}") for place, command in enumerate(commands)]
    assert {type(outcome.answer) for outcome in first} == {
        one for one in forms.declared().values() if issubclass(one, Receipt)
    }
    shop.clock.forward(3600)
    before = await shop.books()
    for place, command in enumerate(commands):
        again = await ask(shop, command, f"key {place}")
        assert again == Outcome(first[place].answer, replayed=True)
    assert await shop.books() == before
    await shop.assert_clean()


async def test_a_refusal_is_replayed_though_it_would_pass_now(shop: Shop) -> None:
    ada, bob = await shop.buyer("ada", cents=100), await shop.buyer("bob", cents=150)
    cola = await shop.product(stock=1)
    dear = await ask(shop, order(ada, cola.product_id))
    assert dear == Outcome(InsufficientFunds(150, 100))
    wrong = await ask(shop, Deposit(OPERATOR, wallet_of(ada.user_id), {7: 1}))
    assert wrong == Outcome(CoinNotAccepted(7, (5, 10, 20, 50, 100)))
    sneaky = await ask(shop, AddProduct(bob, "tea", 100, 1))
    assert sneaky == Outcome(RoleMissing(("seller",)))
    await shop.do(Deposit(OPERATOR, wallet_of(ada.user_id), {50: 1}))
    before = await shop.books()
    assert await ask(shop, order(ada, cola.product_id)) == Outcome(InsufficientFunds(150, 100), replayed=True)
    assert (await ask(shop, Deposit(OPERATOR, wallet_of(ada.user_id), {7: 1}))).answer == wrong.answer
    assert (await ask(shop, AddProduct(bob, "tea", 100, 1))).answer == sneaky.answer
    assert await shop.books() == before
    assert isinstance((await ask(shop, order(ada, cola.product_id), "another key")).receipt(), OrderPlaced)


async def test_a_refusal_is_all_that_a_refused_command_leaves(shop: Shop) -> None:
    ada = await shop.buyer()
    cola = await shop.product()
    before = await shop.books()
    await ask(shop, order(ada, cola.product_id))
    after = await shop.books()
    (record,) = after.pop("idempotency")
    before.pop("idempotency")
    assert after == before
    assert (record["scope"], record["key"], record["kind"]) == (
        f"user:{ada.user_id}",
        "k",
        "refusal.insufficient-funds/1",
    )
    assert record["outcome"] == '{"needed_cents":150,"balance_cents":0}'
    assert (record["order_id"], record["refund_id"], record["transfer_id"]) == (None, None, None)


async def test_a_receipt_points_to_what_it_promises(shop: Shop) -> None:
    ada = await shop.buyer(cents=300)
    cola = await shop.product()
    placed = (await ask(shop, order(ada, cola.product_id), "order")).receipt()
    back = (await ask(shop, Refund(ada, placed.order_id), "refund")).receipt()  # type: ignore[attr-defined]
    put = (await ask(shop, Deposit(OPERATOR, wallet_of(ada.user_id), {5: 1}), "deposit")).receipt()
    records = {row["key"]: row for row in await shop.rows("idempotency")}
    assert records["order"]["order_id"] == placed.order_id  # type: ignore[attr-defined]
    assert records["refund"]["refund_id"] == back.refund_id  # type: ignore[attr-defined]
    assert records["deposit"]["transfer_id"] == put.transfer_id  # type: ignore[attr-defined]
    await shop.assert_clean()


@pytest.mark.parametrize("first_refused", [False, True])
async def test_another_request_with_the_key_is_told_so_and_writes_nothing(
    shop: Shop, *, first_refused: bool
) -> None:
    ada = await shop.buyer(cents=0 if first_refused else 500)
    cola = await shop.product()
    first = await ask(shop, order(ada, cola.product_id), "k", b"one")
    assert isinstance(first.answer, Refusal) is first_refused
    before = await shop.books()
    assert await ask(shop, order(ada, cola.product_id), "k", b"two") == Outcome(KeyReused("k"))
    assert await shop.books() == before
    again = await ask(shop, order(ada, cola.product_id), "k", b"one")
    assert again == Outcome(first.answer, replayed=True)


async def test_who_is_not_let_in_leaves_the_key_as_it_was(shop: Shop) -> None:
    ada = await shop.buyer(cents=300)
    cola = await shop.product()
    ended = SessionEnded()
    await shop.execute("UPDATE sessions SET ended_us = 1 WHERE id = :id", id=ada.session_id)
    before = await shop.books()
    assert await ask(shop, order(ada, cola.product_id)) == Outcome(ended)
    assert await shop.books() == before
    await shop.execute("UPDATE sessions SET ended_us = NULL WHERE id = :id", id=ada.session_id)
    placed = await ask(shop, order(ada, cola.product_id))
    placed.receipt()
    # And an answer is told again only to who is let in.
    await shop.execute("UPDATE sessions SET ended_us = 1 WHERE id = :id", id=ada.session_id)
    assert await ask(shop, order(ada, cola.product_id)) == Outcome(ended)


async def test_each_user_has_keys_of_their_own(shop: Shop) -> None:
    ada, bob = await shop.buyer("ada", cents=300), await shop.buyer("bob", cents=300)
    cola = await shop.product()
    outcomes = [await ask(shop, order(caller, cola.product_id)) for caller in (ada, bob)]
    by_operator = await ask(shop, PayOut(OPERATOR, wallet_of(bob.user_id)))
    assert [outcome.replayed for outcome in (*outcomes, by_operator)] == [False, False, False]
    scopes = {(row["scope"], row["key"]) for row in await shop.rows("idempotency")}
    assert scopes == {(f"user:{ada.user_id}", "k"), (f"user:{bob.user_id}", "k"), ("operator", "k")}


async def test_a_key_is_good_in_any_session_of_its_user(shop: Shop) -> None:
    ada = await shop.buyer(cents=300)
    cola = await shop.product()
    placed = await ask(shop, order(ada, cola.product_id))
    await shop.execute(
        "INSERT INTO sessions (user_id, generation, created_us, expires_us)"
        " VALUES (:user_id, 1, :now_us, :expires_us)",
        user_id=ada.user_id,
        now_us=shop.clock.now_us,
        expires_us=shop.clock.now_us + 1,
    )
    phone = SessionCaller((await shop.rows("sessions"))[-1]["id"], ada.user_id)
    again = await ask(shop, order(phone, cola.product_id))
    assert again == Outcome(placed.answer, replayed=True)


async def test_duplicates_in_one_batch_have_one_effect(shop: Shop) -> None:
    ada = await shop.buyer(cents=1000)
    cola = await shop.product()
    batches = shop.till.tally.batches
    envelopes = [Envelope(order(ada, cola.product_id), "k", b"same") for _ in range(20)]
    envelopes.insert(10, Envelope(order(ada, cola.product_id), "k", b"other"))
    outcomes = await shop.till.execute_together(envelopes)
    assert shop.till.tally.batches == batches + 1
    assert outcomes.pop(10) == Outcome(KeyReused("k"))
    assert [outcome.replayed for outcome in outcomes] == [False] + [True] * 19
    assert all(outcome.answer == outcomes[0].answer for outcome in outcomes)
    assert len(await shop.rows("orders")) == 1
    await shop.assert_clean()


async def test_without_a_key_every_request_counts(shop: Shop) -> None:
    ada = await shop.buyer(cents=450)
    cola = await shop.product(stock=2)
    outcomes = await asyncio.gather(
        *(shop.till.execute(Envelope(order(ada, cola.product_id), None, b"same")) for _ in range(3))
    )
    assert [type(outcome.answer).__name__ for outcome in outcomes] == [
        "OrderPlaced",
        "OrderPlaced",
        "OutOfStock",
    ]
    assert outcomes[2].answer == OutOfStock(cola.product_id, 0)
    assert await shop.rows("idempotency") == []


async def test_the_stock_in_a_receipt_stays_that_of_its_moment(shop: Shop) -> None:
    cola = await shop.product(stock=1)
    command = Restock(OPERATOR, cola.product_id, 1)
    first = (await ask(shop, command)).receipt()
    await shop.do(Restock(OPERATOR, cola.product_id, 5))
    again = (await ask(shop, command)).receipt()
    assert isinstance(first, ProductRecord)
    assert (first, first.stock) == (again, 2)
