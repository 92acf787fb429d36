"""What a server runs for its shop, beside each request.

The middleware puts it there, so that applications hold nothing of a shop, and one of each is enough for a
process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from starlette.types import Scope

from tuckshop.context import Shop
from tuckshop.http.bodies import Bodies
from tuckshop.http.timeouts import BodyTimeouts
from tuckshop.queries.events import Events
from tuckshop.settings import Settings, Source

RUNNING = "tuckshop_running"


class Running(NamedTuple):
    """The shop, its streams of events, bodies and their timeouts, the settings, and where each came from."""

    shop: Shop
    events: Events
    body_timeouts: BodyTimeouts
    bodies: Bodies
    settings: Settings
    sources: Mapping[str, Source]


def running(scope: Scope) -> Running:
    """What runs for the request of this scope."""
    found: Running = scope[RUNNING]
    return found
