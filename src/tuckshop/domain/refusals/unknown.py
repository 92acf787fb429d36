"""What there is not, or what the caller may not know of."""

from __future__ import annotations

from tuckshop.domain.refusals.base import Unknown


class UnknownUser(Unknown, code="unknown-user"):
    """No user with this id or name."""

    user: int | str


class UnknownGuest(Unknown, code="unknown-guest"):
    """No guest of this name."""

    guest: str


class UnknownProduct(Unknown, code="unknown-product"):
    """No product with this id or name is on sale on this machine."""

    product: int | str


class UnknownMachine(Unknown, code="unknown-machine"):
    """No machine with this id or name."""

    machine: int | str


class UnknownOrder(Unknown, code="unknown-order"):
    """No order with this id, or this reference of the client's, that the caller may see."""

    order: int | str


class UnknownPurchase(Unknown, code="unknown-purchase"):
    """The guest has bought none of the product here, or given all of it back."""

    product: int


class UnknownTransfer(Unknown, code="unknown-transfer"):
    """No transfer with this id."""

    transfer: int


class UnknownSession(Unknown, code="unknown-session"):
    """No session with this id belongs to the caller."""

    session: int


class UnknownToken(Unknown, code="unknown-token"):
    """No API token with this id belongs to the caller."""

    token: int


class UnknownImport(Unknown, code="unknown-import"):
    """The caller has imported nothing under this key, or it is too old to be undone."""

    key: str


class UnknownScreen(Unknown, code="unknown-screen"):
    """The machine has no such screen, or it has ended."""

    screen: int


class UnknownImage(Unknown, code="unknown-image"):
    """No picture with this id."""

    image: int
