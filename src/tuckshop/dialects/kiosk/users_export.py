"""The shop's users as the document keeps them: one number stands for what they may do."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tuckshop.context import Shop
from tuckshop.domain.users import Role
from tuckshop.queries import exports

COLUMNS = ("id", "username", "email", "role")
ADMIN, USER = 300, 100


async def users(shop: Shop) -> AsyncIterator[tuple[object, ...]]:
    """COLUMNS, then everybody who is not closed. Passwords, which the document has too, never come out."""
    yield COLUMNS
    is_head = True
    async for row in exports.all_users(shop):
        if not is_head:
            known = dict(zip(exports.USERS, row, strict=True))
            is_admin = Role.ADMIN in str(known["roles"]).split()
            yield known["id"], known["username"], known["email"], ADMIN if is_admin else USER
        is_head = False
