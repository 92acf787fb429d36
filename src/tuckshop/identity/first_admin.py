"""The first admin of a shop that has none: whoever reads the server's own words types the code from there."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.context import Shop
from tuckshop.domain.field_problems import WrongSetupCode
from tuckshop.domain.refusals import InvalidField
from tuckshop.domain.users import Role
from tuckshop.identity import login_throttle, registration
from tuckshop.identity.users import User
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing

CODE_BYTES = 10  # 80 bits, and ten tries at once: nobody guesses it; sixteen letters can be typed.
_COUNTED_AS = "/first"  # No user's name has a slash.


def new_code() -> tuple[str, str]:
    """A code to be shown once, and the hash of it to be kept."""
    code = secrets.token_hex(CODE_BYTES)
    return "-".join(code[start : start + 5] for start in range(0, len(code), 5)), _hash(code)


async def is_missing(engine: AsyncEngine) -> bool:
    """Whether the shop has never had an admin."""
    query = select(tables.users.c.id).where(tables.users.c.is_admin).limit(1)
    async with reading(engine) as connection:
        return await connection.scalar(query) is None


async def make(
    shop: Shop, *, code: str, code_hash: str, username: str, password: str, address: str | None
) -> User:
    """The first admin, once: of several at once, one.

    Raises:
        InvalidField: the code is not this one, or as `registration.add`.
        TooManyTries: of codes, from this address or from all.
        NameTaken, NameTooSimilar: somebody has it, or one that looks so.
        RegistrationClosed: there is an admin already.
    """
    counted = await login_throttle.begin(shop, username=_COUNTED_AS, address=address)
    if not hmac.compare_digest(_hash(code), code_hash):
        raise InvalidField(field="code", problem=WrongSetupCode())
    async with writing(shop.engine) as connection:
        await login_throttle.forgive(connection, counted)
    return await registration.add(
        shop, username=username, email=None, password=password, roles=[Role.ADMIN], only_first=True
    )


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().replace("-", "").lower().encode()).hexdigest()
