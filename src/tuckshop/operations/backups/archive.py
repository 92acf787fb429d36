"""A backup as a file: a plain tar of a manifest and the parts that it names, each encrypted if asked for.

    manifest.json                     what the backup is of, and the sums of its parts
    key.age                           only with a passphrase: the key to the parts
    database.sqlite3, database.dump   the database, as SQLite's own file or as `pg_dump` writes it
    secret.key                        the signing secret, where the shop keeps it in a file

An encrypted part has `.age` behind its name. Members come in this order, as plain files alone. Whatever else
is met is refused before a byte of it is used: a backup may come from anywhere.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import msgspec

from tuckshop.operations.backups import encryption
from tuckshop.operations.backups.encryption import Identity, Keys, Lock, Readable, Writable
from tuckshop.operations.backups.files import CHUNK_BYTES, BackupFailed, create

FORMAT = 1
MANIFEST, PROTECTED_KEY, KEY = "manifest.json", "key.age", "secret.key"
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
SMALL_BYTES_MAX = 65_536  # Of the manifest and of keys.
_BLOCK = tarfile.BLOCKSIZE

NOT_OURS = "The file is not a backup of Tuckshop."
TRUNCATED = "The backup is truncated: it ends before its last part does."
DAMAGED = "The backup is damaged: a part of it is not what the manifest says."

Version = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,4}(\.[0-9]{1,6}){0,3}\Z")]
Word = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z._+-]{0,64}\Z")]  # Nothing that a terminal obeys.


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the backup, as it is before encryption."""

    name: Word
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Word


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is of. Readable by anybody who has the file, whether it is encrypted or not."""

    format: int
    tuckshop: Word  # the version that made it
    revision: Word  # of the migrations
    database: Literal["sqlite", "postgresql"]
    server: Version  # of PostgreSQL's server, or of SQLite
    schema: Annotated[str, msgspec.Meta(max_length=63)]  # of PostgreSQL
    shop_created_us: int | None  # which tells shops apart; None: `init` never ended
    key_fingerprint: Word
    at_us: int  # Every sale that was acknowledged before is in it.
    is_encrypted: bool
    parts: tuple[Part, ...]

    @property
    def database_part(self) -> str:
        """The name of the database's file."""
        return DATABASES[self.database]

    @property
    def server_major(self) -> int:
        """Of the server's version: 15."""
        return int(self.server.partition(".")[0])

    @property
    def has_key(self) -> bool:
        """Whether the signing secret is in it."""
        return len(self.parts) > 1


class _Form(msgspec.Struct):
    format: int
    tuckshop: Word


def write(target: BinaryIO, manifest: Manifest, folder: Path, lock: Lock | None) -> None:
    """Writes a backup of the parts in `folder` to a file that can seek. Raises OSError."""
    at = manifest.at_us // 1_000_000
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    _add(target, MANIFEST, at, lambda file: file.write(text))
    if lock is not None and lock.protected_key is not None:
        key = lock.protected_key
        _add(target, PROTECTED_KEY, at, lambda file: file.write(key))
    for part in manifest.parts:
        with (folder / part.name).open("rb") as source:
            _add(target, _member_name(part, manifest), at, _writer(source, lock))
    target.write(bytes(2 * _BLOCK))


def read_manifest(source: BinaryIO) -> Manifest:
    """What the backup is of, from a file at its beginning.

    Raises:
        BackupFailed: another program's file, truncated, or of a newer version.
    """
    name, size = _next(source, missing=NOT_OURS)
    if name != MANIFEST or size > SMALL_BYTES_MAX:
        raise BackupFailed(NOT_OURS)
    text = _read_small(source, size)
    try:
        form = msgspec.json.decode(text, type=_Form)
        if form.format > FORMAT:
            raise BackupFailed(
                f"The backup was made by a newer version of Tuckshop ({form.tuckshop}). Install that version."
            )
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, ValueError):
        raise BackupFailed(NOT_OURS) from None
    expected = (manifest.database_part, KEY)[: max(1, len(manifest.parts))]
    if manifest.format < 1 or tuple(part.name for part in manifest.parts) != expected:
        raise BackupFailed(NOT_OURS)
    return manifest


def open_lock(source: BinaryIO, manifest: Manifest, keys: Keys) -> Sequence[Identity] | None:
    """What decrypts the parts, after `read_manifest`; None for a backup that is not encrypted.

    Raises:
        BackupFailed: the key or the passphrase is missing, or the passphrase is wrong.
    """
    if not manifest.is_encrypted:
        return None
    begins = source.tell()
    name, size = _next(source, missing=TRUNCATED)
    if name != PROTECTED_KEY:
        source.seek(begins)
        return encryption.identities_for(keys, None)
    return encryption.identities_for(keys, _read_small(source, size))


def unpack(source: BinaryIO, manifest: Manifest, folder: Path, identities: Sequence[Identity] | None) -> None:
    """Writes the parts into `folder`, after `open_lock`, and only as they were when they went in.

    Raises:
        BackupFailed: truncated, damaged, wrongly encrypted, or made by somebody who means harm.
        OSError: the folder cannot hold them.
    """
    for part in manifest.parts:
        name, size = _next(source, missing=TRUNCATED)
        if name != _member_name(part, manifest) or (part.name == KEY and size > SMALL_BYTES_MAX):
            raise BackupFailed(DAMAGED)
        member = _Window(source, size)
        with create(folder / part.name) as file:
            target = _Summed(file, part.bytes)
            if identities is None:
                _copy(member, target)
            else:
                encryption.decrypt(member, target, identities)
            if (target.written, target.sum.hexdigest()) != (part.bytes, part.sha256):
                raise BackupFailed(DAMAGED)
        member.skip_rest()


class _Window:
    """The next bytes of a file, which must be there."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left, self._padding = size, -size % _BLOCK

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        content = self._file.read(wanted)
        if len(content) < wanted:
            raise BackupFailed(TRUNCATED)
        self._left -= len(content)
        return content

    def skip_rest(self) -> None:
        """Goes to the next member."""
        self._file.seek(self._left + self._padding, io.SEEK_CUR)


class _Summed:
    """A file of at most so many bytes, and their sum."""

    def __init__(self, file: BinaryIO, bytes_max: int) -> None:
        self._file, self._bytes_max = file, bytes_max
        self.written, self.sum = 0, hashlib.sha256()

    def write(self, content: bytes, /) -> int:
        self.written += len(content)
        if self.written > self._bytes_max:
            raise BackupFailed(DAMAGED)
        self.sum.update(content)
        return self._file.write(content)


def _add(target: BinaryIO, name: str, at: int, write_content: Callable[[BinaryIO], object]) -> None:
    """A member of which nobody knows how long it becomes: its header is written twice."""
    member = tarfile.TarInfo(name)
    member.mode, member.mtime = 0o600, at
    begins = target.tell()
    target.write(member.tobuf(format=tarfile.GNU_FORMAT))
    write_content(target)
    ends = target.tell()
    member.size = ends - begins - _BLOCK
    target.write(bytes(-member.size % _BLOCK))
    target.seek(begins)
    target.write(member.tobuf(format=tarfile.GNU_FORMAT))
    target.seek(0, io.SEEK_END)


def _writer(source: BinaryIO, lock: Lock | None) -> Callable[[BinaryIO], object]:
    if lock is None:
        return lambda target: _copy(source, target)
    recipients = lock.recipients
    return lambda target: encryption.encrypt(source, target, recipients)


def _copy(source: Readable, target: Writable) -> None:
    while content := source.read(CHUNK_BYTES):
        target.write(content)


def _read_small(source: BinaryIO, size: int) -> bytes:
    if size > SMALL_BYTES_MAX:
        raise BackupFailed(DAMAGED)
    member = _Window(source, size)
    content = member.read()
    member.skip_rest()
    return content


def _next(source: BinaryIO, *, missing: str) -> tuple[str, int]:
    """Name and size of the next member. Not by TarFile: that follows links, long names and sparse files."""
    block = source.read(_BLOCK)
    if len(block) < _BLOCK:
        raise BackupFailed(missing)
    try:
        member = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError):
        raise BackupFailed(missing if missing == NOT_OURS else DAMAGED) from None
    if member.type != tarfile.REGTYPE or member.size < 0:
        raise BackupFailed(missing if missing == NOT_OURS else DAMAGED)
    return member.name, member.size


def _member_name(part: Part, manifest: Manifest) -> str:
    return f"{part.name}.age" if manifest.is_encrypted else part.name
