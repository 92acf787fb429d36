"""The wheel has every file of the package, languages compiled, and nothing left over from a build before."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tuckshop.web.ui import i18n
from tuckshop.web.ui.i18n import Words

pytestmark = pytest.mark.xdist_group("wheel")  # It is built once.

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tuckshop"
BESIDE_IT = (
    "Makefile",
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "requirements-dev.txt",
    "README.md",
    "LICENSE",
)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make build` packs, in a folder where a module that has gone since was built before."""
    folder = tmp_path_factory.mktemp("build")
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
    [wheel] = (folder / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_has_every_file_of_the_package_and_no_other(unpacked: Path) -> None:
    packed = {
        path.relative_to(unpacked / "tuckshop")
        for path in (unpacked / "tuckshop").rglob("*")
        if path.is_file()
    }
    there = {path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file()}
    there = {path for path in there if "__pycache__" not in path.parts}
    assert packed == {path.with_suffix(".mo") if path.suffix == ".po" else path for path in there}


def test_the_wheel_speaks_as_the_checkout_does(unpacked: Path) -> None:
    folder = unpacked / "tuckshop" / "web" / "locale"
    assert dict(i18n._languages(folder)) == {"en": "English", "de": "Deutsch"}
    installed, checkout = (Words("de", one).translations for one in (folder, i18n.FOLDER))
    installed_texts, texts = (
        {key: text for key, text in one._catalog.items() if key}  # type: ignore[attr-defined]
        for one in (installed, checkout)  # But for the header, which has the hour.
    )
    assert installed_texts == texts
    assert texts
    assert Words("de", folder).ngettext("%(num)s row", "%(num)s rows", 2) == "2 Zeilen"
