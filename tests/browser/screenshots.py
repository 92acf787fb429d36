"""Pictures of the pages as people see them, into build/screenshots: `make screenshots`.

Those that the README shows go into docs/screenshots as well, made small.

They are taken of a demo of their own, in light and dark, on a phone, a desk and a kiosk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tools import loopback

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "screenshots"
README_FOLDER = ROOT / "docs" / "screenshots"
IN_README = ("bought-1440x900-light", "bought-390x844-light", "bought-1080x1920-dark")
SIZES = ((390, 844), (1440, 900), (1080, 1920))
ACCOUNT = ("orders", "statement", "send", "profile", "sessions", "tokens")
DESK = ("products", "products/new", "orders", "sales", "earnings", "file")
ROOMS = {
    "ada": ("demo-demo", ("account", *(f"account/{one}" for one in ACCOUNT))),
    "bakery": ("demo-demo", ("desk", *(f"desk/{one}" for one in DESK))),
}
"""Pages behind the log-in: who sees them -> password, and their addresses."""
READY_SECONDS_MAX = 120  # The demo lives through four weeks first.


def main() -> None:
    """Takes them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or "chromium"
    with _demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for width, height in SIZES:
            for scheme, locale in (("light", "en-GB"), ("dark", "de-DE")):
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,  # type: ignore[arg-type]
                    locale=locale,
                )
                page = context.new_page()
                name = f"{width}x{height}-{scheme}"
                page.goto(f"{address}/")
                page.wait_for_load_state("load")
                _take(page, f"machine-{name}")
                _buy(page)
                _take(page, f"bought-{name}")
                page.goto(f"{address}/nowhere")
                _take(page, f"error-{name}")
                page.goto(f"{address}/kiosk")
                _take(page, f"kiosk-{name}")
                for path in ("login", "register"):
                    page.goto(f"{address}/{path}")
                    _take(page, f"{path}-{name}")
                for who, (password, paths) in ROOMS.items():
                    _log_in(page, address, who, password)
                    if who == "ada":
                        _buy_again(page)
                    for path in paths:
                        page.goto(f"{address}/{path}")
                        _take(page, f"{path.replace('/', '-')}-{name}")
                context.close()
        browser.close()
    README_FOLDER.mkdir(parents=True, exist_ok=True)
    for name in IN_README:
        with Image.open(FOLDER / f"{name}.png") as picture:
            picture.convert("RGB").save(README_FOLDER / f"{name}.webp", quality=85, method=6)


def _buy(page: Page) -> None:
    """One thing bought, with its change in the tray, and two more chosen with enough money for them."""
    for coin in (100, 50):
        page.click(f"#coin-{coin}")
    page.click(".slot:nth-child(7) .niche")
    page.wait_for_selector(".is-chosen")
    page.click("#coin-50")
    page.wait_for_selector(".is-ready")
    page.locator(".rest label").nth(1).click()
    page.click("#buy")
    page.wait_for_selector("#tray li")
    for coin in (100, 100, 100, 50):
        page.click(f"#coin-{coin}")
    for place in (2, 21):
        page.click(f".slot:nth-child({place}) .niche")
    page.wait_for_selector("#choice li:nth-child(2)")
    page.evaluate("scrollTo(0, 0)")


def _log_in(page: Page, address: str, who: str, password: str) -> None:
    """As somebody else than before, at the machine."""
    page.context.clear_cookies()
    page.goto(f"{address}/login?next=/")
    page.fill("#username", who)
    page.fill("#password", password)
    page.click("#log-in")
    if page.locator("#go-on").is_visible():
        page.click("#go-on")


def _buy_again(page: Page) -> None:
    """Something that can still be given back on the pages that follow."""
    page.click("#coin-100")
    page.click(".slot:nth-child(4) .niche")
    page.wait_for_selector(".is-ready")
    page.click("#buy")
    page.wait_for_selector("#tray li")


def _take(page: Page, name: str) -> None:
    page.mouse.move(2, 2)
    page.wait_for_timeout(1_500)  # What falls has fallen by then.
    page.screenshot(path=FOLDER / f"{name}.png")
    print(name)


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


if __name__ == "__main__":
    main()
