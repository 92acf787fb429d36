"""Restoring a backup where there is no shop yet."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.identity.access_tokens import fingerprint
from tuckshop.operations.audit import Report, audit_and_record
from tuckshop.operations.backups import archive, postgres_dumps, sqlite_files
from tuckshop.operations.backups.archive import Manifest
from tuckshop.operations.backups.encryption import Keys
from tuckshop.operations.backups.files import BackupFailed, create, publish, scratch, sync_folder
from tuckshop.operations.startup import Clock, system_clock
from tuckshop.settings import KEY_FILE, PREFIX, Settings
from tuckshop.store.engine import DatabaseUnusable, opened_engine, read_state, sqlite_path
from tuckshop.store.migrate import head_revision, upgrade
from tuckshop.store.migrations import revisions


class Restored(NamedTuple):
    """What a backup was of, and what the audit finds in it. `needs_secret`: there is no key to serve with."""

    manifest: Manifest
    report: Report
    is_key_new: bool = False
    needs_secret: bool = False


async def restore(given: Settings, file: Path, *, keys: Keys, clock: Clock = system_clock) -> Restored:
    """Makes the backup the shop of these settings; upgrades it to this version and audits it.

    Raises:
        BackupFailed, DatabaseUnusable, SettingsInvalid: one sentence; nothing was changed.
    """
    with file.open("rb") as source:
        manifest = archive.read_manifest(source)
        _require_kind(manifest, given)
        require_revision(manifest)
        own = _own_secret(given)
        if own is not None and fingerprint(own) != manifest.key_fingerprint:
            raise BackupFailed(
                f"The backup was made with another signing key than the one in {_key_place(given)}. Remove"
                " that one, or restore with other settings."
            )
        if manifest.database == "sqlite":
            sqlite_files.require_absent(_place(given))
        else:
            await _require_empty(given.url, manifest)
        identities = archive.open_lock(source, manifest, keys)
        with _home(given), scratch(_aside(given), "tuckshop-restore") as folder:
            await asyncio.to_thread(archive.unpack, source, manifest, folder, identities)
            require_key(manifest, folder)
            part = folder / manifest.database_part
            if manifest.database == "sqlite":
                report = await finish_sqlite(part, manifest, clock)
                with _key_file(given, manifest, folder, own):
                    sqlite_files.require_absent(_place(given))
                    publish(part, _place(given))
            else:
                with _key_file(given, manifest, folder, own):
                    await postgres_dumps.load(given.url, part, major=manifest.server_major)
                report = await finish(given.url, manifest, clock)
    return Restored(
        manifest,
        report,
        is_key_new=manifest.has_key and own is None,
        needs_secret=not manifest.has_key and own is None,
    )


def require_revision(manifest: Manifest) -> None:
    """Raises BackupFailed for a backup of a newer database than this version knows."""
    if manifest.revision not in revisions():
        raise BackupFailed(
            f"The backup is of a newer database (revision {manifest.revision}) than this version of Tuckshop"
            f" (revision {head_revision()}). Install version {manifest.tuckshop} or a later one."
        )


def require_key(manifest: Manifest, folder: Path) -> None:
    """Raises BackupFailed if an unpacked key is not the one that the manifest names."""
    if manifest.has_key and fingerprint((folder / archive.KEY).read_bytes()) != manifest.key_fingerprint:
        raise BackupFailed(archive.DAMAGED)


async def finish_sqlite(part: Path, manifest: Manifest, clock: Clock) -> Report:
    """As `finish`, for an unpacked file, which then holds everything by itself."""
    await asyncio.to_thread(sqlite_files.require_sound, part)
    report = await finish(f"sqlite:///{part}", manifest, clock)
    await asyncio.to_thread(sqlite_files.close_log, part)
    return report


async def finish(url: str, manifest: Manifest, clock: Clock) -> Report:
    """Upgrades the restored database to this version's revision, audits it and keeps in it what that found.

    Raises:
        BackupFailed: it is not of the revision that the manifest tells.
    """
    async with opened_engine(url) as engine:
        if (await read_state(engine)).revision != manifest.revision:
            raise BackupFailed(archive.DAMAGED)
        await upgrade(engine)
        return await audit_and_record(engine, now_us=clock())


async def require_server(engine: AsyncEngine, manifest: Manifest) -> None:
    """Raises BackupFailed for a server that is older than the one that the backup is of."""
    server = await postgres_dumps.read_server(engine)
    if server.major < manifest.server_major:
        raise BackupFailed(
            f"The backup is of PostgreSQL {manifest.server_major}, and this server is PostgreSQL"
            f" {server.major}. Restore it to {manifest.server_major} or newer."
        )


def _require_kind(manifest: Manifest, given: Settings) -> None:
    kind = "sqlite" if given.url.startswith("sqlite") else "postgresql"
    if kind == manifest.database:
        return
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    raise BackupFailed(
        f"The backup is of {names[manifest.database]}, and {PREFIX}DATABASE_URL names {names[kind]}."
        f" Restore it to {names[manifest.database]}."
    )


async def _require_empty(url: str, manifest: Manifest) -> None:
    async with opened_engine(url) as engine:
        if (await read_state(engine)).tables:
            raise DatabaseUnusable(
                "The database is not empty. Restore to an empty one, and set its address in"
                f" {PREFIX}DATABASE_URL."
            )
        await require_server(engine, manifest)
        schema = (await postgres_dumps.read_server(engine)).schema
        if schema != manifest.schema:
            raise BackupFailed(
                f"The backup's tables are in the schema {manifest.schema!r}, and new ones would be in"
                f" {schema!r} here. Create that schema, and set the user's search_path to it."
            )


def _place(given: Settings) -> Path:
    return Path(sqlite_path(given.url)).absolute()


def _aside(given: Settings) -> Path:
    """Where to unpack: a SQLite file on the file system where it is to be."""
    if given.url.startswith("sqlite"):
        return _place(given).parent
    return Path(tempfile.gettempdir())


def _key_place(given: Settings) -> str:
    return f"{PREFIX}SECRET" if given.secret else str(given.home_path / KEY_FILE)


def _own_secret(given: Settings) -> bytes | None:
    """The signing secret that is here already."""
    if given.secret:
        return given.secret.encode()
    with suppress(FileNotFoundError, NotADirectoryError):
        return (given.home_path / KEY_FILE).read_bytes().strip()
    return None


@contextmanager
def _home(given: Settings) -> Iterator[None]:
    """The shop's folder is there, and stays if all goes well."""
    home = given.home_path.absolute()
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def _key_file(given: Settings, manifest: Manifest, folder: Path, own: bytes | None) -> Iterator[None]:
    """Puts the key back unless there is one, and takes it away again if what follows fails."""
    if own is not None or not manifest.has_key:
        yield
        return
    path = given.home_path / KEY_FILE
    with create(path) as file:
        file.write((folder / archive.KEY).read_bytes())
    try:
        sync_folder(path.parent)
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
