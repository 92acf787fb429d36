"""The second step at the log-in page, and its setting up in the account: without scripts, and by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pyotp
import pytest

from tests.api.conftest import Api, serving
from tests.web.browsing import Browser
from tests.web.conftest import PASSWORD, browsers, joined
from tuckshop.domain.users import Role, SecondFactorMode

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAGE = "/account/second-factor"
SCRIPT = '"><script>alert(1)</script>'


@pytest.fixture
async def boss(api: Api, guest: Browser) -> Browser:
    await joined(api, "boss", Role.ADMIN, Role.BUYER)
    await guest.log_in("boss")
    return guest


def shown(api: Api, secret: str, steps: int = 0) -> str:
    app = pyotp.TOTP(secret.replace(" ", ""))
    return app.at(api.clock.now_us // 1_000_000, counter_offset=steps)


async def set_up(api: Api, browser: Browser) -> tuple[str, list[str]]:
    """The secret that the page tells, and the recovery codes."""
    await browser.open(PAGE)
    page = await browser.press("set-up")
    assert "<svg" in page.content
    secret = page.texts["secret"]
    page = await browser.press("enable", code=shown(api, secret))
    assert browser.status == 200
    return secret, page.texts["codes"].split()


async def log_in(browser: Browser, code: str | None = None) -> None:
    browser.client.cookies.clear()
    await browser.open("/login")
    await browser.press("log-in", username="boss", password=PASSWORD)
    if code is not None:
        await browser.press("log-in", code=code)


async def test_is_set_up_asked_for_and_turned_off(api: Api, boss: Browser) -> None:
    secret, codes = await set_up(api, boss)
    assert len(codes) == 10
    await log_in(boss)
    assert (boss.status, boss.path, "code" in boss.page.content) == (200, "/login", True)
    assert boss.field("code")["autocomplete"] == "one-time-code"
    await boss.press("log-in", code=shown(api, secret, 1))
    assert boss.path.startswith(("/account", "/login/others"))
    await boss.open(PAGE)
    await boss.press("turn-off")
    await log_in(boss)
    assert boss.path != "/login"


async def test_a_recovery_code_lets_in_once(api: Api, boss: Browser) -> None:
    _, codes = await set_up(api, boss)
    await log_in(boss, codes[0])
    assert boss.path != "/login"
    await log_in(boss, codes[0])
    assert (boss.status, boss.path) == (422, "/login")


@ON_SQLITE
async def test_a_wrong_code_is_asked_again_and_the_password_is_not(api: Api, boss: Browser) -> None:
    secret, _ = await set_up(api, boss)
    await log_in(boss, "000000")
    assert boss.status == 422
    assert PASSWORD not in boss.page.content
    await boss.press("log-in", code=shown(api, secret, 1))
    assert boss.path != "/login"


@ON_SQLITE
async def test_a_second_step_ends_after_five_minutes(api: Api, boss: Browser) -> None:
    secret, _ = await set_up(api, boss)
    await log_in(boss)
    api.clock.forward(300)
    await boss.press("log-in", code=shown(api, secret))
    assert (boss.status, boss.path) == (422, "/login")
    assert boss.field("password")["type"] == "password"


@ON_SQLITE
@pytest.mark.parametrize("sealed", ["x", "a.b.c.d.e", SCRIPT, "x" * 7_000])
async def test_what_was_not_sealed_here_opens_nothing(api: Api, guest: Browser, sealed: str) -> None:
    await guest.open("/login")
    guest.page.elements.append(
        ("input", {"name": "sealed", "value": sealed, "form": guest.page.form_of("log-in")})
    )
    await guest.press("log-in", username="boss", password=PASSWORD)
    assert (guest.status, guest.path) == (422, "/login")
    assert "<script>alert" not in guest.page.content


@ON_SQLITE
async def test_a_wrong_first_code_shows_the_same_key_again(api: Api, boss: Browser) -> None:
    await boss.open(PAGE)
    secret = (await boss.press("set-up")).texts["secret"]
    page = await boss.press("enable", code=SCRIPT)
    assert (boss.status, page.texts["secret"]) == (422, secret)
    assert "<script>alert" not in page.content
    await boss.press("enable", code=shown(api, secret))
    assert boss.status == 200


@ON_SQLITE
async def test_an_old_log_in_is_asked_for_password_and_code(api: Api, boss: Browser) -> None:
    secret, _ = await set_up(api, boss)
    api.clock.forward(660)
    await boss.open(PAGE)
    await boss.press("renew-codes")
    assert boss.status == 403
    await boss.press("confirm", **{"confirm-password": PASSWORD})
    assert (boss.status, "confirm-code-wrong" in boss.page.texts) == (422, True)
    await boss.press("confirm", **{"confirm-password": PASSWORD, "confirm-code": shown(api, secret)})
    assert (boss.status, "codes" in boss.page.texts) == (200, True)


@ON_SQLITE
async def test_the_office_turns_it_off_for_who_has_lost_it(api: Api, boss: Browser) -> None:
    await set_up(api, boss)
    await joined(api, "root", Role.ADMIN)
    boss.client.cookies.clear()
    await boss.log_in("root")
    (user,) = [row for row in await api.shop.rows("users") if row["username"] == "boss"]
    await boss.open(f"/office/users/{user['id']}")
    await boss.press("reset-second-factor")
    assert boss.status == 200
    await log_in(boss)
    assert boss.path != "/login"


@pytest.fixture
async def strict(sqlite_url: str) -> AsyncIterator[Api]:
    async with serving(sqlite_url, staff_second_factor=SecondFactorMode.REQUIRED) as api:
        yield api


async def test_where_it_is_required_the_account_says_so_and_the_office_is_closed(strict: Api) -> None:
    await joined(strict, "boss", Role.ADMIN, Role.BUYER)
    async with browsers(strict) as make:
        boss = make()
        await boss.log_in("boss")
        await boss.open("/office/users")
        assert boss.status == 403
        page = await boss.open(PAGE)
        assert "is-required" in page.texts
        await set_up(strict, boss)
        await boss.open("/office/users")
        assert boss.status == 200
        page = await boss.open(PAGE)
        assert page.by_id("turn-off") is None
