"""Bugs planted on purpose: a piece of one module's text is another when the module is loaded.

No file of src changes. `bugs.toml` has them, each with the tests that must fail; `python -m tests.planted`
runs those. TUCKSHOP_TEST_PLANTED=NAME plants one in whatever imports `tests.planted.hook`: pytest, by its
conftest, and the servers that tests start, by `tests.limits`.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

VARIABLE = "TUCKSHOP_TEST_PLANTED"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Bug:
    """What a careless change would do. `tests`: node ids, all of which must fail with it."""

    name: str
    harm: str
    module: str
    old: str
    new: str
    tests: tuple[str, ...]

    def path(self) -> Path:
        """The file of its module."""
        place = ROOT / "src" / Path(*self.module.split("."))
        return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")

    def planted(self, source: str) -> str:
        """The module's text with the bug in it. Raises LookupError if it is not clear where it belongs."""
        if source.count(self.old) != 1:
            raise LookupError(f"this bug no longer applies: {self.name}")
        return source.replace(self.old, self.new)


def bugs() -> dict[str, Bug]:
    """All bugs by name."""
    table = tomllib.loads(Path(__file__).with_name("bugs.toml").read_text())
    return {
        name: Bug(name=name, **{**entry, "tests": tuple(entry["tests"])}) for name, entry in table.items()
    }


def is_there(test: str) -> bool:
    """Whether there is this folder, file or node id of pytest; parameters are not looked at."""
    file, *names = re.sub(r"\[.*", "", test).split("::")
    if not names:
        return (ROOT / file).exists()
    text = (ROOT / file).read_text("utf-8")
    return all(re.search(rf"^ *(async def|def|class) {name}\b", text, re.MULTILINE) for name in names)


def plant(bug: Bug) -> None:
    """Whoever imports the bug's module from now on gets it with the bug."""
    if bug.module in sys.modules:
        raise RuntimeError(f"{bug.module} is loaded already: {bug.name} comes too late")
    bug.planted(bug.path().read_text())  # Fails here and now rather than in the middle of an import.
    sys.meta_path.insert(0, _Finder(bug))


def plant_named() -> None:
    """Plants the bug that the environment names."""
    if name := os.environ.get(VARIABLE):
        plant(bugs()[name])


class _Finder:
    def __init__(self, bug: Bug) -> None:
        self._bug = bug

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._bug.module:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = _Loader(name, str(self._bug.path()), self._bug)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, bug: Bug) -> None:
        super().__init__(name, path)
        self._bug = bug

    def get_code(self, fullname: str) -> CodeType:
        """Compiled here, past the byte code that is kept of the true text."""
        code: CodeType = self.source_to_code(self._bug.planted(self._bug.path().read_text()), self.path)
        return code
