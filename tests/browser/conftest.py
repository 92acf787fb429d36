"""Debian's Chromium before a shop of its own. A page that complains, of its policy too, fails the test.

Heard is every page of every browser that a test opens, those that a page opens by itself too.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.limits import HANG_SECONDS
from tests.server import serving
from tests.shop import Shop, open_shop
from tuckshop.operations.startup import system_clock

ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]


# What a page's policy forbids is an error on the console in most cases; in all of them it is this event.
REPORT = """addEventListener("securitypolicyviolation",
    (event) => console.error(`policy: ${event.effectiveDirective} of ${event.blockedURI}`))"""
REFUSED = "422 ("  # A browser counts a refused form among its errors.
ABORTED = "net::ERR_ABORTED"  # The page was left while it was loading something; nobody misses it.


@dataclass
class Scene:
    """A running shop, and browsers before it."""

    url: str
    address: str
    chromium: Chromium
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def visit(self, path: str = "/", **more: Any) -> Page:
        """A browser of its own at this address."""
        page = self.browser(**more).new_page()
        page.goto(self.address + path)
        return page

    def browser(self, **more: Any) -> BrowserContext:
        """A browser of its own that is nowhere yet."""
        more = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, **more}
        context = self.chromium.new_context(**more)
        context.set_default_timeout(HANG_SECONDS * 1000)
        self.contexts.append(context)
        context.add_init_script(REPORT)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self._complain(str(error.error)))
        context.on("dialog", self._dismiss)
        context.on("requestfailed", self._miss)
        context.on("response", self._see)
        return context

    def allow(self, part: str) -> None:
        """Complaints with this in them are what the test brings about itself."""
        self._allowed.append(part)

    def unwanted(self) -> list[str]:
        """The complaints that nobody has allowed."""
        return [one for one in self.complaints if not any(part in one for part in self._allowed)]

    def do(self, act: Callable[[Shop], Awaitable[Any]]) -> Any:
        """Something that happens in the shop, not in a browser."""

        async def run() -> Any:
            async with open_shop(self.url) as shop:
                shop.clock.now_us = system_clock()
                return await act(shop)

        # In a thread: this one's loop is the browser's.
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(asyncio.run, run()).result()

    def _complain(self, what: str) -> None:
        self.complaints.append(what)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complain(message.text)

    def _dismiss(self, dialog: Dialog) -> None:
        self._complain(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _miss(self, request: Request) -> None:
        if request.failure != ABORTED:
            self._complain(f"{request.failure}: {request.url}")

    def _see(self, response: Response) -> None:
        if response.status >= 500:
            self._complain(f"{response.status}: {response.url}")


@pytest.fixture(scope="module")  # It holds a loop, which tests after these need for themselves.
def chromium(sqlite_template: Path) -> Iterator[Chromium]:
    """The system's browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None, "Chromium is missing (Debian, Ubuntu: apt-get install chromium)"
    expect.set_options(timeout=HANG_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def shop_settings() -> dict[str, str]:
    """Guests' word is taken for coins."""
    return {"TUCKSHOP_COINS": "self"}


@pytest.fixture
def scene(
    chromium: Chromium, sqlite_template: Path, tmp_path: Path, shop_settings: dict[str, str]
) -> Iterator[Scene]:
    """An empty shop with nobody before it yet."""
    path = tmp_path / "shop.sqlite3"
    shutil.copy(sqlite_template, path)
    url = f"sqlite:///{path}"
    with serving(url, tmp_path, settings=shop_settings) as servers:
        made = Scene(url, f"http://127.0.0.1:{servers.ports[0]}", chromium)
        try:
            yield made
        finally:
            for context in made.contexts:
                context.close()
    assert made.unwanted() == []
