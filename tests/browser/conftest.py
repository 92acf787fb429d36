"""Debian's Chromium before a shop of its own. A page that complains, of its policy too, fails the test.

Heard is every page of every browser that a test opens, those that a page opens by itself too.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
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
from tests.server import SECRET, serving
from tests.shop import Shop, open_shop
from tools.loopback import HOST, free_port, says_ready
from tuckshop.app import create_app
from tuckshop.identity import first_admin
from tuckshop.operations.startup import system_clock
from tuckshop.settings import read

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


class _Started:
    """The browser of this process, from the first test that asks for it to the last one of this folder."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._chromium: Chromium | None = None

    def chromium(self) -> Chromium:
        if self._chromium is None:
            path = shutil.which("chromium") or shutil.which("chromium-browser")
            assert path is not None, "Chromium is missing (Debian, Ubuntu: apt-get install chromium)"
            playwright = self._stack.enter_context(sync_playwright())
            self._chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            self._stack.callback(self._chromium.close)
            expect.set_options(timeout=HANG_SECONDS * 1000)
        return self._chromium

    def end(self) -> None:
        self._chromium = None
        self._stack.close()


_started = _Started()


@pytest.fixture
def chromium() -> Chromium:
    """The system's browser."""
    return _started.chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """Ends the browser before other tests begin: it holds a loop, which these need for themselves.

    Also where a fixture fails at its end: or all tests that follow would fail with it.
    """
    try:
        yield
    finally:
        if nextitem is None or nextitem.path.parent != Path(__file__).parent:
            _started.end()


@contextmanager
def served(url: str, settings: Mapping[str, str]) -> Iterator[str]:
    """The address of a server for the shop at `url`, on a thread: this one's loop is the browser's."""
    _, code_hash = first_admin.new_code()
    app = create_app(read(settings, database_url=url, secret=SECRET, first_code_hash=code_hash))
    port = free_port()
    server = Server(app, port=port, interface=Interfaces.ASGI, log_enabled=False)
    loop = uvloop.new_event_loop()
    thread = Thread(target=loop.run_until_complete, args=(server.serve(),))
    thread.start()
    try:
        deadline = time.monotonic() + HANG_SECONDS
        while not says_ready(port, seconds=HANG_SECONDS):
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield f"http://{HOST}:{port}"
    finally:
        loop.call_soon_threadsafe(server.stop)
        thread.join()
        loop.close()


@contextmanager
def visited(url: str, address: str, chromium: Chromium) -> Iterator[Scene]:
    """The shop at `url`, served at `address`. Raises AssertionError with what nobody has allowed."""
    made = Scene(url, address, chromium)
    try:
        yield made
    finally:
        for context in made.contexts:
            context.close()
    assert made.unwanted() == []


@pytest.fixture
def shop_settings() -> dict[str, str]:
    """Guests' word is taken for coins, and for what they would give back; sellers are paid at once."""
    return {
        "TUCKSHOP_COINS": "self",
        "TUCKSHOP_MACHINE_UNDO": "contract",
        "TUCKSHOP_PAYOUT_DELAY_DAYS": "0",
    }


@pytest.fixture
def scene(chromium: Chromium, sqlite_url: str, shop_settings: dict[str, str]) -> Iterator[Scene]:
    """An empty shop with nobody before it yet."""
    with served(sqlite_url, shop_settings) as address, visited(sqlite_url, address, chromium) as made:
        made.do(lambda shop: shop.draw_coins())
        yield made


@pytest.fixture
def started(
    chromium: Chromium, sqlite_url: str, tmp_path: Path, shop_settings: dict[str, str]
) -> Iterator[Scene]:
    """The same as an operator has started it. It takes seconds; what it has printed is in a file."""
    with serving(sqlite_url, tmp_path, settings=shop_settings) as servers:
        address = f"http://{HOST}:{servers.ports[0]}"
        with visited(sqlite_url, address, chromium) as made:
            made.do(lambda shop: shop.draw_coins())
            yield made
