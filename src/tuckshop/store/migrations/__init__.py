"""Migrations, one file each: `versions/0001_first_sale.py` makes revision 0001.

Alembic runs them; only whoever upgrades loads it, since workers only look which revision they are on.
"""

from __future__ import annotations

import re
from pathlib import Path

_FILE_NAME = re.compile(r"(\d{4})_\w+\.py")


def revisions() -> tuple[str, ...]:
    """Every revision that this code knows, oldest first."""
    files = (Path(__file__).parent / "versions").iterdir()
    matches = (_FILE_NAME.fullmatch(file.name) for file in files)
    return tuple(sorted(match[1] for match in matches if match))
