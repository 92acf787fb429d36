"""Lists as several of the contracts give them: how many there are, and the addresses of the pages beside."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec

from tuckshop.http.fields import Shown
from tuckshop.http.request import Call

LIMIT_MAX = 1_000
OFFSET_MAX = 10_000

Limit = Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX, description="At most so many results.")]
Offset = Annotated[int, msgspec.Meta(ge=0, le=OFFSET_MAX, description="Leave out the first so many.")]


class Counted(Shown):
    """The head of a list. `next` and `previous` are addresses, null at its ends."""

    count: int
    next: str | None
    previous: str | None


def neighbours(request: Call, *, count: int, limit: int, offset: int) -> dict[str, Any]:
    """The members of a `Counted` list."""

    def address(start: int) -> str:
        query = {**request.query_params, "limit": limit, "offset": start}
        return f"{request.base_url}{request.url.path.lstrip('/')}?{urlencode(query)}"

    following = offset + limit
    return {
        "count": count,
        "next": address(following) if following < min(count, OFFSET_MAX + 1) else None,
        "previous": address(max(offset - limit, 0)) if offset else None,
    }
