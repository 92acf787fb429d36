"""The command: it makes the demo once, opens it on this computer alone, and leaves real shops alone."""

import asyncio
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Environment, Terminal
from tests.cli.server import serving
from tests.limits import HANG_SECONDS
from tuckshop.demo.shop import demo_settings, make
from tuckshop.settings import Settings

NOW_US = 1_763_730_000_000_000  # A Friday, at one o'clock.
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a demo that has opened today, made once."""
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite3"
    asyncio.run(make(demo_settings(Settings(database_url=f"sqlite:///{path}")), now_us=NOW_US, days=0))
    return path


@pytest.fixture
def demo_terminal(terminal: Terminal, small_demo: Path) -> Terminal:
    """A terminal whose home holds a small demo."""
    terminal.home.mkdir()
    (terminal.home / "demo.sqlite3").write_bytes(small_demo.read_bytes())
    return terminal


@pytest.fixture
def inside(demo_terminal: Terminal, environment: Environment) -> Terminal:
    """A terminal whose shop is the small demo."""
    (demo_terminal.home / "demo.sqlite3").rename(demo_terminal.database)
    return demo_terminal


def test_is_refused_by_serve_and_init(inside: Terminal) -> None:
    (inside.home / "secret.key").write_text("k" * 64)
    assert "Run `tuckshop demo`" in inside.refused("serve")
    assert "demo" in inside.refused("init")


def test_opens_what_is_there_at_once(demo_terminal: Terminal) -> None:
    with serving("demo", cwd=demo_terminal.home) as server:
        products = json.loads(server.get("/v1/products?limit=100"))["items"]
        assert len(products) == 24
        out, error = server.end()
    assert error == ""
    assert "12345" in out
    assert "demo-demo" in out
    assert f"{server.url}/docs" in out
    assert not (demo_terminal.home / "secret.key").exists()  # A demo's log-ins open no other shop.


def test_its_admin_sells_and_orders_as_app_demo_has_it(demo_terminal: Terminal) -> None:
    with serving("demo", "--dialect", "app-demo", cwd=demo_terminal.home) as server:

        def say(path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
            headers["Content-Type"] = "application/json"
            request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
                told: dict[str, Any] = json.load(answer)
                return told

        access = say("/api/token/", {"name": "admin", "password": "12345"})["access"]
        bearer = {"Authorization": f"Bearer {access}"}
        product = {"name": "RedBull", "price": "2.2", "stock": "100"}
        product_id = say("/api/product/", product, **bearer)["id"]
        wanted = [{"id": product_id, "quantity": 15}, {"id": 1, "quantity": 13}]
        assert say("/api/order/", {"products": wanted}, **bearer)["status"] == "placed"


def test_makes_itself_from_nothing(terminal: Terminal) -> None:
    terminal.home.mkdir()
    with serving("demo", cwd=terminal.home) as server:
        assert len(json.loads(server.get("/v1/products?limit=100"))["items"]) == 24
        out, error = server.end()
    assert error == ""
    assert "100%" in out
    # The second file says which process serves the first.
    assert {file.name for file in terminal.home.iterdir()} == {"demo.sqlite3", "demo.sqlite3.serving"}


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="this is not the environment that make runs")
def test_make_run_opens_it(demo_terminal: Terminal) -> None:
    # "-o": a test must not install anything.
    with serving("run", cwd=ROOT, program=("make", "-o", ".venv/.runtime-installed")) as server:
        assert b"ready" in server.get("/health/ready")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_listens_on_this_computer_alone(demo_terminal: Terminal, host: str) -> None:
    assert "only on this computer" in demo_terminal.refused("demo", "--host", host)


def test_leaves_a_real_shop_alone(open_terminal: Terminal, environment: Environment) -> None:
    environment(database_url=f"sqlite:///{open_terminal.database}")
    assert "real shop" in open_terminal.refused("demo")
    assert "real shop" in open_terminal.refused("demo", "--reset")
    assert open_terminal.database.exists()


def test_says_that_it_was_not_finished(inside: Terminal, environment: Environment) -> None:
    environment(database_url=f"sqlite:///{inside.database}")
    inside.tamper("DELETE FROM admin_log WHERE action = 'demo.made'")
    assert "--reset" in inside.refused("demo")


def test_refuses_several_workers_on_sqlite(demo_terminal: Terminal) -> None:
    assert "SQLite supports one worker" in demo_terminal.refused("demo", "--workers", "2")
