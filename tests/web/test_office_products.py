"""Everything on sale, as admins change it and cashiers see it."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser, joined
from tests.web.test_desk import Upload, png, send
from tuckshop.domain.users import Role

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)"


@pytest.fixture
async def boss(api: Api, guest: Browser) -> Browser:
    """An admin at the office."""
    await joined(api, "boss", Role.ADMIN)
    await guest.log_in("boss")
    return guest


async def test_a_product_of_the_house_and_one_of_a_seller(api: Api, boss: Browser) -> None:
    sam = await joined(api, "sam", Role.SELLER)
    hall = await api.shop.machine("hall")
    page = await boss.open("/office/products/new")
    cola = {"name": "cola", "price": "1.50", "cost": "0,80", "tax": "19", "stock": "7", "machine": str(hall)}
    for _ in range(2):  # Pressed twice, added once.
        boss.page = page
        await send(boss, "add", Upload(png()), **cola)
        assert boss.page.texts["notice"] == "cola is on sale."
    await boss.open("/office/products/new")
    await send(boss, "add", name=SCRIPT, price="0,80", stock="0", seller="SAM", machine="1")
    assert SCRIPT not in boss.page.content
    rows = await api.shop.rows("products")
    names = ("name", "price_cents", "cost_cents", "tax_basis_points", "seller_id")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("cola", 150, 80, 1900, None),
        (SCRIPT, 80, 0, 0, sam),
    ]
    assert [row["image_id"] is not None for row in rows] == [True, False]
    held = [(row["machine_id"], row["quantity"]) for row in await api.shop.rows("shelves")]
    assert held == [(1, 0), (hall, 7)]
    await boss.open("/office/products?q=COL")
    assert boss.shows("cola")
    assert not boss.shows("alert(1)")


@ON_SQLITE
@pytest.mark.parametrize(
    ("filled", "beside"),
    [
        ({"name": ""}, "name"),
        ({"name": "tea"}, "name"),
        ({"name": "x" * 200}, "name"),
        ({"price": "0"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": "free"}, "price"),
        ({"price": "9" * 30}, "price"),
        ({"stock": "-1"}, "stock"),
        ({"stock": "1.5"}, "stock"),
        ({"stock": "1000001"}, "stock"),
        ({"seller": "nobody"}, "seller"),
        ({"seller": "ada"}, "seller"),
        ({"seller": SCRIPT}, "seller"),
        ({"tax": "x"}, "tax"),
        ({"cost": "-1"}, "cost"),
    ],
)
async def test_a_wrong_product_is_not_added(
    api: Api, boss: Browser, filled: dict[str, str], beside: str
) -> None:
    await joined(api, "ada")
    await api.shop.product("tea")
    before = await api.shop.rows("products")
    await boss.open("/office/products/new")
    await send(boss, "add", **{"name": "cola", "price": "1.50", "stock": "7"} | filled)
    assert boss.status == 422
    assert f"{beside}-wrong" in boss.page.texts
    assert boss.field(beside)["value"] == filled[beside]
    assert SCRIPT not in boss.page.content
    assert await api.shop.rows("products") == before


async def test_names_and_prices_change_unless_somebody_was_faster(api: Api, boss: Browser) -> None:
    cola = (await api.shop.product("cola", price_cents=150)).product_id
    early = await boss.open(f"/office/products/{cola}")
    await boss.press("save", name="Cola light", price="1.80")
    assert boss.page.texts["notice"] == "Saved."
    await boss.press("save", early, name="Cola zero", price="2.00")
    assert (boss.status, boss.field("name")["value"]) == (422, "Cola zero")
    (row,) = await api.shop.rows("products")
    assert (row["name"], row["price_cents"]) == ("Cola light", 180)
    assert "Name Cola light Price €1.80" in boss.page.texts["now"]
    await boss.press("save", key="k" * 22)  # Seen, and still wanted.
    (row,) = await api.shop.rows("products")
    assert (row["name"], row["price_cents"], row["refundable"]) == ("Cola zero", 200, True)


@ON_SQLITE
async def test_a_wrong_price_or_restock_changes_nothing(api: Api, boss: Browser) -> None:
    cola = (await api.shop.product("cola", stock=10)).product_id
    await boss.open(f"/office/products/{cola}")
    before = await api.shop.books()
    for button, filled in (
        ("save", {"price": "0"}),
        ("save", {"price": SCRIPT}),
        ("save", {"name": ""}),
        ("save", {"version": "x"}),
        ("book", {"pieces": "0"}),
        ("book", {"pieces": "-3"}),
        ("book", {"pieces": "9" * 30}),
        ("book", {"pieces": "5", "reason": "x" * 201}),
        ("book", {"pieces": "5", "what": "counted"}),
    ):
        await boss.press(button, **filled)
        assert boss.status == 422
        assert SCRIPT not in boss.page.content
        await boss.open(f"/office/products/{cola}")
    assert await api.shop.books() == before


async def test_pieces_come_once_per_press_to_any_machine_and_the_product_goes(
    api: Api, boss: Browser
) -> None:
    hall = await api.shop.machine("hall")
    cola = (await api.shop.product("cola", stock=10)).product_id
    page = await boss.open(f"/office/products/{cola}")
    for _ in range(2):
        await boss.press("book", page, pieces="5", machine=str(hall), reason="delivery 17")
        assert boss.page.texts["notice"] == "5 pieces added."
    await boss.press("book", what="counted", pieces="9", machine="1", reason="one broken")
    assert boss.shows("default 9 hall 5")
    page = await boss.open(f"/office/products/{cola}/remove")
    assert boss.shows("This stock is written off: default 9 hall 5")
    for _ in range(2):
        await boss.press("remove", page)
        assert boss.page.texts["notice"] == "cola is off sale."
    await boss.open(f"/office/products/{cola}")
    assert boss.shows("Taken off sale on")
    assert boss.page.by_id("save") is None
    await boss.open(f"/office/products/{cola}/remove")
    assert boss.status == 404


@ON_SQLITE
@pytest.mark.parametrize("wrong", ["0", "x", "99999", "9" * 30])
async def test_products_of_no_number(boss: Browser, wrong: str) -> None:
    await boss.open(f"/office/products/{wrong}")
    assert boss.status == 404


@ON_SQLITE
async def test_cashiers_look_and_others_do_not(api: Api, guest: Browser) -> None:
    cola = (await api.shop.product("cola")).product_id
    await guest.open("/office/products")
    assert guest.path == "/login?next=%2Foffice%2Fproducts"
    await joined(api, "clerk", Role.CASHIER)
    await guest.log_in("clerk")
    before = await api.shop.books()
    for path in ("/office/products", f"/office/products/{cola}"):
        await guest.open(path)
        assert guest.status == 200
    assert guest.page.by_id("save") is None
    await guest.open(f"/office/products/{cola}/remove")
    assert guest.status == 403
    for path in ("/new", f"/{cola}", f"/{cola}/stock", f"/{cola}/picture", f"/{cola}/remove"):
        answer = await guest.own_post(f"/office/products{path}", {"key": "k" * 22})
        assert answer.status_code == 403
        no_token = await guest.client.post(f"/office/products{path}", data={"form": ""})
        assert no_token.status_code in (400, 403)
    assert await api.shop.books() == before


async def test_an_admin_approves_a_product_that_waits(
    api: Api, boss: Browser, new_browser: NewBrowser
) -> None:
    sam, tom = [await api.shop.person(name, Role.SELLER) for name in ("sam", "tom")]
    await api.shop.product("Cola", seller=sam)
    waiting = await api.shop.product("Соla", seller=tom)  # The first two letters are Cyrillic.
    await boss.open("/office/products?q=Соla")
    assert boss.shows("waiting for approval")
    at = f"/office/products/{waiting.product_id}"
    page = await boss.open(at)
    assert "looks like another seller’s product" in page.texts["waiting"]
    for _ in range(2):  # Pressed twice, approved once.
        await boss.press("approve", page)
        assert boss.page.texts["notice"] == "Соla is on sale."
    await boss.open(at)
    assert boss.page.by_id("waiting") is None
    assert await api.shop.rows("waiting_products") == []
    lines = [row for row in await api.shop.rows("admin_log") if row["action"] == "product.approve"]
    assert [row["subject"] for row in lines] == [f"product:{waiting.product_id}"]


@ON_SQLITE
async def test_nobody_else_approves_a_product(api: Api, boss: Browser, new_browser: NewBrowser) -> None:
    tom = await api.shop.person("tom", Role.SELLER)
    await api.shop.product("Cola")
    waiting = await api.shop.product("Соla", seller=tom)
    await joined(api, "cash", Role.CASHIER, Role.SELLER)
    cashier = new_browser()
    await cashier.log_in("cash")
    page = await cashier.open(f"/office/products/{waiting.product_id}")
    assert "waiting" in page.texts
    assert page.by_id("approve") is None
    for at in ("office", "desk"):
        path = f"/{at}/products/{waiting.product_id}/approve"
        assert (await cashier.post(path, {"key": "k" * 22})).status_code in (403, 404)
    assert (await boss.post("/office/products/777/approve", {"key": "k" * 22})).status_code == 404
    assert [row["product_id"] for row in await api.shop.rows("waiting_products")] == [waiting.product_id]
