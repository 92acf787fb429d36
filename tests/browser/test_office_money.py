"""The office's machines and money in a real browser: a box is counted, a seller is paid."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Scene
from tests.browser.test_account import EVERY, register
from tests.shop import Shop
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import FillCoins, SetShelves
from tuckshop.till.commands.transfers import TopUp
from tuckshop.till.commands.wallet import Deposit

HALL = 2
WILD = "w" * 60


def admin(scene: Scene, path: str, **settings: Any) -> Page:
    """The first user: an admin, logged in."""
    page = scene.visit("/register?next=/account", **settings)
    register(page, "root")
    scene.do(lambda shop: shop.execute("UPDATE users SET is_admin = true"))
    page.goto(scene.address + path)
    return page


def hall(scene: Scene) -> None:
    """A second machine, with some coins, a half empty shelf, somebody who owes, and a guest's money."""

    async def act(shop: Shop) -> None:
        seller = await shop.person(f"seller {WILD[9:]}", Role.SELLER)
        ada = await shop.buyer(WILD, cents=2_000)
        machine_id = await shop.machine("m" * 60)
        assert machine_id == HALL
        cola = await shop.product("n" * 90, stock=3, seller=seller, machine_id=HALL)
        await shop.do(SetShelves(OPERATOR, HALL, (ShelfPlan(cola.product_id, "A1", 12, 8, 170),)))
        await shop.do(FillCoins(OPERATOR, HALL, {50: 4, 20: 10}))
        await shop.buy(ada, (cola.product_id, 1), machine_id=HALL)
        await shop.execute("UPDATE users SET tab_limit_cents = 1000 WHERE id = :id", id=ada.user_id)
        await shop.buy(ada, (cola.product_id, 1), machine_id=HALL, payment=Payment.TAB)
        await shop.do(TopUp(OPERATOR, wallet_of(ada.user_id), 5_000, "r" * 128, "why" * 60))
        await shop.do(Deposit(OPERATOR, await shop.guest("g" * 60), {100: 3}))

    scene.do(act)


@EVERY
def test_an_admin_counts_a_coin_box_and_is_told_what_is_missing(
    scene: Scene, settings: dict[str, Any]
) -> None:
    page = admin(scene, "/office/machines", **settings)
    hall(scene)
    page.reload()
    page.get_by_role("link", name="Coin box of mmm").click()
    expect(page.locator("#in-box")).to_have_text("€4.00")
    for value, found in ((100, 0), (50, 4), (20, 9), (10, 0), (5, 0)):
        page.fill(f"#count-{value}", str(found))
    page.click("#count")
    expect(page.locator("#difference")).to_have_text("€0.20 short")
    page.click("#confirm")
    expect(page.locator("#notice")).to_have_text("Count recorded. €0.20 less than expected.")
    expect(page.locator("#in-box")).to_have_text("€3.80")
    page.go_back()
    expect(page.locator("#difference")).to_have_text("No difference.")
    scene.do(lambda shop: shop.assert_clean())


@EVERY
def test_a_shelf_is_filled_as_it_is_planned(scene: Scene, settings: dict[str, Any]) -> None:
    page = admin(scene, "/office/machines", **settings)
    hall(scene)
    page.goto(f"{scene.address}/office/machines/{HALL}")
    expect(page.locator("#low li")).to_contain_text("7 missing")
    page.locator(".bay-in").click()
    expect(page.locator("#restock-quantity")).to_have_value("7")
    page.click("#restock")
    expect(page.locator("#notice")).to_have_text("7 refilled.")
    expect(page.locator("#low")).to_have_count(0)
