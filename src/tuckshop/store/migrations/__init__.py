"""Migrations, one file each: `versions/0001_first_sale.py` makes revision 0001.

Alembic runs them; only whoever upgrades loads it, since workers only look which revision they are on.

Each migration only adds what the release before can leave alone: tables, columns that are nullable or have a
default, indexes. One that takes something away, or demands more of the rows, says from which revision on the
code can live with that, `COMPATIBLE_SINCE = "0040"`; the others keep what was said last.
"""

from __future__ import annotations

import re
from pathlib import Path

VERSION_FOLDERS = [Path(__file__).parent / "versions"]

_FILE_NAME = re.compile(r"(\d{4})_\w+\.py")


def revisions() -> tuple[str, ...]:
    """Every revision that this code knows, oldest first."""
    files = (file for folder in VERSION_FOLDERS for file in folder.iterdir())
    matches = (_FILE_NAME.fullmatch(file.name) for file in files)
    return tuple(sorted(match[1] for match in matches if match))
