"""Encryption in the age format (age-encryption.org), so that any age program can open a backup too.

age encrypts a stream for keys, but with a passphrase only what fits in memory. So a passphrase protects a new
key, which lies in the backup beside what it opens: a shop of any size is encrypted in little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import pyrage

from tuckshop.operations.backups.files import BackupFailed

# Of x25519 or ssh; pyrage describes no types.
Recipient: TypeAlias = Any
Identity: TypeAlias = Any

WRONG_KEY = "The backup cannot be decrypted with this key: it is another one's, or the file is damaged."
WRONG_PASSPHRASE = "The passphrase is wrong, or the file is damaged."


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many; none at the end."""
        ...


class Writable(Protocol):
    """What bytes go to."""

    def write(self, content: bytes, /) -> int:
        """Takes all of them."""
        ...


@dataclass(frozen=True, slots=True)
class Lock:
    """For whom to encrypt. `protected_key`: the key to it all, itself encrypted with a passphrase."""

    recipients: Sequence[Recipient]
    protected_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """What may open a backup: identities, and a function that tells the passphrase if it is needed."""

    identities: Sequence[Identity] = ()
    ask_passphrase: Callable[[], str] | None = None


def lock_for(recipients: Sequence[str]) -> Lock:
    """Opened by the keys of any of these recipients: `age1...`, or SSH public keys. Raises BackupFailed."""
    return Lock([_recipient(text.strip()) for text in recipients])


def lock_with(passphrase: str) -> Lock:
    """Opened by the passphrase."""
    key = pyrage.x25519.Identity.generate()
    return Lock([key.to_public()], pyrage.passphrase.encrypt(str(key).encode(), passphrase))


def read_identities(content: bytes) -> list[Identity]:
    """The keys of a file that `age-keygen` or `ssh-keygen` has made. Raises BackupFailed."""
    try:
        if content.startswith(b"-----BEGIN"):
            return [pyrage.ssh.Identity.from_buffer(content)]
        lines = [line.strip() for line in content.decode().splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (ValueError, pyrage.IdentityError):
        found = []
    if not found:
        raise BackupFailed("The key file has no key of age or SSH that can be used.")
    return found


def identities_for(keys: Keys, protected_key: bytes | None) -> Sequence[Identity]:
    """What opens a backup whose key is protected so, or not at all. Raises BackupFailed."""
    if protected_key is None:
        if not keys.identities:
            raise BackupFailed("The backup is encrypted for a key. Name its file with --identity.")
        return keys.identities
    if keys.ask_passphrase is None:
        raise BackupFailed("The backup is encrypted with a passphrase. Name its file with --passphrase-file.")
    try:
        key = pyrage.passphrase.decrypt(protected_key, keys.ask_passphrase())
        return [pyrage.x25519.Identity.from_str(key.decode())]
    except (pyrage.DecryptError, pyrage.IdentityError, ValueError, OSError):
        raise BackupFailed(WRONG_PASSPHRASE) from None


def encrypt(source: Readable, target: Writable, recipients: Sequence[Recipient]) -> None:
    """Encrypts all of the source. Raises OSError as the files do."""
    reader, writer = _Reader(source), _Writer(target)
    try:
        pyrage.encrypt_io(reader, writer, list(recipients))
    except (pyrage.EncryptError, OSError):
        _raise_first(reader, writer)
        raise


def decrypt(source: Readable, target: Writable, identities: Sequence[Identity]) -> None:
    """Decrypts all of the source, which has authenticated the target's content only when this returns.

    Raises: BackupFailed for other keys and for what was changed; OSError and BackupFailed as the files do.
    """
    reader, writer = _Reader(source), _Writer(target)
    try:
        pyrage.decrypt_io(reader, writer, list(identities))
    except (pyrage.DecryptError, OSError):
        _raise_first(reader, writer)
        raise BackupFailed(WRONG_KEY) from None


class _Reader:
    """Hands reads on, and keeps what went wrong there: age tells of it only in words of its own."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.error: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._source.read(size)
        except Exception as error:
            self.error = error
            raise


class _Writer:
    """The same for writes."""

    def __init__(self, target: Writable) -> None:
        self._target = target
        self.error: Exception | None = None

    def write(self, content: bytes, /) -> int:
        try:
            return self._target.write(content)
        except Exception as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Nothing waits here."""


def _raise_first(*carriers: _Reader | _Writer) -> None:
    for carrier in carriers:
        if carrier.error is not None:
            raise carrier.error from None


def _recipient(text: str) -> Recipient:
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise BackupFailed(
            f"{text[:80]!r} is not a recipient of age. Give one that begins with age1, or an SSH public key."
        ) from None
