"""A demo that is lively, honest, the same every time, and open to nobody else."""

import asyncio
import io
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cli.conftest import Environment, Terminal
from tests.cli.server import serving
from tests.limits import HANG_SECONDS
from tuckshop.cli import demo
from tuckshop.cli.demo_goods import BUYERS, GOODS, SELLERS
from tuckshop.cli.demo_pictures import PICTURES, draw

NOW_US = 1_763_730_000_000_000  # A Friday, at one o'clock.
DAYS = 4
ROOT = Path(__file__).parents[2]
DAY_US = 86_400 * 1_000_000


def made(terminal: Terminal) -> dict[str, list[Any]]:
    """The books of a small demo."""
    terminal.home.mkdir(exist_ok=True)
    given = demo.demo_settings(database_url=f"sqlite:///{terminal.database}")
    asyncio.run(demo.make(given, now_us=NOW_US, days=DAYS))
    return terminal.books()


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demo's file, made once."""
    terminal = Terminal(tmp_path_factory.mktemp("demo"))
    made(terminal)
    return terminal.database


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


def test_is_a_lively_shop(inside: Terminal) -> None:
    inside.works("audit")
    assert inside.rows("SELECT is_demo FROM shop") == [(1,)]
    assert inside.rows("SELECT count(*) FROM products WHERE image_id IS NOT NULL") == [(24,)]
    assert inside.rows("SELECT count(DISTINCT seller_id) FROM products") == [(3,)]
    assert inside.rows("SELECT count(*) FROM users WHERE is_buyer AND NOT is_admin") == [(30,)]
    kinds = dict(inside.rows("SELECT kind, count(*) FROM transfers GROUP BY kind"))
    assert set(kinds) == {"fill", "deposit", "sale", "payout", "refund"}
    assert kinds["sale"] > 100
    stock = dict(inside.rows("SELECT kind, count(*) FROM stock_movements GROUP BY kind"))
    assert set(stock) == {"initial", "sale", "restock", "refund", "correction"}
    assert inside.rows(f"SELECT count(*) FROM orders WHERE created_us < {NOW_US - 5 * DAY_US}") == [(0,)]
    assert inside.rows(f"SELECT count(*) FROM orders WHERE created_us > {NOW_US}") == [(0,)]
    assert inside.rows("SELECT count(*) FROM sessions WHERE ended_us IS NULL") == [(0,)]


def test_is_the_same_every_time(inside: Terminal, tmp_path: Path) -> None:
    again = made(Terminal(tmp_path / "again"))
    first = inside.books()
    salted = {"users", "alembic_version"}
    for name in first.keys() - salted:
        assert again[name] == first[name], name


def test_is_refused_by_serve_and_init(inside: Terminal) -> None:
    (inside.home / "secret.key").write_text("k" * 64)
    assert "run `tuckshop demo`" in inside.refused("serve")
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
    assert [file.name for file in terminal.home.iterdir()] == ["demo.sqlite3"]


@pytest.mark.skipif(Path(sys.prefix) != ROOT / ".venv", reason="this is not the environment that make runs")
def test_make_run_opens_it(demo_terminal: Terminal) -> None:
    # "-o": a test must not install anything.
    with serving("run", cwd=ROOT, program=("make", "-o", ".venv/.runtime-installed")) as server:
        assert b"ready" in server.get("/health/ready")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])
def test_listens_on_this_computer_alone(demo_terminal: Terminal, host: str) -> None:
    assert "this computer alone" in demo_terminal.refused("demo", "--host", host)


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
    assert "SQLite has one till" in demo_terminal.refused("demo", "--workers", "2")


@pytest.mark.postgres
def test_lives_on_postgresql_too(
    terminal: Terminal, environment: Environment, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgres_server")
    name = f"tuckshop_demo_{terminal.home.parent.name}".replace("-", "_")
    server.execute(f'CREATE DATABASE "{name}"')
    environment(database_url=server.url(name))
    given = demo.demo_settings()
    assert given.kiosk_open
    assert asyncio.run(demo.is_made(given)) is False
    for _ in range(2):
        asyncio.run(demo.make_in_place(given, reset=True, now_us=NOW_US, tell=lambda _: None, days=1))
        assert asyncio.run(demo.is_made(given)) is True
        terminal.works("audit")


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_small_and_whole(name: str) -> None:
    picture = draw(name)
    assert len(picture.content) < 8_000
    with Image.open(io.BytesIO(picture.content)) as image:
        assert (image.format, image.size) == ("WEBP", (256, 256))


def test_no_two_goods_look_alike() -> None:
    assert {good.picture for good in GOODS} == set(PICTURES)
    assert len({draw(name).content for name in PICTURES}) == len(GOODS) == 24
    assert {good.seller for good in GOODS} == {None, *SELLERS}
    assert len(set(BUYERS)) == 30
