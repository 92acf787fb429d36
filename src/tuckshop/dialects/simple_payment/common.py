"""What the whole dialect shares: its errors, and who is let in by a token."""

from __future__ import annotations

from functools import partial

from tuckshop.dialects.shared.errors import Details
from tuckshop.domain.refusals import SessionEnded
from tuckshop.http import response
from tuckshop.http.request import ADMITTED, ShopRequest
from tuckshop.identity import browser_sessions

API = "/api"
ERRORS = Details(challenge="Token")
_SCHEME = b"token "

respond = partial(response.respond, refused=ERRORS.of_refusal)


async def admit(request: ShopRequest) -> None:
    """Lets a token in. Raises SessionEnded: one is needed, and there is none that ever was one."""
    said = request.operation
    if said is not None and said.login != "none":
        given = request.given(b"authorization")
        if len(given) != 1 or given[0][: len(_SCHEME)].lower() != _SCHEME:
            raise SessionEnded
        secret = given[0][len(_SCHEME) :].strip().decode("latin-1")
        caller = await browser_sessions.caller(request.shop, secret=secret, audience=request.audience)
        request.scope[ADMITTED] = caller
        request.scope["actor_id"] = caller.user_id  # for the log
