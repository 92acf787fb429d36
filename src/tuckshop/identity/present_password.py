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
from tuckshop.store.erased import NO_PASSWORD

_users, _identities = tables.users, tables.external_identities


class Shown(NamedTuple):
    """A password that fitted: its hash, by which a change meanwhile is noticed, and the try that it was."""

    password_hash: str
    attempt: Attempt


async def check(shop: Shop, *, user_id: int, password: str, address: str | None) -> Shown:
    """Whether this is the user's password now; the try counts until it is forgiven.

    Raises:
        BadCredentials, TooManyTries: it is not, or was not so too often.
        SignOnAway: it is a directory's, which does not answer.
    """
    query = select(_users.c.username, _users.c.password_hash).where(_users.c.id == user_id)
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one()
    attempt = await login_throttle.begin(shop, username=row.username, address=address)
    if row.password_hash == NO_PASSWORD:
        fits = await _fits_outside(shop, user_id=user_id, password=password)
    else:
        fits = await shop.passwords.fits(password, row.password_hash)
    if not fits:
        raise BadCredentials
    return Shown(row.password_hash, attempt)


async def _fits_outside(shop: Shop, *, user_id: int, password: str) -> bool:
    """Whether it is the directory's password of a user who has none here. Raises SignOnAway."""
    directory = shop.sign_on.directory
    if directory is None:
        return False
    query = select(_identities.c.subject, _identities.c.name).where(
        _identities.c.user_id == user_id, _identities.c.issuer == directory.issuer
    )
    async with reading(shop.engine) as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        return False
    found = await directory.find(username=row.name, password=password)
    return found is not None and found.subject == row.subject
