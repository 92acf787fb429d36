"""Orders and refunds, decided on the page.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from tuckshop.domain import catalogue, orders
from tuckshop.domain.accounts import Actor, Role
from tuckshop.domain.refusals import (
    ClientRefTaken,
    UnknownOrder,
)
from tuckshop.till.commands import (
    OrderPlaced,
    PlaceOrder,
    Refund,
    Refunded,
    SoldLine,
)
from tuckshop.till.page import (
    OrderLineRow,
    OrderRow,
    Page,
    RefundLineRow,
    RefundRow,
)
from tuckshop.till.policy import Policy
from tuckshop.till.posting import box_of, move_coins, move_stock, post, shelf_of
from tuckshop.till.wallet import require_coins, require_wallet


def place(command: PlaceOrder, actor: Actor, page: Page, policy: Policy) -> OrderPlaced:
    """An order paid from a wallet."""
    require_wallet(actor, command.wallet, page)
    if command.change is orders.Change.RETURN:
        require_coins(actor, policy)
    box = box_of(page, command.machine_id)
    if command.client_ref is not None and command.wallet.user_id is not None:
        order_id = page.client_refs.get((command.wallet.user_id, command.client_ref))
        if order_id is not None:
            raise ClientRefTaken(client_ref=command.client_ref, order=order_id)
    wanted = [
        orders.Wanted(
            catalogue.require_on_sale(page.products.get(product_id), product_id),
            shelf_of(page, command.machine_id, product_id),
            quantity,
        )
        for product_id, quantity in command.lines
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
    )
    order = sale.order
    page.orders[order.id] = order
    if order.client_ref is not None and order.wallet.user_id is not None:
        page.client_refs[order.wallet.user_id, order.client_ref] = order.id
    changes = page.changes
    changes.orders.append(
        OrderRow(
            order.id,
            order.wallet.user_id,
            order.wallet.guest_id,
            order.machine_id,
            orders.Payment.WALLET,
            order.status,
            order.client_ref,
            order.total_cents,
            order.created_us,
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
        payment=orders.Payment.WALLET,
        machine_id=order.machine_id,
        lines=tuple(
            SoldLine(line.product_id, line.name, line.quantity, line.price_cents) for line in order.lines
        ),
        total_cents=order.total_cents,
        balance_cents=sale.balance_cents,
        change=dict(sale.change),
        created_us=order.created_us,
    )


def refund(command: Refund, actor: Actor, page: Page, policy: Policy) -> Refunded:
    """Pieces of an order back."""
    order = page.orders.get(command.order_id)
    if order is None:
        raise UnknownOrder(order=command.order_id)
    product_ids = [line.product_id for line in order.lines]
    back = orders.refund(
        order=order,
        quantities=command.quantities,
        actor=actor,
        balance_cents=page.balances.get(order.wallet, 0),
        shelves={product: shelf_of(page, order.machine_id, product) for product in product_ids},
        products={product: page.products[product] for product in product_ids},
        window_seconds=policy.refund_window_seconds,
        now_us=page.now_us,
    )
    refund_id = next(page.new_ids["refunds"])
    reason = command.reason
    page.orders[order.id] = back.order
    page.changes.refunded.add(order.id)
    page.changes.refunds.append(
        RefundRow(refund_id, order.id, back.amount_cents, actor.user_id, reason, page.now_us)
    )
    for product_id, quantity in back.quantities.items():
        page.changes.refund_lines.append(RefundLineRow(refund_id, order.id, product_id, quantity))
    for transfer in back.transfers:
        post(
            page,
            transfer,
            actor,
            machine_id=order.machine_id,
            order_id=order.id,
            refund_id=refund_id,
            reason=reason,
        )
    for movement in back.movements:
        move_stock(page, movement, actor, order_id=order.id, refund_id=refund_id, reason=reason)
    sees_balance = actor.has(Role.CASHIER, Role.ADMIN) or order.wallet.user_id == actor.user_id
    return Refunded(
        refund_id=refund_id,
        order_id=order.id,
        status=back.order.status,
        quantities=dict(back.quantities),
        amount_cents=back.amount_cents,
        balance_cents=page.balances[order.wallet] if sees_balance else None,
        created_us=page.now_us,
    )
