"""Bringing a database to the revision that this code needs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.store.engine import (
    LOCK_SECONDS_MAX,
    DatabaseUnusable,
    file_of,
    read_state,
    require_known,
    writing,
)
from tuckshop.store.migrations import VERSION_FOLDERS, revisions

_ADVISORY_LOCK = 0x7475636B  # "tuck": one number that every Tuckshop, and hopefully nobody else, asks for.
_SINCE = "COMPATIBLE_SINCE"  # Each migration may have it: the oldest revision whose code works after it.


async def upgrade(engine: AsyncEngine) -> None:
    """Runs every migration that is missing, all or none; at head it changes nothing.

    Makes the SQLite file (mode 0600) if it is not there. Several may run it at once: they take turns.

    Raises:
        DatabaseUnusable: unreachable, locked, newer than this code, or another program's.
    """
    if engine.dialect.name == "sqlite":
        await asyncio.to_thread(_make_file, file_of(engine))
    state = await read_state(engine)
    if state.tables:
        require_known(state)
    async with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
            # Whoever waits for a table lets nobody pass: behind a long report, every sale would wait too.
            await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'"))
        await connection.run_sync(_migrate)


def head_revision() -> str:
    """The revision that this code needs."""
    return revisions()[-1]


async def current_revision(engine: AsyncEngine) -> str | None:
    """The database's revision; None where Tuckshop's tables are missing. Raises DatabaseUnusable."""
    return (await read_state(engine)).revision


def _make_file(path: Path) -> None:
    try:
        # Nobody else may read it: password hashes lie in it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, mode=0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise DatabaseUnusable(
            f"The database {path} cannot be created ({error.strerror}). Create its folder, or use another"
            " path."
        ) from None


def _migrate(connection: Connection) -> None:
    # Imported here: a server only checks revisions, and starts without loading Alembic.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "tuckshop.store:migrations")
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(str, VERSION_FOLDERS)))
    command.upgrade(config, "head")
    walked = ScriptDirectory.from_config(config).walk_revisions()  # newest first
    since = next(script.module.COMPATIBLE_SINCE for script in walked if hasattr(script.module, _SINCE))
    connection.execute(text("UPDATE alembic_version SET compatible_since = :since"), {"since": since})
