"""/v1/users/{id}/selling: how much a seller may have in the shop, and at which machines."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tuckshop.domain.refusals import InvalidField, RoleMissing, UnknownMachine, UnknownUser
from tuckshop.domain.selling import QUOTA_MAX
from tuckshop.domain.users import Role
from tuckshop.http.fields import ID_MAX, PathId, ResponseBody
from tuckshop.http.handlers import Router, describe, get, patch
from tuckshop.http.request import Body, ShopRequest
from tuckshop.identity import sessions
from tuckshop.operations import selling as selling_operations
from tuckshop.queries import selling

MACHINES_MAX = 1_000  # More than a request names by hand.
Most = Annotated[int, msgspec.Meta(ge=0, le=QUOTA_MAX)]
Machines = Annotated[
    list[Annotated[int, msgspec.Meta(ge=1, le=ID_MAX)]],
    msgspec.Meta(
        max_length=MACHINES_MAX,
        description="Machines other than the first at which the seller can sell.",
        examples=[[2]],
    ),
]


class SellingBody(Body):
    """What to change. Fields that are left out stay as they are; null is the shop's own quota."""

    products: Most | msgspec.UnsetType | None = msgspec.UNSET
    pieces: Most | msgspec.UnsetType | None = msgspec.UNSET
    picture_bytes: Most | msgspec.UnsetType | None = msgspec.UNSET
    machines: Machines | msgspec.UnsetType = msgspec.UNSET


class QuotaResponse(ResponseBody):
    """How much is used, and how much may be."""

    used: int
    max: int


class SellingResponse(ResponseBody):
    """What a seller has and may have, and the machines other than the first."""

    user: int
    products: QuotaResponse
    pieces: QuotaResponse
    picture_bytes: QuotaResponse
    machines: list[int]


@get(
    "/{user_id:int}/selling",
    summary="A seller's quotas and machines",
    operation=describe("getSelling", RoleMissing, UnknownUser),
)
async def show(request: ShopRequest, user_id: PathId) -> SellingResponse:
    """How much a seller has and can have. Your own, or any as an admin."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    request.looks(actor, whose=user_id)
    return _shown(await selling.find(request.shop, actor=actor, user_id=user_id))


@patch(
    "/{user_id:int}/selling",
    summary="Change a seller's quotas and machines",
    operation=describe(
        "changeSelling", RoleMissing, UnknownUser, UnknownMachine, InvalidField, body=SellingBody
    ),
)
async def change(request: ShopRequest, user_id: PathId) -> SellingResponse:
    """Raises or lowers quotas, and invites the seller to exactly these machines. Admins only.

    What the seller has already stays.
    """
    actor = await sessions.actor(request.shop, caller=request.caller)
    actor.require(Role.ADMIN)
    data = await request.parsed(SellingBody)
    quota = {
        name: value
        for name in ("products", "pieces", "picture_bytes")
        if (value := getattr(data, name)) is not msgspec.UNSET
    }
    found = await selling_operations.change(
        request.shop,
        actor=actor,
        user_id=user_id,
        quota=quota,
        machines=None if data.machines is msgspec.UNSET else data.machines,
    )
    return _shown(found)


def _shown(found: selling.Selling) -> SellingResponse:
    return SellingResponse(
        user=found.user_id,
        products=QuotaResponse(used=found.used.products, max=found.quota.products),
        pieces=QuotaResponse(used=found.used.pieces, max=found.quota.pieces),
        picture_bytes=QuotaResponse(used=found.used.picture_bytes, max=found.quota.picture_bytes),
        machines=list(found.machines),
    )


router = Router("/users", [show, change])
