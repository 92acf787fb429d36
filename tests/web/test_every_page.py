"""Every page of every room, as the application has them: its headers, its names, and whom it is for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.conftest import Api, serving
from tests.web import pages
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import first_admin

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_, HASH = first_admin.new_code()
WILD = '"><img src=x onerror=alert(1)>'
WILD_SHOP = f"{WILD}</title>'"  # The settings take it: whoever writes them owns the shop.
SHOWN_MIN = 45  # Forms that begin empty show no name but the shop's and one's own.
ERRORS = {"/nowhere": 404, "/m/9": 404, "/m/1/coins": 405, "/account/orders/9": 404, "/static/none.css": 404}
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "vary": "Accept-Language, Cookie",
    "cache-control": "no-store",
}
OF_FILES = {name: HEADERS[name] for name in ("x-content-type-options", "referrer-policy", "cache-control")}


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """A shop with a wild name that nobody runs yet."""
    async with serving(
        database_url, coins=CoinsPolicy.SELF, shop_name=WILD_SHOP, first_code_hash=HASH
    ) as served:
        yield served


async def test_every_page_has_its_headers_and_shows_wild_names_as_text(
    api: Api, new_browser: NewBrowser
) -> None:
    nobody, boss = new_browser(), new_browser()
    await look(nobody, pages.FIRST)
    told = await pages.furnish(api.shop, word=WILD)
    for path in (*pages.FOR_NOBODY, "/", "/m/2", "/kiosk"):
        await look(nobody, path)
    await boss.log_in(told["boss"])
    shown = [path for path in pages.addresses(told) if await look(boss, path)]
    assert len(shown) > SHOWN_MIN
    for path, status in ERRORS.items():
        await look(boss, path, status)
    for path in pages.FILES:
        answer = await boss.client.get(path)
        assert (answer.status_code, answer.headers["content-disposition"][:11]) == (200, "attachment;"), path
        assert OF_FILES.items() <= answer.headers.items(), path


async def look(browser: Browser, path: str, status: int = 200) -> bool:
    """Whether the page shows a wild name; it shows none but as text."""
    page = await browser.open(path)
    assert browser.answer is not None
    headers = dict(browser.answer.headers)
    for name in ("set-cookie", "content-length", "x-request-id", "date", "server", "allow"):
        headers.pop(name, None)
    assert (browser.status, headers) == (status, HEADERS), path
    assert WILD not in page.content, path
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (path, tag)
        assert tag not in ("style", "iframe", "object", "base"), path
        assert attributes.get("src", "/").startswith("/"), (path, tag)
    # The shop's name stands in each page's title and at its top, and who is logged in.
    return sum(text.count(WILD) for text in page.said) > 3
