"""What names of products look like: whoever takes one that reads like another seller's waits for an admin."""

from __future__ import annotations

from tuckshop.domain.products import Product
from tuckshop.domain.users import Actor, Role
from tuckshop.store.skeletons import skeleton
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


def read(name: str, need: ReadSet) -> None:
    """Whether another's name looks so."""
    need.looks.add(skeleton(name))


def must_wait(product: Product, actor: Actor, work: WorkingSet) -> bool:
    """Whether the product's new name looks like that of another seller's. Admins see what they write."""
    if actor.has(Role.ADMIN):
        return False
    alike = work.products.looks.get(skeleton(product.name), frozenset())
    return any(one != product.id and seller != product.seller_id for one, seller in alike)


def keep(before: Product | None, after: Product | None, work: WorkingSet) -> None:
    """For the commands that follow: a product's new name, and the one that it gives up.

    What waits itself makes nobody else wait.
    """
    looks = work.products.looks
    if before is not None:
        looked = skeleton(before.name)
        looks[looked] = looks.get(looked, frozenset()) - {(before.id, before.seller_id)}
    if after is not None:
        looked = skeleton(after.name)
        if not after.waiting:
            looks[looked] = looks.get(looked, frozenset()) | {(after.id, after.seller_id)}
        work.changes.products.looked_at.add(after.id)
