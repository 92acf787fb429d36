"""Orders, decided on the page; `refunds` has the way back.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from tuckshop.domain import orders
from tuckshop.domain import products as catalogue
from tuckshop.domain.ledger import AccountRef, tab_of
from tuckshop.domain.refusals import (
    ClientRefTaken,
    UnknownOrder,
)
from tuckshop.domain.users import Actor, name_key
from tuckshop.till.commands.base import Dispense, OrderChanged, OrderPlaced, PlaceOrder, SoldLine
from tuckshop.till.commands.wallet import require_coins, require_wallet
from tuckshop.till.policy import Policy
from tuckshop.till.state.posting import box_of, move_coins, move_stock, post, sales_of, shelf_of
from tuckshop.till.state.working_set import (
    OrderLineRow,
    OrderRow,
    Page,
)


def place(command: PlaceOrder, actor: Actor, page: Page, policy: Policy) -> OrderPlaced:
    """An order paid from a wallet, or put on its owner's tab."""
    require_wallet(actor, command.wallet, page)
    if command.change is orders.Change.RETURN:
        require_coins(actor, policy)
    box = box_of(page, command.machine_id)
    if command.client_ref is not None:
        order_id = page.client_refs.get((command.wallet, command.client_ref))
        if order_id is not None:
            raise ClientRefTaken(client_ref=command.client_ref, order=order_id)
    asked: list[tuple[int, int | str, int]] = [(one, one, quantity) for one, quantity in command.lines]
    asked += ((page.names.get(name_key(name), 0), name, quantity) for name, quantity in command.named)
    wanted = [
        orders.Wanted(
            catalogue.require_on_sale(page.products.get(product_id), called),
            shelf_of(page, command.machine_id, product_id),
            quantity,
        )
        for product_id, called, quantity in asked
    ]
    sale = orders.sell(
        order_id=next(page.new_ids["orders"]),
        wallet=command.wallet,
        balance_cents=page.balances.get(command.wallet, 0),
        wanted=wanted,
        box=box,
        change=command.change,
        coin_values=policy.currency.paid_out_cents,
        client_ref=command.client_ref,
        now_us=page.now_us,
        tab=_tab(command, page, policy) if command.payment is orders.Payment.TAB else None,
        fulfil=command.fulfil,
    )
    order = sale.order
    page.orders[order.id] = order
    if order.client_ref is not None:
        page.client_refs[order.wallet, order.client_ref] = order.id
    changes = page.changes
    changes.orders.append(
        OrderRow(
            order.id,
            order.wallet.user_id,
            order.wallet.guest_id,
            order.machine_id,
            order.payment,
            order.status,
            order.client_ref,
            order.total_cents,
            order.created_us,
            order.fulfilled_us,
            page.day,
        )
    )
    for position, line in enumerate(order.lines):
        changes.order_lines.append(
            OrderLineRow(
                order.id,
                line.product_id,
                position,
                line.quantity,
                line.name,
                line.price_cents,
                line.seller_id,
                line.refundable,
                line.tax_basis_points,
                line.cost_cents,
                0,
            )
        )
        added = sales_of(page, order.machine_id, line.product_id)
        added.sold_quantity += line.quantity
        added.sold_cents += line.quantity * line.price_cents
    transfer_ids = [
        post(page, transfer, actor, machine_id=order.machine_id, order_id=order.id)
        for transfer in sale.transfers
    ]
    if sale.change:
        move_coins(page, box, sale.change, -1, transfer_ids[-1], actor)  # The pay-out comes last.
    for movement in sale.movements:
        move_stock(page, movement, actor, order_id=order.id)
    return OrderPlaced(
        order_id=order.id,
        client_ref=order.client_ref,
        status=order.status,
        payment=order.payment,
        machine_id=order.machine_id,
        lines=tuple(
            SoldLine(line.product_id, line.name, line.quantity, line.price_cents) for line in order.lines
        ),
        total_cents=order.total_cents,
        balance_cents=sale.balance_cents,
        change=dict(sale.change),
        created_us=order.created_us,
        owed_cents=owed_cents(page, order.wallet) if order.payment is orders.Payment.TAB else None,
    )


def dispense(command: Dispense, actor: Actor, page: Page) -> OrderChanged:
    """An order handed out."""
    order = orders.dispense(order=order_of(page, command.order_id), actor=actor, now_us=page.now_us)
    page.orders[order.id] = order
    page.changes.reordered.add(order.id)
    return changed(order)


def order_of(page: Page, order_id: int) -> orders.Order:
    order = page.orders.get(order_id)
    if order is None:
        raise UnknownOrder(order=order_id)
    return order


def changed(order: orders.Order) -> OrderChanged:
    """The receipt that shows the order as it stands."""
    return OrderChanged(
        order_id=order.id,
        client_ref=order.client_ref,
        status=order.status,
        payment=order.payment,
        machine_id=order.machine_id,
        lines=tuple(
            SoldLine(line.product_id, line.name, line.quantity, line.price_cents, line.refunded_quantity)
            for line in order.lines
        ),
        total_cents=order.total_cents,
        created_us=order.created_us,
    )


def owed_cents(page: Page, wallet: AccountRef) -> int:
    """What the wallet's owner owes on the tab; guests have none."""
    return 0 if wallet.user_id is None else -page.balances.get(tab_of(wallet.user_id), 0)


def _tab(command: PlaceOrder, page: Page, policy: Policy) -> orders.Tab:
    user_id = command.wallet.user_id
    if user_id is None:
        return orders.Tab(owed_cents=0, limit_cents=0)
    limit = page.tab_limits.get(user_id)
    return orders.Tab(
        owed_cents=owed_cents(page, command.wallet),
        limit_cents=policy.tab_limit_cents if limit is None else limit,
    )
