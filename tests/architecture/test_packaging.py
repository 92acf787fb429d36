"""What is installed is whole: each file that the code reads beside itself goes along."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_of_the_package_is_built_into_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    files = {file for file in (ROOT / "src" / "tuckshop").rglob("*") if file.is_file()}
    # As setuptools reads them: patterns from each folder, which is a package even without `__init__.py`.
    folders = {file.parent for file in files}
    built = {file for folder in folders for pattern in patterns for file in folder.glob(_deep(pattern))}
    code = {file for file in files if file.suffix == ".py" or file.parent.name == "__pycache__"}
    assert files - code - built == set()
    assert len(files - code) > 50


def _deep(pattern: str) -> str:
    """The pattern for pathlib, whose `**` names folders alone before Python 3.13."""
    return f"{pattern}/*" if pattern.endswith("**") else pattern
