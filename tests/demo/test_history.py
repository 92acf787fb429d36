"""A history that is lively, honest and the same every time."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tuckshop.demo.data import PRODUCTS
from tuckshop.demo.shop import demo_settings, make
from tuckshop.settings import Settings

NOW_US = 1_763_730_000_000_000  # A Friday, at one o'clock.
DAYS = 4
DAY_US = 86_400 * 1_000_000


def made(folder: Path) -> Terminal:
    """A terminal whose shop is a small demo."""
    terminal = Terminal(folder)
    given = demo_settings(Settings(database_url=f"sqlite:///{terminal.database}"))
    asyncio.run(make(given, now_us=NOW_US, days=DAYS))
    return terminal


@pytest.fixture(scope="module")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A small demo, made once and only read."""
    return made(tmp_path_factory.mktemp("demo"))


def test_its_books_are_right(small_demo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Terminal(tmp_path)
    shutil.copy(small_demo.database, copy.database)
    monkeypatch.setenv("TUCKSHOP_DATABASE_URL", f"sqlite:///{copy.database}")
    copy.works("audit")


def test_is_a_lively_shop(small_demo: Terminal) -> None:
    assert small_demo.rows("SELECT is_demo FROM shop") == [(1,)]
    assert small_demo.rows("SELECT count(DISTINCT seller_id) FROM products") == [(3,)]
    assert small_demo.rows("SELECT count(*) FROM users WHERE is_buyer AND NOT is_admin") == [(30,)]
    kinds = dict(small_demo.rows("SELECT kind, count(*) FROM transfers GROUP BY kind"))
    assert set(kinds) == {"fill", "deposit", "sale", "payout", "refund"}
    assert kinds["sale"] > 100
    stock = dict(small_demo.rows("SELECT kind, count(*) FROM stock_movements GROUP BY kind"))
    assert set(stock) == {"initial", "sale", "restock", "refund", "correction"}
    assert small_demo.rows(f"SELECT count(*) FROM orders WHERE created_us < {NOW_US - 5 * DAY_US}") == [(0,)]
    assert small_demo.rows(f"SELECT count(*) FROM orders WHERE created_us > {NOW_US}") == [(0,)]
    assert small_demo.rows("SELECT count(*) FROM sessions WHERE ended_us IS NULL") == [(0,)]
    assert small_demo.rows("SELECT username FROM users WHERE state = 'disabled'") == [("dora",)]


def test_stores_the_pictures_as_they_are_in_the_files(small_demo: Terminal) -> None:
    stored = small_demo.rows(
        "SELECT p.name, i.media_type, i.content FROM products p JOIN images i ON i.id = p.image_id"
    )
    assert {name: (media_type, content) for name, media_type, content in stored} == {
        product.name: ("image/webp", product.picture_content()) for product in PRODUCTS
    }


def test_is_the_same_every_time(small_demo: Terminal, tmp_path: Path) -> None:
    again = made(tmp_path)
    users = "SELECT id, username, email, is_buyer, is_seller, state, created_us FROM users"
    assert again.rows(users) == small_demo.rows(users)
    again_books, books = again.books(), small_demo.books()
    for name in books.keys() - {"users"}:  # Their passwords are salted.
        assert again_books[name] == books[name], name


def test_tells_how_much_is_done(tmp_path: Path) -> None:
    done: list[float] = []
    given = demo_settings(Settings(database_url=f"sqlite:///{tmp_path / 'demo.sqlite3'}"))
    asyncio.run(make(given, now_us=NOW_US, days=0, progress=done.append))
    assert done == sorted(done)
    assert done[-1] == 1.0
