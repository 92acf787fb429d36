"""Pages whose commands need no more than a folder are typed into a shell, in order, as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from tests.docs import pages
from tests.limits import HANG_SECONDS, WALK_SECONDS
from tools.loopback import free_port

pytestmark = pytest.mark.more

WALKED = ("quick-start.md", "operate/backup.md", "operate/copy.md")
# Commands of the other pages are followed without being run (test_commands.py).
NOT_WALKED = {
    "index.md": "starts the demo, which tests/cli/test_demo.py does",
    "operate/install.md": "builds and installs the wheel, which tests/tools/test_wheel_install.py does",
    "operate/nodes.md": "needs a database for two computers; tests/cli/test_init.py has a second node",
    "operate/sign-on.md": "needs a directory or an identity provider",
    "operate/upgrade.md": "needs an earlier release",
    "run/compose.md": "needs Docker; `make proof.images` runs the image",
    "run/kubernetes.md": "needs a cluster",
}


def test_every_page_with_commands_is_in_a_list() -> None:
    told = {
        str(page.relative_to(pages.DOCS))
        for page in pages.DOCS.rglob("*.md")
        if pages.fences(page, "sh", "console") and "decisions" not in page.parts
    }
    assert told - set(WALKED) - set(NOT_WALKED) == set()


def test_quick_start(tmp_path: Path) -> None:
    done = walk("quick-start.md", tmp_path, {"make run": "true"})
    assert "Cola in slot A1: 8 in stock." in done
    assert "Audit passed." in done


def test_backups_and_the_drill(tmp_path: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(str(key))
    (tmp_path / "FILE").write_text("ginger and lime and salt\n")
    for folder in ("FILE", "key.txt"):
        (tmp_path / folder).chmod(0o600)
    kept = tmp_path / "kept"
    kept.mkdir()
    done = walk(
        "operate/backup.md",
        tmp_path,
        {
            "/var/backups/tuckshop/monday.tar": str(tmp_path / "plain.tar"),
            "monday.tar --recipient": "for-key.tar --recipient",
            "tuckshop backup monday.tar --passphrase ": "true ",  # Asks at a terminal.
            "monday.tar --passphrase-file": "for-phrase.tar --passphrase-file",
            "/var/backups/tuckshop/before": str(tmp_path / "before"),
            "/var/backups/tuckshop": str(kept),
            "age1...": str(key.to_public()),
            "/tmp/drill": str(tmp_path / "drill"),
            "/mnt/backups/tuckshop-20260131T021500Z.tar": str(tmp_path / "plain.tar"),
        },
        first="tuckshop init",
    )
    assert "Audit passed." in done
    assert (tmp_path / "drill" / "secret.key").exists()


def test_copy(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/copied.sqlite3"
    walk(
        "operate/copy.md",
        tmp_path,
        {
            "createuser tuckshop": "true",
            "createdb --owner tuckshop tuckshop": "true",
            "postgresql://tuckshop@db.example.org/tuckshop": target,
        },
        first="tuckshop init",
    )
    assert (tmp_path / "copied.sqlite3").exists()


def walk(name: str, folder: Path, replaced: dict[str, str], *, first: str = "true") -> str:
    """What the page's commands print, typed one after the other; a server runs until the last of them."""
    script = "\n".join([first, *pages.fences(pages.DOCS / name, "sh", "console")])
    for old, new in replaced.items():
        assert old in script, old
        script = script.replace(old, new)
    # A second server of a page is another one than the first.
    serve = f"tuckshop serve >>{folder}/server.log 2>&1 & tuckshop health --wait {HANG_SECONDS:.0f}"
    script = re.sub(r"^tuckshop serve.*$", serve, script, flags=re.MULTILINE)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TUCKSHOP_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "TUCKSHOP_CONFIG": os.devnull,  # This computer's own shop is another one.
        "TUCKSHOP_HOME": str(folder / "shop"),
        "TUCKSHOP_PORT": str(free_port()),
    }
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "-euc", f"trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n{script}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WALK_SECONDS,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout
