"""What a seller does about products: adding, changing, showing, stocking and taking them away."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser
from tests.web.test_account import ON_SQLITE, WILD, Person, person
from tuckshop.domain.users import Role
from tuckshop.identity import sessions
from tuckshop.operations.pictures import UPLOAD_BYTES_MAX
from tuckshop.till.commands.products import ProductRecord

NEW = {"name": "cola", "price": "1.50", "cost": "0,80", "tax": "5,5", "refundable": "on", "stock": "10"}
CODE = "4006381333931"


@dataclass
class Upload:
    """A file as a browser sends it."""

    content: bytes
    media_type: str = "image/png"
    name: str = "can.png"

    @property
    def sent(self) -> tuple[str, bytes, str]:
        return self.name, self.content, self.media_type


def png(side: int = 40, colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return file.getvalue()


async def send(here: Browser, button: str, upload: Upload | None = None, /, **filled: str) -> None:
    """A form with a file, as a browser sends it; `refundable=""` is a box that is not ticked."""
    _, path, fields = here.request(button)
    fields = {name: value for name, value in (fields | filled).items() if (name, value) != ("refundable", "")}
    fields.pop("image", None)
    file = upload.sent if upload else ("", b"", "application/octet-stream")
    here.look(await here.client.post(path, data=fields, files={"image": file}))


@pytest.fixture
async def sam(api: Api, guest: Browser) -> Person:
    """A seller, at the form for a new product."""
    found = await person(api, guest, "sam", Role.SELLER)
    await guest.open("/desk/products/new")
    return found


async def sold_by(api: Api, seller: Person, name: str = "cola", **more: Any) -> ProductRecord:
    return await api.shop.product(name, seller=seller.caller, **more)


async def goods(api: Api) -> list[tuple[Any, ...]]:
    """What the tables have of products, by id."""
    rows = sorted(await api.shop.rows("products"), key=lambda row: row["id"])
    names = ("name", "price_cents", "cost_cents", "tax_basis_points", "refundable")
    return [tuple(int(row[one]) if one == "refundable" else row[one] for one in names) for row in rows]


async def stock_of(api: Api, product: ProductRecord) -> int:
    shelves = await api.shop.rows("shelves")
    return sum(row["quantity"] for row in shelves if row["product_id"] == product.product_id)


async def test_a_product_with_a_picture_is_put_on_sale_once(api: Api, sam: Person) -> None:
    here = sam.browser
    page = here.page
    for _ in range(3):  # A double click, and the back button.
        here.page = page
        await send(here, "add", Upload(png()), **NEW)
        assert here.page.texts["notice"] == "cola is on sale."
    assert await goods(api) == [("cola", 150, 80, 550, 1)]
    (row,) = await api.shop.rows("products")
    assert here.path == f"/desk/products/{row['id']}"
    assert (row["seller_id"], row["image_id"] is not None) == (sam.user_id, True)
    assert [image["id"] for image in await api.shop.rows("images")] == [row["image_id"]]
    assert f"/v1/images/{row['image_id']}" in here.page.content
    await here.open("/desk/products")
    assert here.shows("cola €1.50 10 left")
    await api.shop.assert_clean()


async def test_without_a_picture_and_with_the_least_that_is_needed(api: Api, sam: Person) -> None:
    await send(sam.browser, "add", None, name=WILD, price="1", stock="0", refundable="")
    assert await goods(api) == [(WILD, 100, 0, 0, 0)]
    assert WILD not in sam.browser.page.content
    assert sam.browser.shows(WILD)
    await sam.browser.open("/desk/products")
    assert WILD not in sam.browser.page.content
    assert sam.browser.shows("sold out")


async def test_the_same_press_at_once_adds_once(api: Api, sam: Person) -> None:
    _, path, sent = sam.browser.request("add", **NEW)
    sent.pop("image")
    file = {"image": ("can.png", png(), "image/png")}
    answers = await asyncio.gather(*(sam.browser.client.post(path, data=sent, files=file) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await goods(api)) == 1
    assert len(await api.shop.rows("images")) == 1


@pytest.mark.parametrize(
    ("filled", "beside", "told"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"name": " "}, "name", "This field is required."),
        ({"name": "x" * 101}, "name", "Use at most 100 characters."),
        ({"name": "a\u200bb"}, "name", None),
        ({"name": "Tea"}, "name", "The name Tea is taken. Choose another one."),
        ({"price": ""}, "price", "This field is required."),
        ({"price": "0"}, "price", "Must be at least €0.01."),
        ({"price": "-1"}, "price", "Must be a number such as 2.20."),
        ({"price": "1e3"}, "price", "Must be a number such as 2.20."),
        ({"price": "9" * 15}, "price", "Must be at most €10,000,000,000,000.00."),
        ({"price": "99999999999"}, "price", None),
        ({"cost": "x"}, "cost", "Must be a number such as 2.20."),
        ({"cost": "99999999999"}, "cost", None),
        ({"tax": "101"}, "tax", "Must be from 0 to 100 per cent."),
        ({"tax": "5.555"}, "tax", "Must have at most 2 decimals."),
        ({"tax": WILD}, "tax", "Must be a number such as 2.20."),
        ({"stock": ""}, "stock", "This field is required."),
        ({"stock": "-1"}, "stock", "Must be from 0 to 1,000,000."),
        ({"stock": "1000001"}, "stock", "Must be from 0 to 1,000,000."),
        ({"stock": "1.5"}, "stock", "Must be a whole number."),
        ({"stock": "٣"}, "stock", "Must be a whole number."),
    ],
)
async def test_what_is_wrong_with_a_new_product_is_told_beside_its_field(
    api: Api, sam: Person, filled: dict[str, str], beside: str, told: str | None
) -> None:
    await api.shop.product("tea")
    typed = NEW | filled
    await send(sam.browser, "add", Upload(png()), **typed)
    here = sam.browser
    assert here.status == 422
    assert told in (None, here.page.texts[f"{beside}-wrong"]), here.page.texts[f"{beside}-wrong"]
    assert {name: here.field(name)["value"] for name in typed if name != "refundable"} == {
        name: value for name, value in typed.items() if name != "refundable"
    }
    assert "checked" in here.field("refundable")
    assert WILD not in here.page.content
    assert len(await goods(api)) == 1


NO_PICTURES = {
    "text": (Upload(b"hello"), "Must be a picture: PNG, JPEG or WebP."),
    "empty": (Upload(b""), "Must be a picture: PNG, JPEG or WebP."),
    "cut off": (Upload(png(200)[:90]), "Must be a picture: PNG, JPEG or WebP."),
    "named otherwise": (Upload(png(), "image/jpeg"), "Must be a picture: PNG, JPEG or WebP."),
    "a drawing": (Upload(b"<svg onload=alert(1)>", "image/svg+xml"), "Must be a picture: PNG, JPEG or WebP."),
    "a script": (Upload(png(), WILD, WILD), "Must be a picture: PNG, JPEG or WebP."),
    "large": (Upload(png() + b"\0" * UPLOAD_BYTES_MAX), "Choose a file of at most 8 MiB."),
    "huge": (Upload(b"\0" * (UPLOAD_BYTES_MAX + 100_000)), "Choose a file of at most 8 MiB."),
}


@ON_SQLITE
@pytest.mark.parametrize("kind", NO_PICTURES)
async def test_what_is_no_picture_is_told_beside_it_and_nothing_is_kept(
    api: Api, sam: Person, kind: str
) -> None:
    upload, told = NO_PICTURES[kind]
    here = sam.browser
    await send(here, "add", upload, **NEW)
    assert (here.status, here.page.texts["image-wrong"]) == (422, told)
    assert {name: here.field(name)["value"] for name in ("name", "price", "stock")} == {
        name: NEW[name] for name in ("name", "price", "stock")
    }  # However large the picture is.
    assert await goods(api) == []
    cola = await sold_by(api, sam)
    await here.open(f"/desk/products/{cola.product_id}")
    await send(here, "show", upload)
    assert (here.status, here.page.texts["image-wrong"]) == (422, told)
    assert await api.shop.rows("images") == []


async def test_another_picture_takes_the_place_of_the_first_and_none_goes_too(api: Api, sam: Person) -> None:
    cola = await sold_by(api, sam)
    here = sam.browser
    page = await here.open(f"/desk/products/{cola.product_id}")
    await send(here, "show")
    assert here.page.texts["image-wrong"] == "This field is required."
    ids = []
    for colour in ("red", "blue", "blue"):
        here.page = page  # The back button: the same form, with another file, then with the same.
        await send(here, "show", Upload(png(colour=colour)))
        assert here.page.texts["notice"] == "Picture saved. This is how it looks in the machine."
        (image,) = await api.shop.rows("images")
        ids.append(image["id"])
    assert ids[0] != ids[1] == ids[2]
    for _ in range(2):
        await here.open(f"/desk/products/{cola.product_id}")
        if here.page.by_id("show-none"):
            await here.press("show-none")
            assert here.page.texts["notice"] == "Picture removed."
    assert await api.shop.rows("images") == []


async def test_a_product_is_changed_and_nobody_overwrites_another_change(api: Api, sam: Person) -> None:
    cola = await sold_by(api, sam)
    here, path = sam.browser, f"/desk/products/{cola.product_id}"
    old = await here.open(path)
    for _ in range(2):
        await here.press("save", old, name="Cola light", price="1,80", cost="", tax="19")
        assert here.page.texts["notice"] == "Saved."
    assert await goods(api) == [("Cola light", 180, 0, 1900, 1)]
    await here.press("save", old, price="9.99")  # Of a page that was shown before.
    assert here.status == 422
    assert here.shows("Somebody else changed this product.")
    assert here.page.texts["now"].startswith("Name Cola light Price €1.80")
    assert here.field("price")["value"] == "9.99"
    assert await goods(api) == [("Cola light", 180, 0, 1900, 1)]
    await here.press("save")
    assert await goods(api) == [("cola", 999, 0, 0, 1)]
    await api.shop.product("tea")
    for filled, beside in (({"name": "TEA"}, "name"), ({"price": "0"}, "price"), ({"tax": "x"}, "tax")):
        await here.open(path)
        await here.press("save", **filled)
        assert (here.status, f"{beside}-wrong" in here.page.texts) == (422, True)
    await here.open(path)
    await here.press("save", version="x")
    assert here.status == 422
    assert (await goods(api))[0] == ("cola", 999, 0, 0, 1)


async def test_pieces_come_and_are_counted_once_for_each_press(api: Api, sam: Person) -> None:
    cola = await sold_by(api, sam, stock=10)
    here, path = sam.browser, f"/desk/products/{cola.product_id}"
    page = await here.open(path)
    for _ in range(3):
        await here.press("book", page, pieces="5", reason=WILD)
        assert here.page.texts["notice"] == "5 pieces added."
    assert await stock_of(api, cola) == 15
    await here.open(path)
    await here.press("book", what="counted", pieces="13", reason="two broken")
    assert here.page.texts["notice"] == "Stock corrected to 13."
    assert await stock_of(api, cola) == 13
    moved = [(row["kind"], row["quantity"], row["reason"]) for row in await api.shop.rows("stock_movements")]
    assert moved[1:] == [("restock", 5, WILD), ("correction", -2, "two broken")]
    await api.shop.assert_clean()


@pytest.mark.parametrize(
    ("filled", "beside", "told"),
    [
        ({"pieces": ""}, "pieces", "This field is required."),
        ({"pieces": "0"}, "pieces", "Must be from 1 to 1,000,000."),
        ({"pieces": "-3"}, "pieces", "Must be from 1 to 1,000,000."),
        ({"pieces": "9" * 30}, "pieces", "Must be a whole number."),
        ({"pieces": "1000000"}, "pieces", None),  # With the ten that are there, too many.
        ({"what": "counted"}, "reason", "This field is required."),
        ({"reason": "x" * 201}, "reason", "Use at most 200 characters."),
    ],
)
async def test_pieces_that_cannot_be_booked_are_told_beside_their_field(
    api: Api, sam: Person, filled: dict[str, str], beside: str, told: str | None
) -> None:
    cola = await sold_by(api, sam, stock=10)
    here = sam.browser
    await here.open(f"/desk/products/{cola.product_id}")
    await here.press("book", **{"pieces": "3"} | filled)
    assert here.status == 422
    assert told in (None, here.page.texts[f"{beside}-wrong"]), here.page.texts[f"{beside}-wrong"]
    assert await stock_of(api, cola) == 10
    for wrong in ({"what": "lost"}, {"machine": "x"}, {"machine": "77"}):
        await here.open(f"/desk/products/{cola.product_id}")
        await here.press("book", **{"pieces": "3"} | wrong)
        assert here.status == 422
    assert await stock_of(api, cola) == 10


async def test_pieces_go_to_the_machine_that_is_named(api: Api, sam: Person) -> None:
    hall = await api.shop.machine("hall")
    cola = await sold_by(api, sam, stock=10)
    here = sam.browser
    await here.open(f"/desk/products/{cola.product_id}")
    await here.press("book", pieces="4", machine=str(hall))
    assert here.shows("hall 4")
    assert await stock_of(api, cola) == 14


async def test_what_is_removed_is_told_and_found_again_but_not_changed(api: Api, sam: Person) -> None:
    cola = await sold_by(api, sam)
    here, path = sam.browser, f"/desk/products/{cola.product_id}"
    page = await here.open(path)
    link = page.by_id("remove")
    assert link is not None
    asked = await here.open(link["href"])
    assert here.shows("Take cola off sale?")
    assert here.shows("default 10")  # What is booked out with it.
    assert (await goods(api))[0][0] == "cola"  # Nothing is done before the answer.
    for _ in range(2):
        await here.press("remove", asked)
        assert here.page.texts["notice"] == "cola is off sale."
    assert not here.shows("€1.50")
    await here.open("/desk/products?shown=removed")
    assert here.shows("cola €1.50 removed")
    await here.open(path)
    assert here.shows("Taken off sale on")
    assert here.page.by_id("save") is None
    for button in ("save", "book", "show-none"):
        if page.by_id(button):
            await here.press(button, page)
            assert here.status == 404
    await api.shop.assert_clean()


@ON_SQLITE
async def test_a_long_list_goes_on_and_is_searched(api: Api, sam: Person) -> None:
    for number in range(30):
        await sold_by(api, sam, f"cola {number:02}", stock=number)
    await api.shop.product("somebody else’s cola")
    here = sam.browser
    await here.open("/desk/products?q=COLA")
    assert sum(found.get("class") == "product" for _, found in here.page.elements) == 24
    await here.open(here.field("older")["href"])
    assert sum(found.get("class") == "product" for _, found in here.page.elements) == 6
    assert not here.shows("else’s")
    await here.open("/desk/products?q=07")
    assert here.shows("cola 07")
    assert not here.shows("cola 08")
    for strange in (f"q={WILD}", "q=%25", "q=%00", "q=" + "x" * 3_000, "before=x", "shown=x"):
        await here.open(f"/desk/products?{strange}")
        assert here.status == 200, strange
        assert WILD not in here.page.content


async def test_the_products_of_others_are_not_there(api: Api, sam: Person, new_browser: NewBrowser) -> None:
    cola, house = await sold_by(api, sam), await api.shop.product("tea")
    before = await api.shop.books()
    key = "k" * 22
    posts: dict[str, dict[str, str]] = {
        "": {"key": key, "version": "1", "name": "mine", "price": "1"},
        "/stock": {"key": key, "what": "came", "pieces": "5", "machine": "1"},
        "/picture/remove": {"key": key},
        "/remove": {"key": key},
    }
    for name, roles, status in (
        ("sue", (Role.SELLER,), 404),
        ("root", (Role.SELLER, Role.ADMIN), 404),  # Here they are sellers like all others.
        ("ada", (Role.BUYER,), 403),
        ("kim", (Role.CASHIER,), 403),
    ):
        other = await person(api, new_browser(), name, *roles)
        for one in (cola, house):
            path = f"/desk/products/{one.product_id}"
            await other.browser.open(path)
            assert other.browser.status == status
            for act, fields in posts.items():
                assert (await other.browser.own_post(path + act, fields)).status_code == status, (name, act)
            file = {"image": ("can.png", png(), "image/png")}
            token = next(one["value"] for _, one in other.browser.page.elements if one.get("name") == "form")
            answer = await other.browser.client.post(
                f"{path}/picture", data={"form": token, "key": key}, files=file
            )
            assert answer.status_code == status
        await other.browser.open("/desk/products")
        assert other.browser.status == (200 if status == 404 else 403)
        assert not other.browser.shows("cola")
    for number in ("0", "01", "x", "9" * 30, "-1", "٣"):
        await sam.browser.open(f"/desk/products/{number}")
        assert sam.browser.status == 404, number
    after = await api.shop.books()
    assert (before["products"], before["stock_movements"]) == (after["products"], after["stock_movements"])


async def test_after_the_session_nothing_is_done_and_the_log_in_leads_back(api: Api, sam: Person) -> None:
    cola = await sold_by(api, sam)
    here, path = sam.browser, f"/desk/products/{cola.product_id}"
    await here.open(path)
    await sessions.end_all(api.running, user_id=sam.user_id)
    _, action, sent = here.request("book", pieces="5")
    headers = {"Referer": f"{here.client.base_url}{path}"}
    here.look(await here.client.post(action, data=sent, headers=headers))
    assert here.path == f"/login?next=%2Fdesk%2Fproducts%2F{cola.product_id}"
    assert await stock_of(api, cola) == 10
    await here.press("log-in", username="sam", password="correct horse")
    assert here.path == path


async def test_gives_a_product_a_category_and_a_barcode(api: Api, guest: Browser, sam: Person) -> None:
    await send(guest, "add", **NEW, category=" <b>Drinks ", barcode=CODE)
    assert guest.shows("cola is on sale.")
    (row,) = await api.shop.rows("products")
    assert (row["category"], row["barcode"]) == ("<b>Drinks", CODE)
    assert (guest.field("category")["value"], guest.field("barcode")["value"]) == ("<b>Drinks", CODE)
    await guest.open("/desk/products")
    assert "&lt;b&gt;Drinks" in guest.page.content
    await guest.open("/desk/products/new")
    before = await api.shop.rows("products")
    await send(guest, "add", **NEW | {"name": "tea"}, category="", barcode=CODE)
    assert guest.status == 422
    assert guest.shows(f"Product {row['id']} already has the barcode {CODE}.")
    for wrong, told in (
        ({"barcode": "=1+1"}, "4 to 48 letters, digits or hyphens"),
        ({"category": "a\x07b"}, "slashes or invisible characters"),
        ({"category": "x" * 41}, "1 to 40"),
    ):
        await send(guest, "add", **NEW | {"name": "tea", "barcode": "", "category": ""} | wrong)
        assert guest.status == 422
        assert guest.shows(told), told
    assert await api.shop.rows("products") == before
