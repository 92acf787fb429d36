"""Trying a backup out: it is restored to a temporary place and audited there."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from tuckshop.operations.audit import Report
from tuckshop.operations.backups import archive, making, postgres_dumps, records, restoring, rotation
from tuckshop.operations.backups.archive import Manifest
from tuckshop.operations.backups.encryption import Identity, Keys
from tuckshop.operations.backups.files import BackupFailed, scratch
from tuckshop.operations.backups.restoring import Restored
from tuckshop.operations.startup import Clock, system_clock
from tuckshop.settings import PREFIX, Settings
from tuckshop.store.engine import DatabaseAway, DatabaseUnusable, opened_engine, read_state
from tuckshop.store.migrate import head_revision


async def check(given: Settings, path: Path, *, keys: Keys, clock: Clock = system_clock) -> Restored:
    """What the audit finds in a backup; in a folder's newest one if `path` is a folder.

    A dump of PostgreSQL needs the server of these settings, on which a database is created and dropped again.
    If the backup is of the shop of these settings, that shop's database keeps when and how this ended, and
    nothing else of it is touched.

    Raises:
        BackupFailed, DatabaseUnusable: one sentence.
    """
    file = await asyncio.to_thread(_file_of, path)
    with file.open("rb") as source:
        manifest = archive.read_manifest(source)
        restoring.require_revision(manifest)
        identities = archive.open_lock(source, manifest, keys)
        try:
            report = await _try_out(given, source, manifest, identities, clock)
        except (BackupFailed, DatabaseUnusable, DatabaseAway, OSError):
            await _record(given, manifest, is_good=False, clock=clock)
            raise
        await _record(given, manifest, is_good=report.clean, clock=clock)
    return Restored(manifest, report)


def _file_of(path: Path) -> Path:
    if not path.is_dir():
        return path
    if found := rotation.found_in(path):
        return next(iter(found.values()))
    raise BackupFailed(f"There is no backup in the folder {path}.")


async def _try_out(
    given: Settings,
    source: BinaryIO,
    manifest: Manifest,
    identities: Sequence[Identity] | None,
    clock: Clock,
) -> Report:
    with scratch(Path(tempfile.gettempdir()), "tuckshop-check") as folder:
        await asyncio.to_thread(archive.unpack, source, manifest, folder, identities)
        restoring.require_key(manifest, folder)
        part = folder / manifest.database_part
        if manifest.database == "sqlite":
            return await restoring.finish_sqlite(part, manifest, clock)
        if given.url.startswith("sqlite"):
            raise BackupFailed(
                f"The backup is of PostgreSQL. Set {PREFIX}DATABASE_URL to a server on which it can be tried"
                " out."
            )
        async with opened_engine(given.url) as engine:
            await read_state(engine)  # Says in a sentence if the server is away.
            await restoring.require_server(engine, manifest)
        async with postgres_dumps.temporary_database(given.url, schema=manifest.schema) as url:
            await postgres_dumps.load(url, part, major=manifest.server_major)
            return await restoring.finish(url, manifest, clock)


async def _record(given: Settings, manifest: Manifest, *, is_good: bool, clock: Clock) -> None:
    """Keeps it in the shop's database, if the backup is of that shop and it can be reached."""
    with suppress(DatabaseUnusable, DatabaseAway):
        async with opened_engine(given.url) as engine:
            state = await read_state(engine)
            if (state.revision != head_revision() and not state.is_ahead) or not state.is_installed:
                return
            if await making.shop_created_us(engine) == manifest.shop_created_us:
                kind = records.Kind.RESTORE_TEST
                await records.record(engine, kind=kind, is_good=is_good, now_us=clock())
