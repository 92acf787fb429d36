"""How long tests wait: only so that what hangs ends. No test says that something was quick, or slow.

`python -m tests.limits serve ...` is `tuckshop` on a computer that may be as slow as it likes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

HANG_SECONDS = 240.0  # Far more than anything takes on a slow computer that is busy with other things.
WALK_SECONDS = 10 * HANG_SECONDS  # The same of many things one after the other, each of which may hang.
HOW = "TUCKSHOP_TEST_SERVER"  # See serve_in_a_small_way.
RELEASE = "TUCKSHOP_TEST_RELEASE"  # Which next release a process is, see tests/upgrade/releases.py.
QUEUE_MAX, BATCH_MAX = 32, 10
TIRED_SECONDS = 3.0
_PAUSE_SECONDS = 0.005


async def until(is_so: Callable[[], object]) -> None:
    """Returns when it is so. What is waited for happens elsewhere: in another task, or another process."""
    async with asyncio.timeout(HANG_SECONDS):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE_SECONDS)


def be_patient() -> None:
    """Gives what runs in this process the same patience: a slow computer is no defect of the shop."""
    from tuckshop.operations import readiness
    from tuckshop.store import engine, listening, redis_line, redis_server
    from tuckshop.till.sql import postgres

    readiness.READY_SECONDS = HANG_SECONDS
    engine.CONNECT_SECONDS_MAX = engine.POOL_SECONDS_MAX = int(HANG_SECONDS)
    listening.ANSWER_SECONDS = redis_line.ANSWER_SECONDS = redis_server.ANSWER_SECONDS = HANG_SECONDS
    postgres.CONNECT_SECONDS = postgres.FATE_SECONDS = HANG_SECONDS
    postgres.IDLE_SECONDS = postgres.LOCK_SECONDS = int(HANG_SECONDS)


def serve_patiently() -> None:
    """Nor does a server that this process becomes. Who ends it notices what never would have ended."""
    from tuckshop.api import events
    from tuckshop.cli import serve
    from tuckshop.http import timeouts
    from tuckshop.store import engine

    be_patient()
    engine.SQLITE_PRAGMAS["busy_timeout"] = f"{HANG_SECONDS * 1_000:.0f}"
    events.FAREWELL_SECONDS = HANG_SECONDS
    timeouts.STALL_SECONDS_MAX = int(HANG_SECONDS)
    serve.KILL_SECONDS = int(HANG_SECONDS / 2)


def serve_in_a_small_way(how: str) -> None:
    """What takes thousands of requests, or many seconds, comes about sooner; nothing else is other.

    `small`: the till has few places. `tired`: it soon gives up on a database that is away. `as sold`: it
    waits as long as everybody's.
    """
    from tuckshop.till.engine.queue import Till
    from tuckshop.till.sql import postgres

    usual = Till.__init__.__kwdefaults__
    assert usual is not None
    if how == "small":
        usual |= {"queue_max": QUEUE_MAX, "batch_max": BATCH_MAX}
    elif how == "tired":
        usual["answer_seconds"] = TIRED_SECONDS
        postgres.FATE_SECONDS = TIRED_SECONDS


if __name__ == "__main__":
    import tests.planted.hook  # noqa: F401
    from tuckshop.cli.main import cli

    if os.environ.get(HOW) != "as sold":
        serve_patiently()
    serve_in_a_small_way(os.environ.get(HOW, ""))
    if release := os.environ.get(RELEASE):
        from tests.upgrade.releases import become

        become(release)
    cli()
