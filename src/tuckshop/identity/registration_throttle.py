"""Counting registrations, so that nobody fills the shop with users, or the queue with their passwords.

Each is counted before its password is hashed, by the network that it comes from, in the database as tries to
log in are. One that is refused later on counts all the same: it has cost as much.
"""

from __future__ import annotations

from tuckshop.context import Shop
from tuckshop.domain.refusals import TooManyRegistrations, TooManyTries
from tuckshop.identity import addresses, login_throttle, refused_tries
from tuckshop.identity.login_throttle import Limit
from tuckshop.store.engine import writing

HOUR_SECONDS = 3_600
V4_BITS, V6_BITS = 24, 48  # What one customer of a provider gets, or a little more.


async def begin(shop: Shop, *, address: str | None, per_hour: int) -> None:
    """Counts a registration. Raises TooManyRegistrations: it is one too many."""
    network = addresses.network(address, v4_bits=V4_BITS, v6_bits=V6_BITS)
    limit = Limit(per_hour, max(HOUR_SECONDS // per_hour, 1))
    key = login_throttle.key_of("registration", network)
    try:
        await refused_tries.require_not_refused(shop, key)
    except TooManyTries as refusal:
        raise TooManyRegistrations(refusal.retry_seconds, per_hour) from None
    try:
        async with writing(shop.engine) as connection:
            await login_throttle.count(connection, key, limit, shop.clock())
    except TooManyTries as refusal:
        await refused_tries.remember(shop, key, refusal)
        raise TooManyRegistrations(refusal.retry_seconds, per_hour) from None
