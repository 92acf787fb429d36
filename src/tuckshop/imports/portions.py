"""Portions of an import at the till: each is done once, and undone once.

The till keeps under a key what it has done. That record is all it takes to go on with an import that was
interrupted, and to undo one, for as long as such records are kept.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, func, or_, select

from tuckshop.context import Shop
from tuckshop.domain.refusals import ImportUndone, Refusal, UnknownImport
from tuckshop.domain.users import Actor, Role
from tuckshop.store.engine import reading
from tuckshop.store.forms import Form
from tuckshop.store.tables import idempotency
from tuckshop.till.callers import OperatorCaller, SessionCaller
from tuckshop.till.commands.base import Command, Envelope, Outcome
from tuckshop.till.commands.imports import ProductsChanged, ProductsUndone, UndoProducts

RECENT = 5  # Whoever undoes an import has just seen what it did.
_DONE, _UNDONE = Form("products.changed").kind, Form("products.undone").kind
_UNDO = "undo."
_KEY = re.compile(r"(undo\.)?(.+)\.([0-9]+)\.[0-9]+", re.DOTALL)

Importer = SessionCaller | OperatorCaller


@dataclass(frozen=True, slots=True)
class PastImport:
    """An import of the caller's that began at `created_us`, and how many products it added and changed."""

    key: str
    created_us: int
    added: int
    changed: int
    is_undone: bool


@dataclass(frozen=True, slots=True)
class Undone:
    """How many products are as before the import; the names of those of which something stays as it is."""

    products: int
    kept: tuple[str, ...]


class _Record(NamedTuple):
    """Of a portion that begins with row `start`."""

    is_undo: bool
    key: str
    start: int
    created_us: int


async def do(shop: Shop, command: Command, *, key: str, start: int, fingerprint: bytes) -> Outcome:
    """Does the portion that begins with row `start`, unless it was done before.

    Raises:
        ImportUndone: somebody has begun to undo the import.
        Refusal: of the command. Nothing was done, and it may be tried again.
    """
    if any(one.is_undo and one.key == key for one in await _records(shop, command.caller.scope, key)):
        raise ImportUndone(key=key)
    return await _once(shop, command, f"{key}.{start}", fingerprint)


async def recent(shop: Shop, *, caller: Importer, prefix: str) -> list[PastImport]:
    """The caller's newest imports whose keys begin so, the newest first, without those of older releases."""
    records = await _records(shop, caller.scope, prefix)
    undone = {(one.key, one.start) for one in records if one.is_undo}
    begun_us: dict[str, int] = {}
    for one in records:
        if not one.is_undo:
            begun_us[one.key] = min(one.created_us, begun_us.get(one.key, one.created_us))
    found = []
    for key in sorted(begun_us, key=lambda one: begun_us[one], reverse=True)[:RECENT]:
        if portions := await _portions(shop, caller, key):
            added, changed = (
                sum(getattr(one, name) for one in portions.values()) for name in ("added", "changed")
            )
            is_undone = all((key, start) in undone for start in portions)
            found.append(PastImport(key, begun_us[key], added, changed, is_undone))
    return found


async def undo(shop: Shop, *, caller: Importer, actor: Actor, key: str) -> Undone:
    """Undoes an import of the caller's, from its last portion to its first; others are served between them.

    What somebody has changed since stays as it is: see `UndoProducts`. If it is interrupted, it goes on when
    it is asked for again.

    Raises:
        RoleMissing: only sellers and admins have products.
        UnknownImport: the caller has none with this key, or it is forgotten by now.
        ImportUndone: it was, wholly.
    """
    actor.require(Role.SELLER, Role.ADMIN)
    portions = await _portions(shop, caller, key)
    if not portions:
        raise UnknownImport(key=key)
    fingerprint = hashlib.sha256(key.encode()).digest()
    products, kept, is_new = 0, list[str](), False
    for start, portion in sorted(portions.items(), reverse=True):
        command = UndoProducts(caller, portion.done)
        outcome = await _once(shop, command, f"{_UNDO}{key}.{start}", fingerprint)
        receipt = outcome.receipt()
        assert isinstance(receipt, ProductsUndone)
        products += receipt.undone
        kept[:0] = receipt.kept
        is_new |= not outcome.replayed
    if not is_new:
        raise ImportUndone(key=key)
    return Undone(products, tuple(kept))


async def _once(shop: Shop, command: Command, key: str, fingerprint: bytes) -> Outcome:
    """Raises the refusal, if that is the answer. It is repeated too: each try has a key of its own."""
    for tried in count(1):
        outcome = await shop.till.execute(Envelope(command, f"{key}.{tried}", fingerprint))
        if not (outcome.replayed and isinstance(outcome.answer, Refusal)):
            outcome.receipt()
            return outcome
    raise AssertionError("there is always another number")


async def _records(shop: Shop, scope: str, prefix: str) -> list[_Record]:
    """What was done and undone of imports whose keys begin so, or are that."""
    query = select(idempotency.c.key, idempotency.c.created_us).where(
        idempotency.c.scope == scope,
        idempotency.c.kind.in_((_DONE, _UNDONE)),
        or_(_begins(prefix), _begins(_UNDO + prefix)),
    )
    async with reading(shop.engine) as connection:
        rows = (await connection.execute(query)).all()
    return [one for key, created_us in rows if (one := _record(key, created_us))]


async def _portions(shop: Shop, caller: Importer, key: str) -> dict[int, ProductsChanged]:
    """The portions of the import that have done something that can be undone, by their first rows."""
    query = select(idempotency.c.key, idempotency.c.created_us, idempotency.c.outcome).where(
        idempotency.c.scope == caller.scope, idempotency.c.kind == _DONE, _begins(f"{key}.")
    )
    async with reading(shop.engine) as connection:
        rows: Any = (await connection.execute(query)).all()
    found = {}
    for stored, created_us, outcome in rows:
        record = _record(stored, created_us)
        if record and record.key == key:
            found[record.start] = msgspec.json.decode(outcome, type=ProductsChanged)
    return {start: told for start, told in found.items() if told.done}


def _record(stored: str, created_us: int) -> _Record | None:
    """None for what an older release has stored, or somebody else."""
    match = _KEY.fullmatch(stored)
    return None if match is None else _Record(bool(match[1]), match[2], int(match[3]), created_us)


def _begins(prefix: str) -> ColumnElement[bool]:
    """Not by LIKE, which does not tell upper case from lower on SQLite."""
    return func.substr(idempotency.c.key, 1, len(prefix)) == prefix
