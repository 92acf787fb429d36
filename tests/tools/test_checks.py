"""What .ci/run runs, and how it ends."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = """#!/bin/sh
echo "$@" >>"$CALLS"
case " $FAILING " in *" $1 "*) exit 2 ;; esac
"""


@pytest.mark.parametrize(
    ("failing", "minutes", "called", "status"),
    [
        ("", 0, ["test", "lint", "test.more"], 0),
        ("test", 0, ["test", "lint", "test.more"], 1),
        ("lint", 0, ["test", "lint", "test.more"], 1),
        ("test.more", 0, ["test", "lint", "test.more"], 1),
        ("", 34, ["test", "lint", "test.more"], 0),
        ("test.more", 34, ["test", "lint", "test.more"], 1),
        ("test.more", 35, ["test", "lint"], 0),
        ("test", 35, ["test", "lint"], 1),
        ("lint", 50, ["test", "lint"], 1),
    ],
)
def test_runs_all_checks_there_is_time_for_and_fails_with_any(
    tmp_path: Path, failing: str, minutes: int, called: list[str], status: int
) -> None:
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text(MAKE)
    make.chmod(0o755)
    calls = tmp_path / "calls"
    environment = {
        "PATH": f"{make.parent}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "FAILING": failing,
        "SECONDS": str(minutes * 60),  # Where bash begins to count.
    }

    done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True, check=False)

    assert calls.read_text().split() == called
    assert done.returncode == status
    assert ("make test.more is left out" in done.stdout) == ("test.more" not in called)
