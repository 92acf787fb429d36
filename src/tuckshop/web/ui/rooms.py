"""What the rooms behind the log-in share: who is in, and the pages that are shown to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from starlette.exceptions import HTTPException

from tuckshop.domain.refusals import SessionEnded
from tuckshop.domain.users import STAFF, Actor, Role
from tuckshop.http import browser_login
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions, users
from tuckshop.identity.users import User
from tuckshop.till.callers import SessionCaller
from tuckshop.web.ui import flash, layout

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)  # Longer ones are beyond every id.

Number = Annotated[str, msgspec.Meta(description="Of what the page is about.")]
"""As it stands in an address, for `number` to read."""


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """Who is logged in, with roles as they stand now. `caller` is what services and the till ask for."""

    caller: SessionCaller
    actor: Actor
    user: User

    @property
    def user_id(self) -> int:
        """Whose log-in it is."""
        return self.user.id

    @property
    def buys(self) -> bool:
        """Whether this one has a wallet."""
        return self.actor.has(Role.BUYER)

    @property
    def sells(self) -> bool:
        """Whether the desk is open for this one."""
        return self.actor.has(Role.SELLER)

    @property
    def as_seller(self) -> Actor:
        """With a seller's rights alone: at the desk, admins have their own products and no others."""
        return Actor(self.user_id, frozenset({Role.SELLER}))

    @property
    def runs(self) -> bool:
        """Whether the office is open for this one."""
        return self.actor.has(Role.CASHIER, Role.ADMIN)

    @property
    def is_staff(self) -> bool:
        """Whether the user has a role of staff, held or withheld."""
        return self.actor.is_staff or bool(self.actor.withheld)

    @property
    def is_admin(self) -> bool:
        """Whether all of the office is."""
        return self.actor.has(Role.ADMIN)


async def member(request: ShopRequest, *roles: Role) -> SignedInUser:
    """Who asks, with one of the roles, if any are named.

    Raises:
        SessionEnded: nobody is logged in; the error's page is the log-in, which leads back.
        RoleMissing: this room is not for them; the error's page says so.
    """
    caller = await browser_login.caller(request)
    if caller is None:
        raise SessionEnded
    actor = await sessions.actor(request.shop, caller=caller)
    request.scope["actor_id"] = actor.user_id  # for the log
    if roles:
        actor.require(*roles)
        if STAFF.issuperset(roles):
            request.looks(actor)
    assert actor.user_id is not None
    return SignedInUser(caller, actor, await users.find(request.shop, user_id=actor.user_id))


def number(given: str) -> int:
    """A number that stands in an address. Raises HTTPException for what is none of ours."""
    if not _NUMBER.fullmatch(given):
        raise HTTPException(404)
    return int(given)


def before(request: ShopRequest) -> int | None:
    """Where a list goes on that has its newest first; None at its beginning."""
    return _place(request, "before")


def after(request: ShopRequest) -> int:
    """Where a list goes on that has its oldest first; 0 at its beginning."""
    return _place(request, "after") or 0


def _place(request: ShopRequest, name: str) -> int | None:
    given = request.query_params.get(name, "")
    return int(given) if _NUMBER.fullmatch(given) else None


def page(
    request: ShopRequest,
    template: str,
    *,
    member: SignedInUser | None = None,
    status: int = 200,
    **shown: Any,
) -> Response[str]:
    """A page of a room, with what the last one has left to be said, and where its list begins."""
    notice = flash.read(request)
    is_first = before(request) is None
    response = layout.page(
        request, template, status=status, member=member, notice=notice, is_first=is_first, **shown
    )
    if notice is not None:
        flash.forget(response, request)
    return response
