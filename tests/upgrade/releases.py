"""The release after this one: the same code with one more migration, from a folder beside this file."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.limits import HANG_SECONDS, RELEASE
from tests.server import environment
from tuckshop.store import migrations
from tuckshop.store.engine import open_engine, writing

NEXT = "9999"


def become(release: str) -> None:
    """Makes this process the next release: `expanding`, `contracting` or `failing`."""
    migrations.VERSION_FOLDERS.append(Path(__file__).parent / release)


@contextmanager
def being(release: str) -> Iterator[None]:
    """This process is the next release for as long as the context lasts."""
    before = list(migrations.VERSION_FOLDERS)
    become(release)
    try:
        yield
    finally:
        migrations.VERSION_FOLDERS[:] = before


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AsyncEngine]:
    """The database alone."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


async def upgrade_to(engine: AsyncEngine, revision: str) -> None:
    """The database as the release with this revision left it."""

    def migrate(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "tuckshop.store:migrations")
        config.set_main_option("path_separator", "os")
        config.set_main_option("version_locations", os.pathsep.join(map(str, migrations.VERSION_FOLDERS)))
        command.upgrade(config, revision)

    async with writing(engine) as connection:
        await connection.run_sync(migrate)


async def run_apart(url: str, *words: str, home: Path, release: str = "") -> tuple[int | None, str]:
    """`tuckshop` as a process of this release or of the next: its exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.limits",
        *words,
        cwd=home,
        env={**environment(url, home), RELEASE: release},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), HANG_SECONDS)
    return process.returncode, said.decode()
