"""What the demo shop sells, and who is in it: `products.csv`, `shop.toml` and the folder `pictures`."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import msgspec

PICTURE_TYPE = "image/webp"
_FOLDER = files("tuckshop.demo")


class DemoProduct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `products.csv`. Prices and costs are cents, taxes basis points; `seller` None: the house.

    `popularity` is how often it is chosen beside the others, `morning_factor` by how much more before ten.
    A product with a `former_price_cents` was sold for that until the `price_change_day`th day.
    `picture` names a file in the folder `pictures`.
    """

    name: str
    seller: str | None = None
    price_cents: int
    cost_cents: int
    tax_basis_points: int
    refundable: bool
    category: str
    barcode: str | None = None
    popularity: int
    morning_factor: int = 1
    former_price_cents: int | None = None
    price_change_day: int | None = None
    picture: str

    def attributes(self) -> dict[str, Any]:
        """What the command that adds it takes beside name, price and picture."""
        named = ("cost_cents", "tax_basis_points", "refundable", "category", "barcode")
        return {name: getattr(self, name) for name in named}

    def picture_content(self) -> bytes:
        """The picture as the shop stores it, of the type PICTURE_TYPE."""
        return (_FOLDER / "pictures" / self.picture).read_bytes()


class Admin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The demo's admin, who is a seller and a buyer too."""

    username: str
    password: str


class MachineSetup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The machine's shelves, and the coins it starts with: number by value in cents."""

    shelf_rows: str
    shelves_per_row: int
    shelf_capacity: int
    coins: Mapping[int, int]


class DemoShop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `shop.toml`: users by name. `password` is that of everyone but the admin."""

    password: str
    cashier: str
    sellers: tuple[str, ...]
    buyers: tuple[str, ...]
    disabled_buyer: str
    admin: Admin
    machine: MachineSetup


def read_products(text: str) -> tuple[DemoProduct, ...]:
    """The products of a CSV text with a head line; an empty cell takes the default.

    Raises:
        msgspec.ValidationError: a column is unknown or missing, or a cell is not of its column's kind.
    """
    rows = [{name: cell for name, cell in row.items() if cell} for row in csv.DictReader(text.splitlines())]
    return msgspec.convert(rows, tuple[DemoProduct, ...], strict=False)


def read_shop(text: str) -> DemoShop:
    """The users and the machine of a TOML text. Raises msgspec.ValidationError."""
    return msgspec.convert(tomllib.loads(text), DemoShop, str_keys=True)


PRODUCTS = read_products((_FOLDER / "products.csv").read_text("utf-8"))
SHOP = read_shop((_FOLDER / "shop.toml").read_text("utf-8"))
