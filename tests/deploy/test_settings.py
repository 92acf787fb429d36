"""Files that containers are run by name settings that there are, and nothing that is not there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuckshop.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
FOLDERS = ("deploy", ".github", "docs/run")
FILES = (".env_example", "Dockerfile", "compose.yaml", "tools/compose-secrets", "tools/image-purchase")
SUFFIXES = {".yaml", ".yml", ".md", ".py", ".json", ".conf", ".env", ".csv"}
BY_MAKE = {"DEV_USER"}  # Variables of compose.yaml that the Makefile sets.


def files() -> Iterator[Path]:
    """Every text that may name a setting."""
    yield from (ROOT / name for name in FILES)
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES)


def named(text: str) -> set[str]:
    """The settings that a text names, those of the tests and of the folder for them apart."""
    found = set(re.findall(rf"\b{PREFIX}[A-Z][A-Z0-9_]*[A-Z0-9]\b", text))
    return {name for name in found if not name.startswith(f"{PREFIX}TEST_")}


@pytest.mark.parametrize("path", list(files()), ids=lambda path: str(path.relative_to(ROOT)))
def test_names_settings_that_there_are(path: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__}
    assert named(path.read_text()) <= known


def test_sees_a_setting_that_there_is_not() -> None:
    assert named("- TUCKSHOP_PROT=8000 # TUCKSHOP_TEST_POSTGRES_URL") == {"TUCKSHOP_PROT"}


def test_compose_needs_nothing_that_the_example_does_not_name() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text())) - BY_MAKE
    example = (ROOT / ".env_example").read_text()
    told = set(re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE))
    images = {name for name in asked if name.endswith("_IMAGE")}
    assert "SECRETS" in asked
    assert asked - images <= told
    # What must be set is set in the example: a copy of it is enough.
    [must] = set(re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "compose.yaml").read_text()))
    assert re.search(f"^{must}=.", example, flags=re.MULTILINE)


def test_files_that_are_mounted_are_there() -> None:
    """Docker would make a folder of the name instead, and the program would not find its settings."""
    mounted = set(re.findall(r"- (\./deploy/[^:]+):", (ROOT / "compose.yaml").read_text()))
    made_elsewhere = {
        one
        for one in mounted
        if one.split("/")[2] in {"nginx", "prometheus", "grafana"} and not (ROOT / one).parent.exists()
    }
    assert mounted
    assert [one for one in mounted - made_elsewhere if not (ROOT / one).exists()] == []


def test_makes_secrets_once_and_for_the_containers_alone(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    for name in (".env_example", "tools/compose-secrets"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "tools" / "compose-secrets").chmod(0o755)

    def make() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [tmp_path / "tools" / "compose-secrets"], capture_output=True, text=True, check=False
        )

    assert "Made .env from .env_example." in make().stdout
    folder = tmp_path / "var" / "secrets"
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(made) == {"postgres_password", "metrics_token", "grafana_password", "tuckshop.env"}
    assert all(len(made[name]) == 64 for name in made.keys() - {"tuckshop.env"})
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.iterdir())

    told = dict(line.split("=", 1) for line in made["tuckshop.env"].splitlines())
    assert (
        told["TUCKSHOP_DATABASE_URL"] == f"postgresql://tuckshop:{made['postgres_password']}@db:5432/tuckshop"
    )
    assert told["TUCKSHOP_METRICS_TOKEN"] == made["metrics_token"]
    assert len(told["TUCKSHOP_SECRET"]) == 64
    assert len(set(made.values()) | {told["TUCKSHOP_SECRET"]}) == 5  # Each its own.

    assert make().stdout == ""  # What is there stays.
    assert {path.name: path.read_text() for path in folder.iterdir()} == made

    (tmp_path / ".env").write_text("TUCKSHOP_PORT=8000\n")
    refused = make()
    assert refused.returncode == 1
    assert refused.stderr.startswith("Set SECRETS in .env to a folder")
