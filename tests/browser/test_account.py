"""From the registration to the undone purchase, in a real browser; and what the second log-in says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import REFUSED, Scene
from tests.browser.test_machine import SCRIPTLESS, orders, says, stocked

PASSWORD = "correct horse"
EVERY = pytest.mark.parametrize("settings", [{}, SCRIPTLESS], ids=["with scripts", "without"])


def register(page: Page, name: str) -> None:
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("#register")


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.fill("#username", name)
    page.fill("#password", password)
    page.click("#log-in")


@EVERY
def test_a_buyer_registers_logs_in_buys_and_undoes(scene: Scene, settings: dict[str, Any]) -> None:
    cola = stocked(scene, cola=(65, 10))["cola"]
    page = scene.visit(**settings)
    page.get_by_role("link", name="Log in").click()
    page.click("#to-register")
    register(page, "ada")
    expect(page).to_have_url(f"{scene.address}/m/1")
    page.get_by_role("link", name="ada").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, ada")
    page.click("#log-out")
    expect(page.locator("#notice")).to_have_text("You are logged out.")
    log_in(page, "ada")
    expect(page).to_have_url(f"{scene.address}/account")
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Machine").click()
    page.click("#coin-100")
    page.click(f"#choose-{cola}")
    page.click("#buy")
    says(page, "Enjoy your cola!")
    page.goto(f"{scene.address}/account")
    expect(page.locator("#balance")).to_have_text("€0.35")
    page.get_by_role("button", name=re.compile("Return order")).click()
    expect(page.locator("#notice")).to_have_text("Returned. €0.65 is back in your wallet.")
    page.goto(f"{scene.address}/account")
    expect(page.locator("#balance")).to_have_text("€1.00")
    assert [order["status"] for order in orders(scene)] == ["refunded"]


@EVERY
def test_the_second_log_in_sees_the_message_and_ends_the_first(
    scene: Scene, settings: dict[str, Any]
) -> None:
    laptop = scene.visit("/register", **settings)
    register(laptop, "ada")
    phone = scene.visit("/login", **settings)
    log_in(phone, "ada")
    expect(phone.get_by_role("heading", level=1)).to_have_text("You are already logged in on another device")
    phone.click("#end-others")
    expect(phone).to_have_url(f"{scene.address}/account")
    expect(phone.locator("#notice")).to_have_text("All your other sessions have ended.")
    laptop.reload()
    expect(laptop).to_have_url(f"{scene.address}/login?next=%2Faccount")
    log_in(laptop, "ada")
    laptop.click("#go-on")
    expect(laptop).to_have_url(f"{scene.address}/account")


def test_a_session_that_ends_at_the_machine_leads_to_the_log_in_and_back(scene: Scene) -> None:
    cola = stocked(scene, cola=(65, 10))["cola"]
    page = scene.visit("/register?next=/m/1")
    register(page, "ada")
    page.click("#coin-100")
    expect(page.locator("#credit")).to_have_text("€1.00")
    phone = scene.visit("/login")
    log_in(phone, "ada")
    phone.click("#end-others")
    page.click(f"#choose-{cola}")
    says(page, "Insert €0.65 more.")  # A guest, with nothing in.
    page.get_by_role("link", name="Log in").click()
    log_in(page, "ada")
    page.click("#go-on")
    expect(page.locator("#credit")).to_have_text("€1.00")
    # The stream of events was that session's, too.
    scene.allow("401 (Unauthorized)")


def test_a_wrong_password_is_told_and_the_keyboard_is_enough(scene: Scene) -> None:
    register(scene.visit("/register"), "ada")
    page = scene.visit("/login")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.focus("#username")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong horse")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The username or the password is wrong. Try again.")
    expect(page.locator("#username")).to_have_value("ada")
    scene.allow(REFUSED)
    page.focus("#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#end-others")).to_be_visible()
