"""What the office does, written down with the act itself: how things stood before it, and after.

The office is every cashier, every admin, and the operator at the command line. What people do with what is
their own as buyers and sellers leaves no line, and neither do machines. Nor do sales: each is a record by
itself that nobody changes, and tells who made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, assert_never

from tuckshop.domain.ledger import AccountRef, earnings_of, tab_of, wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.users import Actor, Role
from tuckshop.store.admin_log import VERSIONS, written
from tuckshop.till.commands import refunds
from tuckshop.till.commands.base import (
    AddProduct,
    CancelOrder,
    ChangeGoods,
    ChangeProduct,
    CloseUser,
    CloseWallet,
    CollectCoins,
    Command,
    CountCoins,
    Deposit,
    Dispense,
    FillCoins,
    MoveStock,
    PayOut,
    PaySeller,
    PlaceOrder,
    ProductStands,
    ReduceOrder,
    Refund,
    RefundNewest,
    Register,
    RemoveProduct,
    Restock,
    SendMoney,
    SetShelves,
    SettleTab,
    TopUp,
)
from tuckshop.till.state.working_set import AdminLogRow, Page

Facts = dict[str, Any]
R = TypeVar("R")

ACTIONS: dict[type[Command], str] = {
    Deposit: "wallet.deposit",
    PayOut: "wallet.payout",
    TopUp: "wallet.topup",
    CloseWallet: "wallet.close",
    SettleTab: "tab.settle",
    PaySeller: "earnings.payout",
    Refund: "order.refund",
    CancelOrder: "order.cancel",
    ReduceOrder: "order.reduce",
    Dispense: "order.dispense",
    FillCoins: "coins.fill",
    CollectCoins: "coins.collect",
    CountCoins: "coins.count",
    AddProduct: "product.add",
    ChangeProduct: "product.change",
    Restock: "product.restock",
    RemoveProduct: "product.remove",
    MoveStock: "product.move",
    SetShelves: "machine.shelves",
    CloseUser: "user.close",
}
"""What the log calls each command that can be an act of the office."""


def logged(command: Command, actor: Actor, page: Page, decide: Callable[[], R]) -> R:
    """What is decided; an act of the office leaves a line, written with what it changes or not at all."""
    about = refunds.newest(command, page) if isinstance(command, RefundNewest) else command
    if about is None or not _is_of_office(about, actor, page):
        return decide()
    before = _stands(about, page)
    receipt = decide()
    if isinstance(about, AddProduct):
        assert isinstance(receipt, ProductStands)
        subject = f"product:{receipt.product_id}"
        after = _product(page, receipt.product_id, [about.machine_id])
    else:
        subject, after = _subject(about), _stands(about, page)
        if isinstance(about, ChangeProduct) and after == before:
            return receipt  # A form sent as it came: no rows change, so none tells of it.
    action = ACTIONS[type(about)]
    page.changes.admin_log.append(
        AdminLogRow(
            actor.user_id,
            action,
            subject,
            written(before),
            written(after),
            page.now_us,
            VERSIONS[action],
        )
    )
    return receipt


def _is_of_office(command: Command, actor: Actor, page: Page) -> bool:
    """Whether this is done by virtue of an office, and not with what is the actor's own."""
    if type(command) not in ACTIONS or not actor.has(Role.CASHIER, Role.ADMIN):
        return False
    match command:
        case ChangeProduct() | Restock() | RemoveProduct() | MoveStock():
            product = page.products.get(command.product_id)
            return product is None or product.seller_id is None or product.seller_id != actor.user_id
        case AddProduct():
            return command.for_house or command.seller_id not in (None, actor.user_id)
        case CloseWallet(wallet=wallet):
            return wallet.user_id is None or wallet.user_id != actor.user_id
        case CloseUser(user_id=user_id):
            return user_id != actor.user_id
        case Refund() | Dispense():
            # Not of the buyer either: the office is bound by no window.
            return not _sells(actor, page, command)
        case CancelOrder() | ReduceOrder():
            order = page.orders.get(command.order_id)
            return actor.user_id is None or order is None or order.wallet.user_id != actor.user_id
        case _:
            return True


def _sells(actor: Actor, page: Page, command: Refund | Dispense) -> bool:
    """Whether all that the command is about is the actor's own ware."""
    order = page.orders.get(command.order_id)
    if order is None or not actor.has(Role.SELLER):
        return False
    named = command.quantities if isinstance(command, Refund) else None
    return all(
        line.seller_id == actor.user_id for line in order.lines if named is None or line.product_id in named
    )


def _stands(command: Command, page: Page) -> Facts | None:
    """How that stands which the command is about; None for what is not there, or no more."""
    match command:
        case Deposit() | PayOut() | TopUp() | CloseWallet():
            return {"balance_cents": page.balances.get(command.wallet, 0)}
        case SettleTab(user_id=user_id):
            owed_cents = -page.balances.get(tab_of(user_id), 0)
            return {"owed_cents": owed_cents, "balance_cents": page.balances.get(wallet_of(user_id), 0)}
        case PaySeller(seller_id=seller_id):
            added_cents = page.changes.added_cents.get(earnings_of(seller_id), 0)
            return {"balance_cents": page.earnings.get(seller_id, 0) + added_cents}
        case Refund() | CancelOrder() | ReduceOrder() | Dispense():
            return _order(page, command.order_id)
        case FillCoins() | CollectCoins() | CountCoins():
            box = page.boxes.get(command.machine_id)
            return None if box is None else {"coins": dict(sorted(box.held.items()))}
        case ChangeProduct() | Restock() | RemoveProduct():
            machines = [machine_id for machine_id, one in page.shelves if one == command.product_id]
            return _product(page, command.product_id, machines)
        case MoveStock():
            return _product(page, command.product_id, [command.machine_id, command.target_id])
        case SetShelves():
            return _shelves(page, command.machine_id)
        case CloseUser():
            return _user(page, command.user_id)
        case AddProduct() | ChangeGoods() | PlaceOrder() | RefundNewest() | Register() | SendMoney():
            return None
        case _:
            assert_never(command)


def _subject(command: Command) -> str:
    match command:
        case Refund() | CancelOrder() | ReduceOrder() | Dispense():
            return f"order:{command.order_id}"
        case FillCoins() | CollectCoins() | CountCoins() | SetShelves():
            return f"machine:{command.machine_id}"
        case ChangeProduct() | Restock() | RemoveProduct() | MoveStock():
            return f"product:{command.product_id}"
        case SettleTab() | CloseUser():
            return f"user:{command.user_id}"
        case PaySeller():
            return f"user:{command.seller_id}"
        case Deposit() | PayOut() | TopUp() | CloseWallet():
            return _owner(command.wallet)
        case AddProduct() | ChangeGoods() | PlaceOrder() | RefundNewest() | Register() | SendMoney():
            raise AssertionError("is named by its receipt, or leaves no line")
        case _:
            assert_never(command)


def _owner(wallet: AccountRef) -> str:
    return f"guest:{wallet.guest_id}" if wallet.user_id is None else f"user:{wallet.user_id}"


def _order(page: Page, order_id: int) -> Facts | None:
    order = page.orders.get(order_id)
    if order is None:
        return None
    return {"status": order.status, "quantities": {line.product_id: line.left for line in order.lines}}


def _product(page: Page, product_id: int, machines: Iterable[int]) -> Facts | None:
    product = page.products.get(product_id)
    if product is None or not product.on_sale:
        return None
    shelves = (page.shelves.get((machine_id, product_id)) for machine_id in sorted(set(machines)))
    return {
        "name": product.name,
        "price_cents": product.price_cents,
        "cost_cents": product.cost_cents,
        "tax_basis_points": product.tax_basis_points,
        "refundable": product.refundable,
        "image": product.image_id,
        "stock": {shelf.machine_id: shelf.quantity for shelf in shelves if shelf is not None},
    }


def _shelves(page: Page, machine_id: int) -> Facts:
    unplanned = {ref: ShelfPlan(ref[1]) for ref in page.shelves}  # Those that this very batch has made.
    plans = unplanned | page.plans | page.changes.plans
    return {
        "shelves": {
            product_id: {
                "slot": plan.slot,
                "capacity": plan.capacity,
                "par_level": plan.par_level,
                "price_cents": plan.price_cents,
            }
            for (of_id, product_id), plan in sorted(plans.items())
            if of_id == machine_id
        }
    }


def _user(page: Page, user_id: int) -> Facts | None:
    standing = page.standings.get(user_id)
    if standing is None:
        return None
    return {
        "username": standing.username,
        "roles": [role for role in Role if role in standing.roles],
        "state": standing.state,
        "balance_cents": page.balances.get(wallet_of(user_id), 0),
    }
