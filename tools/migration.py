"""Writes the next migration: what `store/tables.py` has and the migrations do not make yet.

    python -m tools.migration add_vouchers

It is a first draft: look through it, and say in its first line what it is for.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import UpgradeOps
from sqlalchemy import Connection

from tuckshop.store import migrate, migrations, tables
from tuckshop.store.engine import opened_engine

FOLDER = Path(migrations.__file__).parent / "versions"
TEXT = '''"""{about}.

Revises: {before}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"


def upgrade() -> None:
    """{about}."""
    {code}
'''


def main(words: list[str], folder: Path = FOLDER) -> int:
    """Writes the file and prints its path; 1 where there is nothing to write, 2 for a wrong name."""
    if len(words) != 1 or not re.fullmatch("[a-z][a-z0-9_]*", words[0]):
        print("Name the migration with small letters, digits and _: add_vouchers", file=sys.stderr)
        return 2
    code = asyncio.run(changes())
    if code is None:
        print("The migrations make all that tables.py has.", file=sys.stderr)
        return 1
    before = migrate.head_revision()
    number = f"{int(before) + 1:04}"
    path = folder / f"{number}_{words[0]}.py"
    about = words[0].replace("_", " ").capitalize()
    path.write_text(TEXT.format(about=about, before=before, number=number, code=code))
    print(path)
    return 0


async def changes() -> str | None:
    """The lines of `upgrade()`, found on a new SQLite database; None where there are none."""
    with tempfile.TemporaryDirectory() as folder:
        async with opened_engine(f"sqlite:///{folder}/shop.sqlite3") as engine:
            await migrate.upgrade(engine)
            async with engine.connect() as connection:
                return await connection.run_sync(_compare)


def _compare(connection: Connection) -> str | None:
    found: UpgradeOps | None = produce_migrations(
        MigrationContext.configure(connection), tables.metadata
    ).upgrade_ops
    return None if found is None or found.is_empty() else render_python_code(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
