"""Products and the shelves that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain.accounts import Actor, Role, check_name
from tuckshop.domain.refusals import InvalidField, NotOwner, OutOfStock, StockTooLarge, UnknownProduct

PRODUCT_NAME_LENGTH_MAX = 100
QUANTITY_MAX = 1_000_000  # More pieces of one thing than any small shop stores.
TAX_BASIS_POINTS_MAX = 10_000  # 100 %
REASON_LENGTH_MAX = 200


class StockKind(StrEnum):
    """Why pieces moved on or off a shelf."""

    INITIAL = "initial"
    RESTOCK = "restock"
    SALE = "sale"
    REFUND = "refund"
    CORRECTION = "correction"
    WRITE_OFF = "write_off"


class Product(NamedTuple):
    """What is sold, at its attribute version. `seller_id` None: the house's own."""

    id: int
    name: str
    price_cents: int
    seller_id: int | None
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    version: int
    on_sale: bool
    image_id: int | None = None


class Shelf(NamedTuple):
    """How many pieces of a product a machine holds. `price_cents` None: the product's own price."""

    machine_id: int
    product_id: int
    quantity: int
    capacity: int | None
    price_cents: int | None


@dataclass(frozen=True, slots=True)
class StockMovement:
    """An immutable change of one shelf by `quantity` pieces.

    Raises:
        ValueError: built with a quantity of 0, a sale that puts pieces on, or a refund that takes them off.
    """

    kind: StockKind
    machine_id: int
    product_id: int
    quantity: int

    def __post_init__(self) -> None:
        wrong_way = self.quantity < 0 if self.kind is StockKind.REFUND else self.quantity > 0
        if self.quantity == 0 or (wrong_way and self.kind in (StockKind.SALE, StockKind.REFUND)):
            raise ValueError(f"a {self.kind} cannot move {self.quantity}")


def check_product_name(name: str) -> str:
    """The name in NFC. Raises InvalidField."""
    return check_name(name, field="name", length_max=PRODUCT_NAME_LENGTH_MAX)


def check_quantity(quantity: int, *, field: str, least: int) -> int:
    """The quantity itself. Raises InvalidField outside least..QUANTITY_MAX."""
    if not least <= quantity <= QUANTITY_MAX:
        raise InvalidField(field=field, reason=f"must be from {least} to {QUANTITY_MAX}")
    return quantity


def require_owner(actor: Actor, product: Product) -> None:
    """Raises NotOwner unless the actor is the product's seller or an admin."""
    if actor.has(Role.ADMIN):
        return
    if not actor.has(Role.SELLER) or actor.user_id is None or product.seller_id != actor.user_id:
        raise NotOwner(thing="product")


def require_on_sale(product: Product | None, product_id: int) -> Product:
    """The product. Raises UnknownProduct for none and for one taken off sale."""
    if product is None or not product.on_sale:
        raise UnknownProduct(product=product_id)
    return product


def move(shelf: Shelf, kind: StockKind, quantity: int) -> StockMovement:
    """The movement that changes the shelf by `quantity`.

    Raises:
        OutOfStock: the shelf would go below 0.
        StockTooLarge: it would go above its capacity, or QUANTITY_MAX. What was sold may always come back.
    """
    after = shelf.quantity + quantity
    if after < 0:
        raise OutOfStock(product=shelf.product_id, available=shelf.quantity)
    capacity = QUANTITY_MAX if shelf.capacity is None else min(shelf.capacity, QUANTITY_MAX)
    if quantity > 0 and after > capacity and kind is not StockKind.REFUND:
        raise StockTooLarge(product=shelf.product_id, capacity=capacity)
    return StockMovement(kind, shelf.machine_id, shelf.product_id, quantity)
