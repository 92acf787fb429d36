"""Prices and stock, which clients write as text or as numbers."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from tuckshop.domain import money
from tuckshop.domain.money import Currency
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.http.errors import Malformed

# Raw, since 2.2 as a binary fraction is not 2.2 any more.
Price = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="In major units, with no more decimals than the currency has.",
        examples=["2.20"],
        extra_json_schema={
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9]{1,8}(\.[0-9]+)?$"},
                {"type": "number", "exclusiveMinimum": 0, "maximum": 10_000_000},
            ]
        },
    ),
]
Stock = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="Pieces.",
        examples=["100"],
        extra_json_schema={
            "anyOf": [
                {"type": "string", "pattern": "^(0|[1-9][0-9]{0,6})$"},
                {"type": "integer", "minimum": 0, "maximum": QUANTITY_MAX},
            ]
        },
    ),
]
_WHOLE = re.compile(r"0|[1-9][0-9]{0,6}", re.ASCII)


def read_price(given: msgspec.Raw, currency: Currency) -> int:
    """`"2.2"` or `2.2` -> 220. Raises Malformed, InvalidField."""
    return money.parse_price(_written(given, field="price"), currency=currency)


def read_stock(given: msgspec.Raw) -> int:
    """`"100"` or `100` -> 100. Raises Malformed; how much fits is for the till to say."""
    text = _written(given, field="stock")
    if not _WHOLE.fullmatch(text):
        raise Malformed(("stock", f"must be a whole number from 0 to {QUANTITY_MAX}"))
    return int(text)


def _written(given: msgspec.Raw, *, field: str) -> str:
    """What a JSON text or number says, digit for digit. Raises Malformed for anything else."""
    written = bytes(given).decode().strip()
    if written.startswith('"'):
        return msgspec.json.decode(written, type=str)
    if not written.startswith(tuple("-0123456789")):
        raise Malformed((field, "must be text or a number"))
    return written
