"""Making a backup, while the shop sells."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop import __version__
from tuckshop.identity.access_tokens import fingerprint
from tuckshop.operations.backups import archive, postgres_dumps, records, rotation, sqlite_files
from tuckshop.operations.backups.archive import Manifest, Part
from tuckshop.operations.backups.encryption import Lock
from tuckshop.operations.backups.files import BackupFailed, create, digest, publish, require_absent, scratch
from tuckshop.operations.startup import Clock, system_clock
from tuckshop.settings import Settings
from tuckshop.store import tables
from tuckshop.store.engine import (
    DatabaseUnusable,
    State,
    file_of,
    opened_engine,
    read_state,
    reading,
    require_compatible,
)
from tuckshop.store.migrate import head_revision


class Made(NamedTuple):
    """A backup that is there, how large it is, and which older ones went."""

    path: Path
    bytes: int
    manifest: Manifest
    gone: list[Path]


async def make(
    given: Settings, target: Path, *, lock: Lock | None = None, clock: Clock = system_clock
) -> Made:
    """Writes the shop's database and key to the new file `target`, which only its owner can read.

    Meanwhile there is a folder beside it, with what the file will hold. What came of it is recorded in the
    database; a database of an older revision has no place for that.

    Raises:
        BackupFailed, DatabaseUnusable, SettingsInvalid: one sentence; there is no new file.
    """
    target = _require_target(target)
    async with opened_engine(given.url) as engine:
        state = await _state(engine)
        secret = given.signing_secret()
        is_recorded = (state.is_ahead or state.revision == head_revision()) and state.is_installed
        try:
            made = await _make(engine, state, given, target, secret, lock, clock)
        except (BackupFailed, OSError):
            if is_recorded:
                await records.record(engine, kind=records.Kind.BACKUP, is_good=False, now_us=clock())
            raise
        if is_recorded:
            await records.record(engine, kind=records.Kind.BACKUP, is_good=True, now_us=made.manifest.at_us)
        return made


async def make_in(
    given: Settings, folder: Path, *, lock: Lock | None = None, clock: Clock = system_clock
) -> Made:
    """As `make`, to a name of this instant in the folder, whose older backups then go by `rotation`.

    Raises: as `make`.
    """
    _require_folder(folder)
    made = await make(given, folder / rotation.name_of(clock()), lock=lock, clock=clock)
    return made._replace(gone=await asyncio.to_thread(rotation.rotate, folder))


def _require_target(target: Path) -> Path:
    target = target.absolute()
    _require_folder(target.parent)
    require_absent(target)
    return target


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise BackupFailed(f"There is no folder {folder}. Create it, or choose another.")


async def _state(engine: AsyncEngine) -> State:
    state = await read_state(engine)
    if not state.tables:
        raise DatabaseUnusable("The database is empty, so there is nothing to back up.")
    require_compatible(state)
    return state


async def _make(
    engine: AsyncEngine,
    state: State,
    given: Settings,
    target: Path,
    secret: bytes,
    lock: Lock | None,
    clock: Clock,
) -> Made:
    with scratch(target.parent, "tuckshop-backup") as folder:
        at_us = clock()
        server = await _copy(engine, given.url, folder)
        if not given.secret:
            with create(folder / archive.KEY) as file:
                file.write(secret)
        names = [archive.DATABASES[engine.dialect.name], *([] if given.secret else [archive.KEY])]
        manifest = Manifest(
            format=archive.FORMAT,
            tuckshop=__version__,
            revision=state.revision or "",
            database="sqlite" if engine.dialect.name == "sqlite" else "postgresql",
            server=server.version,
            schema=server.schema,
            shop_created_us=await shop_created_us(engine) if state.is_installed else None,
            key_fingerprint=fingerprint(secret),
            at_us=at_us,
            is_encrypted=lock is not None,
            parts=tuple([await asyncio.to_thread(_part, folder / name) for name in names]),
        )
        await asyncio.to_thread(_write, folder / "backup", manifest, folder, lock)
        size = await asyncio.to_thread(_publish, folder / "backup", target)
    return Made(target, size, manifest, [])


async def shop_created_us(engine: AsyncEngine) -> int | None:
    """When the shop was set up, which tells it from others."""
    async with reading(engine) as connection:
        found: int | None = await connection.scalar(select(tables.shop.c.created_us))
        return found


async def _copy(engine: AsyncEngine, url: str, folder: Path) -> postgres_dumps.Server:
    part = folder / archive.DATABASES[engine.dialect.name]
    if engine.dialect.name == "sqlite":
        await asyncio.to_thread(sqlite_files.copy, file_of(engine), part)
        return postgres_dumps.Server(sqlite_files.version(), "")
    server = await postgres_dumps.read_server(engine)
    create(part).close()
    await postgres_dumps.dump(url, server, part)
    return server


def _part(path: Path) -> Part:
    return Part(name=path.name, bytes=path.stat().st_size, sha256=digest(path))


def _write(path: Path, manifest: Manifest, folder: Path, lock: Lock | None) -> None:
    with create(path) as file:
        archive.write(file, manifest, folder, lock)


def _publish(made: Path, target: Path) -> int:
    publish(made, target)
    return target.stat().st_size
