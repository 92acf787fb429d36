"""`/office/log`: who did what, and what became other by it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tuckshop.domain.users import Role
from tuckshop.http.handlers import get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import admin_log
from tuckshop.queries.admin_log import Line
from tuckshop.web.ui import i18n, rooms

PAGE = 25
_CENTS = "_cents"
_PAGES = {
    "user": "users",
    "product": "products",
    "order": "orders",
    "machine": "machines",
    "transfer": "transfers",
}


class Difference(NamedTuple):
    """One fact that an act made other; "" where there was or is none."""

    name: str
    before: str
    after: str


@get("/office/log")
async def show(request: ShopRequest) -> Response[Any]:
    """What admins, cashiers and the operator did, the newest first."""
    member = await rooms.member(request, Role.ADMIN)
    before_id = rooms.before(request)
    reads = request.query_params.get("reads") == "yes"
    found = await admin_log.page(request.shop, before_id=before_id, limit=PAGE + 1, with_reads=reads)
    words, currency = i18n.of(request), request.shop.currency

    def written(name: str, value: Any) -> str:
        if name.endswith(_CENTS) and isinstance(value, int):
            return words.money(value, currency)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def differences(line: Line) -> list[Difference]:
        old, new = dict(_facts(line.before or {})), dict(_facts(line.after or {}))
        return [
            Difference(
                name.removesuffix(_CENTS).replace("_", " "),
                *("" if facts.get(name) is None else written(name, facts[name]) for facts in (old, new)),
            )
            for name in {**old, **new}
            if old.get(name) != new.get(name)
        ]

    return rooms.page(
        request,
        "office/admin_log.html",
        member=member,
        lines=[(line, differences(line)) for line in found[:PAGE]],
        names=await admin_log.actors(request.shop, lines=found),
        page_of=_page_of,
        reads=reads,
        before=found[PAGE - 1].id if len(found) > PAGE else None,
    )


HANDLERS = (show,)


def _facts(facts: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Each with its whole name: `shelves 7 price_cents`."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _facts(value, f"{within}{name} ")
        else:
            yield f"{within}{name}", value


def _page_of(subject: str) -> str:
    """Where the office shows what an act was about; "" if nowhere."""
    kind, _, number = subject.partition(":")
    return f"/office/{_PAGES[kind]}/{number}" if kind in _PAGES else ""
