"""The password of somebody who is logged in, shown once more."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials
from tuckshop.identity import login_throttle
from tuckshop.identity.login_throttle import Attempt
from tuckshop.store import tables
from tuckshop.store.engine import reading

_users = tables.users


class Shown(NamedTuple):
    """A password that fitted: its hash, by which a change meanwhile is noticed, and the try that it was."""

    password_hash: str
    attempt: Attempt


async def check(shop: Shop, *, user_id: int, password: str, address: str | None) -> Shown:
    """Whether this is the user's password now; the try counts until it is forgiven.

    Raises:
        BadCredentials, TooManyTries: it is not, or was not so too often.
    """
    query = select(_users.c.username, _users.c.password_hash).where(_users.c.id == user_id)
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one()
    attempt = await login_throttle.begin(shop, username=row.username, address=address)
    if not await shop.passwords.fits(password, row.password_hash):
        raise BadCredentials
    return Shown(row.password_hash, attempt)
