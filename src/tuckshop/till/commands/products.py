"""Products and their stock, decided on the page.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never

from tuckshop.domain import products as catalogue
from tuckshop.domain.field_problems import TaxOutOfRange, TooLarge
from tuckshop.domain.money import check_price
from tuckshop.domain.products import Product, StockKind, StockMovement
from tuckshop.domain.refusals import (
    InvalidField,
    NameTaken,
    UnknownUser,
    VersionChanged,
)
from tuckshop.domain.users import Actor, Role, name_key
from tuckshop.till.commands import log as admin_log
from tuckshop.till.commands.base import (
    AddProduct,
    ChangeGoods,
    ChangeProduct,
    GoodsChanged,
    ProductRemoved,
    ProductStands,
    RemoveProduct,
    Restock,
)
from tuckshop.till.state.posting import box_of, move_stock, open_shelf, shelf_of
from tuckshop.till.state.working_set import (
    Page,
    ProductRow,
    Wanted,
)

GoodsCommand = AddProduct | ChangeProduct | Restock | RemoveProduct | ChangeGoods


def wants(command: GoodsCommand, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know."""
    match command:
        case AddProduct():
            _want_name(command.name, wanted)
            wanted.machines.add(command.machine_id)
            if command.seller_id is not None:
                wanted.sellers.add(command.seller_id)
            elif command.caller.user_id is not None:
                # Locked: a seller who is being closed must not be left with a product.
                wanted.held.add(command.caller.user_id)
            wanted.new_ids["products"] += 1
        case ChangeProduct() | Restock():
            # For Restock too, though it only reads the product: where there is no shelf yet, nothing else
            # keeps the product on sale until the pieces are in.
            wanted.changing.add(command.product_id)
            wanted.machines.add(command.machine_id)
            wanted.shelves.add((command.machine_id, command.product_id))
            if isinstance(command, ChangeProduct) and command.name is not None:
                _want_name(command.name, wanted)
        case RemoveProduct():
            wanted.changing.add(command.product_id)
        case ChangeGoods():
            for step in command.steps:
                wants(step, wanted)
        case _:
            assert_never(command)


def decide(command: GoodsCommand, actor: Actor, page: Page) -> ProductStands | ProductRemoved | GoodsChanged:
    """What becomes of the command."""
    match command:
        case AddProduct():
            return add(command, actor, page)
        case ChangeProduct():
            return change(command, actor, page)
        case Restock():
            return restock(command, actor, page)
        case RemoveProduct():
            return remove(command, actor, page)
        case ChangeGoods():
            return change_goods(command, actor, page)
        case _:
            assert_never(command)


def add(command: AddProduct, actor: Actor, page: Page) -> ProductStands:
    """A product on sale, with its first stock."""
    seller_id = _seller_id(command, actor, page)
    box_of(page, command.machine_id)
    name = catalogue.check_product_name(command.name)
    key = name_key(name)
    stock = catalogue.check_quantity(command.stock, field="stock", least=0)
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
    if seller_id in page.open_sellers:
        page.sellers[seller_id] = page.open_sellers[seller_id]
    elif seller_id is not None and command.caller.session_id is not None:
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
    open_shelf(page, command.machine_id, product.id)
    if stock:
        move_stock(page, StockMovement(StockKind.INITIAL, command.machine_id, product.id, stock), actor)
    return _product_stands(page, product, command.machine_id)


def change(command: ChangeProduct, actor: Actor, page: Page) -> ProductStands:
    """A product's attributes, and its stock to a target."""
    product = _own_product(command, actor, page)
    box_of(page, command.machine_id)
    _check_figures(command)
    changed = product._replace(
        **{
            name: value
            for name in ("price_cents", "refundable", "tax_basis_points", "cost_cents", "image_id")
            if (value := getattr(command, name)) is not None
        }
    )
    if command.without_image:
        changed = changed._replace(image_id=None)
    if command.name is not None:
        name = catalogue.check_product_name(command.name)
        if page.names.get(name_key(name), product.id) != product.id:
            raise NameTaken(name=name)
        changed = changed._replace(name=name)
    shelf = shelf_of(page, command.machine_id, product.id)
    missing = 0
    if command.stock is not None:
        missing = catalogue.check_quantity(command.stock, field="stock", least=0) - shelf.quantity
    movement = catalogue.move(shelf, StockKind.CORRECTION, missing) if missing else None

    if changed != product:
        changed = changed._replace(version=product.version + 1)
        if name_key(changed.name) != name_key(product.name):
            page.names.pop(name_key(product.name), None)
            page.names[name_key(changed.name)] = product.id
            page.changes.unnamed.setdefault(product.id, name_key(product.name))
        page.products[product.id] = changed
        page.changes.revised.add(product.id)
    if movement is not None:
        open_shelf(page, command.machine_id, product.id)
        move_stock(page, movement, actor, reason=command.reason)
    return _product_stands(page, changed, command.machine_id)


def restock(command: Restock, actor: Actor, page: Page) -> ProductStands:
    """Pieces onto a shelf."""
    product = _own_product(command, actor, page)
    box_of(page, command.machine_id)
    quantity = catalogue.check_quantity(command.quantity, field="quantity", least=1)
    shelf = shelf_of(page, command.machine_id, product.id)
    movement = catalogue.move(shelf, StockKind.RESTOCK, quantity)
    open_shelf(page, command.machine_id, product.id)
    move_stock(page, movement, actor, reason=command.reason)
    return _product_stands(page, product, command.machine_id)


def remove(command: RemoveProduct, actor: Actor, page: Page) -> ProductRemoved:
    """A product off sale."""
    product = _own_product(command, actor, page)
    take_off_sale(page, product, actor)
    return ProductRemoved(product.id)


def take_off_sale(page: Page, product: Product, actor: Actor) -> None:
    """Its name is free, and what its shelves hold is corrected to none."""
    for shelf in [shelf for shelf in page.shelves.values() if shelf.product_id == product.id]:
        if shelf.quantity:
            movement = catalogue.move(shelf, StockKind.CORRECTION, -shelf.quantity)
            move_stock(page, movement, actor, reason="taken off sale")
    page.names.pop(name_key(product.name), None)
    page.products[product.id] = product._replace(on_sale=False)
    page.changes.removed.add(product.id)
    page.changes.unnamed.setdefault(product.id, name_key(product.name))


def change_goods(command: ChangeGoods, actor: Actor, page: Page) -> GoodsChanged:
    """Several products, as the steps one after the other would; the first refusal undoes those before."""
    if len(command.steps) > catalogue.GOODS_MAX:
        raise InvalidField(field="products", problem=TooLarge(catalogue.GOODS_MAX))
    trial = page.trial()
    for step in command.steps:
        admin_log.logged(step, actor, trial, partial(decide, step, actor, trial))
    page.adopt(trial)
    added = sum(isinstance(step, AddProduct) for step in command.steps)
    return GoodsChanged(added, len(command.steps) - added)


def want_named(name: str, machine_id: int, wanted: Wanted) -> None:
    """Adds to `wanted` the product of this name, and its shelf at the machine."""
    key = _want_name(name, wanted)
    if key is not None:
        wanted.named.add((machine_id, key))


def _want_name(name: str, wanted: Wanted) -> str | None:
    """A name against the rules is refused unseen; the database might choke on it."""
    try:
        key = name_key(catalogue.check_product_name(name))
    except InvalidField:
        return None
    wanted.names.add(key)
    return key


def _seller_id(command: AddProduct, actor: Actor, page: Page) -> int | None:
    """Whose the product will be; None: the shop's own."""
    if command.for_house:
        actor.require(Role.ADMIN)
        return None
    if command.seller_id is None or command.seller_id == actor.user_id:
        actor.require(Role.SELLER)
        return actor.user_id
    actor.require(Role.ADMIN)
    if command.seller_id not in page.open_sellers:
        raise UnknownUser(user=command.seller_id)
    return command.seller_id


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
        raise InvalidField(field="tax", problem=TaxOutOfRange(catalogue.TAX_BASIS_POINTS_MAX))


def _product_stands(page: Page, product: Product, machine_id: int) -> ProductStands:
    return ProductStands(
        product_id=product.id,
        name=product.name,
        price_cents=product.price_cents,
        stock=shelf_of(page, machine_id, product.id).quantity,
        seller_id=product.seller_id,
        seller=None if product.seller_id is None else page.sellers[product.seller_id],
        refundable=product.refundable,
        tax_basis_points=product.tax_basis_points,
        cost_cents=product.cost_cents,
        image_id=product.image_id,
        version=product.version,
    )
