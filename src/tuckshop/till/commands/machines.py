"""Coin boxes and shelves of machines, decided on the page.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from typing import assert_never

from tuckshop.domain import machines
from tuckshop.domain import products as catalogue
from tuckshop.domain.field_problems import SameMachine
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.products import StockKind
from tuckshop.domain.refusals import InvalidField, NotOwner, PlanChanged, RoleMissing
from tuckshop.domain.users import Actor, Role
from tuckshop.till.commands.base import (
    BoxMoved,
    CoinsCounted,
    CollectCoins,
    Command,
    CountCoins,
    Deposit,
    FillCoins,
    MoveStock,
    PayOut,
    PlaceOrder,
    Refund,
    RefundNewest,
    SetShelves,
    ShelfStands,
    ShelvesSet,
    StockMoved,
)
from tuckshop.till.policy import Policy
from tuckshop.till.state.posting import box_of, move_coins, move_stock, open_shelf, post, shelf_of
from tuckshop.till.state.working_set import Page, Wanted

MachineCommand = FillCoins | CollectCoins | CountCoins | MoveStock | SetShelves


def wants(command: MachineCommand, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know."""
    match command:
        case FillCoins() | CollectCoins():
            wanted.counting.add(command.machine_id)  # For the admin log.
            wanted.new_ids["transfers"] += 1
        case CountCoins():
            wanted.counting.add(command.machine_id)
            wanted.new_ids["transfers"] += 2
        case MoveStock():
            wanted.changing.add(command.product_id)
            wanted.machines.add(command.target_id)
            wanted.shelves.add((command.machine_id, command.product_id))
            wanted.shelves.add((command.target_id, command.product_id))
        case SetShelves():
            wanted.changing.update(plan.product_id for plan in command.plans)
            wanted.stands.add(command.machine_id)
        case _:
            assert_never(command)


def decide(
    command: MachineCommand, actor: Actor, page: Page, policy: Policy
) -> BoxMoved | CoinsCounted | StockMoved | ShelvesSet:
    """What becomes of the command."""
    match command:
        case FillCoins() | CollectCoins():
            return carry(command, actor, page, policy)
        case CountCoins():
            return count(command, actor, page, policy)
        case MoveStock():
            return move(command, actor, page)
        case SetShelves():
            return set_shelves(command, actor, page)
        case _:
            assert_never(command)


def require_own(command: Command, actor: Actor) -> None:
    """A machine's key is good for its own coins, and for sales to its guests; nothing else.

    Whose order may come back is for the order to say: see `domain.orders.rights`.
    """
    if isinstance(command, Refund):
        return
    if not isinstance(command, Deposit | PayOut | PlaceOrder | RefundNewest):
        raise RoleMissing(roles=tuple(Role))
    if command.machine_id != actor.machine_id:
        raise NotOwner(thing="machine")
    if isinstance(command, PlaceOrder) and command.wallet.guest_id is None:
        raise NotOwner(thing="wallet")  # Users say for themselves what they buy.


def carry(command: FillCoins | CollectCoins, actor: Actor, page: Page, policy: Policy) -> BoxMoved:
    """Coins from the bank into a box, or out of it to the bank."""
    actor.require(Role.CASHIER, Role.ADMIN)
    box = box_of(page, command.machine_id)
    act, sign = (machines.fill, 1) if isinstance(command, FillCoins) else (machines.collect, -1)
    moved = act(box, command.coins, known=policy.currency.values_cents)
    transfer_id = post(page, moved.transfer, actor, machine_id=box.machine_id, reason=command.reason)
    move_coins(page, box, moved.coins, sign, transfer_id, actor, reason=command.reason)
    return BoxMoved(transfer_id, box.machine_id, moved.transfer.amount_cents, dict(moved.coins), page.now_us)


def count(command: CountCoins, actor: Actor, page: Page, policy: Policy) -> CoinsCounted:
    """A box counted; coins found and coins missed go over or short."""
    actor.require(Role.CASHIER, Role.ADMIN)
    box = box_of(page, command.machine_id)
    found = machines.count(box, command.counted, known=policy.currency.values_cents)
    for moved, sign in ((found.over, 1), (found.short, -1)):
        if moved is not None:
            transfer_id = post(page, moved.transfer, actor, machine_id=box.machine_id, reason=command.reason)
            move_coins(
                page,
                page.boxes[box.machine_id],
                moved.coins,
                sign,
                transfer_id,
                actor,
                reason=command.reason,
            )
    return CoinsCounted(box.machine_id, found.expected, found.counted, found.over_short_cents, page.now_us)


def move(command: MoveStock, actor: Actor, page: Page) -> StockMoved:
    """Pieces from one machine's shelf to another's: two movements that add up to nothing."""
    product = catalogue.require_on_sale(page.products.get(command.product_id), command.product_id)
    catalogue.require_owner(actor, product)
    box_of(page, command.machine_id)
    box_of(page, command.target_id)
    if command.target_id == command.machine_id:
        raise InvalidField(field="to", problem=SameMachine())
    quantity = catalogue.check_quantity(command.quantity, field="quantity", least=1)
    out = catalogue.move(shelf_of(page, command.machine_id, product.id), StockKind.MOVE, -quantity)
    into = catalogue.move(shelf_of(page, command.target_id, product.id), StockKind.MOVE, quantity)
    open_shelf(page, command.target_id, product.id)
    for movement in (out, into):
        move_stock(page, movement, actor, reason=command.reason)
    return StockMoved(
        product.id,
        command.machine_id,
        shelf_of(page, command.machine_id, product.id).quantity,
        command.target_id,
        shelf_of(page, command.target_id, product.id).quantity,
    )


def set_shelves(command: SetShelves, actor: Actor, page: Page) -> ShelvesSet:
    """All of a machine's shelves as planned; what is on them stays."""
    actor.require(Role.ADMIN)
    machine_id = box_of(page, command.machine_id).machine_id
    for plan in command.seen:
        ref = (machine_id, plan.product_id)
        loaded = page.plans.get(ref, ShelfPlan(plan.product_id))
        if page.changes.plans.get(ref, loaded) != plan:
            raise PlanChanged(machine=machine_id)
    plans = machines.check_plans(command.plans)
    products = [
        catalogue.require_on_sale(page.products.get(plan.product_id), plan.product_id) for plan in plans
    ]
    named = {plan.product_id: plan for plan in plans}
    for product in products:
        open_shelf(page, machine_id, product.id)
    for ref, shelf in list(page.shelves.items()):
        if ref[0] == machine_id:
            plan = named.get(ref[1], ShelfPlan(ref[1]))
            page.shelves[ref] = shelf._replace(capacity=plan.capacity, price_cents=plan.price_cents)
            page.changes.plans[ref] = plan
    return ShelvesSet(
        machine_id,
        tuple(
            ShelfStands(
                product.id,
                product.name,
                shelf_of(page, machine_id, product.id).quantity,
                plan.slot,
                plan.capacity,
                plan.par_level,
                plan.price_cents,
            )
            for plan, product in zip(plans, products, strict=True)
        ),
    )
