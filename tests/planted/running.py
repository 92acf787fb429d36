"""Runs the tests of a bug with the bug planted, in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.limits import WALK_SECONDS
from tests.planted.planting import ROOT, VARIABLE, Bug

_LINE = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (.*)$", re.MULTILINE)


def fate(bug: Bug) -> str:
    """Empty if each of the bug's tests failed with it, otherwise what happened instead.

    A test that was left out, or whose set-up broke, has caught nothing.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider", *bug.tests],
            check=False,
            cwd=ROOT,
            env=os.environ | {VARIABLE: bug.name},
            capture_output=True,
            text=True,
            timeout=WALK_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "its tests hang"
    ends = _LINE.findall(done.stdout)
    if done.returncode != 1 or not ends:
        return f"pytest ended with {done.returncode}: {(done.stdout + done.stderr)[-1_000:]}"
    return "; ".join(f"{how.lower()}: {test}" for how, test in ends if how != "FAILED")
