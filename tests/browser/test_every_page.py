"""Every page of every room, judged in German, whose words are the longest."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from tests.browser.conftest import Scene
from tests.browser.judging import judged
from tests.browser.test_account import log_in, register
from tests.shop import Shop
from tests.web import pages
from tuckshop.domain.machines import ShelfPlan
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import SetShelves

WILD = "W" * 40  # The widest letter, and no place to break the line.
PRODUCTS = 24
SETTINGS = {"locale": "de-DE", "reduced_motion": "reduce"}


@dataclass
class Walk:
    """From page to page, with a note of all that is wrong."""

    scene: Scene
    page: Page
    found: dict[str, list[str]] = field(default_factory=dict)

    def look_at(self, path: str, *, status: int = 200) -> None:
        """The page at this address, which is no other's."""
        answer = self.page.goto(self.scene.address + path)
        assert answer is not None
        assert (answer.status, answer.url) == (status, self.scene.address + path)
        self.judge(path)

    def judge(self, name: str) -> None:
        """What the browser shows now."""
        if wrong := judged(self.page):
            self.found[name] = wrong

    def end(self) -> None:
        """Fails with all that was wrong."""
        self.scene.allow("status of 4")  # The browser counts pages of errors among its own.
        told = "\n".join(f"{name}: {one}" for name, wrong in self.found.items() for one in wrong)
        assert not told, told


async def furnish(shop: Shop) -> dict[str, str]:
    """Something of everything, with long names; at the first machine, 24 products, one of them sold out."""
    furnished = await pages.furnish(shop, word=WILD)
    plans = [ShelfPlan(int(furnished["product"]), "A1", 40, 35, None)]
    for number in range(2, PRODUCTS + 1):
        made = await shop.product(f"cola {number}", price_cents=5 * number, stock=number - 2)
        plans.append(ShelfPlan(made.product_id, f"{'ABC'[number // 9]}{number % 9}"))
    await shop.do(SetShelves(OPERATOR, 1, tuple(plans)))
    return furnished


def test_what_is_wrong_is_seen(chromium: Chromium) -> None:
    page = chromium.new_page()
    page.set_content(
        """<html lang="en"><title>A page</title><main><h1>A page</h1>
        <p style="background: linear-gradient(#fff, #999); color: #888">faint</p>
        <a style="display: block; width: 2000px; height: 20px" href="/">low</a><input aria-label="nameless">
        <img src="data:,"></main>"""
    )
    found = "\n".join(judged(page))
    for complaint in ("wider than its screen", "x20: <a", "no label", "image-alt", "contrast 1.", ": faint"):
        assert complaint in found
    page.context.close()


def test_whoever_comes_finds_nothing_in_the_way(scene: Scene) -> None:
    walk = Walk(scene, scene.visit(pages.FIRST, **SETTINGS))
    page = walk.page
    walk.look_at(pages.FIRST)
    walk.look_at("/")
    boss = scene.do(furnish)["boss"]
    for path in (*pages.FOR_NOBODY, "/kiosk"):
        walk.look_at(path)
    walk.look_at("/nowhere", status=404)
    page.goto(f"{scene.address}/login")
    log_in(page, "ada", "wrong")
    walk.judge("a log-in that is refused")
    page.goto(f"{scene.address}/register")
    page.fill("#username", "bob")
    page.fill("#password", "too short")
    page.fill("#again", "another")
    page.click("#register")
    expect(page.locator("#again-wrong")).to_be_visible()
    walk.judge("a registration that is refused")
    register(page, "bob")
    expect(page.locator("#log-out")).to_be_visible()
    walk.look_at("/office", status=403)
    page.context.clear_cookies()
    page.goto(f"{scene.address}/login")
    log_in(page, boss, pages.PASSWORD)
    expect(page.locator("#go-on")).to_be_visible()
    walk.judge("a second log-in")
    walk.end()


def test_nothing_at_the_machine_is_in_the_way(scene: Scene) -> None:
    product = scene.do(furnish)["product"]
    walk = Walk(scene, scene.visit("/m/1", **SETTINGS))
    page = walk.page
    page.keyboard.type("zz")
    page.click(f"#choose-{product}")
    expect(page.locator(".is-chosen")).to_have_count(1)
    walk.judge("a guest has chosen")
    for _ in range(2):
        page.click("#coin-100")
    expect(page.locator("#credit")).to_have_text("2,00\N{NO-BREAK SPACE}€")
    page.click("#buy")
    expect(page.locator("#tray li")).not_to_have_count(0)
    walk.judge("a guest has bought")
    page.goto(f"{scene.address}/kiosk")
    page.fill("#code", scene.do(lambda shop: shop.pairing_code(2)))
    page.locator("main .button").first.click()
    expect(page.locator("#machine")).to_be_visible()
    walk.judge("a machine's own screen")
    walk.end()


@pytest.mark.parametrize("is_office", [False, True], ids=["account and desk", "office"])
def test_no_page_behind_the_log_in_is_in_the_way(scene: Scene, is_office: bool) -> None:
    furnished = scene.do(furnish)
    walk = Walk(scene, scene.visit("/login", **SETTINGS))
    log_in(walk.page, furnished["boss"], pages.PASSWORD)
    walk.page.click("#go-on")
    for path in pages.addresses(furnished):
        if path.startswith("/office") == is_office:
            walk.look_at(path)
    walk.end()
