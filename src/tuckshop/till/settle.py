"""One command at a time against the till's page: a receipt, or a refusal that changes nothing.

`wants` says what a command needs loaded; `settle` decides it. Each decision reads the page, lets the pure
domain functions refuse or answer, and only then writes to the page. So a refusal leaves no trace, and the
next command of the batch sees exactly what it would see had the batch been cut before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

import msgspec

from tuckshop.domain import catalogue, orders, wallet
from tuckshop.domain.accounts import OPERATOR, Actor, Role, name_key
from tuckshop.domain.catalogue import Product, Shelf, StockKind, StockMovement
from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import AccountKind, AccountRef, Transfer
from tuckshop.domain.machines import BoxKind, CoinBox
from tuckshop.domain.money import Currency, check_price
from tuckshop.domain.refusals import (
    ClientRefTaken,
    CoinsNotAttested,
    InvalidField,
    KeyReused,
    NameTaken,
    Refusal,
    SessionEnded,
    Unauthenticated,
    UnknownMachine,
    UnknownOrder,
    UnknownUser,
    VersionChanged,
    revive,
)
from tuckshop.till.commands import (
    RECEIPTS,
    AddProduct,
    Caller,
    ChangeProduct,
    CoinsDeposited,
    Command,
    Deposit,
    OrderPlaced,
    PaidOut,
    PayOut,
    PlaceOrder,
    ProductRemoved,
    ProductStands,
    Receipt,
    Refund,
    Refunded,
    RemoveProduct,
    Restock,
    SoldLine,
)
from tuckshop.till.page import (
    CoinMovementRow,
    IdempotencyRow,
    OrderLineRow,
    OrderRow,
    Page,
    ProductRow,
    Record,
    RefundLineRow,
    RefundRow,
    ShelfRow,
    StockMovementRow,
    TransferRow,
    Wanted,
)


class CoinsPolicy(StrEnum):
    """Who may say that coins were put in, or take them out."""

    ATTESTED = "attested"  # a cashier or an admin
    SELF = "self"  # buyers themselves


@dataclass(frozen=True, slots=True)
class Policy:
    """The shop's settings that decisions depend on."""

    currency: Currency
    coins: CoinsPolicy = CoinsPolicy.ATTESTED
    refund_window_seconds: int = 300  # Long enough to notice the wrong can, too short to drink it.


@dataclass(frozen=True, slots=True)
class Envelope:
    """A command on its way to the till. With a key, the same fingerprint is answered as before."""

    command: Command
    key: str | None = None
    fingerprint: bytes = b""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command; `replayed` when an earlier one with its key had the effect."""

    answer: Receipt | Refusal
    replayed: bool = False

    def receipt(self) -> Receipt:
        """The receipt. Raises the refusal instead, if that was the answer."""
        if isinstance(self.answer, Refusal):
            raise self.answer
        return self.answer


def wants(envelope: Envelope, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know."""
    command = envelope.command
    caller = command.caller
    if caller.session_id is not None:
        wanted.sessions.add(caller.session_id)
    if envelope.key is not None:
        wanted.keys.add((caller.scope, envelope.key))
    ref = getattr(command, "wallet", None)
    if ref is not None:
        wanted.wallets.add(ref)
        if ref.user_id is not None and ref.user_id != caller.user_id:
            wanted.users.add(ref.user_id)
    if not isinstance(command, Refund | RemoveProduct):
        wanted.machines.add(command.machine_id)
    match command:
        case PlaceOrder() | Deposit() | PayOut() | Refund():
            _want_money(command, wanted)
        case AddProduct() | ChangeProduct() | Restock() | RemoveProduct():
            _want_goods(command, wanted)
        case _:
            assert_never(command)


def _want_money(command: PlaceOrder | Deposit | PayOut | Refund, wanted: Wanted) -> None:
    ids = wanted.new_ids
    match command:
        case PlaceOrder(machine_id=machine_id, lines=lines, wallet=ref):
            for product_id, _ in lines:
                wanted.products.add(product_id)
                wanted.shelves.add((machine_id, product_id))
            if command.client_ref is not None and ref.user_id is not None:
                wanted.client_refs.add((ref.user_id, command.client_ref))
            ids["orders"] += 1
            ids["transfers"] += len(lines) + 1
        case Deposit() | PayOut():
            ids["transfers"] += 1
        case Refund(order_id=order_id):
            wanted.orders.add(order_id)
            ids["refunds"] += 1
            ids["transfers"] += orders.LINES_MAX
        case _:
            assert_never(command)


def _want_goods(command: AddProduct | ChangeProduct | Restock | RemoveProduct, wanted: Wanted) -> None:
    if isinstance(command, AddProduct):
        _want_name(command.name, wanted)
        wanted.new_ids["products"] += 1
        return
    # For Restock too, though it only reads the product: where there is no shelf yet, nothing else keeps the
    # product on sale until the pieces are in.
    wanted.changing.add(command.product_id)
    if not isinstance(command, RemoveProduct):
        wanted.shelves.add((command.machine_id, command.product_id))
    if isinstance(command, ChangeProduct) and command.name is not None:
        _want_name(command.name, wanted)


def _want_name(name: str, wanted: Wanted) -> None:
    """A name against the rules is refused unseen; the database might choke on it."""
    try:
        wanted.names.add(name_key(catalogue.check_product_name(name)))
    except InvalidField:
        return


def settle(envelope: Envelope, page: Page, policy: Policy) -> Outcome:
    """Decides one command, writes its effects to the page, and keeps the answer under its key."""
    command = envelope.command
    try:
        actor = _actor(command.caller, page)
        if envelope.key is not None:
            record = page.records.get((command.caller.scope, envelope.key))
            if record is not None:
                return _replay(record, envelope)
        answer: Receipt | Refusal = _decide(command, actor, page, policy)
    except (Unauthenticated, KeyReused) as refusal:
        return Outcome(refusal)  # Says something of the credential or the key, not of the command.
    except Refusal as refusal:
        answer = refusal
    if envelope.key is not None:
        _keep(answer, envelope, page)
    return Outcome(answer)


def _actor(caller: Caller, page: Page) -> Actor:
    if caller.session_id is None:
        return OPERATOR
    session = page.sessions.get(caller.session_id)
    if (
        session is None
        or session.ended
        or session.expires_us <= page.now_us
        or session.actor.user_id != caller.user_id
    ):
        raise SessionEnded
    return session.actor


def _decide(command: Command, actor: Actor, page: Page, policy: Policy) -> Receipt:
    match command:
        case PlaceOrder():
            return _place_order(command, actor, page, policy)
        case Deposit():
            return _deposit(command, actor, page, policy)
        case PayOut():
            return _pay_out(command, actor, page, policy)
        case Refund():
            return _refund(command, actor, page, policy)
        case AddProduct():
            return _add_product(command, actor, page)
        case ChangeProduct():
            return _change_product(command, actor, page)
        case Restock():
            return _restock(command, actor, page)
        case RemoveProduct():
            return _remove_product(command, actor, page)
        case _:
            assert_never(command)


def _place_order(command: PlaceOrder, actor: Actor, page: Page, policy: Policy) -> OrderPlaced:
    _require_wallet(actor, command.wallet, page)
    if command.change is orders.Change.RETURN:
        _require_coins(actor, policy)
    box = _box(page, command.machine_id)
    if command.client_ref is not None and command.wallet.user_id is not None:
        order_id = page.client_refs.get((command.wallet.user_id, command.client_ref))
        if order_id is not None:
            raise ClientRefTaken(client_ref=command.client_ref, order=order_id)
    wanted = [
        orders.Wanted(
            catalogue.require_on_sale(page.products.get(product_id), product_id),
            _shelf(page, command.machine_id, product_id),
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
        _post(page, transfer, actor, machine_id=order.machine_id, order_id=order.id)
        for transfer in sale.transfers
    ]
    if sale.change:
        _move_coins(page, box, sale.change, -1, transfer_ids[-1], actor)  # The pay-out comes last.
    for movement in sale.movements:
        _move_stock(page, movement, actor, order_id=order.id)
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


def _deposit(command: Deposit, actor: Actor, page: Page, policy: Policy) -> CoinsDeposited:
    _require_wallet(actor, command.wallet, page)
    _require_coins(actor, policy)
    box = _box(page, command.machine_id)
    moved = wallet.deposit(
        wallet=command.wallet,
        balance_cents=page.balances.get(command.wallet, 0),
        coins=command.coins,
        box=box,
        accepted=policy.currency.accepted_cents,
    )
    transfer_id = _post(page, moved.transfer, actor, machine_id=command.machine_id)
    _move_coins(page, box, moved.coins, 1, transfer_id, actor)
    return CoinsDeposited(transfer_id, moved.transfer.amount_cents, moved.balance_cents, page.now_us)


def _pay_out(command: PayOut, actor: Actor, page: Page, policy: Policy) -> PaidOut:
    _require_wallet(actor, command.wallet, page)
    _require_coins(actor, policy)
    box = _box(page, command.machine_id)
    moved = wallet.pay_out(
        wallet=command.wallet,
        balance_cents=page.balances.get(command.wallet, 0),
        box=box,
        values=policy.currency.paid_out_cents,
    )
    transfer_id = _post(page, moved.transfer, actor, machine_id=command.machine_id)
    _move_coins(page, box, moved.coins, -1, transfer_id, actor)
    return PaidOut(
        transfer_id, moved.transfer.amount_cents, moved.balance_cents, dict(moved.coins), page.now_us
    )


def _refund(command: Refund, actor: Actor, page: Page, policy: Policy) -> Refunded:
    order = page.orders.get(command.order_id)
    if order is None:
        raise UnknownOrder(order=command.order_id)
    product_ids = [line.product_id for line in order.lines]
    back = orders.refund(
        order=order,
        quantities=command.quantities,
        actor=actor,
        balance_cents=page.balances.get(order.wallet, 0),
        shelves={product: _shelf(page, order.machine_id, product) for product in product_ids},
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
        _post(
            page,
            transfer,
            actor,
            machine_id=order.machine_id,
            order_id=order.id,
            refund_id=refund_id,
            reason=reason,
        )
    for movement in back.movements:
        _move_stock(page, movement, actor, order_id=order.id, refund_id=refund_id, reason=reason)
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


def _add_product(command: AddProduct, actor: Actor, page: Page) -> ProductStands:
    if command.for_house:
        actor.require(Role.ADMIN)
    else:
        actor.require(Role.SELLER)
    _box(page, command.machine_id)
    name = catalogue.check_product_name(command.name)
    key = name_key(name)
    stock = catalogue.check_quantity(command.stock, field="stock", least=0)
    seller_id = None if command.for_house else actor.user_id
    if key in page.names:
        raise NameTaken(name=name)
    _check_figures(command)
    product = Product(
        id=next(page.new_ids["products"]),
        name=name,
        price_cents=command.price_cents,
        seller_id=seller_id,
        refundable=command.refundable,
        tax_basis_points=command.tax_basis_points,
        cost_cents=command.cost_cents,
        version=1,
        on_sale=True,
        image_id=command.image_id,
    )
    page.names[key] = product.id
    page.products[product.id] = product
    if seller_id is not None and command.caller.session_id is not None:
        page.sellers[seller_id] = page.sessions[command.caller.session_id].username
    page.changes.products.append(
        ProductRow(
            product.id,
            product.name,
            key,
            product.price_cents,
            product.seller_id,
            product.refundable,
            product.tax_basis_points,
            product.cost_cents,
            product.image_id,
            product.version,
            page.now_us,
        )
    )
    _open_shelf(page, command.machine_id, product.id)
    if stock:
        _move_stock(page, StockMovement(StockKind.INITIAL, command.machine_id, product.id, stock), actor)
    return _product_stands(page, product, command.machine_id)


def _change_product(command: ChangeProduct, actor: Actor, page: Page) -> ProductStands:
    product = _own_product(command, actor, page)
    _box(page, command.machine_id)
    _check_figures(command)
    changed = product._replace(
        **{
            name: value
            for name in ("price_cents", "refundable", "tax_basis_points", "cost_cents", "image_id")
            if (value := getattr(command, name)) is not None
        }
    )
    if command.name is not None:
        name = catalogue.check_product_name(command.name)
        if page.names.get(name_key(name), product.id) != product.id:
            raise NameTaken(name=name)
        changed = changed._replace(name=name)
    shelf = _shelf(page, command.machine_id, product.id)
    missing = 0
    if command.stock is not None:
        missing = catalogue.check_quantity(command.stock, field="stock", least=0) - shelf.quantity
    movement = catalogue.move(shelf, StockKind.CORRECTION, missing) if missing else None

    if changed != product:
        changed = changed._replace(version=product.version + 1)
        if name_key(changed.name) != name_key(product.name):
            page.names.pop(name_key(product.name), None)
            page.names[name_key(changed.name)] = product.id
            page.changes.unnamed.add(product.id)
        page.products[product.id] = changed
        page.changes.revised.add(product.id)
    if movement is not None:
        _open_shelf(page, command.machine_id, product.id)
        _move_stock(page, movement, actor, reason=command.reason)
    return _product_stands(page, changed, command.machine_id)


def _restock(command: Restock, actor: Actor, page: Page) -> ProductStands:
    product = _own_product(command, actor, page)
    _box(page, command.machine_id)
    quantity = catalogue.check_quantity(command.quantity, field="quantity", least=1)
    shelf = _shelf(page, command.machine_id, product.id)
    movement = catalogue.move(shelf, StockKind.RESTOCK, quantity)
    _open_shelf(page, command.machine_id, product.id)
    _move_stock(page, movement, actor, reason=command.reason)
    return _product_stands(page, product, command.machine_id)


def _remove_product(command: RemoveProduct, actor: Actor, page: Page) -> ProductRemoved:
    product = _own_product(command, actor, page)
    for shelf in [shelf for shelf in page.shelves.values() if shelf.product_id == product.id]:
        if shelf.quantity:
            movement = catalogue.move(shelf, StockKind.CORRECTION, -shelf.quantity)
            _move_stock(page, movement, actor, reason="taken off sale")
    page.names.pop(name_key(product.name), None)
    page.products[product.id] = product._replace(on_sale=False)
    page.changes.removed.add(product.id)
    page.changes.unnamed.add(product.id)
    return ProductRemoved(product.id)


def _require_wallet(actor: Actor, ref: AccountRef, page: Page) -> None:
    """A buyer's own wallet; cashiers and admins serve anybody's."""
    if ref.user_id is not None and ref.user_id == actor.user_id:
        actor.require(Role.BUYER)
        return
    actor.require(Role.CASHIER, Role.ADMIN)
    if ref.user_id is not None and ref.user_id not in page.users:
        raise UnknownUser(user=ref.user_id)


def _require_coins(actor: Actor, policy: Policy) -> None:
    if policy.coins is CoinsPolicy.ATTESTED and not actor.has(Role.CASHIER, Role.ADMIN):
        raise CoinsNotAttested


def _own_product(command: ChangeProduct | Restock | RemoveProduct, actor: Actor, page: Page) -> Product:
    product = catalogue.require_on_sale(page.products.get(command.product_id), command.product_id)
    catalogue.require_owner(actor, product)
    expected = None if isinstance(command, Restock) else command.version
    if expected is not None and expected != product.version:
        raise VersionChanged(version=product.version)
    return product


def _check_figures(command: AddProduct | ChangeProduct) -> None:
    if command.price_cents is not None:
        check_price(command.price_cents)
    if command.cost_cents:
        check_price(command.cost_cents, field="cost")
    tax = command.tax_basis_points
    if tax is not None and not 0 <= tax <= catalogue.TAX_BASIS_POINTS_MAX:
        raise InvalidField(field="tax", reason=f"must be from 0 to {catalogue.TAX_BASIS_POINTS_MAX}")


def _box(page: Page, machine_id: int) -> CoinBox:
    box = page.boxes.get(machine_id)
    if box is None:
        raise UnknownMachine(machine=machine_id)
    return box


def _shelf(page: Page, machine_id: int, product_id: int) -> Shelf:
    """The shelf; an empty one where there is none yet."""
    return page.shelves.get((machine_id, product_id)) or Shelf(machine_id, product_id, 0, None, None)


def _open_shelf(page: Page, machine_id: int, product_id: int) -> None:
    if (machine_id, product_id) not in page.shelves:
        page.shelves[machine_id, product_id] = Shelf(machine_id, product_id, 0, None, None)
        page.changes.shelves.append(ShelfRow(machine_id, product_id, 0))


def _post(
    page: Page,
    transfer: Transfer,
    actor: Actor,
    *,
    machine_id: int,
    order_id: int | None = None,
    refund_id: int | None = None,
    reason: str | None = None,
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
            page.now_us,
        )
    )
    for ref, cents in ((transfer.source, -transfer.amount_cents), (transfer.target, transfer.amount_cents)):
        if ref.kind is AccountKind.WALLET:
            page.balances[ref] = page.balances.get(ref, 0) + cents
            changes.balances.add(ref)
        else:
            changes.added_cents[ref] = changes.added_cents.get(ref, 0) + cents
    return transfer_id


def _move_stock(
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


def _move_coins(page: Page, box: CoinBox, coins: Coins, sign: int, transfer_id: int, actor: Actor) -> None:
    changes = page.changes
    held = dict(page.boxes[box.machine_id].held)
    for value, count in coins.items():
        ref = (box.machine_id, value)
        if box.kind is BoxKind.UNLIMITED:
            changes.added_coins[ref] = changes.added_coins.get(ref, 0) + sign * count
        else:
            held[value] = held.get(value, 0) + sign * count
            changes.boxes.add(ref)
        changes.coin_movements.append(
            CoinMovementRow(
                box.machine_id, value, sign * count, transfer_id, actor.user_id, None, page.now_us
            )
        )
    page.boxes[box.machine_id] = box._replace(held=held)


def _product_stands(page: Page, product: Product, machine_id: int) -> ProductStands:
    return ProductStands(
        product_id=product.id,
        name=product.name,
        price_cents=product.price_cents,
        stock=_shelf(page, machine_id, product.id).quantity,
        seller_id=product.seller_id,
        seller=None if product.seller_id is None else page.sellers[product.seller_id],
        refundable=product.refundable,
        tax_basis_points=product.tax_basis_points,
        cost_cents=product.cost_cents,
        image_id=product.image_id,
        version=product.version,
    )


_encode = msgspec.json.Encoder().encode


def _replay(record: Record, envelope: Envelope) -> Outcome:
    if record.fingerprint != envelope.fingerprint:
        assert envelope.key is not None
        raise KeyReused(key=envelope.key)
    receipt = RECEIPTS.get(record.kind)
    if receipt is None:
        return Outcome(revive(record.kind, msgspec.json.decode(record.outcome)), replayed=True)
    return Outcome(msgspec.json.decode(record.outcome, type=receipt), replayed=True)


def _keep(answer: Receipt | Refusal, envelope: Envelope, page: Page) -> None:
    assert envelope.key is not None
    told: Any = answer.facts() if isinstance(answer, Refusal) else answer
    kind, outcome = type(answer).__name__, _encode(told).decode()
    scope = envelope.command.caller.scope
    page.records[scope, envelope.key] = Record(envelope.fingerprint, kind, outcome)
    order_id, refund_id, transfer_id = (
        (None, None, None)
        if isinstance(answer, Refusal)
        else (getattr(answer, name, None) for name in ("order_id", "refund_id", "transfer_id"))
    )
    page.changes.idempotency.append(
        IdempotencyRow(
            scope,
            envelope.key,
            envelope.fingerprint,
            kind,
            outcome,
            order_id,
            refund_id,
            transfer_id,
            page.now_us,
        )
    )
