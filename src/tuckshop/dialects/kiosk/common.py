"""What the whole dialect shares: who asks, and how errors are told."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec

from tuckshop.dialects.kiosk.error_pages import EitherWay
from tuckshop.dialects.shared.errors import Details
from tuckshop.domain.refusals import SessionEnded
from tuckshop.domain.users import USERNAME_LENGTH_MAX, Actor, check_name
from tuckshop.http import response
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import name_meta
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import devices
from tuckshop.till.callers import OPEN_KIOSK, MachineCaller

API = "/api/v1"

UserName = Annotated[
    str,
    name_meta(
        USERNAME_LENGTH_MAX,
        example="door 17",
        description="A guest's name, independent of usernames; case does not count.",
    ),
]
UserQuery = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=USERNAME_LENGTH_MAX, description="The name of a guest."),
]


class _Errors(Details):
    """As the other contracts tell them; nobody logs in here, and browsers are shown pages."""

    def __init__(self) -> None:
        super().__init__(challenge="X-Kiosk-Key")
        row = self.table[SessionEnded]
        detail = "The kiosk's key is missing or not good any more."
        self.table = {**self.table, SessionEnded: row._replace(title="No good key", detail=detail)}

    def problem_response(self, status: int, title: str, **more: Any) -> Response[Any]:
        """One error's answer, JSON that becomes a page where one is preferred."""
        return EitherWay(super().problem_response(status, title, **more), title=title)


ERRORS = _Errors()

respond = partial(response.respond, refused=ERRORS.of_refusal)


def kiosk(request: ShopRequest) -> MachineCaller:
    """The machine whose key the request carries, or the open kiosk's; the till finds out whether it is.

    Raises:
        SessionEnded: no key, though the kiosk is not open, several, or what is none.
    """
    given = request.given(b"x-kiosk-key")
    if not given and request.shop.till.policy.kiosk_open:
        return OPEN_KIOSK
    if len(given) != 1:
        raise SessionEnded
    return devices.caller(given[0].decode("latin-1"))


def machine_of(kiosk: MachineCaller | Actor) -> int:
    """Whose shelves and coins are meant: those of the machine that asks."""
    assert kiosk.machine_id is not None
    return kiosk.machine_id


def checked_name(name: str | None) -> str:
    """The guest's name in NFC. Raises Malformed, InvalidField, under the contract's own name for it."""
    if name is None:
        raise Malformed(("user_name", "is missing"))
    return check_name(name, field="user_name", length_max=USERNAME_LENGTH_MAX)
