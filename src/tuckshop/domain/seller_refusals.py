"""The refusals that are about sellers and what they sell; `refusals` has the whole tree."""

from __future__ import annotations

from tuckshop.domain.refusal import Conflict, Forbidden


class SellerNotInvited(Forbidden, code="seller-not-invited"):
    """Sellers sell at this machine by an admin's invitation, and this one has none."""

    machine: int


class NotPayable(Conflict, code="not-payable"):
    """The seller's earnings do not give that much now; `payable_cents` they do."""

    payable_cents: int
    balance_cents: int


class BarcodeTaken(Conflict, code="barcode-taken"):
    """`product`, on sale and of the same seller, has this barcode."""

    barcode: str
    product: int


class TooManyProducts(Conflict, code="too-many-products"):
    """The seller has as many products on sale as may be."""

    products_max: int
    products: int


class TooManyPieces(Conflict, code="too-many-pieces"):
    """The seller would have more pieces on all shelves together than may be; there are `pieces` now."""

    pieces_max: int
    pieces: int


class PicturesTooLarge(Conflict, code="pictures-too-large"):
    """The pictures of the seller's products would be larger together than they may; they have `bytes` now."""

    bytes_max: int
    bytes: int
