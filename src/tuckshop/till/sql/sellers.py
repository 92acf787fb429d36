"""Reads what sellers have of the shop, for commands that give them more of it."""

from __future__ import annotations

from tuckshop.domain.selling import Quota, Use
from tuckshop.till.sql.loading import ids
from tuckshop.till.sql.statements import ID
from tuckshop.till.sql.steps import Read, Script
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

_SELLERS_OF = Read(
    "sellers_of",
    ID,
    "SELECT DISTINCT p.seller_id FROM wanted w JOIN products p ON p.id = w.id AND p.seller_id IS NOT NULL",
)
_ON_SALE = "FROM products p WHERE p.seller_id = u.id AND p.removed_us IS NULL"
_QUOTAS = Read(
    "quotas",
    ID,
    "SELECT u.id, q.products, q.pieces, q.picture_bytes,"
    f" (SELECT count(*) {_ON_SALE}),"
    " (SELECT CAST(coalesce(sum(s.quantity), 0) AS bigint)"
    f" {_ON_SALE.replace(' WHERE', ' JOIN shelves s ON s.product_id = p.id WHERE')}),"
    " (SELECT CAST(coalesce(sum(length(i.content)), 0) AS bigint)"
    f" {_ON_SALE.replace(' WHERE', ' JOIN images i ON i.id = p.image_id WHERE')})"
    " FROM wanted w JOIN users u ON u.id = w.id LEFT JOIN seller_quotas q ON q.seller_id = u.id",
)
_INVITED = Read(
    "invited",
    ID,
    "SELECT i.seller_id, i.machine_id FROM wanted w JOIN invitations i ON i.seller_id = w.id",
)
_IMAGE_BYTES = Read(
    "image_bytes", ID, "SELECT i.id, length(i.content) FROM wanted w JOIN images i ON i.id = w.id"
)
# Orders are numbered as time goes on, but for a clock that was set back.


def named(need: ReadSet) -> Script:
    """Whose products there may be more of. Products keep their sellers: they may be read before the locks."""
    if need.stocking:
        found = {seller_id for (seller_id,) in (yield _SELLERS_OF, ids(need.stocking))}
        need.locked_users |= found
        need.quotas |= found


def quotas(work: WorkingSet, need: ReadSet) -> Script:
    """What sellers have, who are locked: nobody else adds to it meanwhile, but for refunds, which may."""
    if not need.quotas:
        return
    products, width = work.products, len(Quota._fields)
    for seller_id, *row in (yield _QUOTAS, ids(need.quotas)):
        own = zip(Quota(), row[:width], strict=True)
        products.quotas[seller_id] = Quota(*(usual if one is None else one for usual, one in own))
        products.used[seller_id] = Use(*row[width:])
    for seller_id, machine_id in (yield _INVITED, ids(need.quotas)):
        products.invited.add((seller_id, machine_id))


def pictures(work: WorkingSet, need: ReadSet) -> Script:
    """How large the pictures are that those sellers' products show, and those that they are to show."""
    shown = (one.image_id for one in work.products.by_id.values() if one.seller_id in work.products.quotas)
    images = need.images.union(one for one in shown if one is not None)
    if images:
        work.products.image_bytes = dict((yield _IMAGE_BYTES, ids(images)))
