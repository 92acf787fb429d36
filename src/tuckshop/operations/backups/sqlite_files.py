"""SQLite's part of a backup: its online backup, which sees the log too and keeps nobody from selling."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tuckshop.operations.backups.files import BackupFailed, create
from tuckshop.store.engine import LOCK_SECONDS_MAX

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside its file: belonging to another file, it would be read into this one."""


def copy(source: Path, target: Path) -> None:
    """Writes all that is committed by now into a new file, and looks whether it is sound.

    Raises:
        BackupFailed: it cannot be read, cannot be written, or is damaged.
    """
    create(target).close()
    try:
        # In one step, in one snapshot: in several, each sale would begin the copy anew.
        with closing(_open(source)) as opened, closing(_open(target)) as copied:
            opened.backup(copied)
        require_sound(target)
    except sqlite3.Error as error:
        raise BackupFailed(f"The database cannot be copied ({error}).") from None


def require_sound(path: Path) -> None:
    """Raises BackupFailed for a file that is none of SQLite's, or that a disk has changed."""
    try:
        with closing(_open(path)) as opened:
            ((found,), *_) = opened.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise BackupFailed(f"The database is damaged ({' '.join(str(found).split())[:200]}).")


def close_log(path: Path) -> None:
    """Puts into the file itself what is committed beside it. Nobody else may have it open."""
    with closing(_open(path)) as opened:
        opened.execute("PRAGMA journal_mode = DELETE")


def require_absent(path: Path) -> None:
    """Raises BackupFailed unless neither the file nor anything beside it is there."""
    for name in (path.name, *(f"{path.name}{end}" for end in BESIDE)):
        there = path.with_name(name)
        if there.exists() or there.is_symlink():
            raise BackupFailed(
                f"{there} already exists. Restore to where there is no database yet: set"
                " TUCKSHOP_DATABASE_URL or TUCKSHOP_HOME, or move the file away."
            )


def version() -> str:
    """SQLite's."""
    return sqlite3.sqlite_version


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=LOCK_SECONDS_MAX)
