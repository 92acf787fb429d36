"""What admins and cashiers see and do about machines, their shelves and their coin boxes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser, joined
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import FillCoins

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WILD = "<script>alert(1)"
COINS = (100, 50, 20, 10, 5)
UNPLANNED = "[null,null,null,null]"


@pytest.fixture
async def root(api: Api, guest: Browser) -> Browser:
    """An admin, logged in."""
    await joined(api, "root", Role.ADMIN)
    await guest.log_in("root")
    return guest


@pytest.fixture
async def cas(api: Api, new_browser: NewBrowser) -> Browser:
    """A cashier, logged in."""
    await joined(api, "cas", Role.CASHIER)
    browser = new_browser()
    await browser.log_in("cas")
    return browser


def pieces(**told: int) -> dict[str, str]:
    """A form's coins: `c50=3` are three of 50; of the others there are none."""
    return {f"coin-{value}": str(told.get(f"c{value}", 0)) for value in COINS}


def kept(books: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """What no refusal may change; that it was refused is remembered elsewhere."""
    aside = ("idempotency", "sessions")
    return {name: rows for name, rows in books.items() if name not in aside}


async def test_a_machine_is_added_renamed_and_given_a_key(api: Api, root: Browser) -> None:
    await root.open("/office/machines")
    assert root.shows("default")
    await root.press("add", name=WILD, timezone="Europe/Berlin")
    assert root.path == "/office/machines/2"
    assert root.page.texts["notice"] == f"{WILD} is added."
    assert WILD not in root.page.content
    await root.open("/office/machines")
    assert root.shows(WILD)
    assert root.shows("no key")
    await root.open("/office/machines/2/settings")
    assert root.field("name")["value"] == WILD
    await root.press("save", name="Hall", box_kind="unlimited")
    assert root.page.texts["notice"] == "Saved."
    (_, row) = await api.shop.rows("machines")
    assert (row["name"], row["timezone"], row["box_kind"]) == ("Hall", "Europe/Berlin", "unlimited")
    await root.press("new-key")
    key = root.page.texts["secret"]
    assert (await api.get("/v1/machines/2", headers={"Authorization": f"Machine {key}"})).status_code == 200
    await root.open("/office/machines/2/settings")
    assert key not in root.page.content  # Told once.
    assert (await api.shop.rows("admin_log"))[-1]["action"] == "machine.key"


@ON_SQLITE
@pytest.mark.parametrize(
    ("filled", "field", "complaint"),
    [
        ({"name": " "}, "name", "This field is required."),
        ({"name": "a/b"}, "name", "Must not contain slashes or invisible characters."),
        ({"name": "x" * 65}, "name", "Use at most 64 characters."),
        ({"name": "DEFAULT"}, "name", "The name DEFAULT is taken. Choose another one."),
        ({"timezone": "Mars/Base"}, "timezone", "Must be a name such as Europe/Berlin."),
        ({"box_kind": "bottomless"}, "box_kind", "Choose one of the options."),
    ],
)
async def test_a_machine_is_refused_beside_its_field(
    api: Api, root: Browser, filled: dict[str, str], field: str, complaint: str
) -> None:
    await root.open("/office/machines")
    before = await api.shop.books()
    await root.press("add", **{"name": "Hall"} | filled)
    assert root.status == 422
    assert root.page.texts[f"{field}-wrong"] == complaint
    assert (
        field == "box_kind"
        or root.field(field)["value"] == ({"name": "Hall", "timezone": "UTC"} | filled)[field]
    )
    assert await api.shop.books() == before


@ON_SQLITE
async def test_two_admins_do_not_run_over_each_others_plan(
    api: Api, root: Browser, new_browser: NewBrowser
) -> None:
    cola, tea = [(await api.shop.product(name)).product_id for name in ("cola", "tea")]
    await joined(api, "second", Role.ADMIN)
    second = new_browser()
    await second.log_in("second")
    for admin in (root, second):
        await admin.open(f"/office/machines/1/shelves/{cola}")
    page = root.page
    for _ in range(2):  # Pressed twice, it counts once.
        await root.press("plan", page, slot="A1", capacity="12")
        assert root.page.texts["notice"] == "Shelf saved."
    before = await api.shop.rows("shelves")
    await second.press("plan", slot="B7", par_level="3")
    assert second.status == 422
    assert second.shows("Somebody else changed this shelf.")
    assert second.page.texts["now"] == "Slot A1 Capacity 12 Refill level – Price in this machine –"
    assert (second.field("slot")["value"], second.field("par_level")["value"]) == ("B7", "3")
    assert await api.shop.rows("shelves") == before
    await second.press("plan")  # Whoever has seen it and still wants it may.
    assert second.page.texts["notice"] == "Shelf saved."
    await root.open(f"/office/machines/1/shelves/{tea}")  # Another shelf is another matter.
    await second.open(f"/office/machines/1/shelves/{cola}")
    await second.press("plan", slot="C1")
    await root.press("plan", slot="C2")
    plans = {row["product_id"]: row["slot"] for row in await api.shop.rows("shelves")}
    assert plans == {cola: "C1", tea: "C2"}
    answer = await root.own_post(f"/office/machines/1/shelves/{cola}/plan", {"key": "k" * 20, "seen": "[1]"})
    assert answer.status_code == 400


async def test_shelves_are_planned_filled_and_moved(api: Api, root: Browser) -> None:
    hall = await api.shop.machine("hall")
    cola = (await api.shop.product("cola", stock=9)).product_id
    tea = (await api.shop.product(WILD, stock=4)).product_id
    await root.open("/office/machines/1")
    assert WILD not in root.page.content
    await root.press("choose", product="COLA")
    assert root.path == f"/office/machines/1/shelves/{cola}"
    await root.press("plan", slot="A1", capacity="12", par_level="10", price="1,70")
    assert (root.path, root.page.texts["notice"]) == ("/office/machines/1", "Shelf saved.")
    assert root.page.texts["low"] == "Refill A1 cola 1 missing"
    await root.open(f"/office/machines/1/shelves/{tea}")
    await root.press("plan", slot="A2")  # And the plan of the first stays.
    plans = {row["product_id"]: row for row in await api.shop.rows("shelves") if row["machine_id"] == 1}
    assert [plans[cola][name] for name in ("slot", "capacity", "par_level", "price_cents")] == [
        "A1",
        12,
        10,
        170,
    ]
    assert plans[tea]["slot"] == "A2"
    page = await root.open(f"/office/machines/1/shelves/{cola}")
    assert (root.field("restock-quantity")["value"], root.field("price")["value"]) == ("1", "1.70")
    for _ in range(2):  # Pressed twice, it counts once.
        await root.press("restock", page)
        assert root.page.texts["notice"] == "1 refilled."
    assert "low" not in root.page.texts
    page = await root.open(f"/office/machines/1/shelves/{cola}")
    for _ in range(2):
        await root.press("move", page, quantity="4", to=str(hall), reason="for the party")
        assert root.page.texts["notice"] == "4 moved."
    stock = {
        (row["machine_id"], row["product_id"]): row["quantity"] for row in await api.shop.rows("shelves")
    }
    assert (stock[1, cola], stock[hall, cola]) == (6, 4)
    await api.shop.assert_clean()


@pytest.mark.parametrize(
    ("button", "filled", "told"),
    [
        ("plan", {"capacity": "0"}, ("capacity", "Must be from 1 to 1,000,000.")),
        ("plan", {"capacity": "5", "par_level": "6"}, ("par_level", "Must not be more than the capacity.")),
        ("plan", {"price": "free"}, ("price", "Must be a number such as 2.20.")),
        ("plan", {"price": "99999999999"}, ("price", "Must be from €0.01 to €10,000,000.00.")),
        ("plan", {"slot": "A2"}, ("slot", "Must be different for each product.")),
        ("restock", {"quantity": "many"}, ("restock-quantity", "Must be a whole number.")),
        ("restock", {"quantity": "13"}, ("restock-quantity", "The shelf holds at most 20 of product 1.")),
        ("restock", {"quantity": "9" * 15}, ("restock-quantity", "Must be from 1 to 1,000,000.")),
        ("move", {"quantity": "10", "to": "2"}, ("move-quantity", "Only 9 left of product 1.")),
        ("move", {"quantity": "1", "to": "1"}, ("to", "Must be another machine.")),
        ("move", {"quantity": "1", "to": "77"}, ("to", "There is no machine 77.")),
    ],
)
@ON_SQLITE
async def test_a_shelf_is_refused_beside_its_field(
    api: Api, root: Browser, button: str, filled: dict[str, str], told: tuple[str, str]
) -> None:
    await api.shop.machine("hall")
    await api.shop.product("cola", stock=9)
    await api.shop.product("tea", stock=2)
    await root.open("/office/machines/1/shelves/2")
    await root.press("plan", slot="A2")
    await root.open("/office/machines/1/shelves/1")
    await root.press("plan", slot="A1", capacity="20")
    await root.open("/office/machines/1/shelves/1")
    before = kept(await api.shop.books())
    await root.press(button, **filled)
    assert root.status == 422
    assert root.page.texts[f"{told[0]}-wrong"] == told[1]
    assert kept(await api.shop.books()) == before


async def test_a_box_is_filled_and_emptied_once_for_each_press(api: Api, cas: Browser) -> None:
    hall = await api.shop.machine("hall")
    path = f"/office/machines/{hall}/coins"
    page = await cas.open(path)
    assert cas.shows("exact change only")
    for _ in range(2):
        await cas.press("fill", page, **{"coin-50": "4", "coin-20": "5", "reason": "float"})
        assert (cas.path, cas.page.texts["notice"]) == (path, "€3.00 added to the coin box.")
    assert (cas.page.texts["in-box"], cas.page.texts["held-20"]) == ("€3.00", "5")
    page = await cas.open(path)
    for _ in range(2):
        await cas.press("collect", page, **{"coin-50": "1"})
        assert cas.page.texts["notice"] == "€0.50 collected from the coin box."
    assert cas.page.texts["in-box"] == "€2.50"
    await api.shop.assert_clean()


@ON_SQLITE
@pytest.mark.parametrize(
    ("button", "filled", "told"),
    [
        ("fill", {}, ("fill-coins", "Must include at least one coin.")),
        ("fill", {"coin-50": "-1"}, ("fill-50", "Must be from 0 to 10,000.")),
        ("fill", {"coin-50": "1.5"}, ("fill-50", "Must be a whole number.")),
        ("fill", {"coin-50": "9" * 15}, ("fill-50", "Must be from 0 to 10,000.")),
        (
            "fill",
            {"coin-50": "10000", "coin-5": "1"},
            ("fill-coins", "Must include at most 10,000 coins."),
        ),
        ("collect", {"coin-50": "5"}, ("collect-50", "The coin box has only 4 of €0.50.")),
        ("count", {"coin-50": "4"}, ("count-100", "This field is required.")),
        ("count", pieces() | {"coin-5": "1000001"}, ("count-5", "Must be from 0 to 1,000,000.")),
        ("fill", {"coin-50": "1", "reason": "x" * 201}, ("fill-reason", "Use at most 200 characters.")),
    ],
)
async def test_wrong_and_huge_counts_are_told_beside_their_coin(
    api: Api, cas: Browser, button: str, filled: dict[str, str], told: tuple[str, str]
) -> None:
    hall = await api.shop.machine("hall")
    await api.shop.do(FillCoins(OPERATOR, hall, {50: 4}))
    await cas.open(f"/office/machines/{hall}/coins")
    before = kept(await api.shop.books())
    await cas.press(button, **filled)
    assert cas.status == 422
    assert cas.page.texts[f"{told[0]}-wrong"] == told[1]
    typed = next((value for name, value in filled.items() if name == f"coin-{told[0].split('-')[1]}"), None)
    assert typed is None or cas.field(told[0])["value"] == typed
    assert kept(await api.shop.books()) == before


async def test_a_count_tells_the_difference_before_it_writes_it(api: Api, cas: Browser) -> None:
    hall = await api.shop.machine("hall")
    await api.shop.do(FillCoins(OPERATOR, hall, {50: 4, 20: 5}))
    await cas.open(f"/office/machines/{hall}/coins")
    before = kept(await api.shop.books())
    page = await cas.press("count", **pieces(c50=4, c20=4), reason=WILD)
    assert (cas.status, cas.page.texts["difference"]) == (200, "€0.20 short")
    assert WILD not in cas.page.content
    assert kept(await api.shop.books()) == before
    for _ in range(2):
        await cas.press("confirm", page)
        assert cas.page.texts["notice"] == "Count recorded. €0.20 less than expected."
    assert cas.page.texts["in-box"] == "€2.80"
    assert [row["reason"] for row in await api.shop.rows("transfers")] == [None, WILD]
    await cas.press("count", **pieces(c50=4, c20=4))
    assert cas.page.texts["difference"] == "No difference."
    await cas.press("confirm")
    assert cas.page.texts["notice"] == "Count recorded. The amount is as expected."
    await cas.press("count", **pieces(c100=3))
    assert cas.page.texts["difference"] == "€0.20 over"
    await cas.press("confirm")
    assert cas.page.texts["notice"] == "Count recorded. €0.20 more than expected."
    await api.shop.assert_clean()


async def test_coins_that_move_during_a_count_are_told(api: Api, cas: Browser) -> None:
    hall = await api.shop.machine("hall")
    await api.shop.do(FillCoins(OPERATOR, hall, {50: 4}))
    await cas.open(f"/office/machines/{hall}/coins")
    await cas.press("count", **pieces(c50=4))
    await api.shop.do(FillCoins(OPERATOR, hall, {50: 1}))  # As if somebody had bought something.
    before = kept(await api.shop.books())
    await cas.press("confirm")
    assert cas.page.texts["notice"].startswith("Coins were added or removed while you counted.")
    assert cas.page.texts["difference"] == "€0.50 short"
    assert kept(await api.shop.books()) == before
    await cas.press("confirm")
    assert cas.page.texts["notice"] == "Count recorded. €0.50 less than expected."
    await api.shop.assert_clean()


async def test_a_double_click_on_fill_fills_once(api: Api, cas: Browser) -> None:
    hall = await api.shop.machine("hall")
    await cas.open(f"/office/machines/{hall}/coins")
    _, action, sent = cas.request("fill", **{"coin-100": "2"})
    answers = await asyncio.gather(*(cas.client.post(action, data=sent) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await api.shop.rows("transfers")) == 1
    await api.shop.assert_clean()


POSTS = {
    "/office/machines": {"name": "x", "timezone": "UTC", "box_kind": "counted"},
    "/office/machines/1/settings": {"name": "x", "timezone": "UTC", "box_kind": "counted"},
    "/office/machines/1/key": {},
    "/office/machines/1/shelves": {"product": "cola"},
    "/office/machines/1/shelves/1/plan": {"key": "k" * 22, "slot": "Z9"},
    "/office/machines/1/shelves/1/restock": {"key": "k" * 22, "quantity": "1"},
    "/office/machines/1/shelves/1/move": {"key": "k" * 22, "quantity": "1", "to": "2"},
    "/office/machines/1/coins/fill": {"key": "k" * 22, "coin-50": "1"},
    "/office/machines/1/coins/collect": {"key": "k" * 22, "coin-50": "1"},
    "/office/machines/1/coins/count": {"key": "k" * 22} | pieces(),
}
PAGES = (
    "/office/machines",
    "/office/machines/1",
    "/office/machines/1/settings",
    "/office/machines/1/shelves/1",
    "/office/machines/1/coins",
)


@ON_SQLITE
async def test_forms_of_other_sites_and_for_things_that_are_not_there(api: Api, root: Browser) -> None:
    await api.shop.product("cola")
    before = kept(await api.shop.books())
    for path, fields in POSTS.items():
        assert (await root.client.post(path, data=fields or {"x": ""})).status_code == 400, (
            path
        )  # Without its token.
        foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        assert (await root.client.post(path, data=fields or {"x": ""}, headers=foreign)).status_code == 400, (
            path
        )
        for nowhere in ("/machines/77/", "/machines/x/", "/machines/99999999999999999999/"):
            if path.count("/") > 2:
                there = path.replace("/machines/1/", nowhere)
                assert (await root.own_post(there, fields)).status_code == 404, there
    for path in PAGES[1:]:
        for nowhere in ("/machines/77", "/machines/0", "/machines/1e3"):
            await root.open(path.replace("/machines/1", nowhere))
            assert root.status == 404, path
    assert (
        await root.own_post("/office/machines/1/shelves/77/plan", {"key": "k" * 22, "seen": UNPLANNED})
    ).status_code == 404
    assert kept(await api.shop.books()) == before


@ON_SQLITE
async def test_a_product_that_is_not_there_is_told(api: Api, root: Browser) -> None:
    await root.open("/office/machines/1")
    await root.press("choose", product=f"{WILD}\u202e")
    assert (root.status, WILD in root.page.content) == (422, False)
    assert root.page.texts["product-wrong"].endswith("is not on sale.")
