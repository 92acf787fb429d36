"""The images, built and sold from: `make proof.images` runs it as root, with buildah and debootstrap.

Docker itself is not needed, nor a registry. What this does not show: compose.yaml and the manifests at work.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PostgresServer
from tests.images.containers import ROOT, Image, build, make_base
from tools.loopback import free_port
from tools.purchase import purchase

SELLS = {"TUCKSHOP_COINS": "self", "TUCKSHOP_SELLER_REGISTRATION": "open", "TUCKSHOP_HOST": "127.0.0.1"}
MEBIBYTE = 1 << 20

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="images are built by root alone")


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The stage that shops run on."""
    yield from built("prod", tmp_path_factory)


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The stage with the tests."""
    yield from built("test", tmp_path_factory)


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The stage for those who change the shop."""
    yield from built("dev", tmp_path_factory)


def built(stage: str, folders: pytest.TempPathFactory) -> Iterator[Image]:
    """A stage, and at the end nothing of it but the image itself."""
    for program in ("buildah", "debootstrap", "unshare", "setpriv"):
        assert shutil.which(program), f"{program} is not installed"
    make_base()
    image = build(stage, folders.mktemp("pip"))
    yield image
    image.remove()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The volume of a new shop."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


def test_prod_has_what_a_shop_needs_and_nothing_else(prod: Image, home: Path) -> None:
    assert prod.config["User"] == "10001:10001"
    assert prod.config["Entrypoint"] == ["tuckshop"]
    assert prod.config["Volumes"] == {"/var/lib/tuckshop": {}}
    assert prod.config["Labels"]["org.opencontainers.image.title"] == "Tuckshop"
    listed = prod.says(home, "python", "-m", "pip", "--version")
    assert listed.returncode != 0
    assert "No module named pip" in listed.stderr
    packages = {path.name for path in prod.files.glob("app/venv/lib/python3*/site-packages/*")}
    assert not {name for name in packages if name.startswith(("pip", "pytest", "setuptools"))}
    assert "tuckshop" in packages
    for name in ("app/tests", "app/src/tuckshop", "app/.env", "app/.git", "etc/pip.conf"):
        assert not (prod.files / name).exists(), name
    venv = sum(path.lstat().st_size for path in (prod.files / "app").rglob("*"))
    logging.getLogger(__name__).info("The shop and its packages: %.0f MiB", venv / MEBIBYTE)
    assert prod.says(home, "pg_dump", "--version").stdout.startswith("pg_dump (PostgreSQL) ")
    zoned = prod.says(home, "tuckshop", "config", TUCKSHOP_TIMEZONE="Europe/Berlin")
    assert zoned.returncode == 0, zoned.stderr


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_prod_sells_confined(
    prod: Image, home: Path, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    port = free_port()
    settings = {**SELLS, "TUCKSHOP_PORT": str(port)}
    if database == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        (tmp_path / "settings").mkdir()
        (tmp_path / "settings" / "tuckshop.env").write_text(
            f"TUCKSHOP_DATABASE_URL={server.new_database()}\nTUCKSHOP_SECRET={'s' * 64}\n"
        )
    # The command of the one-shot service `migrate`: twice, as at a second start.
    for said in ("Password ", "The database is up to date"):
        migrated = prod.says(home, "sh", "-c", "tuckshop db upgrade || exec tuckshop init", **settings)
        assert migrated.returncode == 0, migrated
        assert said in migrated.stdout

    refused = prod.says(home, "sh", "-c", "id -u; touch /app/file")
    assert refused.stdout == "10001\n"
    assert "Read-only file system" in refused.stderr

    healthy = prod.config["Healthcheck"]["Test"]
    assert healthy[0] == "CMD"
    assert prod.says(home, *healthy[1:], **settings).returncode != 0  # Nothing serves yet.
    for _ in range(2):  # What was sold is still there after a new start.
        with prod.running(home, **settings) as shop:
            logging.getLogger(__name__).info("%s", purchase(f"http://127.0.0.1:{port}"))
            assert (shop.status("NoNewPrivs"), shop.status("Uid").split()[0]) == ("1", "10001")
            assert int(shop.status("CapEff"), 16) == 0
            assert prod.says(home, *healthy[1:], **settings).returncode == 0
            added = prod.says(home, "/app/venv/bin/python", "src/manage.py", "add_products", **settings)
            assert " added, 0 changed" in added.stdout, added
            code, seconds = shop.stop()
            assert code == 0, shop.log.read_text()
            logging.getLogger(__name__).info("It ended %.1f s after SIGTERM", seconds)
    audited = prod.says(home, "tuckshop", "audit", **settings)
    assert (audited.returncode, audited.stdout.strip().splitlines()[-1]) == (0, "Audit passed.")
    assert (home / "tuckshop.sqlite3").exists() == (database == "sqlite")


def test_prod_says_what_is_missing(prod: Image, home: Path) -> None:
    for settings in ({}, {"TUCKSHOP_SECRET": "s" * 64}, {"TUCKSHOP_PORT": "tcp://10.0.0.1:80"}):
        refused = prod.says(home, "tuckshop", "serve", **settings)
        assert refused.returncode in (1, 2)
        assert refused.stderr.splitlines()[-1].startswith("Error: ")  # The shop may be named before.
        assert "Traceback" not in refused.stderr


def test_test_runs_tests_on_a_read_only_root(tests: Image, home: Path) -> None:
    command = tests.config["Cmd"]
    ignored = [word for word in command if word.startswith("--ignore")]
    assert command[:3] == ["python", "-m", "pytest"]
    assert ignored
    words = [*command[:3], "-q", "-p", "no:cacheprovider", "tests/domain", "tests/cli/test_init.py"]
    done = tests.says(home, *words)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
    logging.getLogger(__name__).info("%s", done.stdout.strip().splitlines()[-1])


def test_dev_compares_tables_with_migrations(dev: Image, home: Path) -> None:
    for name in ("src", "tools"):  # As compose.yaml mounts them.
        mounted = dev.files / "app" / name
        shutil.rmtree(mounted, ignore_errors=True)
        ignored = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / name, mounted, ignore=ignored)
    done: subprocess.CompletedProcess[str] = dev.says(home, "python", "-m", "tools.migration", "vouchers")
    assert (done.returncode, done.stderr) == (1, "The migrations make all that tables.py has.\n"), done
