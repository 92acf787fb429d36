"""Products and the shelves that hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from tuckshop.domain import money
from tuckshop.domain.field_problems import NotABarcode, OutOfRange, TaxOutOfRange
from tuckshop.domain.refusals import InvalidField, NotOwner, OutOfStock, StockTooLarge, UnknownProduct
from tuckshop.domain.users import Actor, Role, check_name, name_key

PRODUCT_NAME_LENGTH_MAX = 100
CATEGORY_LENGTH_MAX = 40  # Three fit beside each other on a phone.
BARCODE_LENGTH_MIN = 4
BARCODE_LENGTH_MAX = 48  # GS1-128, the longest that is printed on what shops sell.
QUANTITY_MAX = 1_000_000  # More pieces of one thing than any small shop stores.
TAX_BASIS_POINTS_MAX = 10_000  # 100 %
PRODUCTS_MAX = 10_000  # Changed at once: what a till writes in a second or two, while all others wait.
REASON_LENGTH_MAX = 200
SUFFIX_LENGTH_MAX = 16  # Longer beginnings would find hardly less, and make the index grow.
_CODE_POINT_MAX = chr(0x10FFFF)
_SURROGATES = range(0xD800, 0xE000)  # No text holds them.
# Also codes that a shop prints itself: no check digit is asked for, since such a code may have any length.
_BARCODE = re.compile(f"[0-9A-Za-z-]{{{BARCODE_LENGTH_MIN},{BARCODE_LENGTH_MAX}}}")


class StockKind(StrEnum):
    """Why pieces moved on or off a shelf."""

    INITIAL = "initial"
    RESTOCK = "restock"
    SALE = "sale"
    REFUND = "refund"
    CORRECTION = "correction"
    WRITE_OFF = "write_off"
    MOVE = "move"  # from one machine to another


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
    category: str | None = None
    barcode: str | None = None
    waiting: bool = False  # for an admin: it looks like another seller's, and nobody buys it

    @property
    def category_key(self) -> str | None:
        """By which all products of the category are found."""
        return None if self.category is None else name_key(self.category)


_OTHERS = ("id", "seller_id", "version", "on_sale", "waiting")
ATTRIBUTES = tuple(name for name in Product._fields if name not in _OTHERS)
"""What its owner may change of a product; each change is a new version."""


def attributes(product: Product) -> dict[str, Any]:
    """The product's attributes by name."""
    return {name: getattr(product, name) for name in ATTRIBUTES}


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


def check_category(category: str) -> str | None:
    """The category in NFC without space at its ends; None for an empty one. Raises InvalidField."""
    category = category.strip()
    return check_name(category, field="category", length_max=CATEGORY_LENGTH_MAX) if category else None


def check_barcode(barcode: str) -> str | None:
    """The code as it is printed, without space at its ends; None for an empty one. Raises InvalidField."""
    barcode = barcode.strip()
    if barcode and _BARCODE.fullmatch(barcode) is None:
        raise InvalidField(field="barcode", problem=NotABarcode(BARCODE_LENGTH_MIN, BARCODE_LENGTH_MAX))
    return barcode or None


def suffixes(key: str) -> list[str]:
    """What follows each character of a name's key, itself included: `tea` -> `a`, `ea`, `tea`.

    Each once, cut at SUFFIX_LENGTH_MAX; every part of the name is the beginning of one.
    """
    return sorted({key[start : start + SUFFIX_LENGTH_MAX] for start in range(len(key))})


def suffixes_between(part: str) -> tuple[str, str | None]:
    """The suffixes that begin with the part, or its first SUFFIX_LENGTH_MAX characters, by code points.

    From the first text on and below the second; None: there is no text above.
    """
    first = part[:SUFFIX_LENGTH_MAX]
    rest = first.rstrip(_CODE_POINT_MAX)
    if not rest:
        return first, None
    following = ord(rest[-1]) + 1
    return first, rest[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)


def parse_tax(text: str) -> int:
    """`"19"` or `"5.5"` per cent in basis points. Raises InvalidField outside 0 to 100."""
    points = money.parse_decimal(text, exponent=2, field="tax")
    if points > TAX_BASIS_POINTS_MAX:
        raise InvalidField(field="tax", problem=TaxOutOfRange(TAX_BASIS_POINTS_MAX))
    return points


def show_tax(basis_points: int) -> str:
    """1900 -> `19`, 550 -> `5.5`."""
    return f"{basis_points / 100:g}"


def check_quantity(quantity: int, *, field: str, least: int) -> int:
    """The quantity itself. Raises InvalidField outside least..QUANTITY_MAX."""
    if not least <= quantity <= QUANTITY_MAX:
        raise InvalidField(field=field, problem=OutOfRange(least, QUANTITY_MAX))
    return quantity


def require_owner(actor: Actor, seller_id: int | None) -> None:
    """Raises NotOwner unless the actor is the product's seller, `seller_id`, or an admin."""
    if actor.has(Role.ADMIN):
        return
    if not actor.has(Role.SELLER) or actor.user_id is None or seller_id != actor.user_id:
        raise NotOwner(thing="product")


def require_on_sale(product: Product | None, named: int | str) -> Product:
    """The product, which was asked for by its id or name. Raises UnknownProduct for none on sale."""
    if product is None or not product.on_sale:
        raise UnknownProduct(product=named)
    return product


def require_for_sale(product: Product | None, named: int | str) -> Product:
    """As `require_on_sale`, for buyers, for whom there is none yet that waits for an admin."""
    product = require_on_sale(product, named)
    if product.waiting:
        raise UnknownProduct(product=named)
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
