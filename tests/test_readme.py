"""The README's walk-through, pasted into a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PostgresServer
from tests.limits import WALK_SECONDS
from tools.loopback import free_port

ROOT = Path(__file__).parents[1]


def _blocks(heading: str) -> list[tuple[str, str]]:
    """(language, text) of each fenced block under the heading."""
    told = (ROOT / "README.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```(sh|json|text)\n(.*?)^```$", told, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("heading", ["A walk through the API", "A day at the command line"])
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_walk_prints_what_the_readme_says(
    database: str, heading: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    blocks = _blocks(heading)
    script = "".join(text for language, text in blocks if language == "sh")
    script = script.replace("8001", str(free_port())).replace("$PWD/var/", f"{tmp_path}/home-")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TUCKSHOP_")}
    environment["TUCKSHOP_CONFIG"] = os.devnull  # This computer's own shop is another one.
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    if database == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        environment["TUCKSHOP_DATABASE_URL"] = server.new_database()
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-c", f"{script}\nwait $server"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WALK_SECONDS,
        check=False,
    )

    printed = done.stdout.splitlines()
    for language, text in blocks:
        for line in text.splitlines() if language != "sh" else ():
            pattern = re.escape(line).replace(r"\.\.\.", "[^,]+?")
            assert any(re.fullmatch(pattern, one) for one in printed), (line, done.stdout, done.stderr)
    assert "Audit passed." in printed
    assert "rror" not in done.stderr, done.stderr
