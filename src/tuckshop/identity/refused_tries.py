"""Remembering for a moment, for all processes, which tries the database has refused.

Under a flood of tries the database is asked about one name, or one network, once in REMEMBERED_SECONDS, not
each time. The counts are in the database alone: a note refuses only what the database has just refused, and
nothing that Redis says, or does not say, lets anybody in (docs/decisions/0041).
"""

from __future__ import annotations

import re

from tuckshop.context import Shop
from tuckshop.domain.refusals import TooManyTries

REMEMBERED_SECONDS = 5  # A count that a good try has lowered meanwhile is seen after as long, at the latest.
_SECOND_US = 1_000_000
_NOTE = re.compile(rb"([0-9]{1,19}) ([0-9]{1,19})")


async def require_not_refused(shop: Shop, key: bytes) -> None:
    """Raises TooManyTries: the database has just refused a try that counts under this key."""
    if shop.notes is None:
        return
    note = _NOTE.fullmatch(await shop.notes.read(_name(key)) or b"")
    if note is None:
        return
    noted_us, until_us, now_us = int(note[1]), int(note[2]), shop.clock()
    if noted_us <= now_us < min(until_us, noted_us + REMEMBERED_SECONDS * _SECOND_US):
        raise TooManyTries(retry_seconds=-((now_us - until_us) // _SECOND_US))


async def remember(shop: Shop, key: bytes, refusal: TooManyTries) -> None:
    """Notes that the database has refused a try that counts under this key."""
    if shop.notes is None:
        return
    now_us = shop.clock()
    note = b"%d %d" % (now_us, now_us + refusal.retry_seconds * _SECOND_US)
    seconds = min(refusal.retry_seconds, REMEMBERED_SECONDS)
    await shop.notes.write(_name(key), note, seconds=seconds)


def _name(key: bytes) -> str:
    return f"refused:{key.hex()}"
