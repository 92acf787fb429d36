"""Products, shelves and machines."""

from __future__ import annotations

from tuckshop.domain.refusals.base import Conflict


class StockTooLarge(Conflict, code="stock-too-large"):
    """The shelf would hold more than its capacity."""

    product: int
    capacity: int


class BarcodeTaken(Conflict, code="barcode-taken"):
    """`product`, on sale and of the same seller, has this barcode."""

    barcode: str
    product: int


class VersionChanged(Conflict, code="version-changed"):
    """The thing is at another version than the caller has seen."""

    version: int


class PlanChanged(Conflict, code="plan-changed"):
    """The machine's shelves are planned otherwise than the caller has seen."""

    machine: int


class TooManyScreens(Conflict, code="too-many-screens"):
    """The machine has as many screens as it may."""

    count_max: int


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


class ImportUndone(Conflict, code="import-undone"):
    """What was imported under this key was undone before, or is being undone."""

    key: str
