"""Programs that the bench runs and that Python's packages do not bring."""

import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bench.measure import BenchFailed
from tools.postgres import find_programs


@cache
def program(name: str) -> str:
    """Find a program: PostgreSQL's beside its server, any other on PATH. Raises: BenchFailed."""
    if name == "wrk":
        found, package = shutil.which(name), name
    else:
        found, package = shutil.which(name, path=find_programs()) or shutil.which(name), "postgresql-contrib"
    if found is None:
        raise BenchFailed(f"{name} is missing (Debian, Ubuntu: apt-get install {package})")
    return found


def said_by(command: list[str], *, seconds_max: float, env: Mapping[str, str] | None = None) -> str:
    """What a program wrote to its standard output. Raises: BenchFailed when it fails or takes too long."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds_max, check=False, env=env
        )
    except subprocess.TimeoutExpired:
        raise BenchFailed(f"{name} did not end in {seconds_max:.0f} s") from None
    if done.returncode:
        raise BenchFailed(f"{name} failed: {(done.stdout + done.stderr).strip()[-2_000:]}")
    return done.stdout
