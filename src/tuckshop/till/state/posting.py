"""Writing to the working set: transfers, stock, coins and sales, each with the row that it changes."""

from __future__ import annotations

from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import Transfer
from tuckshop.domain.limits import LimitCounter
from tuckshop.domain.machines import BoxKind, CoinBox
from tuckshop.domain.orders import Order
from tuckshop.domain.products import StockMovement
from tuckshop.domain.selling import Use
from tuckshop.domain.transfers import ref_key
from tuckshop.domain.users import Actor
from tuckshop.till.state.rows import CoinMovementRow, SalesSum, ShelfRow, StockMovementRow, TransferRow
from tuckshop.till.state.working_set import LOCKED_KINDS, WorkingSet, empty_shelf


def open_shelf(work: WorkingSet, machine_id: int, product_id: int) -> None:
    """Sees to it that there is a shelf."""
    if (machine_id, product_id) not in work.products.shelves:
        work.products.shelves[machine_id, product_id] = empty_shelf(machine_id, product_id)
        work.changes.products.shelves.append(ShelfRow(machine_id, product_id, 0))


def post(
    work: WorkingSet,
    transfer: Transfer,
    actor: Actor,
    *,
    machine_id: int | None,
    order_id: int | None = None,
    refund_id: int | None = None,
    reason: str | None = None,
    external_ref: str | None = None,
    reverses_id: int | None = None,
) -> int:
    """Writes a transfer and moves its amount; the transfer's id."""
    transfer_id = work.new_id("transfers")
    changes = work.changes.accounts
    changes.transfers.append(
        TransferRow(
            source=transfer.source,
            target=transfer.target,
            id=transfer_id,
            kind=transfer.kind,
            amount_cents=transfer.amount_cents,
            order_id=order_id,
            refund_id=refund_id,
            actor_id=actor.user_id,
            machine_id=machine_id,
            reason=reason,
            external_ref=external_ref,
            reverses_id=reverses_id,
            created_us=work.now_us,
            for_self=actor.serves_self,
            external_ref_key=None if external_ref is None else ref_key(external_ref),
        )
    )
    balances = work.accounts.balances
    for ref, cents in ((transfer.source, -transfer.amount_cents), (transfer.target, transfer.amount_cents)):
        if ref.kind in LOCKED_KINDS:
            balances[ref] = balances.get(ref, 0) + cents
            changes.balances.add(ref)
        else:
            changes.added_cents[ref] = changes.added_cents.get(ref, 0) + cents
    return transfer_id


def move_stock(
    work: WorkingSet,
    movement: StockMovement,
    actor: Actor,
    *,
    order_id: int | None = None,
    refund_id: int | None = None,
    reason: str | None = None,
) -> None:
    """Changes a shelf that is open."""
    ref = (movement.machine_id, movement.product_id)
    shelf = work.products.shelves[ref]
    work.products.shelves[ref] = shelf._replace(quantity=shelf.quantity + movement.quantity)
    product = work.products.by_id.get(movement.product_id)
    if product is not None and product.on_sale:
        work.products.use(product.seller_id, Use(pieces=movement.quantity))
    changes = work.changes.products
    changes.quantities.add(ref)
    changes.stock_movements.append(
        StockMovementRow(
            kind=movement.kind,
            machine_id=movement.machine_id,
            product_id=movement.product_id,
            quantity=movement.quantity,
            order_id=order_id,
            refund_id=refund_id,
            actor_id=actor.user_id,
            reason=reason,
            created_us=work.now_us,
        )
    )


def move_coins(
    work: WorkingSet,
    box: CoinBox,
    coins: Coins,
    sign: int,
    *,
    transfer_id: int,
    actor: Actor,
    reason: str | None = None,
) -> None:
    """Coins into the box (`sign` 1) or out of it (-1)."""
    changes = work.changes.machines
    held = dict(work.machines.boxes[box.machine_id].held)
    for value, count in coins.items():
        ref = (box.machine_id, value)
        held[value] = held.get(value, 0) + sign * count
        if box.kind is BoxKind.UNLIMITED:
            changes.added_coins[ref] = changes.added_coins.get(ref, 0) + sign * count
        else:
            changes.coins.add(ref)
        changes.coin_movements.append(
            CoinMovementRow(
                machine_id=box.machine_id,
                value_cents=value,
                count=sign * count,
                transfer_id=transfer_id,
                actor_id=actor.user_id,
                reason=reason,
                created_us=work.now_us,
            )
        )
    work.machines.boxes[box.machine_id] = box._replace(held=held)


def put_order(work: WorkingSet, order: Order) -> None:
    """The order as it is now, in the working set: new or changed, which its caller writes down."""
    before = work.orders.by_id.get(order.id)
    more = order.placed_pieces - (before.placed_pieces if before else 0)
    if more:
        placed = work.orders.placed_pieces
        placed[order.wallet] = placed.get(order.wallet, 0) + more
    work.orders.by_id[order.id] = order


def declared_cents(work: WorkingSet, machine_id: int) -> int:
    """What buyers have put into a box by their own word alone, and nobody of the office has counted since."""
    return work.machines.declared.get(machine_id, 0) + work.changes.machines.added_declared.get(machine_id, 0)


def declare(work: WorkingSet, machine_id: int, cents: int) -> None:
    """Counts so much more as declared; below 0, as counted or collected."""
    added = work.changes.machines.added_declared
    added[machine_id] = added.get(machine_id, 0) + cents


def used(work: WorkingSet, counter: LimitCounter) -> int:
    """What the counter's window has seen so far."""
    return work.limits.used.get(counter, 0)


def use(work: WorkingSet, counter: LimitCounter, amount: int) -> None:
    """Counts so much more; that it may be, the command has found out."""
    work.limits.used[counter] = used(work, counter) + amount
    work.changes.limits.add(counter)


def add_sale(work: WorkingSet, machine_id: int, product_id: int, *, quantity: int, cents: int) -> None:
    """Counts what was sold among the day's sales."""
    sales, ref = work.changes.orders.sales, (machine_id, product_id)
    sums = sales.get(ref) or SalesSum()
    sales[ref] = sums._replace(
        sold_quantity=sums.sold_quantity + quantity, sold_cents=sums.sold_cents + cents
    )


def add_refund(work: WorkingSet, machine_id: int, product_id: int, *, quantity: int, cents: int) -> None:
    """Counts what came back among the day's sales."""
    sales, ref = work.changes.orders.sales, (machine_id, product_id)
    sums = sales.get(ref) or SalesSum()
    sales[ref] = sums._replace(
        refunded_quantity=sums.refunded_quantity + quantity, refunded_cents=sums.refunded_cents + cents
    )
