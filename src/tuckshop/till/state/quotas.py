"""What a seller may get more of, by what was loaded; the house has what it wants."""

from __future__ import annotations

from tuckshop.domain import selling
from tuckshop.domain.selling import Use
from tuckshop.domain.users import Actor
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


def read_image(image_id: int | None, need: ReadSet) -> None:
    """How large the picture is that is to be shown."""
    if image_id is not None:
        need.images.add(image_id)


def require_room(seller_id: int | None, more: Use, work: WorkingSet) -> None:
    """Raises TooManyProducts, TooManyPieces, PicturesTooLarge."""
    if seller_id is not None and any(one > 0 for one in more):
        selling.require_room(work.products.quotas[seller_id], work.products.used[seller_id], more)


def require_invited(actor: Actor, seller_id: int | None, work: WorkingSet, *, machine_id: int) -> None:
    """Raises SellerNotInvited where the actor may put nothing of the seller's on this machine's shelves."""
    if seller_id is not None:
        invited = (seller_id, machine_id) in work.products.invited
        selling.require_invited(actor, machine_id=machine_id, invited=invited)
