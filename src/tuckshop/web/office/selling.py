"""`/office/users/{user}/selling`: how much a seller may have in the shop, and at which machines."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import Refusal
from tuckshop.domain.selling import QUOTA_MAX, Quota
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import users
from tuckshop.identity.users import User
from tuckshop.operations import selling as selling_operations
from tuckshop.queries import machines, selling
from tuckshop.queries.machines import Machine
from tuckshop.web.ui import flash, forms, i18n, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import Number, SignedInUser

PAGE = 1_000
MIB = 1_048_576  # Bytes.


@get("/office/users/{user:str}/selling")
async def show(request: ShopRequest, user: Number) -> Response[Any]:
    """What the seller has and may have."""
    member = await rooms.member(request, Role.ADMIN)
    found = await users.find(request.shop, user_id=rooms.number(user))
    return await _shown(request, member, found, await _others(request))


@post("/office/users/{user:str}/selling", status_code=303)
async def change(request: ShopRequest, user: Number) -> Response[Any]:
    """Other quotas, or those of all where nothing is typed; and exactly the machines that are ticked."""
    member = await rooms.member(request, Role.ADMIN)
    others = await _others(request)
    posted = await forms.read(request, *Quota._fields, *(_field(one) for one in others))
    found = await users.find(request.shop, user_id=rooms.number(user))
    form = BoundForm(request, posted)
    quota = {
        name: form.whole(name, most=QUOTA_MAX) if posted[name].strip() else None for name in Quota._fields
    }
    if form.is_wrong:
        return await _shown(request, member, found, others, form)
    try:
        await selling_operations.change(
            request.shop,
            actor=member.actor,
            user_id=found.id,
            quota=quota,
            machines=[one.id for one in others if posted[_field(one)]],
        )
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, found, others, form)
    response = forms.to_page(f"/office/users/{found.id}/selling")
    flash.leave(response, request, i18n.of(request).gettext("Saved."))
    return response


HANDLERS = (show, change)


async def _others(request: ShopRequest) -> list[Machine]:
    """All machines but the first, which is everybody's."""
    found = await machines.page(request.shop, limit=PAGE)
    return [one for one in found if one.id != DEFAULT_MACHINE_ID]


def _field(machine: Machine) -> str:
    return f"machine-{machine.id}"


async def _shown(
    request: ShopRequest,
    member: SignedInUser,
    user: User,
    others: list[Machine],
    form: BoundForm | None = None,
) -> Response[Any]:
    found = await selling.find(request.shop, actor=member.actor, user_id=user.id)
    said = {name: str(getattr(found.quota, name)) if name in found.own else "" for name in Quota._fields}
    said |= {_field(one): "on" if one.id in found.machines else "" for one in others}
    return rooms.page(
        request,
        "office/selling.html",
        member=member,
        status=200 if form is None else form.status,
        user=user,
        found=found,
        usual=Quota(),
        size=lambda count: f"{i18n.of(request).number(f'{count / MIB:.1f}')} MiB",
        number=lambda count: i18n.of(request).number(f"{count}"),
        others=[(_field(one), one.name) for one in others],
        form=form or BoundForm(request, said),
    )
