"""A machine's own screen forgets who has gone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import REFUSED, Scene
from tests.browser.test_account import log_in, register
from tests.browser.test_machine import says, stocked
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import ChangeProduct


def test_begins_anew_a_minute_after_the_last_touch(scene: Scene) -> None:
    cola = stocked(scene, cola=(50, 5))["cola"]

    code = scene.do(lambda shop: shop.pairing_code(1))
    register(scene.visit("/register"), "ada")
    page = scene.visit("/kiosk", viewport={"width": 1080, "height": 1920})
    page.fill("#code", "no code")
    page.get_by_role("button", name="Pair this screen").click()
    expect(page.locator("#code_wrong")).to_be_visible()
    scene.allow(REFUSED)
    page.fill("#code", code)
    page.clock.install(time=0)
    page.clock.pause_at(1_000)  # Time passes as this test says, however long it takes.
    page.get_by_role("button", name="Pair this screen").click()
    page.click("#coin-100")
    expect(page.locator("#credit")).to_have_text("€1.00")
    page.click(f"#choose-{cola}")
    says(page, "Ready. Press Buy.")
    page.clock.run_for(45_000)
    says(page, "Ready. Press Buy.")
    page.clock.run_for(8_000)
    says(page, "Are you still there?")
    scene.do(lambda shop: shop.do(ChangeProduct(OPERATOR, cola, price_cents=60)))
    expect(page.locator("#total")).to_have_text("€0.60")
    page.clock.run_for(1_000)
    says(page, "Are you still there?")
    page.mouse.wheel(0, 10)
    says(page, "Ready. Press Buy.")
    page.clock.run_for(61_000)
    says(page, "€1.00 of credit is kept for you. Ask the cashier.")
    expect(page.locator("#credit")).to_have_text("€0.00")
    expect(page.locator(".choice li")).to_have_count(0)
    page.clock.run_for(61_000)
    says(page, "Hello! Choose something, or insert coins.")

    # Who is signed in is signed out, and keeps what is theirs.
    page.get_by_role("link", name="Log in").click()
    log_in(page, "ada")
    page.click("#go-on")
    page.click("#coin-50")
    page.click("#coin-20")
    expect(page.locator("#credit")).to_have_text("€0.70")
    page.click(f"#choose-{cola}")
    page.click("#buy")
    says(page, "Enjoy your cola!")
    page.clock.run_for(61_000)
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    expect(page.locator("#credit")).to_have_text("€0.00")
    expect(page.locator("#undo")).to_have_count(0)
    page.goto(f"{scene.address}/account")
    expect(page).to_have_url(f"{scene.address}/login?next=%2Faccount")
    scene.do(lambda shop: shop.assert_clean())
