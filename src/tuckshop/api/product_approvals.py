"""/v1/products/{id}/approval: products that wait because their names look like another seller's."""

from __future__ import annotations

from tuckshop.api.requests import respond
from tuckshop.domain.refusals import RoleMissing, UnknownProduct
from tuckshop.http.fields import PathId
from tuckshop.http.handlers import Router, describe, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.till.commands.approvals import ApproveProduct, ProductApproved


@post(
    "/{product_id:int}/approval",
    status_code=204,
    summary="Approve a product",
    operation=describe("approveProduct", RoleMissing, UnknownProduct, keyed=True),
)
async def approve(request: ShopRequest, product_id: PathId) -> Response[None]:
    """Puts a product on sale that waits because its name looks like another seller's. Admins only."""
    outcome = await request.execute(ApproveProduct(request.caller, product_id))
    return respond(outcome, ProductApproved, lambda _: None, status=204)


router = Router("/products", [approve])
