"""Bodies of requests on their way in: bounded for each request, and for all of a process together.

Somebody who has not said who they are sends a log-in or a registration, and no more than these take. What
all unfinished bodies hold in memory is bounded; a large one lies in a file until it is whole, and few that
are whole are in memory at once. A body that comes in one piece, as nearly all do, waits for nothing and
counts for nothing: whoever fills the rest with slow ones keeps no purchase and no log-in out.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import IO

from tuckshop.till.engine.queue import Busy

STRANGER_BYTES_MAX = 32_768  # In a form, a password of 1,024 characters, typed twice, takes up to 24 KB.
MEMORY_BYTES_EACH = 65_536  # Beyond it, a body goes on in a file.
MEMORY_BYTES_MAX = 67_108_864  # A thousand full ones; sales go on in what is left of 512 MB.
STRANGERS_BYTES_MAX = MEMORY_BYTES_MAX // 2  # Users can still write while strangers hold all of theirs.
FILES_MAX = 64  # So many of the largest take 512 MiB of the disk.
LARGE_AT_ONCE = 2  # Read, taken apart and decoded, a file of 8 MiB takes several times as much.


class Bodies:
    """What the unfinished bodies of one process hold."""

    def __init__(self) -> None:
        self.bytes = 0
        self.strangers_bytes = 0
        self.files = 0
        self.refused = 0
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    def begin(self, *, is_stranger: bool) -> Body:
        """A body that begins to come; to be closed, whatever becomes of it."""
        return Body(self, is_stranger=is_stranger)

    def take(self, count: int, *, is_stranger: bool) -> None:
        """Counts bytes that are kept in memory. Raises Busy: there is no room for them."""
        strangers = self.strangers_bytes + count if is_stranger else 0
        if self.bytes + count > MEMORY_BYTES_MAX or strangers > STRANGERS_BYTES_MAX:
            self.refused += 1
            raise Busy
        self.bytes += count
        if is_stranger:
            self.strangers_bytes += count

    def give_back(self, count: int, *, is_stranger: bool) -> None:
        """These bytes are kept no more."""
        self.bytes -= count
        if is_stranger:
            self.strangers_bytes -= count

    def open_file(self) -> IO[bytes]:
        """A file without a name, to be closed by `close_file`. Raises Busy: there are as many as may be."""
        if self.files >= FILES_MAX:
            self.refused += 1
            raise Busy
        file = tempfile.TemporaryFile()  # noqa: SIM115  # `close_file` does.
        self.files += 1
        return file

    def close_file(self, file: IO[bytes]) -> None:
        """The file is gone."""
        self.files -= 1
        file.close()

    async def begin_large(self) -> None:
        """Waits for a turn to have a large body in memory; `end_large` gives the turn on."""
        await self._large.acquire()

    def end_large(self) -> None:
        """The next one's turn."""
        self._large.release()


class Body:
    """What has come of one body so far."""

    def __init__(self, bodies: Bodies, *, is_stranger: bool) -> None:
        self._bodies = bodies
        self._is_stranger = is_stranger
        self._memory = bytearray()
        self._counted = 0
        self._file: IO[bytes] | None = None

    @property
    def is_large(self) -> bool:
        """Whether it lies in a file."""
        return self._file is not None

    def add(self, piece: bytes) -> None:
        """Keeps a piece. Raises Busy: there is no room for it."""
        if self._file is None and self._counted + len(piece) <= MEMORY_BYTES_EACH:
            self._bodies.take(len(piece), is_stranger=self._is_stranger)
            self._counted += len(piece)
            self._memory += piece
            return
        if self._file is None:
            self._file = self._bodies.open_file()
            self._file.write(self._memory)
            self._forget()
        self._file.write(piece)

    def begun(self, count: int) -> bytes:
        """The first bytes of it."""
        if self._file is None:
            return bytes(self._memory[:count])
        self._file.seek(0)
        return self._file.read(count)

    def whole(self) -> bytes:
        """All of it, in memory."""
        if self._file is None:
            return bytes(self._memory)
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        """It is kept no more."""
        self._forget()
        if self._file is not None:
            self._bodies.close_file(self._file)
            self._file = None

    def _forget(self) -> None:
        self._bodies.give_back(self._counted, is_stranger=self._is_stranger)
        self._counted = 0
        self._memory = bytearray()
