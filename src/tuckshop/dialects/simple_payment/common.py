"""What the whole dialect shares: its errors, and who is let in by a token."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Request, Response

from tuckshop.dialects.shared.errors import Details
from tuckshop.domain.refusals import SessionEnded
from tuckshop.http import request as calls
from tuckshop.http.request import ADMITTED, Call
from tuckshop.identity import browser_sessions as opaque

API = "/api"
ERRORS = Details(challenge="Token")
_SCHEME = b"token "

answered = partial(calls.answered, errors=ERRORS)


async def require_strict(request: Request[Any, Any, Any]) -> Response[None] | None:
    """As `http.calls.require_strict`, once a token has been let in.

    Raises:
        SessionEnded: a token is needed, and there is none that ever was one.
        NotFoundException, Malformed: see there.
    """
    assert isinstance(request, Call)
    said = request.route_handler.opt.get("told")
    if request.method != "OPTIONS" and said is not None and said.login != "none":
        given = request.given(b"authorization")
        if len(given) != 1 or given[0][: len(_SCHEME)].lower() != _SCHEME:
            raise SessionEnded
        secret = given[0][len(_SCHEME) :].strip().decode("latin-1")
        caller = await opaque.caller(request.shop, secret=secret)
        request.scope[ADMITTED] = caller  # type: ignore[literal-required]
        request.scope["actor_id"] = caller.user_id  # type: ignore[typeddict-unknown-key]  # for the log
    return await calls.require_strict(request)
