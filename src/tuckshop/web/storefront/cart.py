"""What somebody has chosen and not yet bought: it stands in the page's address, `?pick=3.2-7`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tuckshop.domain.orders import LINES_MAX
from tuckshop.http.fields import ID_MAX

EACH_MAX = 9  # Pieces of one product: what two hands carry. Larger baskets are for /v1.
_PICK = re.compile(r"([1-9][0-9]{0,18})(?:\.([1-9]))?", re.ASCII)

Cart = Mapping[int, int]
"""Product -> pieces, in the order of choosing."""


def read(written: str) -> dict[int, int]:
    """What was chosen; what is not written as `write` does is left out."""
    cart: dict[int, int] = {}
    for part in written.split("-", LINES_MAX)[:LINES_MAX]:
        found = _PICK.fullmatch(part)
        if found is not None and int(found[1]) <= ID_MAX:
            cart[int(found[1])] = int(found[2] or 1)
    return cart


def write(cart: Cart) -> str:
    """The choice as text."""
    return "-".join(
        f"{product_id}.{pieces}" if pieces > 1 else f"{product_id}" for product_id, pieces in cart.items()
    )


def with_one_more(cart: Cart, product_id: int, *, stock: int) -> dict[int, int]:
    """The choice and another piece, as far as there are any."""
    pieces = min(cart.get(product_id, 0) + 1, stock, EACH_MAX)
    if not pieces or (product_id not in cart and len(cart) >= LINES_MAX):
        return dict(cart)
    return {**cart, product_id: pieces}


def with_one_less(cart: Cart, product_id: int) -> dict[int, int]:
    """The choice without one piece of it."""
    left = {one: pieces - (one == product_id) for one, pieces in cart.items()}
    return {one: pieces for one, pieces in left.items() if pieces}
