"""What the office does is written down with the act: how things stood before it, and after."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.shop import NOON_US, Shop
from tests.till.plans import heard
from tests.till.reading import refuse
from tests.till.registering import register
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.money import EURO
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.refusals import RoleMissing, UnknownOrder, UnknownProduct
from tuckshop.domain.users import Actor, Role, UserState
from tuckshop.till.callers import OPERATOR, SessionCaller, user_of
from tuckshop.till.commands import base
from tuckshop.till.commands.approvals import ApproveProduct
from tuckshop.till.commands.base import (
    COMMANDS,
    Command,
    Envelope,
    LogSubject,
    Receipt,
    execute_logged,
)
from tuckshop.till.commands.imports import ChangeProducts, ProductsChanged, UndoProducts
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import CancelOrder, Dispense, OrderPlaced, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund, RefundNewest
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import CloseWallet, PaySeller, ReverseTransfer, SendMoney, TopUp
from tuckshop.till.commands.users import CloseUser, NewUser, Register
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PayOut
from tuckshop.till.policy import Policy
from tuckshop.till.sql.steps import Insert, Read, Reserve
from tuckshop.till.state.working_set import WorkingSet

Line = tuple[str, str, Any, Any]
COIN = {100: 1}


async def log(shop: Shop) -> list[dict[str, Any]]:
    return await shop.rows("admin_log")


async def lines(shop: Shop, command: Command) -> list[Line]:
    """What the command adds to the log: action, subject, before and after; who and when are looked at."""
    known = len(await log(shop))
    await shop.do(command)
    added = (await log(shop))[known:]
    assert {row["actor_id"] for row in added} <= {user_of(command.caller)}
    assert {row["created_us"] for row in added} <= {shop.clock.now_us}
    read = [
        [None if row[name] is None else json.loads(row[name]) for name in ("before", "after")]
        for row in added
    ]
    return [(row["action"], row["subject"], *told) for row, told in zip(added, read, strict=True)]


async def order(shop: Shop, buyer: SessionCaller, product: int, quantity: int = 1, **more: Any) -> int:
    placed = await shop.do(PlaceOrder(buyer, wallet_of(buyer.user_id), ((product, quantity),), **more))
    assert isinstance(placed, OrderPlaced)
    return placed.order_id


ACTS = {one for one in COMMANDS.values() if one.log_line is not Command.log_line} - {RefundNewest}


def test_every_command_is_an_act_or_is_none() -> None:
    # Money is sent by its owner alone; the others come down to acts.
    none = {SendMoney, ChangeProducts, UndoProducts, RefundNewest}
    assert ACTS | none == set(COMMANDS.values())
    assert not ACTS & none


class Silent(Command, frozen=True):
    """Would tell of itself before it is done, and no more after it."""

    def execute(self, actor: Actor, work: WorkingSet) -> Receipt:
        return Receipt()

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        assert actor.has(Role.CASHIER, Role.ADMIN)
        return LogSubject("silence", "shop", None) if receipt is None else None


def test_what_has_nothing_to_tell_in_the_end_leaves_no_line() -> None:
    work = WorkingSet(policy=Policy(currency=EURO), now_us=NOON_US, day=1, new_ids={})
    for roles in (frozenset({Role.ADMIN}), frozenset({Role.BUYER})):
        assert execute_logged(Silent(OPERATOR), Actor(1, roles), work) == Receipt()
    assert work.changes.admin_log == []


def test_a_tag_is_one_command_s() -> None:
    assert base.command(PlaceOrder.tag)(PlaceOrder) is PlaceOrder
    with pytest.raises(ValueError, match="is another command's"):
        base.command(PlaceOrder.tag)(Silent)


async def test_each_act_with_before_and_after(shop: Shop) -> None:
    root, cas = await shop.person("root", Role.ADMIN), await shop.person("cas", Role.CASHIER)
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer("ada", cents=1000)
    await shop.execute("UPDATE users SET tab_limit_cents = 900 WHERE username = 'ada'")
    wallet, ada_id, sam_id = wallet_of(ada.user_id), ada.user_id, sam.user_id
    hall = await shop.machine()
    cola = (await shop.product("cola", price_cents=100, stock=20, seller=sam)).product_id
    sold = await order(shop, ada, cola, 2)
    waiting = [await order(shop, ada, cola, 2, fulfil=Fulfil.LATER) for _ in range(2)]
    waiting += [await order(shop, ada, cola, fulfil=Fulfil.LATER) for _ in range(2)]
    await order(shop, ada, cola, 2, payment=Payment.TAB, fulfil=Fulfil.NOW)

    def stands(status: str, left: int) -> dict[str, Any]:
        return {"status": status, "quantities": {str(cola): left}}

    def cents(figure: int) -> dict[str, int]:
        return {"balance_cents": figure}

    me = f"user:{ada_id}"
    ware = {
        "name": "cola", "price_cents": 100, "cost_cents": 0, "tax_basis_points": 0,
        "refundable": True, "image": None, "category": None, "barcode": None,
    }  # fmt: skip

    def product(stock: dict[int, int], **more: Any) -> dict[str, Any]:
        return {**ware, "stock": {str(machine): left for machine, left in stock.items()}, **more}

    acts: list[tuple[Command, str, str, Any, Any]] = [
        (Deposit(cas, wallet, COIN), "wallet.deposit", me, cents(200), cents(300)),
        (TopUp(root, wallet, 50, "bank 1"), "wallet.topup", me, cents(300), cents(350)),
        (Refund(cas, sold, {cola: 1}), "order.refund", f"order:{sold}",
         stands("dispensed", 2), stands("partly_refunded", 1)),
        (CancelOrder(cas, waiting[0]), "order.cancel", f"order:{waiting[0]}",
         stands("placed", 2), stands("cancelled", 0)),
        (ReduceOrder(cas, waiting[1], {cola: 1}), "order.reduce", f"order:{waiting[1]}",
         stands("placed", 2), stands("placed", 1)),
        (Dispense(cas, waiting[2]), "order.dispense", f"order:{waiting[2]}",
         stands("placed", 1), stands("dispensed", 1)),
        (Dispense(cas, waiting[3], failed=True), "order.dispense", f"order:{waiting[3]}",
         stands("placed", 1), stands("failed", 0)),
        (SettleTab(cas, ada_id, coins=COIN), "tab.settle", me,
         {"owed_cents": 200, "balance_cents": 850}, {"owed_cents": 100, "balance_cents": 850}),
        (FillCoins(cas, hall, {50: 2}), "coins.fill", f"machine:{hall}",
         {"coins": dict.fromkeys(("5", "10", "20", "50", "100"), 0)},
         {"coins": {"5": 0, "10": 0, "20": 0, "50": 2, "100": 0}}),
        (CountCoins(cas, hall, {5: 0, 10: 0, 20: 0, 50: 3, 100: 0}), "coins.count", f"machine:{hall}",
         {"coins": {"5": 0, "10": 0, "20": 0, "50": 2, "100": 0}},
         {"coins": {"5": 0, "10": 0, "20": 0, "50": 3, "100": 0}}),
        (CollectCoins(cas, hall, {50: 1}), "coins.collect", f"machine:{hall}",
         {"coins": {"5": 0, "10": 0, "20": 0, "50": 3, "100": 0}},
         {"coins": {"5": 0, "10": 0, "20": 0, "50": 2, "100": 0}}),
        (Restock(root, cola, 2), "product.restock", f"product:{cola}", product({1: 15}), product({1: 17})),
        (MoveStock(root, 1, hall, cola, 3), "product.move", f"product:{cola}",
         product({1: 17}), product({1: 14, hall: 3})),
        (ChangeProduct(root, cola, price_cents=120, stock=0), "product.change", f"product:{cola}",
         product({1: 14, hall: 3}), product({1: 0, hall: 3}, price_cents=120)),
        (SetShelves(root, hall, (ShelfPlan(cola, "A1", 9, 7, 90),)), "machine.shelves", f"machine:{hall}",
         {"shelves": {str(cola): dict.fromkeys(("slot", "capacity", "par_level", "price_cents"))}},
         {"shelves": {str(cola): {"slot": "A1", "capacity": 9, "par_level": 7, "price_cents": 90}}}),
        (RemoveProduct(root, cola), "product.remove", f"product:{cola}",
         product({1: 0, hall: 3}, price_cents=120), None),
        (PayOut(cas, wallet), "wallet.payout", me, cents(850), cents(0)),
        (CloseWallet(root, wallet), "wallet.close", me, cents(0), cents(0)),
    ]  # fmt: skip
    seen = set()
    for command, *line in acts:
        assert await lines(shop, command) == [tuple(line)], command
        seen.add(type(command))
    wrong = await shop.do(Deposit(OPERATOR, wallet, COIN))
    assert isinstance(wrong, CoinsDeposited)
    ((action, subject, before, after),) = await lines(shop, ReverseTransfer(cas, wrong.transfer_id, "typed"))
    assert (action, subject) == ("transfer.reverse", f"transfer:{wrong.transfer_id}")
    assert before == {"reversal": None, "owed_cents": 100, "balance_cents": 100}
    (reversal,) = [row["id"] for row in await shop.rows("transfers") if row["reverses_id"]]
    assert after == {"reversal": reversal, "owed_cents": 100, "balance_cents": 0, "reason": "typed"}
    shop.clock.forward(3600)
    # 2 x 100 sold, one of them back; one to be handed out, one handed out; 200 on the tab, 100 of it owed.
    ((action, subject, before, after),) = await lines(shop, PaySeller(root, sam_id, "pay 1", 100))
    assert (action, subject) == ("earnings.payout", f"user:{sam_id}")
    assert before["balance_cents"] - after["balance_cents"] == 100
    bob = await shop.buyer("bob", cents=20)
    gone = {"roles": ["buyer"], "state": "active", "balance_cents": 20}
    assert await lines(shop, CloseUser(root, bob.user_id)) == [
        ("user.close", f"user:{bob.user_id}", gone, {**gone, "state": "closed", "balance_cents": 0})
    ]
    ((action, _, before, after),) = await lines(shop, AddProduct(root, "tea", 70, 3, for_house=True))
    assert (action, before, after["name"], after["stock"]) == ("product.add", None, "tea", {"1": 3})
    await shop.execute("INSERT INTO waiting_products SELECT id, 1 FROM products WHERE name = 'tea'")
    tea = (await shop.rows("products"))[-1]["id"]
    assert await lines(shop, ApproveProduct(root, tea)) == [
        (
            "product.approve",
            f"product:{tea}",
            {"name": "tea", "waiting": True},
            {"name": "tea", "waiting": False},
        )
    ]
    added = NewUser("lea", None, "no hash", frozenset({Role.CASHIER, Role.SELLER}), UserState.ACTIVE)
    ((action, subject, before, after),) = await lines(shop, Register(OPERATOR, added))
    assert (action, before) == ("user.add", None)
    assert {"id": int(subject.removeprefix("user:"))}.items() <= (await shop.rows("users"))[-1].items()
    assert after == {"username": "lea", "roles": ["seller", "cashier"], "state": "active"}
    assert await lines(shop, register("tom")) == []
    nuts = (await shop.product("nuts", price_cents=10, stock=2)).product_id
    lea = await shop.buyer("lee", cents=20)
    ((action, subject, *told),) = await lines(shop, PlaceOrder(cas, wallet_of(lea.user_id), ((nuts, 2),)))
    assert (action, subject) == ("order.place", f"order:{(await shop.rows('orders'))[-1]['id']}")
    assert told == [None, {"status": "dispensed", "quantities": {str(nuts): 2}}]
    alone = {ReverseTransfer, PaySeller, CloseUser, AddProduct, ApproveProduct, Register, PlaceOrder}
    assert seen | alone == ACTS
    await shop.assert_clean()


async def test_what_people_do_with_their_own_leaves_no_line_whatever_else_they_are(shop: Shop) -> None:
    ida = await shop.person("ida", *Role)
    await shop.person("root", Role.ADMIN)
    wallet, tea = wallet_of(ida.user_id), await shop.product("tea", stock=9)
    hall, bob = await shop.machine(), await shop.buyer("bob")
    await shop.do(Deposit(OPERATOR, wallet, {100: 20}))
    known = await log(shop)
    added = await shop.do(AddProduct(ida, "cola", 100, 9))
    assert isinstance(added, ProductRecord)
    cola = added.product_id
    waiting = [await order(shop, ida, cola, 2, fulfil=Fulfil.LATER) for _ in range(3)]
    own: list[Command] = [
        ChangeProduct(ida, cola, price_cents=110),
        Restock(ida, cola, 2),
        MoveStock(ida, 1, hall, cola, 1),
        ChangeProducts(ida, (AddProduct(ida, "nuts", 5, 1), ChangeProduct(ida, cola, price_cents=100))),
        ReduceOrder(ida, waiting[0], {cola: 1}),
        CancelOrder(ida, waiting[0]),
        Dispense(ida, waiting[1]),
        Refund(ida, waiting[1]),
        Dispense(ida, waiting[2], failed=True),
        SendMoney(ida, wallet, wallet_of(bob.user_id), 20),
        PlaceOrder(ida, wallet_of(bob.user_id), ((tea.product_id, 0),)),
        RemoveProduct(ida, cola),
        CloseWallet(ida, wallet),
    ]
    for command in own:
        await shop.till.execute(Envelope(command))
    assert await log(shop) == known
    await shop.assert_clean()


async def test_what_staff_may_as_every_customer_leaves_no_line(shop: Shop) -> None:
    cas = await shop.person("cas", Role.CASHIER, Role.BUYER)
    cola = (await shop.product(price_cents=100)).product_id
    await shop.do(Deposit(OPERATOR, wallet_of(cas.user_id), COIN))
    bought = await order(shop, cas, cola)
    assert await lines(shop, Refund(cas, bought)) == []


async def test_machines_leave_no_line_and_guests_refunds_by_the_office_do(shop: Shop) -> None:
    cas, hall = await shop.person("cas", Role.CASHIER), await shop.machine()
    door, guest = await shop.machine_key(hall), await shop.guest()
    gum = (await shop.product("gum", price_cents=10, machine_id=hall)).product_id
    known = len(await log(shop))
    await shop.do(Deposit(door, guest, COIN, hall))
    for _ in range(2):
        await shop.do(PlaceOrder(door, guest, ((gum, 1),), machine_id=hall))
    await shop.do(RefundNewest(door, guest, gum, hall))
    assert len(await log(shop)) == known
    ((action, subject, before, after),) = await lines(shop, RefundNewest(cas, guest, gum, hall))
    assert (action, subject) == ("order.refund", f"order:{(await shop.rows('orders'))[0]['id']}")
    assert (before["status"], after["status"]) == ("dispensed", "refunded")


async def test_a_product_added_for_a_seller_is_an_act_and_ones_own_is_none(shop: Shop) -> None:
    root, sam = await shop.person("root", Role.ADMIN, Role.SELLER), await shop.person("sam", Role.SELLER)
    acts = [
        AddProduct(root, "for sam", 5, 1, seller_id=sam.user_id),
        AddProduct(root, "for the house", 5, 1, for_house=True),
        AddProduct(root, "own", 5, 1),
        AddProduct(root, "own, said", 5, 1, seller_id=root.user_id),
    ]
    assert [len(await lines(shop, act)) for act in acts] == [1, 1, 0, 0]


async def test_of_what_several_sell_each_gives_back_their_own_without_a_line(shop: Shop) -> None:
    sam, sue = await shop.person("sam", Role.SELLER, Role.CASHIER), await shop.person("sue", Role.SELLER)
    ada = await shop.buyer("ada", cents=300)
    cola = (await shop.product("cola", price_cents=50, seller=sam)).product_id
    tea = (await shop.product("tea", price_cents=50, seller=sue)).product_id
    sold = (await shop.buy(ada, (cola, 3), (tea, 2))).order_id
    assert await lines(shop, Refund(sam, sold, {cola: 1})) == []
    assert len(await lines(shop, Refund(sam, sold, {tea: 1}))) == 1
    assert len(await lines(shop, Refund(sam, sold, {cola: 1, tea: 1}))) == 1
    await shop.execute("UPDATE users SET is_seller = :no WHERE username = 'sam'", no=False)
    assert len(await lines(shop, Refund(sam, sold, {cola: 1}))) == 1
    for by in (sam, await shop.person("cas", Role.CASHIER, Role.SELLER)):
        await refuse(shop, Refund(by, 999), UnknownOrder(999))


async def test_who_leaves_leaves_no_line(shop: Shop) -> None:
    root, boss = await shop.person("root", Role.ADMIN), await shop.person("boss", Role.ADMIN)
    assert await lines(shop, CloseUser(boss, boss.user_id)) == []
    assert len(await lines(shop, CloseUser(root, (await shop.buyer("ada")).user_id))) == 1


async def test_a_form_sent_as_it_came_leaves_no_line(shop: Shop) -> None:
    gum = (await shop.product("gum", price_cents=10, stock=3)).product_id
    assert await lines(shop, ChangeProduct(OPERATOR, gum, price_cents=10, stock=3)) == []
    assert len(await lines(shop, ChangeProduct(OPERATOR, gum, price_cents=11, stock=3))) == 1


async def test_what_belongs_to_no_user_is_not_the_operators_own(shop: Shop) -> None:
    """Neither has the number of a user."""
    guest, gum = await shop.guest(), (await shop.product("gum", price_cents=10)).product_id
    name = f"guest:{guest.guest_id}"
    acts: list[tuple[Command, str, str]] = [
        (Restock(OPERATOR, gum, 1), "product.restock", f"product:{gum}"),
        (Deposit(OPERATOR, guest, COIN), "wallet.deposit", name),
        (PlaceOrder(OPERATOR, guest, ((gum, 1),), fulfil=Fulfil.LATER), "", ""),
        (CancelOrder(OPERATOR, 1), "order.cancel", "order:1"),
        (CloseWallet(OPERATOR, guest), "wallet.close", name),
    ]
    for act, action, subject in acts:
        assert [(line[0], line[1]) for line in await lines(shop, act)] == (
            [(action, subject)] if action else []
        )


async def test_of_a_list_of_changes_each_has_its_line_or_none_has(shop: Shop) -> None:
    root, sam = await shop.person("root", Role.ADMIN), await shop.person("sam", Role.SELLER)
    cola = (await shop.product(price_cents=100, seller=sam)).product_id
    cheaper, dearer = (ChangeProduct(root, cola, price_cents=cents) for cents in (90, 120))
    told = await lines(shop, ChangeProducts(root, (cheaper, dearer)))
    assert [(before["price_cents"], after["price_cents"]) for _, _, before, after in told] == [
        (100, 90),
        (90, 120),
    ]
    lost = ChangeProduct(root, 999, price_cents=5)
    await refuse(shop, ChangeProducts(root, (cheaper, lost)), UnknownProduct(999))


async def test_a_refused_or_repeated_act_leaves_none(shop: Shop) -> None:
    cas, ada = await shop.person("cas", Role.CASHIER), await shop.buyer("ada")
    wallet = wallet_of(ada.user_id)
    await refuse(shop, TopUp(cas, wallet, 50, "bank 1"), RoleMissing((Role.ADMIN,)))
    for _ in range(2):
        await shop.do(Deposit(cas, wallet, COIN), key="once")
    assert [row["action"] for row in await log(shop)] == ["wallet.deposit"]


async def test_a_batch_of_purchases_says_nothing_for_the_log_or_for_closing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, root = await shop.buyer("ada", cents=1000), await shop.person("root", Role.ADMIN, Role.BUYER)
    await shop.do(Deposit(OPERATOR, wallet_of(root.user_id), {100: 1}))
    cola = (await shop.product(price_cents=10, stock=40)).product_id
    steps = heard(monkeypatch)
    for caller in (ada, root):
        wallet = wallet_of(caller.user_id)
        buying = [Envelope(PlaceOrder(caller, wallet, ((cola, 1),), client_ref=None)) for _ in range(9)]
        for outcome in await shop.till.execute_together(buying):
            outcome.receipt()
    said = Counter(
        about.name if isinstance(about, Read) else f"{type(about).__name__} {about.table.name}"
        for about, _ in (step for step in steps if not isinstance(step, Reserve))
    )
    assert not said.keys() & {"held", "admins", "log_ins", "products_of", "earned"}
    assert not {f"{Insert.__name__} admin_log", "Update users", "Update sessions"} & said.keys()
    assert max(said.values()) <= 4  # In two batches; accounts are set, and earnings added to.


async def test_of_an_import_that_is_undone_each_product_has_its_line(shop: Shop) -> None:
    root, sam = await shop.person("root", Role.ADMIN), await shop.person("sam", Role.SELLER)
    cola = (await shop.product(price_cents=100, seller=sam)).product_id
    steps = (ChangeProduct(root, cola, price_cents=90), AddProduct(root, "nuts", 5, 1, seller_id=sam.user_id))
    changed = await shop.do(ChangeProducts(root, steps))
    assert isinstance(changed, ProductsChanged)
    told = await lines(shop, UndoProducts(root, changed.done))
    assert [line[:2] for line in told] == [
        ("product.remove", f"product:{changed.done[1].product_id}"),
        ("product.change", f"product:{cola}"),
    ]
    assert await lines(shop, UndoProducts(root, changed.done)) == []
