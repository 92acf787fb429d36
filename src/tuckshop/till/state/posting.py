"""Writing to the page: transfers, stock, coins and sales, each with the row that it changes."""

from __future__ import annotations

from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import Transfer
from tuckshop.domain.machines import BoxKind, CoinBox
from tuckshop.domain.products import Shelf, StockMovement
from tuckshop.domain.refusals import (
    UnknownMachine,
)
from tuckshop.domain.users import Actor
from tuckshop.till.state.working_set import (
    LOCKED_KINDS,
    CoinMovementRow,
    Page,
    SalesAdded,
    ShelfRow,
    StockMovementRow,
    TransferRow,
)


def box_of(page: Page, machine_id: int) -> CoinBox:
    box = page.boxes.get(machine_id)
    if box is None:
        raise UnknownMachine(machine=machine_id)
    return box


def shelf_of(page: Page, machine_id: int, product_id: int) -> Shelf:
    """The shelf; an empty one where there is none yet."""
    return page.shelves.get((machine_id, product_id)) or Shelf(machine_id, product_id, 0, None, None)


def open_shelf(page: Page, machine_id: int, product_id: int) -> None:
    if (machine_id, product_id) not in page.shelves:
        page.shelves[machine_id, product_id] = Shelf(machine_id, product_id, 0, None, None)
        page.changes.shelves.append(ShelfRow(machine_id, product_id, 0))


def post(
    page: Page,
    transfer: Transfer,
    actor: Actor,
    *,
    machine_id: int | None,
    order_id: int | None = None,
    refund_id: int | None = None,
    reason: str | None = None,
    external_ref: str | None = None,
) -> int:
    """Writes a transfer and moves its amount; the transfer's id."""
    transfer_id = next(page.new_ids["transfers"])
    changes = page.changes
    changes.transfers.append(
        TransferRow(
            transfer_id,
            transfer.kind,
            transfer.source,
            transfer.target,
            transfer.amount_cents,
            order_id,
            refund_id,
            actor.user_id,
            machine_id,
            reason,
            external_ref,
            page.now_us,
        )
    )
    for ref, cents in ((transfer.source, -transfer.amount_cents), (transfer.target, transfer.amount_cents)):
        if ref.kind in LOCKED_KINDS:
            page.balances[ref] = page.balances.get(ref, 0) + cents
            changes.balances.add(ref)
        else:
            changes.added_cents[ref] = changes.added_cents.get(ref, 0) + cents
    return transfer_id


def move_stock(
    page: Page,
    movement: StockMovement,
    actor: Actor,
    *,
    order_id: int | None = None,
    refund_id: int | None = None,
    reason: str | None = None,
) -> None:
    ref = (movement.machine_id, movement.product_id)
    shelf = page.shelves[ref]
    page.shelves[ref] = Shelf(
        shelf.machine_id,
        shelf.product_id,
        shelf.quantity + movement.quantity,
        shelf.capacity,
        shelf.price_cents,
    )
    page.changes.stocked.add(ref)
    page.changes.stock_movements.append(
        StockMovementRow(
            movement.kind,
            movement.machine_id,
            movement.product_id,
            movement.quantity,
            order_id,
            refund_id,
            actor.user_id,
            reason,
            page.now_us,
        )
    )


def move_coins(
    page: Page,
    box: CoinBox,
    coins: Coins,
    sign: int,
    transfer_id: int,
    actor: Actor,
    *,
    reason: str | None = None,
) -> None:
    changes = page.changes
    held = dict(page.boxes[box.machine_id].held)
    for value, count in coins.items():
        ref = (box.machine_id, value)
        held[value] = held.get(value, 0) + sign * count
        if box.kind is BoxKind.UNLIMITED:
            changes.added_coins[ref] = changes.added_coins.get(ref, 0) + sign * count
        else:
            changes.boxes.add(ref)
        changes.coin_movements.append(
            CoinMovementRow(
                box.machine_id, value, sign * count, transfer_id, actor.user_id, reason, page.now_us
            )
        )
    page.boxes[box.machine_id] = box._replace(held=held)


def sales_of(page: Page, machine_id: int, product_id: int) -> SalesAdded:
    """Where the batch counts what it sells and takes back of a product on a machine."""
    sales = page.changes.sales
    added = sales.get((machine_id, product_id))
    if added is None:
        added = sales[machine_id, product_id] = SalesAdded()
    return added
