"""What `make build` makes, of a copy of the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tuckshop"
BESIDE_IT = (
    "Makefile",
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "requirements-dev.txt",
    "constraints.txt",
    "README.md",
    "LICENSE",
)


def build(folder: Path) -> Path:
    """Builds in this empty folder, where a module that has gone since was built before; the folder `dist`."""
    for name in BESIDE_IT:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(SOURCE, folder / "src" / "tuckshop", ignore=shutil.ignore_patterns("__pycache__"))
    gone = folder / "build" / "lib" / "tuckshop" / "gone.py"
    gone.parent.mkdir(parents=True)
    gone.touch()

    # The environment is the one that runs here, finished or not.
    stamps = [f"{sys.prefix}/.{one}-installed" for one in ("runtime", "development")]
    command = ["make", "build", f"VENV={sys.prefix}", *(f"--assume-old={stamp}" for stamp in stamps)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "dist"
