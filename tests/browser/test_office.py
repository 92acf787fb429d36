"""An admin gives money back and asks whether the books are right, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Scene
from tests.browser.test_account import PASSWORD, log_in
from tests.browser.test_machine import SCRIPTLESS
from tests.shop import Shop
from tuckshop.domain.users import Role
from tuckshop.identity.passwords import Passwords

EVERY = pytest.mark.parametrize("settings", [{}, SCRIPTLESS], ids=["with scripts", "without"])


async def _busy(shop: Shop) -> None:
    """An admin who can log in, and ada, who has bought three cola of Sam's."""
    await shop.person("boss", Role.ADMIN)
    passwords = Passwords()
    await shop.execute("UPDATE users SET password_hash = :kept", kept=await passwords.hash(PASSWORD))
    passwords.close()
    sam = await shop.person("sam", Role.SELLER)
    cola = await shop.product("cola", price_cents=150, seller=sam)
    await shop.buy(await shop.buyer("ada", cents=500), (cola.product_id, 3))
    await shop.execute("UPDATE sessions SET ended_us = created_us")


@EVERY
def test_an_admin_refunds_and_sees_the_audit(scene: Scene, settings: dict[str, Any]) -> None:
    scene.do(_busy)
    page = scene.visit("/office", **settings)
    log_in(page, "boss")
    expect(page).to_have_url(f"{scene.address}/office")
    expect(page.locator("#sold-today")).to_have_text("€4.50")
    page.get_by_role("navigation", name="Office").get_by_role("link", name="Orders").click()
    page.get_by_role("link", name="3 × cola").click()
    page.fill("input[name=pieces-1]", "1")
    page.get_by_label("Write off").check()
    page.click("#refund")
    expect(page.locator("#notice")).to_have_text("€1.50 refunded.")
    page.get_by_role("navigation", name="Office").get_by_role("link", name="Audit").click()
    page.click("#run")
    expect(page.locator("#verdict")).to_have_text("Passed. Every check holds.")
    page.set_viewport_size({"width": 390, "height": 844})  # No room for so many ways: a button opens them.
    page.get_by_role("button", name="Office: Audit").click()
    page.get_by_role("navigation", name="Office").get_by_role("link", name="Users").click()
    expect(page.get_by_role("button", name="Office: Users")).to_be_visible()
    expect(page.get_by_role("navigation", name="Office")).to_be_hidden()
