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
