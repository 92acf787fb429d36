"""Products from a table and into one, as a seller does it in a browser."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser
from tests.web.test_account import ON_SQLITE, WILD, Person, person
from tests.web.test_desk import goods, sold_by
from tuckshop.domain.users import OPERATOR as OPERATING
from tuckshop.domain.users import Role
from tuckshop.identity import sessions
from tuckshop.imports import products
from tuckshop.imports.csv_files import BYTES_MAX
from tuckshop.operations import selling
from tuckshop.till.commands.base import Envelope, Outcome

TABLE = "name,price,stock,tax\r\ncola,1.80,12,19\r\ntea,0.80,5,\r\n"


@pytest.fixture
async def sam(api: Api, guest: Browser) -> Person:
    """A seller, before the form for a file."""
    found = await person(api, guest, "sam", Role.SELLER)
    await guest.open("/desk/file")
    return found


async def look(here: Browser, content: str | bytes, name: str = "goods.csv") -> None:
    """A file is chosen, and looked at."""
    _, path, fields = here.request("look")
    fields.pop("file", None)
    file = content.encode() if isinstance(content, str) else content
    here.look(await here.client.post(path, data=fields, files={"file": (name, file, "text/csv")}))


async def test_a_file_is_looked_at_and_then_taken_once(api: Api, sam: Person) -> None:
    await sold_by(api, sam, price_cents=150, stock=10)
    here = sam.browser
    await look(here, TABLE)
    assert here.status == 200
    assert [here.page.texts[one] for one in ("added", "changed", "unchanged")] == ["1", "1", "0"]
    assert here.shows("line 2 cola price, stock, tax")
    assert here.shows("line 3 tea new")
    assert await goods(api) == [("cola", 150, 0, 0, 1)]
    page = here.page
    await here.press("take")
    assert (here.path, here.page.texts["notice"]) == ("/desk/products", "1 added, 1 changed.")
    for _ in range(2):
        await here.press("take", page)
        assert here.page.texts["notice"] == "0 added, 0 changed."
    assert await goods(api) == [("cola", 180, 0, 1900, 1), ("tea", 80, 0, 0, 1)]
    await here.open("/desk/file")
    await look(here, TABLE)
    assert here.page.texts["same"] == "Nothing to change: the products already match the file."
    await api.shop.assert_clean()


@ON_SQLITE
async def test_admins_who_sell_have_products_of_their_own_here(api: Api, guest: Browser) -> None:
    boss = await person(api, guest, "boss", Role.ADMIN, Role.SELLER)
    await api.shop.product("house tea")
    await boss.browser.open("/desk/file")
    await look(boss.browser, "name,price\nhouse tea,1\n")
    assert boss.browser.shows("line 2 house tea belongs to another seller.")
    await look(boss.browser, "name,price\nmate,1\n")
    await boss.browser.press("take")
    sellers = {row["name"]: row["seller_id"] for row in await api.shop.rows("products")}
    assert sellers == {"house tea": None, "mate": boss.user_id}


async def test_the_same_press_at_once_takes_it_once(api: Api, sam: Person) -> None:
    await look(sam.browser, TABLE)
    _, path, sent = sam.browser.request("take")
    answers = await asyncio.gather(*(sam.browser.client.post(path, data=sent) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await goods(api)) == 2
    await api.shop.assert_clean()


async def test_what_was_saved_can_be_taken_back(api: Api, sam: Person) -> None:
    await sold_by(api, sam, "=cola()")
    await api.shop.product("tea")
    here = sam.browser
    answer = await here.client.get(here.field("save")["href"])
    assert answer.headers["content-disposition"] == 'attachment; filename="products.csv"'
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert [row[head.index("name")] for row in rows] == ["'=cola()"]
    await look(here, answer.text)
    assert here.page.texts["same"] == "Nothing to change: the products already match the file."


@ON_SQLITE
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "The file is empty. Its first row must name the columns: name, price"),
        ("price\n1.50\n", "line 1 The first row must name the columns: name"),
        ("name,colour\ncola,red\n", "line 1 The column “colour” is unknown. Use only these: name"),
        ("name,price\ncola,x\n", "line 2 price: “x” is not a number. Write it as 1.50."),
        ("name,price\ncola,1\nCOLA,2\n", "line 3 COLA is already on line 2."),
        ("name,price\ncola\n", "line 2 cola is new. Add a price."),
        ("name,stock\nhouse tea,5\n", "line 2 house tea belongs to another seller."),
        ("name,price,seller\ncola,1,sue\n", "line 2 You can add only your own products."),
        (f"name,price\n{WILD},x\n", "line 2"),
        ('name,price\n"cola,1\n', "line 2 A quotation mark in this row is not closed"),
        ("name,price\ncafé,1\n".encode("latin-1"), "line 2 The file is not UTF-8"),
        ("name,price\ncola,1\n".encode("utf-16"), "The file is UTF-16. Save it as CSV in UTF-8."),
        (b"\x89PNG\r\n\x1a\n\0\0", None),
        ("name,price\n" + "".join(f"thing {one},x\n" for one in range(150)), "and 50 more"),
        ("name,price\n" + "x,1\n" * 10_001, "The file has more than 10,000 rows."),
    ],
)
async def test_what_is_wrong_with_a_file_is_told_by_line_and_nothing_is_done(
    api: Api, sam: Person, content: str | bytes, told: str | None
) -> None:
    await api.shop.product("house tea")
    here = sam.browser
    await look(here, content)
    assert here.status == 422
    assert told is None or here.shows(told), here.page.texts.get("problems")
    assert WILD not in here.page.content
    assert here.page.by_id("take") is None
    assert len(await goods(api)) == 1


@ON_SQLITE
@pytest.mark.parametrize("length", [BYTES_MAX + 1, BYTES_MAX + 100_000])
async def test_a_file_too_large_is_told_beside_it(sam: Person, length: int) -> None:
    await look(sam.browser, b"x" * length)
    assert sam.browser.status == 422
    assert sam.browser.page.texts["file-wrong"] == "Choose a file of at most 8 MiB."


@ON_SQLITE
async def test_no_file_and_no_such_machine_are_told_beside_their_fields(api: Api, sam: Person) -> None:
    here = sam.browser
    _, path, fields = here.request("look")
    fields.pop("file", None)
    here.look(
        await here.client.post(path, data=fields, files={"file": ("", b"", "application/octet-stream")})
    )
    assert (here.status, here.page.texts["file-wrong"]) == (422, "This field is required.")
    for machine in ("77", "x", "", WILD, "9" * 30):
        await here.open("/desk/file")
        _, path, fields = here.request("look", machine=machine)
        fields.pop("file", None)
        here.look(await here.client.post(path, data=fields, files={"file": ("a.csv", TABLE, "text/csv")}))
        assert here.status in (404, 422), machine
        assert WILD not in here.page.content
    assert await goods(api) == []


@ON_SQLITE
async def test_what_no_page_has_sent_is_not_taken(api: Api, sam: Person) -> None:
    for upload in ("", "x", "é" * 22, "A" * 23, "A" * 5_000, f"{'A' * 21}\0", "../" * 7 + "A"):
        await sam.browser.open("/desk/file")
        answer = await sam.browser.post("/desk/file/take", {"machine": "1", "upload": upload})
        assert answer.status_code == 400, upload[:30]
    answer = await sam.browser.post("/desk/file/take", {"machine": "1", "upload": "A" * 22})
    assert answer.status_code == 422
    assert await goods(api) == []


async def test_the_file_stays_in_the_shop_and_is_not_sent_again(api: Api, sam: Person) -> None:
    await api.shop.execute(
        "INSERT INTO seller_quotas (seller_id, products) VALUES (:sam, 10000)", sam=sam.user_id
    )
    table = "name,price\n" + "".join(f"thing {one},1.50\n" for one in range(5_000))
    await look(sam.browser, table)
    assert "and 4900 more" in sam.browser.page.text
    assert len(sam.browser.page.content) < 50_000
    await sam.browser.press("take")
    assert sam.browser.page.texts["notice"] == "5000 added, 0 changed."


async def test_a_file_that_was_not_to_be_taken_is_not_kept(api: Api, sam: Person) -> None:
    for table in ("name\n", "name,price\ncola,x\n", "no table"):
        await look(sam.browser, table)
        await sam.browser.open("/desk/file")
    assert await api.shop.rows("uploads") == []


async def test_each_page_takes_the_file_that_it_has_shown(api: Api, sam: Person) -> None:
    here = sam.browser
    await look(here, "name,price\ntea,1\n")
    tea = here.page
    await here.open("/desk/file")
    await look(here, "name,price\ncola,2\n")
    await here.press("take", tea)
    assert [one[:2] for one in await goods(api)] == [("tea", 100)]


async def test_a_file_is_chosen_again_after_an_hour_or_two_others(api: Api, sam: Person) -> None:
    here = sam.browser
    await look(here, TABLE)
    first = here.page
    api.shop.clock.forward(3_600.000001)
    await here.press("take")
    assert here.status == 422
    assert (
        here.page.texts["file-wrong"]
        == "The file is no longer here: it is kept for one hour. Choose it again."
    )
    pages = []
    for _ in range(3):
        await look(here, TABLE)
        pages.append(here.page)
        await here.open("/desk/file")
        api.shop.clock.forward(1)
    for gone in (first, pages[0]):
        await here.press("take", gone)
        assert here.status == 422
    assert await goods(api) == []
    await here.press("take", pages[1])
    assert here.page.texts["notice"] == "2 added, 0 changed."


async def test_nobody_takes_what_another_session_has_sent(
    api: Api, sam: Person, new_browser: NewBrowser
) -> None:
    await look(sam.browser, TABLE)
    _, path, sent = sam.browser.request("take")
    sue, again = new_browser(), new_browser()
    await person(api, sue, "sue", Role.SELLER)
    await again.log_in("sam")
    for other in (sue, again):
        await other.open("/desk/file")
        answer = await other.post(path, {name: sent[name] for name in ("machine", "upload")})
        assert answer.status_code == 422
    assert await goods(api) == []


async def test_a_sale_after_it_was_taken_stays_though_it_is_pressed_again(api: Api, sam: Person) -> None:
    here = sam.browser
    await look(here, TABLE)
    page = here.page
    await here.press("take")
    found = {row["name"]: row["id"] for row in await api.shop.rows("products")}
    ada = await api.shop.buyer("ada", cents=500)
    await api.shop.buy(ada, (found["cola"], 2))
    await here.press("take", page)
    assert here.page.texts["notice"] == "0 added, 0 changed."
    shelf = {row["product_id"]: row["quantity"] for row in await api.shop.rows("shelves")}
    assert shelf[found["cola"]] == 10


@ON_SQLITE
async def test_the_session_is_checked_once_a_request(
    api: Api, sam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = 0
    check = sessions.actor

    async def counting(*args: Any, **more: Any) -> Any:
        nonlocal checked
        checked += 1
        return await check(*args, **more)

    monkeypatch.setattr(sessions, "actor", counting)
    await look(sam.browser, TABLE)
    assert checked == 1
    _, path, sent = sam.browser.request("take")
    await sam.browser.client.post(path, data=sent, follow_redirects=False)
    assert checked == 2


async def test_an_import_is_undone_by_one_press(api: Api, sam: Person) -> None:
    await sold_by(api, sam, price_cents=150, stock=10)
    here = sam.browser
    await look(here, TABLE)
    assert here.shows("You can undo the import for 30 days.")
    await here.press("take")
    page = await here.open("/desk/file")
    assert "1 added, 1 changed" in page.texts["imports"]
    await here.press("undo-1")
    assert (here.path, here.page.texts["notice"]) == ("/desk/file", "2 products undone.")
    assert here.page.by_id("undo-1") is None
    assert "undone" in here.page.texts["imports"]
    rows = {row["name"]: row for row in await api.shop.rows("products")}
    assert (rows["cola"]["price_cents"], rows["cola"]["removed_us"]) == (150, None)
    assert rows["tea"]["removed_us"] is not None
    before = await api.shop.books()
    await here.press("undo-1", page)  # A second time, from a page that is out of date.
    assert here.status == 422
    assert here.shows("This import was already undone.")
    assert await api.shop.books() == before
    await api.shop.assert_clean()


async def test_what_has_changed_since_stays_and_is_listed(api: Api, sam: Person) -> None:
    here = sam.browser
    await look(here, f'name,price,stock\ncola,1.80,12\n"{WILD}",1,3\nmate,1,3\n')
    await here.press("take")
    await api.shop.execute("UPDATE products SET version = 2, price_cents = 77 WHERE name <> 'mate'")
    await here.open("/desk/file")
    await here.press("undo-1")
    assert here.status == 200
    assert here.page.texts["undone"].startswith("Import undone 1 product undone.")
    assert here.shows("cola")
    assert WILD not in here.page.content
    left = [row["name"] for row in await api.shop.rows("products") if row["removed_us"] is None]
    assert left == ["cola", WILD]


async def test_presses_at_once_undo_it_once(api: Api, sam: Person) -> None:
    await look(sam.browser, TABLE)
    await sam.browser.press("take")
    await sam.browser.open("/desk/file")
    _, path, sent = sam.browser.request("undo-1")
    answers = await asyncio.gather(*(sam.browser.client.post(path, data=sent) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {200, 422}
    assert all(row["removed_us"] is not None for row in await api.shop.rows("products"))
    await api.shop.assert_clean()


@ON_SQLITE
async def test_nobody_undoes_what_another_has_imported(
    api: Api, sam: Person, new_browser: NewBrowser
) -> None:
    await look(sam.browser, TABLE)
    await sam.browser.press("take")
    await sam.browser.open("/desk/file")
    _, path, sent = sam.browser.request("undo-1")
    sue = new_browser()
    await person(api, sue, "sue", Role.SELLER)
    before = await api.shop.books()
    await sue.open("/desk/file")
    assert sue.page.by_id("imports") is None
    for upload, status in (
        (sent["upload"], 422),
        ("A" * 22, 422),
        ("", 400),
        ("é" * 22, 400),
        ("A" * 23, 400),
        ("A" * 5_000, 400),
        (f"{'A' * 21}\0", 400),
    ):
        await sue.open("/desk/file")
        answer = await sue.post(path, {"upload": upload})
        assert answer.status_code == status, upload[:30]
    assert await api.shop.books() == before
    await sam.browser.press("undo-1")
    assert sam.browser.page.texts["notice"] == "2 products undone."


@ON_SQLITE
async def test_an_import_that_stopped_goes_on_or_is_undone(
    api: Api, sam: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def allow(count: int) -> None:
        await selling.change(api.running, actor=OPERATING, user_id=sam.user_id, quota={"products": count})

    await allow(1_000)
    execute, is_lowering = api.running.till.execute, True

    async def lowers(envelope: Envelope) -> Outcome:
        outcome = await execute(envelope)
        if is_lowering:
            await allow(products.PORTION)
        return outcome

    monkeypatch.setattr(api.running.till, "execute", lowers)
    here, rows = sam.browser, products.PORTION + 50
    await look(here, "name,price\n" + "".join(f"thing {one},1.50\n" for one in range(rows)))
    await here.press("take")
    assert here.page.texts["stopped"].startswith(
        "The import stopped Stopped after 200 of 250 rows, which are imported. A seller can have at most 200"
    )
    is_lowering = False
    await allow(1_000)
    stopped = here.page
    await here.press("rest")
    assert here.page.texts["notice"] == "50 added, 0 changed."
    await here.press("undo-stopped", stopped)
    assert here.page.texts["notice"] == "250 products undone."
