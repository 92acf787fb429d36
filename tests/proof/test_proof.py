"""The table names what there is, and steps are run once, to their end, and told as they ended."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from tests.planted.planting import ROOT, bugs, is_there
from tests.proof import __main__ as main
from tests.proof import document, running
from tests.proof import steps as cutting
from tests.proof.__main__ import Changed, run_all
from tests.proof.rows import Row, Table, table
from tests.proof.running import Kept, Machine, Result, run
from tests.proof.steps import Step

HERE = Machine(cores=2, system="Linux x86_64", python="3.11.7", sqlite="3.40.1", postgres="15.6")
DAY = date(2026, 6, 11)
WITHOUT_CONTROL = {"mutation"}
"""It is one itself."""

ROWS = list(table().rows())


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_row_is_shown_by_tests_that_there_are_and_has_a_control(row: Row) -> None:
    assert [test for test in (*row.tests, *row.controls) if not is_there(test)] == []
    assert set(row.bugs) <= bugs().keys()
    assert bool(row.tests or row.command) != bool(row.not_yet)
    assert bool(row.bugs or row.controls) == (not row.not_yet and row.name not in WITHOUT_CONTROL)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_rows_bugs_are_found_by_its_own_tests(row: Row) -> None:
    if row.name == "planted":  # Which are those of all rows, and more.
        assert set(row.bugs) == bugs().keys()
        return
    for bug in row.bugs:
        plain = [re.sub(r"\[.*", "", test) for test in bugs()[bug].tests]
        assert list(cutting.below(row.tests, plain)), bug


def test_every_test_that_has_a_full_size_belongs_to_a_row() -> None:
    marked = list(_marked())
    assert len(marked) > 10
    assert [test for test in marked if not any(list(cutting.below(_all(row), [test])) for row in ROWS)] == []


def _all(row: Row) -> tuple[str, ...]:
    return (*row.tests, *row.controls)


def _marked() -> Iterator[str]:
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        text = file.read_text("utf-8")
        if "mark.proof" not in text or file == Path(__file__):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                ast.unparse(one) == "pytest.mark.proof" for one in node.decorator_list
            ):
                yield f"{file.relative_to(ROOT)}::{node.name}"


def test_the_document_has_the_rows_of_the_table() -> None:
    text = document.PATH.read_text("utf-8")
    assert [cells[document.PROMISED] for cells in document.rows_in(text)] == [
        document.cells(row)[document.PROMISED] for row in ROWS
    ]
    for told in table().not_promised:
        assert told in " ".join(text.split())


# --- Steps


FOUND = {
    "tests/a.py::test_one[sqlite]": "SQLite",
    "tests/a.py::test_one[postgres]": "PostgreSQL",
    "tests/a.py::test_two[1]": "",
    "tests/a.py::test_two[2]": "",
    "tests/a.py::test_two[3]": "",
    "tests/a.py::test_finds[sqlite]": "SQLite",
    "tests/b.py::test_more[postgres]": "PostgreSQL",
}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pytest would say that there is."""
    monkeypatch.setattr(cutting, "collected", lambda _: FOUND)


@pytest.mark.usefixtures("found")
def test_a_row_is_cut_by_database_and_number_and_its_controls_stand_apart() -> None:
    row = Row("R1", "", tests=("tests/a.py",), controls=("tests/a.py::test_finds",), each=2)
    steps = cutting.steps_of([row])["R1"]
    assert {step.name: step.tests for step in steps} == {
        "R1 SQLite": ("tests/a.py::test_one[sqlite]",),
        "R1 PostgreSQL": ("tests/a.py::test_one[postgres]",),
        "R1 1 of 2": ("tests/a.py::test_two[1]", "tests/a.py::test_two[2]"),
        "R1 2 of 2": ("tests/a.py::test_two[3]",),
        "R1 control SQLite": ("tests/a.py::test_finds[sqlite]",),
    }
    assert [step.name for step in steps if step.is_control] == ["R1 control SQLite"]
    assert [step.name for step in steps if "postgresql" in step.needs] == ["R1 PostgreSQL"]


@pytest.mark.usefixtures("found")
def test_rows_that_run_the_same_share_the_step() -> None:
    name = next(iter(bugs()))
    rows = [
        Row("R1", "", tests=("tests/b.py",), bugs=(name,)),
        Row("R2", "", bugs=(name,), command="a.module"),
    ]
    steps = cutting.steps_of(rows)
    assert set(steps["R1"]) & set(steps["R2"]) == {steps["R1"][1]}
    assert steps["R1"][1].command()[-2:] == ["tests.planted", name]
    assert steps["R2"][1].command()[-1] == "a.module"


def test_tests_that_there_are_not_are_told() -> None:
    with pytest.raises(cutting.Unknown, match="test_nothing_of_the_kind"):
        cutting.collected(["tests/proof/test_proof.py::test_nothing_of_the_kind"])


def test_what_there_is_is_told_with_its_database() -> None:
    assert set(cutting.collected(["tests/till/test_sqlite.py", "tests/till/test_postgres.py"]).values()) == {
        "SQLite",
        "PostgreSQL",
    }


# --- Runs


@dataclass(frozen=True)
class Scripted(Step):
    """A step that is a few lines of Python, `here` its folder."""

    code: str = ""

    def command(self) -> list[str]:
        return [sys.executable, "-c", self.code]


def ending(here: Path, **ends: tuple[str, str]) -> Scripted:
    """Tests that end like that, and say in a file how often they did."""
    told = {"found": {}, "ends": ends, "figures": {"a": ["3 kills"]}}
    code = (
        f"import os; open({str(here / 'runs')!r}, 'a').write('.');"
        f" open(os.environ['TUCKSHOP_TEST_TOLD'], 'w').write({json.dumps(told)!r});"
        f" raise SystemExit({int(any(end == 'failed' for end, _ in ends.values()))})"
    )
    return Scripted("R1", tests=("a", "b"), code=code)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """A folder for results; all of the code's state is one to it."""
    monkeypatch.setattr(running, "_state", lambda _: "state")
    return Kept(HERE, folder=tmp_path / "proof")


def runs(here: Path) -> int:
    return len((here / "runs").read_text()) if (here / "runs").exists() else 0


def test_what_has_passed_is_not_run_again(
    kept: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = ending(tmp_path, a=("passed", ""), b=("passed", ""))
    run_all([step], kept, HERE)
    (result,) = run_all([step], kept, HERE).values()
    assert result.is_good
    assert (result.passed, result.figures) == (2, ["3 kills"])
    assert runs(tmp_path) == 1
    told = capsys.readouterr().out
    assert "[1/1] R1 ... (about 1 min left)" in told
    assert "[1/1] R1: passed: 2 passed, 3 kills, " in told
    assert "1 of 1 steps have passed before." in told
    assert kept.expected_seconds(step) == result.seconds


@pytest.mark.parametrize(
    ("ends", "is_whole", "told"),
    [
        ({"a": ("passed", ""), "b": ("failed", "it broke")}, True, "1 failed"),
        ({"a": ("passed", ""), "b": ("skipped", "no server")}, False, "b not run: no server"),
        ({"a": ("passed", "")}, True, "1 tests were not run"),
    ],
)
def test_what_has_not_passed_is_told_and_run_again(
    kept: Kept, tmp_path: Path, ends: Mapping[str, tuple[str, str]], told: str, *, is_whole: bool
) -> None:
    for _ in range(2):
        (result,) = run_all([ending(tmp_path, **ends)], kept, HERE).values()
        assert not result.is_good
        assert result.is_whole == is_whole
        assert told in str(result)
    assert runs(tmp_path) == 2


def test_a_step_that_dies_has_not_passed(kept: Kept) -> None:
    result = run(Scripted("R1", tests=("a",), code="import os; os.abort()"), kept)
    assert not result.is_good
    assert result.trouble == f"pytest ended with -{signal.SIGABRT}"


def test_a_bug_that_is_not_caught_has_not_passed(kept: Kept) -> None:
    result = run(Scripted("bug x", bug="x", code="raise SystemExit(1)"), kept)
    assert not result.is_good
    assert result.trouble == "not caught"


def test_a_step_during_which_a_file_changes_is_not_kept(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = ending(tmp_path, a=("passed", ""), b=("passed", ""))
    monkeypatch.setattr(running, "_state", lambda _: "another")
    with pytest.raises(Changed):
        run_all([step], kept, HERE)
    assert kept.get(step) is None


def test_what_lacks_a_program_is_not_run(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [
        Step("R1", module="a", needs=("postgresql",)),
        Step("R2", module="b", needs=("no-such-program",)),
    ]
    results = run_all(steps, kept, replace(HERE, postgres=""))
    assert [str(one) for one in results.values()] == [
        "not run: needs postgresql",
        "not run: needs no-such-program",
    ]
    assert not any(one.is_whole or one.is_good for one in results.values())
    assert "Missing here: some steps need postgresql, and are not run." in capsys.readouterr().out


def test_an_interrupted_step_ends_what_it_began_and_is_not_kept(kept: Kept, tmp_path: Path) -> None:
    code = (
        "import os, signal, time; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f" open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()));"
        " os.kill(os.getppid(), signal.SIGUSR1); time.sleep(600)"
    )
    step = Scripted("R1", tests=("a",), code=code)
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_all([step], kept, HERE)
    finally:
        signal.signal(signal.SIGUSR1, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert kept.get(step) is None


@pytest.fixture
def asked(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Asks for all of a table of two rows, the second of which needs a program; says the exit status."""
    good = ending(tmp_path, a=("passed", ""), b=("passed", ""))

    def ask(*arguments: str, needs: str = "sh") -> int:
        steps = {"R1": [good], "R2": [replace(good, name="R2", needs=(needs,))]}
        monkeypatch.setattr(main, "steps_of", lambda rows: {row.name: steps[row.name] for row in rows})
        return main.main(list(arguments))

    rows = tuple(Row(name, "", tests=("a",)) for name in ("R1", "R2"))
    monkeypatch.setattr(main, "table", lambda: Table({"Reliability": rows}))
    monkeypatch.setattr(main, "this_machine", lambda: HERE)
    monkeypatch.setattr(main, "Kept", lambda _: kept)
    monkeypatch.setattr(document, "PATH", tmp_path / "guarantees.md")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return ask


def test_the_document_is_written_once_all_has_been_run(asked: Callable[..., int], tmp_path: Path) -> None:
    assert asked("R1") == 0
    assert asked(needs="no-such-program") == 1
    assert not document.PATH.exists()
    assert asked("--list") == 1
    assert runs(tmp_path) == 1
    assert asked() == 0
    assert runs(tmp_path) == 2
    (first, second) = document.rows_in(document.PATH.read_text())
    assert (first[0], second[0]) == ("R1", "R2")
    assert first[6] == second[6] == "0"


def test_what_was_run_is_written_if_somebody_asks_for_it(asked: Callable[..., int]) -> None:
    assert asked("--write", needs="no-such-program") == 1
    (first, second) = document.rows_in(document.PATH.read_text())
    assert (first[6], second[5]) == ("0", "not run: needs no-such-program")


# --- The document


ROW = Row("R1", "One sale.", size="40 rounds", tests=("tests/a.py::test_one", "tests/a.py::test_two"))
STEPS = (
    Step("R1 SQLite", tests=("a",), database="SQLite"),
    Step("R1 PostgreSQL", tests=("b",), database="PostgreSQL"),
    Step("R1 control SQLite", tests=("c",), database="SQLite", is_control=True),
    Step("bug unlocked", bug="unlocked", is_control=True),
)
GOOD = dict(
    zip(
        STEPS,
        (
            Result(passed=2, seconds=30),
            Result(passed=1, figures=["50 kills"], seconds=1_200),
            Result(passed=3, seconds=5),
            Result(passed=1, seconds=5),
        ),
        strict=True,
    )
)


def told(results: Mapping[Step, Result] | None, *, before: str = "", row: Row = ROW) -> list[str]:
    """The cells of the row in the document."""
    steps = None if results is None else STEPS
    line = document.line(row, steps, results or {}, commit="abc1234")
    text = document.document(
        Table({"Reliability": (row,)}, ("A lost disk.",)), {"R1": line}, machine=HERE, day=DAY, before=before
    )
    (cells,) = document.rows_in(text)
    assert "- A lost disk.\n" in text
    assert (
        "Last run on 11 June 2026: 2 cores, Linux x86_64, Python 3.11.7, SQLite 3.40.1, PostgreSQL 15.6"
        in text
    )
    return cells


def test_a_line_tells_what_was_done() -> None:
    assert told(GOOD) == [
        "R1",
        "One sale.",
        "`a.py`",
        "40 rounds",
        "SQLite, PostgreSQL",
        "SQLite: 2 tests; PostgreSQL: 50 kills",
        "0",
        "1 bug and 3 control tests",
        "1,240",
        "abc1234",
    ]


def test_violations_and_bugs_that_were_not_caught_are_in_the_table() -> None:
    cells = told(GOOD | {STEPS[0]: Result(failed={"x": "", "y": ""}), STEPS[3]: Result(trouble="not caught")})
    assert cells[6:8] == ["**2**", "**NOT CAUGHT: unlocked**"]


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ({}, "not run"),
        (None, "not run"),
        (dict(list(GOOD.items())[:3]), "not run"),
        (GOOD | {STEPS[1]: Result(missing="needs strace")}, "not run: needs strace"),
        (GOOD | {STEPS[1]: Result(passed=1, skipped={"x": "no server"})}, "x not run: no server, 0 s"),
    ],
)
def test_a_row_that_was_not_run_whole_says_so(results: Mapping[Step, Result] | None, words: str) -> None:
    assert told(results)[4:] == ["", words, "", "", "", ""]


def test_a_row_keeps_its_line_until_it_is_run_again_or_promises_something_else() -> None:
    def text(line: list[str]) -> str:
        return document.document(Table({"Reliability": (ROW,)}), {"R1": line}, machine=HERE, day=DAY)

    before = text(document.line(ROW, STEPS, GOOD, commit="0000000"))
    assert told({}, before=before)[-1] == "0000000"
    assert told(GOOD, before=before)[-1] == "abc1234"
    assert told({}, before=before, row=replace(ROW, size="50 rounds"))[5] == "not run"


def test_a_row_that_is_not_there_yet_says_why() -> None:
    row = Row("R1", "One sale.", not_yet="no test")
    assert document.line(row, (), {}, commit="abc1234")[4:7] == ["", "not yet: no test", ""]
