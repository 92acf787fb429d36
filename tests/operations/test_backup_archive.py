"""A backup file is read as it was written, and whatever else it may be is refused before it does harm."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuckshop.operations.backups import archive, encryption
from tuckshop.operations.backups.archive import DAMAGED, NOT_OURS, TRUNCATED, Manifest, Part
from tuckshop.operations.backups.encryption import Keys, Lock
from tuckshop.operations.backups.files import BackupFailed

DATABASE = bytes(range(256)) * 1_000
KEY = b"k" * 64
IDENTITY = pyrage.x25519.Identity.generate()
PASSPHRASE = "correct horse battery staple"

NOT_MADE_OF = {
    "nothing": b"",
    "a byte": b"x",
    "text": b"hello, world\n" * 1_000,
    "zeros": bytes(10_240),
    "SQLite's file": b"SQLite format 3\0" + bytes(4_096),
    "gzip": b"\x1f\x8b\x08" + bytes(2_000),
    "an age file": pyrage.encrypt(b"x" * 5_000, [IDENTITY.to_public()]),
}


def manifest_of(**other: Any) -> Manifest:
    parts = tuple(
        Part(name=name, bytes=len(content), sha256=sha256(content).hexdigest())
        for name, content in (("database.sqlite3", DATABASE), ("secret.key", KEY))
    )
    told: dict[str, Any] = {
        "format": 1,
        "tuckshop": "1.0",
        "revision": "0031",
        "database": "sqlite",
        "server": "3.40.1",
        "schema": "",
        "shop_created_us": 7,
        "key_fingerprint": "ab",
        "at_us": 1_760_000_000_000_000,
        "is_encrypted": False,
        "parts": parts,
    }
    return Manifest(**told | other)


def written(folder: Path, lock: Lock | None = None, **other: Any) -> bytes:
    """A backup."""
    (folder / "database.sqlite3").write_bytes(DATABASE)
    (folder / "secret.key").write_bytes(KEY)
    file = io.BytesIO()
    archive.write(file, manifest_of(is_encrypted=lock is not None, **other), folder, lock)
    return file.getvalue()


def read(content: bytes, folder: Path, keys: Keys | None = None) -> dict[str, bytes]:
    """What a backup leaves in a new folder."""
    source = io.BytesIO(content)
    manifest = archive.read_manifest(source)
    identities = archive.open_lock(source, manifest, keys or Keys())
    target = folder / "out"
    target.mkdir()
    archive.unpack(source, manifest, target, identities)
    return {path.name: path.read_bytes() for path in target.iterdir()}


def refused(content: bytes, folder: Path, keys: Keys | None = None) -> str:
    with pytest.raises(BackupFailed) as failed:
        read(content, folder, keys)
    told = str(failed.value)
    assert told.endswith(".")
    assert told.isprintable()
    return told


LOCKS: dict[str, tuple[Callable[[], Lock | None], Keys]] = {
    "plain": (lambda: None, Keys()),
    "recipient": (lambda: encryption.lock_for([str(IDENTITY.to_public())]), Keys([IDENTITY])),
    "passphrase": (lambda: encryption.lock_with(PASSPHRASE), Keys(ask_passphrase=lambda: PASSPHRASE)),
}


@pytest.mark.parametrize("kind", LOCKS)
def test_reads_what_it_wrote(tmp_path: Path, kind: str) -> None:
    lock, keys = LOCKS[kind]
    content = written(tmp_path, lock())
    assert read(content, tmp_path, keys) == {"database.sqlite3": DATABASE, "secret.key": KEY}
    assert (KEY in content) is (kind == "plain")
    assert (DATABASE in content) is (kind == "plain")


def test_any_tar_and_age_read_it_too(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(written(tmp_path, encryption.lock_with(PASSPHRASE)))) as tar:
        assert tar.getnames() == ["manifest.json", "key.age", "database.sqlite3.age", "secret.key.age"]
        assert {(member.mode, member.isreg()) for member in tar} == {(0o600, True)}
        opened = {name: tar.extractfile(name) for name in tar.getnames()}
        found = {name: file.read() for name, file in opened.items() if file is not None}
    key = pyrage.passphrase.decrypt(found["key.age"], PASSPHRASE).decode()
    identity = pyrage.x25519.Identity.from_str(key)
    assert pyrage.decrypt(found["secret.key.age"], [identity]) == KEY
    assert json.loads(found["manifest.json"])["format"] == archive.FORMAT


@pytest.mark.parametrize("what", NOT_MADE_OF)
def test_another_programs_file_is_told_as_such(tmp_path: Path, what: str) -> None:
    assert refused(NOT_MADE_OF[what], tmp_path) == NOT_OURS


@pytest.mark.parametrize("kind", LOCKS)
def test_however_it_is_truncated_it_is_refused(tmp_path: Path, kind: str) -> None:
    lock, keys = LOCKS[kind]
    content = written(tmp_path, lock())
    ends = content.rstrip(b"\0")
    for number, length in enumerate((600, 1_500, 3_000, len(ends) // 2, len(ends) - 1)):
        (tmp_path / str(number)).mkdir()
        told = refused(content[:length], tmp_path / str(number), keys)
        assert told in (TRUNCATED, NOT_OURS), length


@pytest.mark.parametrize("kind", ["plain", "recipient"])
def test_a_changed_byte_is_found(tmp_path: Path, kind: str) -> None:
    lock, keys = LOCKS[kind]
    content = bytearray(written(tmp_path, lock()))
    place = content.rindex(b"secret.key") - 2_000  # In the database.
    content[place] ^= 1
    assert refused(bytes(content), tmp_path, keys) in (DAMAGED, encryption.WRONG_KEY)


def test_wrong_keys(tmp_path: Path) -> None:
    for number, (kind, keys, told) in enumerate(
        [
            ("recipient", Keys(), "--identity"),
            ("recipient", Keys([pyrage.x25519.Identity.generate()]), "another one's"),
            ("recipient", Keys(ask_passphrase=lambda: PASSPHRASE), "--identity"),
            ("passphrase", Keys(), "--passphrase-file"),
            ("passphrase", Keys([IDENTITY]), "--passphrase-file"),
            ("passphrase", Keys(ask_passphrase=lambda: "wrong"), "passphrase is wrong"),
        ]
    ):
        (tmp_path / str(number)).mkdir()
        content = written(tmp_path, LOCKS[kind][0]())
        assert told in refused(content, tmp_path / str(number), keys)


def test_a_newer_format_is_told_as_such(tmp_path: Path) -> None:
    content = written(tmp_path, format=2, tuckshop="9.1")
    assert "newer version of Tuckshop (9.1)" in refused(content, tmp_path)


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar of somebody who means harm."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for member, content in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def member(name: str, **other: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for attribute, value in other.items():
        setattr(made, attribute, value)
    return made


def text_of(manifest: Manifest) -> bytes:
    import msgspec

    return msgspec.json.encode(manifest)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a path in a name": lambda: packed(
        (member("manifest.json"), text_of(manifest_of())), (member("../../database.sqlite3"), DATABASE)
    ),
    "an absolute name": lambda: packed(
        (member("manifest.json"), text_of(manifest_of())), (member("/etc/passwd"), DATABASE)
    ),
    "a symbolic link": lambda: packed(
        (member("manifest.json"), text_of(manifest_of())),
        (member("database.sqlite3", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b""),
    ),
    "a hard link": lambda: packed(
        (member("manifest.json"), text_of(manifest_of())),
        (member("database.sqlite3", type=tarfile.LNKTYPE, linkname="/etc/passwd"), b""),
    ),
    "a device": lambda: packed(
        (member("manifest.json"), text_of(manifest_of())),
        (member("database.sqlite3", type=tarfile.CHRTYPE), b""),
    ),
    "a manifest that is a link": lambda: packed(
        (member("manifest.json", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")
    ),
    "a long name": lambda: packed((member("manifest.json" * 50), text_of(manifest_of()))),
    "a path in the manifest": lambda: packed(
        (
            member("manifest.json"),
            text_of(manifest_of()).replace(b'"database.sqlite3"', b'"..%2Fdatabase.sqlite3"'),
        )
    ),
    "a huge manifest": lambda: packed((member("manifest.json"), b" " * (archive.SMALL_BYTES_MAX + 1))),
    "a manifest of nothing": lambda: packed((member("manifest.json"), b"")),
    "a deep manifest": lambda: packed((member("manifest.json"), b"[" * 60_000)),
    "no parts": lambda: packed((member("manifest.json"), text_of(manifest_of(parts=())))),
    "the same part twice": lambda: packed(
        (member("manifest.json"), text_of(manifest_of(parts=manifest_of().parts[:1] * 2)))
    ),
    "a part larger than told": lambda: packed(
        (member("manifest.json"), text_of(manifest_of())), (member("database.sqlite3"), DATABASE + b"x")
    ),
    "a part smaller than told": lambda: packed(
        (member("manifest.json"), text_of(manifest_of())), (member("database.sqlite3"), DATABASE[:-1])
    ),
    "a huge key": lambda: packed(
        (member("manifest.json"), text_of(manifest_of())),
        (member("database.sqlite3"), DATABASE),
        (member("secret.key"), bytes(archive.SMALL_BYTES_MAX + 1)),
    ),
    "escapes for the terminal": lambda: packed(
        (member("manifest.json"), text_of(manifest_of(format=9, tuckshop="\x1b[2J")))
    ),
    "a version that is none": lambda: packed(
        (member("manifest.json"), text_of(manifest_of(server="fifteen")))
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_and_leaves_nothing_elsewhere(tmp_path: Path, what: str) -> None:
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    refused(HOSTILE[what](), place)
    assert {path.name for path in tmp_path.rglob("*") if not path.is_dir()} <= {
        "database.sqlite3",
        "secret.key",
    }
    assert all(path.parent == place / "out" for path in tmp_path.rglob("*") if not path.is_dir())


def test_a_size_that_lies_reads_no_more_than_there_is(tmp_path: Path) -> None:
    content = bytearray(written(tmp_path))
    head = content.index(b"database.sqlite3\0")
    for size in (b"77777777777\0", b"\x80" + bytes(7) + b"\xff\xff\xff\xff", b"\xff" * 12):
        content[head + 124 : head + 136] = size
        content[head + 148 : head + 156] = b" " * 8
        total = sum(content[head : head + 512])
        content[head + 148 : head + 156] = b"%06o\0 " % total
        (tmp_path / size.hex()).mkdir()
        refused(bytes(content), tmp_path / size.hex())


@settings(max_examples=200)
@given(st.data())
def test_any_change_is_refused_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("changed")
    content = bytearray(written(folder))
    place = data.draw(st.one_of(st.integers(0, 3_000), st.integers(0, len(content) - 1)))
    content[place] = data.draw(st.integers(0, 255))
    try:
        found = read(bytes(content), folder)
    except BackupFailed:
        return
    assert found == {"database.sqlite3": DATABASE, "secret.key": KEY}


@pytest.mark.parametrize("text", ["", "age1", "ssh-rsa x", "hello", "age1" + "q" * 100_000])
def test_what_is_no_recipient(text: str) -> None:
    with pytest.raises(BackupFailed, match="is not a recipient of age"):
        encryption.lock_for([text])


@pytest.mark.parametrize(
    "content", [b"", b"# a comment\n", b"hello", b"\xff\xfe", b"-----BEGIN NOTHING-----"]
)
def test_what_is_no_identity(content: bytes) -> None:
    with pytest.raises(BackupFailed, match="has no key"):
        encryption.read_identities(content)


def test_the_file_of_age_keygen_is_read() -> None:
    content = f"# created: today\n# public key: {IDENTITY.to_public()}\n{IDENTITY}\n".encode()
    assert [str(one) for one in encryption.read_identities(content)] == [str(IDENTITY)]


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    class Full(io.BytesIO):
        def write(self, content: Any, /) -> int:
            if self.tell() > 5_000:
                raise OSError(28, "No space left on device")
            return super().write(content)

    for lock in (None, encryption.lock_for([str(IDENTITY.to_public())])):
        (tmp_path / "database.sqlite3").write_bytes(DATABASE)
        (tmp_path / "secret.key").write_bytes(KEY)
        with pytest.raises(OSError, match="No space left"):
            archive.write(Full(), manifest_of(is_encrypted=lock is not None), tmp_path, lock)
