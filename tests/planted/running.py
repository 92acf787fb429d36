"""Runs the tests of a bug with the bug planted, in a process of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress

from tests.limits import WALK_SECONDS
from tests.planted.planting import ROOT, VARIABLE, Bug

_LINE = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (.*)$", re.MULTILINE)


def fate(bug: Bug) -> str:
    """Empty if each of the bug's tests failed with it, otherwise what happened instead.

    A test that was left out, or whose set-up broke, has caught nothing.
    """
    # To a file: whatever the tests have started holds a pipe open, and nobody would hear that they hang.
    with tempfile.TemporaryFile("w+") as told:
        running = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider", *bug.tests],
            cwd=ROOT,
            env=os.environ | {VARIABLE: bug.name},
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = running.wait(WALK_SECONDS)
        except subprocess.TimeoutExpired:
            return "its tests hang"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        told.seek(0)
        said = told.read()
    ends = _LINE.findall(said)
    if status != 1 or not ends:
        return f"pytest ended with {status}: {said[-1_000:]}"
    return "; ".join(f"{how.lower()}: {test}" for how, test in ends if how != "FAILED")
