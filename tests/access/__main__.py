"""`python -m tests.access [--write]`: what has changed in the tables, or the tables written anew."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.access import INTERFACES
from tests.access.scene import furnished
from tests.access.tables import differences, read, written
from tests.conftest import memory, set_up
from tuckshop.identity import passwords


async def _run(*, writes: bool) -> int:
    passwords.MEMORY_KIB, passwords.PASSES = 8, 1  # As in tests: everybody logs in.
    changed = 0
    with TemporaryDirectory(dir=memory()) as folder:
        for interface in INTERFACES:
            url = f"sqlite:///{Path(folder) / interface.name}.sqlite3"
            await set_up(url)
            async with furnished(url) as scene:
                table = await interface.table(scene)
            before = read(interface.file.read_text()) if interface.file.exists() else {}
            told = differences(before, table)
            changed += len(told)
            said = "\n".join(told) or f"{interface.file.name} says what the shop does."
            sys.stdout.write(f"{said}\n")
            if writes:
                interface.file.write_text(written(interface.title, table))
    return 1 if changed and not writes else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(writes="--write" in sys.argv[1:])))
