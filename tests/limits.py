"""How long tests wait: only so that what hangs ends. No test says that something was quick, or slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HANG_SECONDS = 120.0  # Far more than anything takes on a slow computer that is busy with other things.
_PAUSE_SECONDS = 0.005


async def until(is_so: Callable[[], object]) -> None:
    """Returns when it is so. What is waited for happens elsewhere: in another task, or another process."""
    async with asyncio.timeout(HANG_SECONDS):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE_SECONDS)
