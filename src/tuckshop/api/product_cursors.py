"""Cursors of lists of products, which may be sorted by price and by name."""

from __future__ import annotations

import base64
import contextlib
import re

from tuckshop.api.requests import cursor_id, cursor_of
from tuckshop.http.errors import Malformed
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Place, Sort
from tuckshop.till.commands.products import ProductRecord


def product_cursor(product: ProductRecord, sort: Sort) -> str:
    """The cursor behind this product: its id, and what else says where it stands."""
    return _written(catalogue.place_of(product, sort))


def place_behind(cursor: str, sort: Sort) -> Place:
    """Where a list that is sorted so goes on. Raises Malformed for a cursor that it never gave."""
    written, _, value = cursor.partition(".")
    product_id = cursor_id(written)
    assert product_id is not None
    kind, text = value[:1], value[1:]
    place = None
    match sort, kind:
        case (Sort.ID | Sort.NEWEST, ""):
            place = Place(product_id)
        case (Sort.PRICE | Sort.PRICE_DOWN, "p") if re.fullmatch("[1-9][0-9]{0,9}", text):
            place = Place(product_id, price_cents=int(text))
        case (Sort.NAME | Sort.NAME_DOWN, "n"):
            with contextlib.suppress(ValueError):
                key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
                place = Place(product_id, name_key=key) if key and "\0" not in key else None
        case _:
            pass
    # Python reads past what is not Base64, and past bits that are left over.
    if place is None or _written(place) != cursor:
        raise Malformed(("cursor", "must be the `next` of a list in this order"))
    return place


def _written(place: Place) -> str:
    cursor = cursor_of(place.product_id)
    if place.price_cents is not None:
        return f"{cursor}.p{place.price_cents}"
    if place.name_key is not None:
        return f"{cursor}.n{base64.urlsafe_b64encode(place.name_key.encode()).decode().rstrip('=')}"
    return cursor
