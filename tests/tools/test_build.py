"""The wheel has every file of the package, and nothing that is left over from a build before."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE_THE_CODE = (
    "Makefile",
    "pyproject.toml",
    "requirements.txt",
    "requirements-dev.txt",
    "README.md",
    "LICENSE",
)


def test_the_wheel_has_every_file_of_the_package_and_no_other(tmp_path: Path) -> None:
    for name in BESIDE_THE_CODE:
        shutil.copy(ROOT / name, tmp_path)
    source = ROOT / "src" / "tuckshop"
    shutil.copytree(source, tmp_path / "src" / "tuckshop", ignore=shutil.ignore_patterns("__pycache__"))
    gone = tmp_path / "build" / "lib" / "tuckshop" / "gone.py"
    gone.parent.mkdir(parents=True)
    gone.touch()

    # The environment is the one that runs here, finished or not.
    stamps = [f"{sys.prefix}/.{one}-installed" for one in ("runtime", "development")]
    command = ["make", "build", f"VENV={sys.prefix}", *(f"--assume-old={stamp}" for stamp in stamps)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    [wheel] = (tmp_path / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packed == {str(path.relative_to(source.parent)) for path in files}
