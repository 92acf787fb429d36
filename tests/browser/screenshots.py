"""Pictures of the pages as people see them, into build/screenshots: `make screenshots`.

Those that the README shows go into docs/screenshots as well, made small.

They are taken of a demo and of a new shop, both of their own: light in English and dark in German, and each
page on a phone, a desk and a kiosk.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.conftest import set_up
from tests.server import serving
from tools import loopback

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "screenshots"
README_FOLDER = ROOT / "docs" / "screenshots"
IN_README = ("bought-1440x900-light", "bought-390x844-dark", "office-1440x900-light")
SIZES = ((390, 844), (1440, 900), (1080, 1920))
LOOKS = (("light", "en-GB"), ("dark", "de-DE"))

NEW_SHOP = ("/", "/office/first")
GUEST = ("/kiosk", "/login", "/register", "/nowhere")
ROOMS = {
    ("ada", "demo-demo", "/account"): """
        . orders orders/* statement send profile sessions tokens second-factor /login/others""",
    ("bakery", "demo-demo", "/desk"): """
        . products products/* products/new orders orders/* sales earnings file""",
    ("admin", "12345", "/office"): """
        . orders orders/* products products/* products/new sales users users/* audit log settings
        machines machines/1 machines/1/shelves/1 machines/1/coins machines/1/coins/count machines/1/settings
        counter topups tabs tabs/* payouts payouts/* left-behind unclaimed""",
}
"""Who is in a room, and its pages; `*` is the first that the page before it leads to."""
READY_SECONDS_MAX = 120  # The demo lives through four weeks first.


def main() -> None:
    """Takes them all."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    chromium = shutil.which("chromium") or "chromium"
    with _demo() as demo, _new_shop() as new_shop, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        _order(browser.new_page(), demo)
        for scheme, locale in LOOKS:
            context = browser.new_context(color_scheme=scheme, locale=locale)  # type: ignore[arg-type]
            page = context.new_page()
            for path in NEW_SHOP:
                page.goto(new_shop + path)
                _take(page, f"new-shop{path}", scheme, scrolled_to="top")
            page.goto(f"{demo}/")
            _take(page, "machine", scheme, scrolled_to="top")
            _buy(page)
            _take(page, "bought", scheme, scrolled_to="top")
            _take(page, "tray", scheme, scrolled_to="end")
            for path in GUEST:
                page.goto(demo + path)
                _take(page, path, scheme)
            for (who, password, room), paths in ROOMS.items():
                _log_in(page, demo, who, password)
                for path in paths.split():
                    at = urljoin(f"{room}/", path).rstrip("/")
                    _go(page, demo + at)
                    _take(page, at, scheme)
        browser.close()
    shutil.rmtree(README_FOLDER, ignore_errors=True)
    README_FOLDER.mkdir(parents=True)
    for name in IN_README:
        with Image.open(FOLDER / f"{name}.png") as picture:
            picture.convert("RGB").save(README_FOLDER / f"{name}.webp", quality=80, method=6)


def _order(page: Page, shop: str) -> None:
    """Something that ada owes the bakery for, and waits for."""
    who = {"username": "ada", "password": "demo-demo"}
    access = page.request.post(f"{shop}/v1/auth/login", data=who).json()["access"]
    page.request.post(
        f"{shop}/v1/orders",
        headers={"Authorization": f"Bearer {access}"},
        data={"lines": [{"product": 8, "quantity": 2}, {"product": 9, "quantity": 1}], "payment": "tab"},
    )


def _buy(page: Page) -> None:
    """One thing bought, with its change in the tray, and two more chosen with enough money for them."""
    _put_in(page, 100, 50)
    page.click(".slot:nth-child(7) .niche")
    page.wait_for_selector(".is-chosen")
    _put_in(page, 50)
    page.locator(".rest label").nth(1).click()
    page.click(".is-ready")
    page.wait_for_selector("#tray li")
    _put_in(page, 100, 100, 100, 50)
    for place in (2, 21):
        page.click(f".slot:nth-child({place}) .niche")
    page.wait_for_selector("#choice li:nth-child(2)")


def _put_in(page: Page, *coins: int) -> None:
    for coin in coins:
        page.click(f"#coin-{coin}")


def _log_in(page: Page, shop: str, who: str, password: str) -> None:
    """As somebody else than before; who buys has just bought something that can still be given back."""
    page.context.clear_cookies()
    page.goto(f"{shop}/login?next=/")
    page.fill("#username", who)
    page.fill("#password", password)
    page.click("#log-in")
    if page.locator("#go-on").is_visible():
        page.click("#go-on")
    if who == "ada":
        _put_in(page, 100)
        page.click(".slot:nth-child(4) .niche")
        page.click(".is-ready")
        page.wait_for_selector("#tray li")


def _go(page: Page, address: str) -> None:
    if address.endswith("/*"):
        links = page.locator(".content a").evaluate_all("links => links.map(link => link.href)")
        address = next(link for link in links if re.fullmatch(f"{re.escape(address[:-1])}[0-9]+", link))
    page.goto(address)


def _take(page: Page, path: str, scheme: str, *, scrolled_to: str | None = None) -> None:
    """The page in every size: all of its length, or what a screen shows of it, scrolled to its top or end."""
    page.mouse.move(2, 2)
    name = path.strip("/.").replace("/", "-").replace("*", "one")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(f"scrollTo(0, {'document.body.scrollHeight' if scrolled_to == 'end' else 0})")
        page.screenshot(
            path=FOLDER / f"{name}-{width}x{height}-{scheme}.png",
            full_page=scrolled_to is None,
            animations="disabled",  # What falls has fallen.
        )
    print(name, scheme)


@contextmanager
def _demo() -> Iterator[str]:
    port = loopback.free_port()
    with tempfile.TemporaryDirectory() as home:
        given = {name: value for name, value in os.environ.items() if not name.startswith("TUCKSHOP_")}
        program = str(Path(sys.executable).with_name("tuckshop"))
        process = subprocess.Popen(
            [program, "demo", "--port", str(port)],
            cwd=home,
            env=given | {"TUCKSHOP_HOME": home},
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + READY_SECONDS_MAX
            while not loopback.says_ready(port):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise TimeoutError("the demo is not ready")
                time.sleep(0.3)
            yield f"http://{loopback.HOST}:{port}"
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def _new_shop() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as home:
        url = f"sqlite:///{home}/shop.sqlite3"
        asyncio.run(set_up(url))
        with serving(url, Path(home), settings={"TUCKSHOP_COINS": "self"}) as servers:
            yield f"http://{loopback.HOST}:{servers.ports[0]}"


if __name__ == "__main__":
    main()
