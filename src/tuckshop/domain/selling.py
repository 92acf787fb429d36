"""What a seller may have in the shop: so many products, pieces and pictures, and machines by invitation.

Whoever registers may be a seller: what one of them can fill the shop with has a bound, which an admin raises
for those who need more.
"""

from __future__ import annotations

from typing import NamedTuple

from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import PicturesTooLarge, SellerNotInvited, TooManyPieces, TooManyProducts
from tuckshop.domain.users import Actor, Role

PRODUCTS_MAX = 200  # More than a machine has shelves; a list of them is still looked through.
PIECES_MAX = 10_000  # Fifty of each.
PICTURE_BYTES_MAX = 100 * 1024 * 1024  # Half a MiB for each product; pictures are kept small.
QUOTA_MAX = 2**53 - 1  # Every JSON reader takes it as it is.


class Quota(NamedTuple):
    """How much of the shop is a seller's: products on sale, pieces on shelves, bytes of their pictures."""

    products: int = PRODUCTS_MAX
    pieces: int = PIECES_MAX
    picture_bytes: int = PICTURE_BYTES_MAX


class Use(NamedTuple):
    """What a seller has of that, or is about to have more."""

    products: int = 0
    pieces: int = 0
    picture_bytes: int = 0


def require_room(quota: Quota, used: Use, more: Use) -> None:
    """Raises TooManyProducts, TooManyPieces, PicturesTooLarge where the seller would get more than the quota.

    What is not to grow may be above: quotas are lowered too, and refunds put pieces back.
    """
    if more.products > 0 and used.products + more.products > quota.products:
        raise TooManyProducts(products_max=quota.products, products=used.products)
    if more.pieces > 0 and used.pieces + more.pieces > quota.pieces:
        raise TooManyPieces(pieces_max=quota.pieces, pieces=used.pieces)
    if more.picture_bytes > 0 and used.picture_bytes + more.picture_bytes > quota.picture_bytes:
        raise PicturesTooLarge(bytes_max=quota.picture_bytes, bytes=used.picture_bytes)


def require_invited(actor: Actor, *, machine_id: int, invited: bool) -> None:
    """Raises SellerNotInvited unless everybody sells there, the seller is `invited`, or an admin asks."""
    if machine_id != DEFAULT_MACHINE_ID and not invited and not actor.has(Role.ADMIN):
        raise SellerNotInvited(machine=machine_id)
