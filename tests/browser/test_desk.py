"""A seller at the desk, in a real browser: something new with a picture, restocked, sold, in the plot."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import REFUSED, Scene
from tests.browser.test_account import EVERY, register
from tests.browser.test_machine import says
from tests.shop import Shop


def file(name: str, media_type: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


def picture() -> FilePayload:
    written = io.BytesIO()
    Image.new("RGB", (300, 200), "orange").save(written, "PNG")
    return file("can.png", "image/png", written.getvalue())


def seller(scene: Scene, **settings: Any) -> Page:
    """Somebody who has registered, and sells now, too; at the desk."""
    page = scene.visit("/register", **settings)
    register(page, "sam")

    async def let_in(shop: Shop) -> None:
        await shop.execute("UPDATE users SET is_seller = true WHERE username = 'sam'")

    scene.do(let_in)
    page.goto(f"{scene.address}/desk")
    return page


def add(page: Page, name: str = "Cola", *, price: str = "0.65", stock: str = "2") -> None:
    page.click("#new")
    page.fill("#name", name)
    page.fill("#price", price)
    page.fill("#stock", stock)
    page.set_input_files("#image", files=picture())
    page.click("#add")
    expect(page.locator("#notice")).to_have_text(f"{name} is on sale.")


@EVERY
def test_a_seller_adds_a_product_restocks_and_sees_the_sale_in_the_plot(
    scene: Scene, settings: dict[str, Any]
) -> None:
    page = seller(scene, **settings)
    add(page)
    expect(page.locator(".product-head img")).to_have_js_property("naturalWidth", 300)
    page.fill("#pieces", "10")
    page.click("#book")
    expect(page.locator("#notice")).to_have_text("10 pieces added.")
    expect(page.locator(".product-head")).to_contain_text("12 left")
    guest = scene.visit(**settings)
    guest.click("#coin-100")
    guest.locator(".slot .niche").first.click()
    guest.click("#buy")
    says(guest, "Enjoy your Cola!")
    page.goto(f"{scene.address}/desk")
    expect(page.locator("#today")).to_have_text("€0.65")
    expect(page.locator("#sold figcaption")).to_have_text("The last 14 days: €0.65")
    heights = page.locator(".plot-bar").evaluate_all("all => all.map((one) => one.getAttribute('height'))")
    assert [float(height) > 0 for height in heights] == [False] * 13 + [True]
    page.goto(f"{scene.address}/desk/orders")
    page.locator(".order-link").first.click()
    page.click("#refund")
    expect(page.locator("#notice")).to_have_text("€0.65 refunded to the buyer.")


def test_the_picture_is_shown_before_it_is_sent(scene: Scene) -> None:
    page = seller(scene)
    page.click("#new")
    expect(page.locator("#preview")).to_be_hidden()
    page.set_input_files("#image", files=picture())
    expect(page.locator("#preview")).to_be_visible()
    middle = page.evaluate(
        "[...document.getElementById('preview').getContext('2d').getImageData(256, 256, 1, 1).data]"
    )
    assert middle == [255, 165, 0, 255]
    page.set_input_files("#image", files=file("a.png", "image/png", b"no"))
    expect(page.locator("#preview")).to_be_hidden()


@EVERY
def test_a_file_is_looked_at_with_its_errors_put_right_and_taken(
    scene: Scene, settings: dict[str, Any]
) -> None:
    page = seller(scene, **settings)
    page.goto(f"{scene.address}/desk/file")

    def choose(table: str) -> None:
        page.set_input_files("#file", files=file("a.csv", "text/csv", table.encode()))
        page.click("#look")

    choose("name,price\nCola,much\n")
    expect(page.locator("#problems")).to_contain_text("line 2")
    scene.allow(REFUSED)
    choose("name,price,stock\nCola,0.65,4\nTea,0.50,3\n")
    expect(page.locator("#added")).to_have_text("2")
    page.click("#take")
    expect(page.locator("#notice")).to_have_text("2 added, 0 changed.")
    expect(page.locator(".product")).to_have_count(2)
