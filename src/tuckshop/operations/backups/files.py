"""The files that backups are made of: whole or not there at all, and for their owner's eyes alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 1 << 20


class BackupFailed(Exception):
    """A backup cannot be made, read or restored; the message says in a sentence why. Nothing was changed."""


@contextmanager
def scratch(folder: Path, name: str) -> Iterator[Path]:
    """A new folder in `folder` that nobody else can read, gone afterwards. Raises BackupFailed."""
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=folder))
    except OSError as error:
        raise BackupFailed(f"The folder {folder} cannot be written to ({error.strerror}).") from None
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def require_absent(path: Path) -> None:
    """Raises BackupFailed if there is anything at `path`, or if nothing can be called so."""
    try:
        path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise BackupFailed(f"The file {path.name[:80]!r} cannot be made ({error.strerror}).") from None
    raise BackupFailed(f"{path} already exists. Choose another name.")


def publish(made: Path, path: Path) -> None:
    """Moves a finished file of the same file system to `path`, durably, and never over another.

    Raises:
        BackupFailed: somebody else was there first.
    """
    with made.open("rb") as file:
        os.fsync(file.fileno())
    try:
        # Hard links would do without the empty file, but a USB stick or a share may have none.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise BackupFailed(f"{path} already exists. Choose another name.") from None
    made.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Returns when the names in the folder would survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create(path: Path) -> BinaryIO:
    """A new file that only its owner can read and write."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b")


def digest(path: Path) -> str:
    """The SHA-256 of the file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
