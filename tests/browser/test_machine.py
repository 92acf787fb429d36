"""The machine in a real browser: what moves, what is live, what the keyboard does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Scene
from tests.shop import Shop
from tuckshop.domain.machines import ShelfPlan
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import SetShelves
from tuckshop.till.commands.products import ChangeProduct, ProductRecord

SCRIPTLESS: dict[str, Any] = {"java_script_enabled": False}

STOPS_MAX = 80
FOCUSED = """() => {
    const one = document.activeElement, shown = one.type === "radio" ? one.nextElementSibling : one;
    const box = shown.getBoundingClientRect(), style = getComputedStyle(shown);
    const above = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
    const isOutlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return [one.id, isOutlined && (shown.contains(above) || one === above), shown.outerHTML.slice(0, 120)];
}"""


def stocked(scene: Scene, **products: tuple[int, int]) -> dict[str, int]:
    """Products by name -> (price, pieces); their ids."""

    async def act(shop: Shop) -> dict[str, int]:
        made: list[ProductRecord] = [
            await shop.product(name, price_cents=price, stock=stock)
            for name, (price, stock) in products.items()
        ]
        plans = (ShelfPlan(one.product_id, f"A{number}") for number, one in enumerate(made, 1))
        await shop.do(SetShelves(OPERATOR, 1, tuple(plans)))
        return {one.name: one.product_id for one in made}

    found: dict[str, int] = scene.do(act)
    return found


def orders(scene: Scene) -> list[dict[str, Any]]:
    """All that was bought; the books are clean."""

    async def act(shop: Shop) -> list[dict[str, Any]]:
        await shop.assert_clean()
        return await shop.rows("orders")

    found: list[dict[str, Any]] = scene.do(act)
    return found


def says(page: Page, sentence: str) -> None:
    expect(page.locator("#said")).to_have_text(sentence)


@pytest.mark.parametrize("settings", [{}, SCRIPTLESS], ids=["with scripts", "without"])
def test_a_guest_buys_with_coins_and_gets_change(scene: Scene, settings: dict[str, Any]) -> None:
    cola = stocked(scene, cola=(65, 10))["cola"]
    page = scene.visit(**settings)
    page.click(f"#choose-{cola}")
    says(page, "Insert €0.65 more.")
    page.click("#coin-50")
    says(page, "Insert €0.15 more.")
    page.click("#coin-50")
    says(page, "Ready. Press Buy.")
    page.get_by_label("Return change").check()
    page.click("#buy")
    says(page, "Enjoy your cola! €0.35 change.")
    tray = page.locator("#tray li")
    expect(tray).to_have_count(4)  # The cola, and 20 + 10 + 5.
    expect(page.locator("#credit")).to_have_text("€0.00")
    expect(page.locator(f"#slot-{cola} .left")).to_have_text("9 left")
    page.click("#undo")
    says(page, "Purchase undone. €0.65 is back in your credit.")
    page.click("#lever")
    says(page, "€0.65 returned. Take your coins.")
    assert [order["status"] for order in orders(scene)] == ["refunded"]


def test_the_last_can_goes_to_one_and_the_other_sees_it(scene: Scene) -> None:
    can = stocked(scene, **{"last can": (50, 1)})["last can"]
    ada, bob = scene.visit(), scene.visit()
    for page in (ada, bob):
        page.click("#coin-50")
        expect(page.locator("#credit")).to_have_text("€0.50")
    bob.evaluate("window.isSamePage = true")
    ada.click(f"#choose-{can}")
    ada.click("#buy")
    says(ada, "Enjoy your last can!")
    expect(bob.locator(f"#slot-{can} .left")).to_have_text("sold out")
    expect(bob.locator(f"#choose-{can}")).to_be_disabled()
    assert bob.evaluate("window.isSamePage")  # Nobody has loaded it again.
    assert len(orders(scene)) == 1


def test_shows_a_new_price_as_it_comes(scene: Scene) -> None:
    cola = stocked(scene, cola=(65, 10))["cola"]
    page = scene.visit()
    page.click(f"#choose-{cola}")
    says(page, "Insert €0.65 more.")
    scene.do(lambda shop: shop.do(ChangeProduct(OPERATOR, cola, price_cents=80)))
    expect(page.locator(f"#slot-{cola} .tag-price")).to_have_text("€0.80")
    says(page, "Insert €0.80 more.")


def test_the_keyboard_is_enough(scene: Scene) -> None:
    stocked(scene, cola=(65, 10), bar=(35, 10))
    page = scene.visit(viewport={"width": 390, "height": 844})
    page.keyboard.type("a2")
    says(page, "Insert €0.35 more.")
    page.keyboard.type("aa")
    says(page, "No shelf has the code AA.")
    tab_to(page, "coin-20")
    page.keyboard.press("Enter")
    says(page, "Insert €0.15 more.")
    page.keyboard.press("Space")  # The focus has stayed on the coin.
    says(page, "Ready. Press Buy.")
    tab_to(page, "buy")
    page.keyboard.press("Enter")
    says(page, "Enjoy your bar!")
    page.set_viewport_size({"width": 1440, "height": 900})
    tab_to(page, "undo")
    page.keyboard.press("Enter")
    says(page, "Purchase undone. €0.35 is back in your credit.")
    tab_to(page, "lever")
    page.keyboard.press("Space")
    says(page, "€0.40 returned. Take your coins.")


def tab_to(page: Page, name: str) -> None:
    """Moves the focus there; wherever it stays on its way, it is seen."""
    for _ in range(STOPS_MAX):
        page.keyboard.press("Tab")
        focused, is_seen, shown = page.evaluate(FOCUSED)
        if page.locator(":focus").count():  # Past the last one, it leaves the page.
            assert is_seen, shown
        if focused == name:
            return
    raise AssertionError(f"the keyboard does not lead to {name}")


def test_coins_can_be_dragged_to_the_slot(scene: Scene) -> None:
    stocked(scene, cola=(65, 10))
    page = scene.visit()
    page.drag_and_drop("#coin-50", "#coinslot")
    expect(page.locator("#credit")).to_have_text("€0.50")
    page.drag_and_drop("#coin-50", "#front")  # Dropped elsewhere, it falls back into the purse.
    page.click("#coin-20")
    expect(page.locator("#credit")).to_have_text("€0.70")


def test_presses_made_at_once_all_count_and_each_once(scene: Scene) -> None:
    cola = stocked(scene, cola=(50, 10))["cola"]
    page = scene.visit()
    for _ in range(4):
        page.locator("#coin-50").dispatch_event("click")
    expect(page.locator("#credit")).to_have_text("€2.00")
    page.click(f"#choose-{cola}")
    says(page, "Ready. Press Buy.")
    page.evaluate("() => { const buy = document.getElementById('buy'); buy.click(); buy.click(); }")
    says(page, "Choose something first.")
    assert len(orders(scene)) == 1


def test_a_price_that_changes_under_the_finger_is_not_paid(scene: Scene) -> None:
    """Pressed at 0.50, while the page is being told of 0.80."""
    cola = stocked(scene, cola=(50, 10))["cola"]
    page = scene.visit()
    page.click("#coin-100")
    page.click(f"#choose-{cola}")
    says(page, "Ready. Press Buy.")
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        held.append(route)
        if len(held) > 1:
            route.continue_()

    page.route("**/m/1?*", hold_the_first)
    with page.expect_request("**/m/1?*"):
        scene.do(lambda shop: shop.do(ChangeProduct(OPERATOR, cola, price_cents=80)))
    page.click("#buy")
    with page.expect_response("**/m/1/buy"):
        held[0].continue_()
    expect(page.locator("#buy")).to_contain_text("€0.80")
    assert orders(scene) == []
    page.click("#buy")
    says(page, "Enjoy your cola!")


def test_a_line_that_breaks_buys_once(scene: Scene) -> None:
    cola = stocked(scene, cola=(50, 10))["cola"]
    page = scene.visit()
    page.click("#coin-100")
    page.click(f"#choose-{cola}")
    says(page, "Ready. Press Buy.")
    broken: list[object] = []

    def lose_the_answer(route: Route) -> None:
        if not broken:
            broken.append(route.fetch())  # It arrives, and its answer does not.
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/m/1/buy", lose_the_answer)
    page.click("#buy")
    says(page, "Enjoy your cola!")
    expect(page.locator("#credit")).to_have_text("€0.50")
    assert len(orders(scene)) == 1
    scene.allow("ERR_CONNECTION_RESET")


def test_back_and_again_buys_once(scene: Scene) -> None:
    cola = stocked(scene, cola=(50, 10))["cola"]
    page = scene.visit(**SCRIPTLESS)
    page.click("#coin-100")
    page.click(f"#choose-{cola}")
    page.click("#buy")
    says(page, "Enjoy your cola!")
    page.go_back()
    says(page, "Ready. Press Buy.")
    page.click("#buy")
    # Within seconds it is a trembling finger, which is told what the first press did.
    expect(page.locator("#said")).to_have_text(re.compile("^(Enjoy your cola!|This was already done.*)$"))
    expect(page.locator("#credit")).to_have_text("€0.50")
    assert len(orders(scene)) == 1


def test_speaks_german_to_germans(scene: Scene) -> None:
    cola = stocked(scene, cola=(65, 2))["cola"]
    page = scene.visit(locale="de-DE")
    page.click(f"#choose-{cola}")
    says(page, "Bitte noch 0,65\N{NO-BREAK SPACE}€ einwerfen.")
    page.get_by_title("English").click()
    says(page, "Insert €0.65 more.")
    expect(page).to_have_url(re.compile(f"pick={cola}"))
