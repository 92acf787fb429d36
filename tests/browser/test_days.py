"""A day of each of those who use the shop, from page to page, as far as they go on such a day."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import REFUSED, Scene
from tests.browser.test_account import log_in, register
from tests.browser.test_desk import add, file
from tests.browser.test_machine import SCRIPTLESS, says
from tests.shop import Shop
from tests.web import pages
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.transfers import TopUp
from tuckshop.till.commands.wallet import Deposit

LATER_SECONDS = 3 * 86_400
LOCKED_OUT = "The username or the password is wrong. Try again."
"""What the log-in says to whoever is not let in: no more than to somebody who guesses."""


@pytest.fixture
def shop_settings() -> dict[str, str]:
    """Admins let people in; sellers are paid once buyers cannot return what they bought."""
    return {
        "TUCKSHOP_COINS": "self",
        "TUCKSHOP_SELLER_REGISTRATION": "approve",
        "TUCKSHOP_PAYOUT_DELAY_DAYS": "0",
    }


def notice(page: Page, sentence: str) -> None:
    expect(page.locator("#notice")).to_have_text(sentence)


def to(page: Page, name: str, *, room: str = "Office") -> None:
    """Along one of the ways within a room."""
    page.get_by_role("navigation", name=room).get_by_role("link", name=name, exact=True).click()


def code(scene: Scene) -> str:
    """What the server has printed when it started."""
    (log,) = Path(scene.url.removeprefix("sqlite:///")).parent.glob("server-*.log")
    found = re.search(r"with this code: (\S+)", log.read_text())
    assert found is not None
    return found[1]


def test_an_admin_opens_the_shop(started: Scene) -> None:
    scene = started
    page = scene.visit("/office/first", **SCRIPTLESS)
    for typed in ("none", code(scene)):
        page.fill("#code", typed)
        page.fill("#username", "boss")
        page.fill("#password", pages.PASSWORD)
        page.fill("#again", pages.PASSWORD)
        page.click("#begin")
        if typed == "none":
            expect(page.locator("#code-wrong")).to_be_visible()
            expect(page.locator("#username")).to_have_value("boss")
            scene.allow(REFUSED)
    expect(page).to_have_url(f"{scene.address}/office")
    expect(page.locator("#sold-today")).to_have_text("€0.00")
    to(page, "Products")
    page.click("#new")
    page.fill("#name", "tea")
    page.fill("#price", "0.50")
    page.fill("#stock", "0")
    page.click("#add")
    notice(page, "tea is on sale.")
    to(page, "Machines")
    page.fill("#name", "hall")
    page.click("#add")
    notice(page, "hall is added.")
    page.fill("#product", "tea")
    page.click("#choose")
    page.fill("#slot", "A1")
    page.fill("#par_level", "4")
    page.click("#plan")
    notice(page, "Shelf saved.")
    page.locator(".bay-in").click()
    page.fill("#restock-quantity", "5")
    page.click("#restock")
    notice(page, "5 refilled.")
    page.get_by_role("link", name="Coin box").click()
    page.fill("#fill-50", "2")
    page.click("#fill")
    notice(page, "€1.00 added to the coin box.")
    page.get_by_role("navigation", name="hall").get_by_role("link", name="Settings").click()
    page.get_by_label("Honour system").check()
    page.click("#save")
    notice(page, "Saved.")
    page.fill("#screen", "Tablet at the door")
    page.click("#pair")
    pairing_code = page.locator("#secret").inner_text()
    page.get_by_role("link", name="Done").click()

    screen = scene.visit("/kiosk", **SCRIPTLESS)
    screen.fill("#code", pairing_code)
    screen.get_by_role("button", name="Pair this screen").click()
    screen.locator(".slot .niche").click()
    screen.click("#coin-100")
    screen.get_by_label("Return change").check()
    screen.click("#buy")
    says(screen, "Enjoy your tea! €0.50 change.")

    to(page, "Today")
    expect(page.locator("#sold-today")).to_have_text("€0.50")
    to(page, "Sales")
    expect(page.get_by_role("main")).to_contain_text("tea")
    to(page, "Machines")
    page.get_by_role("link", name="Coin box of hall").click()
    expect(page.locator("#held-100")).to_have_text("1")
    expect(page.locator("#held-50")).to_have_text("1")
    to(page, "Settings")
    expect(page.get_by_role("main")).to_contain_text("TUCKSHOP_COINS")
    to(page, "Audit")
    page.click("#run")
    expect(page.locator("#verdict")).to_have_text("Passed. No errors found.")
    page.click("#log-out")
    notice(page, "You are logged out.")


async def _some_days(shop: Shop) -> None:
    """People and goods; sam has sold something that is paid for, and a guest has left money for days."""
    shop.clock.forward(-LATER_SECONDS)
    sam = await shop.person("sam", Role.SELLER)
    ada = await shop.buyer("ada", cents=500)
    bun = await shop.product("bun", price_cents=100, seller=sam)
    await shop.do(Deposit(OPERATOR, await shop.guest("door"), {50: 1}))
    await shop.buy(ada, (bun.product_id, 3))
    shop.clock.forward(LATER_SECONDS)
    await pages.furnish(shop)


def test_an_admin_sees_to_people_and_money(scene: Scene) -> None:
    scene.do(_some_days)
    newcomer = scene.visit("/register", **SCRIPTLESS)
    newcomer.check("#roles-seller")
    register(newcomer, "kim")
    expect(newcomer).to_have_url(f"{scene.address}/register/waiting")

    page = scene.visit("/login?next=/office", **SCRIPTLESS)
    log_in(page, "apple boss", pages.PASSWORD)
    page.click("#go-on")
    page.click("#waiting-people")
    page.get_by_role("link", name="kim").click()
    page.click("#approve")
    notice(page, "kim can log in.")
    page.click("#reset-password")
    password = page.locator("#secret").inner_text()
    page.get_by_role("link", name="Done").click()
    newcomer.goto(f"{scene.address}/login?next=/desk")
    log_in(newcomer, "kim", password)
    expect(newcomer.get_by_role("heading", level=1)).to_have_text("Your shop")
    page.reload()
    page.click("#disable")
    notice(page, "kim is blocked.")
    newcomer.reload()
    log_in(newcomer, "kim", password)
    expect(newcomer.get_by_role("alert")).to_have_text(LOCKED_OUT)
    scene.allow(REFUSED)
    page.fill("#closing-name", "kim")
    page.click("#close")
    notice(page, "User kim is closed.")

    to(page, "Top-ups")
    for sentence in ("12.50", "wrong"):
        page.fill("#user", "ada")
        page.fill("#amount", "12.50")
        page.fill("#external_ref", "bank 7")
        page.click("#top-up")
        if sentence == "wrong":
            expect(page.locator("#external_ref-wrong")).to_be_visible()
            expect(page.locator("#user")).to_have_value("ada")
        else:
            expect(page.locator("#notice")).to_contain_text("€12.50")
    to(page, "Payouts")
    page.get_by_role("link", name="Pay out sam").click()
    expect(page.locator("#payable")).to_have_text("€3.00")
    page.fill("#amount", "3.01")
    page.fill("#external_ref", "bank 8")
    page.click("#pay")
    expect(page.locator("#amount-wrong")).to_contain_text("€3.00")
    page.fill("#amount", "")
    page.click("#pay")
    notice(page, "€3.00 paid. The reference is bank 8.")
    to(page, "Tabs")
    page.get_by_role("link", name="Settle the tab of apple ada").click()
    page.fill("#amount", "1.50")
    page.fill("#external_ref", "bank 9")
    page.click("#settle-bank")
    expect(page.locator("#owed")).to_have_text("€0.00")
    to(page, "Unclaimed money")
    expect(page.get_by_role("table")).to_contain_text("door")
    page.fill("#sweep-days", "2")
    page.click("#sweep")
    notice(page, "Wallets closed: 1. €0.50 written off.")
    expect(page.get_by_role("table")).to_contain_text("Guest door")
    to(page, "Admin log")
    expect(page.get_by_role("main")).to_contain_text("user.standing")
    to(page, "Users")
    with page.expect_download() as saved:
        page.click("#save-users")
    assert "apple ada" in saved.value.path().read_text()
    scene.do(lambda shop: shop.assert_clean())


def test_a_cashier_serves_who_comes_to_the_counter(scene: Scene) -> None:
    async def with_a_cashier(shop: Shop) -> None:
        await pages.furnish(shop)
        await shop.execute(
            "UPDATE users SET is_admin = false, is_seller = false WHERE username = 'apple boss'"
        )

    scene.do(with_a_cashier)
    page = scene.visit("/login?next=/office")
    log_in(page, "apple boss", pages.PASSWORD)
    page.click("#go-on")
    expect(page.get_by_role("link", name="Users")).to_have_count(0)

    to(page, "Unclaimed money")
    page.get_by_role("link", name="Open apple guest at the counter").click()
    expect(page.locator("#held")).to_have_text("€3.00")
    page.click("#pay-out")
    notice(page, "Pay out €3.00: 3 × €1.00.")
    to(page, "Counter")
    page.fill("#name", "nobody")
    page.click("#find")
    expect(page.locator("#name-wrong")).to_have_text("There is no user nobody.")
    scene.allow(REFUSED)
    page.fill("#name", "apple ada")
    page.click("#find")
    page.click("#deposit")
    expect(page.locator("#put-coins-wrong")).to_have_text("Must include at least one coin.")
    page.fill("#put-100", "2")
    page.locator("#deposit").evaluate("(button) => { button.click(); button.click(); }")
    expect(page.locator("#notice")).to_contain_text("€2.00 added.")
    expect(page.locator("#held")).to_have_text("€18.00")
    to(page, "Tabs")
    page.get_by_role("link", name="Settle the tab of apple ada").click()
    page.fill("#pay-100", "2")
    page.click("#settle-coins")
    expect(page.locator("#owed")).to_have_text("€0.00")
    to(page, "Today")
    page.click("#waiting-orders")
    page.locator("tbody").get_by_role("link", name="apple pie").first.click()
    page.click("#hand-out")
    page.click("#refund")
    notice(page, "€1.50 refunded.")
    to(page, "Machines")
    page.get_by_role("link", name="Coin box of apple hall").click()
    page.fill("#collect-50", "1")
    page.click("#collect")
    notice(page, "€0.50 collected from the coin box.")
    page.goto(f"{scene.address}/office/users")
    expect(page.get_by_role("heading", level=1)).to_have_text("Role missing")
    scene.allow("403 (")
    scene.do(lambda shop: shop.assert_clean())


def test_a_seller_minds_what_is_on_the_shelf(scene: Scene) -> None:
    page = scene.visit("/register")
    page.check("#roles-both")
    register(page, "sam")

    async def let_in(shop: Shop) -> None:
        await shop.execute("UPDATE users SET state = 'active', is_seller = true")

    scene.do(let_in)
    page.goto(f"{scene.address}/login?next=/desk")
    log_in(page, "sam")
    add(page, "bun", price="0.80", stock="9")
    guest = scene.visit()
    guest.click("#coin-100")
    expect(guest.locator("#credit")).to_have_text("€1.00")
    page.check("#what-counted")
    page.fill("#pieces", "2")
    page.click("#book")
    expect(page.locator("#reason-wrong")).to_be_visible()
    expect(page.locator("#pieces")).to_have_value("2")
    scene.allow(REFUSED)
    page.fill("#reason", "seven were stale")
    page.click("#book")
    notice(page, "Stock corrected to 2.")
    expect(guest.locator(".left")).to_have_text("2 left")
    page.fill("#price", "1,20")
    page.click("#save")
    notice(page, "Saved.")
    expect(guest.locator(".tag-price")).to_have_text("€1.20")
    guest.locator(".niche").click()
    says(guest, "Insert €0.20 more.")
    guest.click("#coin-20")
    guest.click("#buy")
    says(guest, "Enjoy your bun!")
    page.goto(f"{scene.address}/desk")
    expect(page.locator("#low")).to_contain_text("1 left")
    to(page, "Earnings", room="Desk")
    expect(page.locator("#balance")).to_have_text("€1.20")
    expect(page.locator("#held")).to_have_text("€1.20")
    to(page, "File", room="Desk")
    with page.expect_download() as saved:
        page.click("#save")
    table = saved.value.path().read_text().replace("1.20", "1.30")
    page.set_input_files("#file", files=file("a.csv", "text/csv", table.encode()))
    page.click("#look")
    expect(page.locator("#changed")).to_have_text("1")
    page.click("#take")
    notice(page, "0 added, 1 changed.")
    expect(guest.locator(".tag-price")).to_have_text("€1.30")
    page.locator(".product-link").click()
    page.click("#remove")
    expect(page.get_by_role("heading", level=1)).to_have_text("Take bun off sale?")
    page.click("#remove")
    notice(page, "bun is off sale.")
    expect(guest.locator(".slot")).to_have_count(0)
    scene.do(lambda shop: shop.assert_clean())


def test_a_buyer_sees_to_their_own(scene: Scene) -> None:
    async def friends(shop: Shop) -> None:
        await shop.person("bob", Role.BUYER)

    scene.do(friends)
    page = scene.visit("/register", **SCRIPTLESS)
    register(page, "ada")
    scene.do(lambda shop: shop.do(TopUp(OPERATOR, wallet_of(2), 500, "bank 1")))
    to(page, "Send", room="Account")
    page.fill("#to", "bob")
    page.fill("#amount", "2,50")
    page.click("#send")
    notice(page, "€2.50 sent to bob.")
    page.go_back()
    expect(page.locator("#amount")).to_have_value("")  # Another form: it sends nothing until it is filled in.
    page.fill("#amount", "2,50")
    page.fill("#to", "bo")
    page.click("#send")
    expect(page.locator("#to-wrong")).to_be_visible()
    expect(page.locator("#amount")).to_have_value("2,50")
    scene.allow(REFUSED)
    to(page, "Statement", room="Account")
    expect(page.get_by_role("table")).to_contain_text("Top-up")
    to(page, "Tokens", room="Account")
    page.fill("#name", "printer")
    page.click("#make")
    token = page.locator("#secret").inner_text()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("table")).to_contain_text("printer")
    assert token not in page.content()
    to(page, "Profile", room="Account")
    for again in ("another horse", "correct pony"):
        page.fill("#current_password", pages.PASSWORD)
        page.fill("#password", "correct pony")
        page.fill("#again", again)
        page.click("#change-password")
    expect(page.locator("#notice")).to_contain_text("Your password is changed.")
    with page.expect_download() as saved:
        page.click("#take-along")
    assert json.loads(saved.value.path().read_text())["user"]["username"] == "ada"
    page.fill("#closing-name", "ada")
    page.click("#close")
    expect(page.locator("#notice")).to_have_text("Your user account is closed.")
    page.goto(f"{scene.address}/account")
    expect(page).to_have_url(re.compile("/login"))
    scene.do(lambda shop: shop.assert_clean())
