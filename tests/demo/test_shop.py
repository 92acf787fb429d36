"""The demo's settings, and a demo told from a real shop; the database alone, without the command."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tuckshop.demo.shop import RealShop, Unfinished, demo_settings, is_made, make_in_place, require_no_shop
from tuckshop.domain.users import RegistrationMode
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.settings import Settings

NOW_US = 1_763_730_000_000_000


def at(path: Path) -> Settings:
    return demo_settings(Settings(database_url=f"sqlite:///{path}"))


def test_its_settings_are_not_the_shops(tmp_path: Path) -> None:
    given = Settings(home=str(tmp_path), secret="k" * 64, kiosk_open=False)
    settings = demo_settings(given)
    assert settings.url == f"sqlite:///{tmp_path}/demo.sqlite3"
    assert settings.secret != given.secret
    assert len(settings.secret) >= 32
    assert settings.coins is CoinsPolicy.SELF
    assert settings.seller_registration is RegistrationMode.OPEN
    assert settings.kiosk_open
    assert "kiosk" in settings.dialects


def test_keeps_what_somebody_has_set(tmp_path: Path) -> None:
    kept = Settings(dialects="shop", tab_limit_cents=5_000, seller_registration=RegistrationMode.CLOSED)
    settings = demo_settings(kept)
    assert (settings.dialects, settings.tab_limit_cents) == ("shop", 5_000)
    assert settings.seller_registration is RegistrationMode.CLOSED


async def test_nothing_is_no_demo_yet(tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite3"
    assert await is_made(at(path)) is False
    await require_no_shop(at(path))
    assert not path.exists()


async def test_a_real_shop_is_refused_and_not_touched(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "shop.sqlite3"
    shutil.copy(sqlite_template, path)
    before = path.read_bytes()
    for attempt in (
        is_made(at(path)),
        require_no_shop(at(path)),
        make_in_place(at(path), reset=True, now_us=NOW_US),
    ):
        with pytest.raises(RealShop):
            await attempt
    assert path.read_bytes() == before


async def test_a_demo_without_its_last_line_is_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "demo.sqlite3"
    await make_in_place(at(path), reset=False, now_us=NOW_US, days=0)
    assert await is_made(at(path)) is True
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM admin_log WHERE action = 'demo.made'")
    with pytest.raises(Unfinished):
        await is_made(at(path))


@pytest.mark.postgres
def test_lives_on_postgresql_too(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url: str = request.getfixturevalue("postgres_server").new_database()
    monkeypatch.setenv("TUCKSHOP_DATABASE_URL", url)
    given = demo_settings(Settings(database_url=url))
    assert asyncio.run(is_made(given)) is False
    for _ in range(2):
        asyncio.run(make_in_place(given, reset=True, now_us=NOW_US, days=0))
        assert asyncio.run(is_made(given)) is True
        Terminal(tmp_path).works("audit")
