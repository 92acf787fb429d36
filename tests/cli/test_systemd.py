"""The units that run the shop, as systemd itself reads them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.limits import HANG_SECONDS
from tuckshop import settings_file
from tuckshop.cli import systemd
from tuckshop.cli.main import cli

ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="there is no systemd-analyze")
EXPOSURE_TENTHS_MAX = 20  # Of 100: what is left is the network and the computer's own files, to be read.
PROGRAM = Path(sys.executable).with_name("tuckshop")
TIMERS = {f"tuckshop-{task}.{kind}" for task in systemd.TASKS for kind in ("service", "timer")}


def _analyze(*words: str) -> str:
    assert ANALYZE is not None
    done = subprocess.run(
        [ANALYZE, *words], capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 0, done
    assert done.stderr == ""
    return done.stdout


def _written(terminal: Terminal, folder: Path, *words: str) -> set[str]:
    folder.mkdir()
    told = terminal("systemd", *words, "--output", str(folder))
    assert told.code == 0, told
    assert {Path(line) for line in told.out.splitlines()} == {*folder.iterdir()}
    return {path.name for path in folder.iterdir()}


def test_prints_the_server_or_writes_it_with_its_timers(terminal: Terminal, tmp_path: Path) -> None:
    printed = terminal("systemd")
    assert printed.code == 0
    assert printed.out.startswith("# tuckshop.service\n[Unit]\n")
    assert _written(terminal, tmp_path / "server") == {"tuckshop.service"}
    server = (tmp_path / "server" / "tuckshop.service").read_text()
    assert printed.out == f"# tuckshop.service\n{server}"
    assert f"ExecStart={PROGRAM} --config {settings_file.USUAL} serve\n" in server
    assert _written(terminal, tmp_path / "all", "--timers") == {"tuckshop.service", *TIMERS}


@needs_systemd
def test_systemd_understands_the_units_and_finds_them_hardened(terminal: Terminal, tmp_path: Path) -> None:
    names = _written(terminal, tmp_path / "units", "--timers")
    paths = [str(tmp_path / "units" / name) for name in sorted(names)]
    assert _analyze("verify", "--man=no", *paths) == ""
    for path in paths:
        if path.endswith(".service"):
            _analyze("security", "--offline=true", f"--threshold={EXPOSURE_TENTHS_MAX}", "--no-pager", path)


@needs_systemd
def test_the_timers_come_round(terminal: Terminal, tmp_path: Path) -> None:
    for _, _, when in systemd.TASKS.values():
        assert "Next elapse: " in _analyze("calendar", when)


def test_the_units_call_commands_that_exist(terminal: Terminal, tmp_path: Path) -> None:
    _written(terminal, tmp_path / "units", "--timers")
    for path in (tmp_path / "units").glob("*.service"):
        for line in re.findall("^ExecStart.*=(.*)$", path.read_text(), flags=re.MULTILINE):
            program, option, file, command, *words = shlex.split(line)
            assert (program, option, file) == (str(PROGRAM), "--config", str(settings_file.USUAL))
            if command in cli.commands:
                cli.commands[command].make_context(command, words)  # Or click says what it does not know.


def test_names_the_settings_file_that_it_was_given(terminal: Terminal, tmp_path: Path) -> None:
    odd = tmp_path / 'a 100% $HOME "shop".env'
    told = terminal("--config", odd.name, "systemd").out
    [line] = [line for line in told.splitlines() if line.startswith("ExecStart=")]
    escaped = str(odd).replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    assert line == f'ExecStart={PROGRAM} --config "{escaped}" serve'
    assert "cannot be written into a unit" in terminal.refused("--config", "a\nExecStart=b", "systemd")


@pytest.mark.parametrize("folder", systemd.HIDDEN)
def test_warns_of_a_program_that_services_cannot_see(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(sys, "executable", f"{folder}/venv/bin/python")
    assert f"services cannot see {folder}/venv/bin/tuckshop" in terminal("systemd").error
    monkeypatch.setattr(sys, "executable", "/opt/pipx/venvs/tuckshop/bin/python")
    assert terminal("systemd").error == ""


def test_keeps_units_that_somebody_has_changed(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "units"
    _written(terminal, folder)
    assert terminal("systemd", "--output", str(folder)).code == 0  # The same again.
    (folder / "tuckshop.service").write_text("[Service]\n")
    assert "exists and differs" in terminal("systemd", "--timers", "--output", str(folder)).error
    assert [path.name for path in folder.iterdir()] == ["tuckshop.service"]
    assert (folder / "tuckshop.service").read_text() == "[Service]\n"
    assert "No such file or directory" in terminal("systemd", "--output", str(folder / "missing")).error


def test_the_small_box_is_told_commands_that_exist() -> None:
    """And units of these names."""
    told = (Path(__file__).parents[2] / "docs" / "run" / "small-box.md").read_text()
    commands = re.findall(r"^(?:sudo -u tuckshop )?tuckshop (\S+)(.*)$", told, flags=re.MULTILINE)
    assert {command for command, _ in commands} == {"init", "status", "systemd", "db", "health"}
    for command, words in commands:
        cli.commands[command].make_context(command, shlex.split(words.replace("/etc/systemd/system", "/")))
    named = set(re.findall(r"\btuckshop[a-z-]*\.(?:service|timer)\b", told))
    assert named <= {"tuckshop.service", *TIMERS}
    assert {name for name in TIMERS if name.endswith(".timer")} <= named
