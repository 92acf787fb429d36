"""Reads what sellers have of the shop, for commands that give them more of it."""

from __future__ import annotations

from tuckshop.domain.selling import Quota, Use
from tuckshop.till.sql import statements
from tuckshop.till.sql.loading import ids
from tuckshop.till.sql.steps import Script
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


def named(need: ReadSet) -> Script:
    """Whose products there may be more of. Products keep their sellers: they may be read before the locks."""
    if need.stocking:
        found = {seller_id for (seller_id,) in (yield statements.SELLERS_OF, ids(need.stocking))}
        need.locked_users |= found
        need.quotas |= found


def quotas(work: WorkingSet, need: ReadSet) -> Script:
    """What sellers have, who are locked: nobody else adds to it meanwhile, but for refunds, which may."""
    if not need.quotas:
        return
    products, width = work.products, len(Quota._fields)
    for seller_id, *row in (yield statements.QUOTAS, ids(need.quotas)):
        own = zip(Quota(), row[:width], strict=True)
        products.quotas[seller_id] = Quota(*(usual if one is None else one for usual, one in own))
        products.used[seller_id] = Use(*row[width:])
    for seller_id, machine_id in (yield statements.INVITED, ids(need.quotas)):
        products.invited.add((seller_id, machine_id))


def pictures(work: WorkingSet, need: ReadSet) -> Script:
    """How large the pictures are that those sellers' products show, and those that they are to show."""
    shown = (one.image_id for one in work.products.by_id.values() if one.seller_id in work.products.quotas)
    images = need.images.union(one for one in shown if one is not None)
    if images:
        work.products.image_bytes = dict((yield statements.IMAGE_BYTES, ids(images)))
