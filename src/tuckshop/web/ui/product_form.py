"""What a seller says of a product: the fields that adding and changing one share."""

from __future__ import annotations

from typing import NamedTuple

from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.products import PRODUCT_NAME_LENGTH_MAX, show_tax
from tuckshop.domain.refusals import BarcodeTaken, NameTaken, Refusal
from tuckshop.http.request import Call
from tuckshop.queries.products import Good
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui.bound_form import Filled

FIELDS = ("name", "price", "category", "barcode", "cost", "tax", "refundable")
BESIDE: dict[type[Refusal], str] = {NameTaken: "name", BarcodeTaken: "barcode"}
NEW = {"name": "", "price": "", "category": "", "barcode": "", "cost": "", "tax": "", "refundable": "on"}


class Attributes(NamedTuple):
    """As the commands of the till call them."""

    name: str
    price_cents: int
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    category: str
    barcode: str


def read(form: Filled) -> Attributes:
    """What the form says; what is wrong with it, the form tells."""
    has_cost = bool(form.typed["cost"].strip())
    return Attributes(
        name=form.text("name", length_max=PRODUCT_NAME_LENGTH_MAX),
        price_cents=form.amount("price", most_cents=PRICE_CENTS_MAX),
        refundable=form.typed["refundable"] == "on",
        tax_basis_points=form.tax("tax"),
        cost_cents=form.amount("cost", least_cents=0, most_cents=PRICE_CENTS_MAX) if has_cost else 0,
        # The till says beside them what is wrong; empty is none.
        category=form.typed["category"],
        barcode=form.typed["barcode"],
    )


def typed(request: Call, product: Good) -> dict[str, str]:
    """The product as somebody would type it."""
    words, currency = texts.of(request), request.shop.currency
    return {
        "name": product.name,
        "price": words.plain(product.price_cents, currency),
        "cost": words.plain(product.cost_cents, currency) if product.cost_cents else "",
        "tax": show_tax(product.tax_basis_points) if product.tax_basis_points else "",
        "refundable": "on" if product.refundable else "",
        "category": product.category or "",
        "barcode": product.barcode or "",
    }
