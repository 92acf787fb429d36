"""Runs tests with a mutant in place of its function.

All is loaded and collected once, and each mutant gets a fork of that process: to load the shop takes longer
than most tests do.
"""

from __future__ import annotations

import ast
import gc
import itertools
import os
import resource
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from tests.mutation.mutants import SOURCE, Mutant

WORKERS = 2
# Of one test. One that waits for something waits in vain; one that computes has a loop without an end.
HANG_SECONDS, COMPUTING_SECONDS = 300, 30
MEMORY_BYTES_MAX = 4 << 30
NO_END = "one that does not end"

Choose = Callable[[Mutant], Sequence[str] | None]
Told = Callable[[Mutant, str | None], None]


def run(mutants: Sequence[Mutant], *, tests: Sequence[str], choose: Choose, told: Told) -> None:
    """Calls `told` with each mutant and the first test that fails with it, None if it survives.

    `tests` is what pytest collects, `choose` what a mutant is given of that: names in the order in which to
    try them, or None for all.

    Raises:
        RuntimeError: tests could not run.
        FailsAlone: one that has killed mutants fails without any.
    """
    unused = [f"-pno:{plugin}" for plugin in ("cacheprovider", "pytest_cov", "xdist", "xdist.looponfail")]
    options = ["-q", "-s", "--no-header", "--no-summary", *unused]
    trials = _Trials(mutants, choose, told)
    ended = pytest.main([*options, *tests], plugins=[trials])
    if ended != pytest.ExitCode.OK:
        raise RuntimeError(f"pytest ended with {ended}")
    if trials.fails_alone is not None:
        raise FailsAlone(trials.fails_alone)


class FailsAlone(Exception):
    """A test that fails without any mutant, and so has killed none."""


class _Trials:
    """Instead of running each test once, as pytest does."""

    def __init__(self, mutants: Sequence[Mutant], choose: Choose, told: Told) -> None:
        self._mutants = mutants
        self._choose = choose
        self._told = told
        self.fails_alone: str | None = None
        self._failed = False
        self._folder: Path | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.failed

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self._folder = getattr(item, "funcargs", {}).get("tmp_path")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        # What the session has is for all forks, and must stay when one ends.
        self._next = _Next.from_parent(session, name="next")
        self._make_template(session.items)
        functions = _functions()
        running: dict[int, tuple[Mutant, Path]] = {}
        waiting = iter(self._mutants)
        killers = set()
        with tempfile.TemporaryDirectory() as folder:
            while True:
                for mutant in itertools.islice(waiting, WORKERS - len(running)):
                    file = Path(folder, str(id(mutant)))
                    names = self._choose(mutant)
                    chosen = session.items if names is None else [items[name] for name in names]
                    running[self._start(mutant, functions, chosen, file)] = mutant, file
                if not running:
                    break
                pid, status = os.wait()
                mutant, file = running.pop(pid)
                killer = _killer(os.waitstatus_to_exitcode(status), file)
                killers.add(killer)
                self._told(mutant, killer)
            control = Path(folder, "control")
            chosen = [item for name, item in items.items() if name in killers]
            pid = self._start(None, functions, chosen, control)
            self.fails_alone = _killer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), control)
        return True

    def _make_template(self, items: Sequence[pytest.Item]) -> None:
        """One test on SQLite makes the empty shop, which all of them copy, before there are forks."""
        first = next((item for item in items if "[sqlite" in item.nodeid), None)
        if first is not None:
            first.ihook.pytest_runtest_protocol(item=first, nextitem=self._next)

    def _start(
        self,
        mutant: Mutant | None,
        functions: Sequence[FunctionType],
        items: Sequence[pytest.Item],
        file: Path,
    ) -> int:
        parent = os.getpid()
        if pid := os.fork():
            return pid
        status = 2
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
            if mutant is not None:
                _put_in_place(mutant, functions)
            status = 0
            for item, following in itertools.zip_longest(items, items[1:], fillvalue=self._next):
                signal.alarm(HANG_SECONDS)
                signal.setitimer(signal.ITIMER_PROF, COMPUTING_SECONDS)
                item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
                if self._failed:
                    file.write_text(item.nodeid)
                    status = 1
                    shutil.rmtree(self._folder or file, ignore_errors=True)  # pytest keeps it.
                    break
                if os.getppid() != parent:
                    break
        except BaseException:  # noqa: BLE001 - Nothing of pytest may go on in a fork.
            file.write_text(traceback.format_exc())
            status = 2
        finally:
            os._exit(status)


class _Next(pytest.Item):
    """Never runs."""

    def runtest(self) -> None:
        raise NotImplementedError


def _killer(exitcode: int, file: Path) -> str | None:
    match exitcode:
        case 0:
            return None
        case 1:
            return file.read_text()
        case _ if -exitcode in {signal.SIGALRM, signal.SIGPROF}:
            return NO_END
        case _:
            raise RuntimeError(f"no test could run: {file.read_text() if file.exists() else exitcode}")


def _functions() -> list[FunctionType]:
    """Every function of the shop."""
    return [
        one
        for one in gc.get_objects()
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(str(SOURCE))
    ]


def _put_in_place(mutant: Mutant, functions: Sequence[FunctionType]) -> None:
    """Whoever has imported the function calls the mutant from now on."""
    path = str(mutant.path)
    codes = dict(_codes(compile(ast.fix_missing_locations(mutant.tree()), path, "exec")))
    changed = 0
    for function in functions:
        old = function.__code__
        if old.co_filename == path and codes[_name(old)] != old:
            function.__code__ = codes[_name(old)]
            changed += 1
    if not changed:
        raise LookupError(f"no function is another: {mutant}")


def _codes(code: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield _name(part), part
            yield from _codes(part)


def _name(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno
