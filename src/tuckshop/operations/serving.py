"""One server for one SQLite file: a second would have a till of its own, and neither would know the other."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuckshop.store.engine import DatabaseUnusable, sqlite_path


@contextmanager
def alone(url: str) -> Iterator[None]:
    """Keeps other servers away from a SQLite file while the context lasts; PostgreSQL may have several.

    The kernel holds the lock of a file beside the database, for this process and those that it forks, and
    frees it when the last of them ends, however that happens. Commands do not ask for it.

    Raises:
        DatabaseUnusable: another server has it, or nothing can be written beside the database.
    """
    if not url.startswith("sqlite"):
        yield
        return
    # The file itself, whatever links lead to it.
    path = Path(os.path.realpath(sqlite_path(url)))
    try:
        descriptor = os.open(path.with_name(f"{path.name}.serving"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DatabaseUnusable(
            f"The server cannot write in the folder {path.parent} ({error.strerror}). SQLite keeps files"
            " beside the database: correct the permissions of the folder."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DatabaseUnusable(
                f"Another server is running on the database {path}. Stop it first, or use PostgreSQL for"
                " several servers."
            ) from None
        yield
    finally:
        os.close(descriptor)  # The file stays: whoever deleted it might delete another's lock.
