"""Products from a table and into one, as a seller does it in a browser."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import zlib

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.test_account import ON_SQLITE, WILD, Person, person
from tests.web.test_desk import goods, sold_by
from tuckshop.domain.users import Role
from tuckshop.imports.csv_files import BYTES_MAX

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
    assert here.page.texts["same"] == "Everything is as the file says already."
    await api.shop.assert_clean()


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
    assert here.page.texts["same"] == "Everything is as the file says already."


@ON_SQLITE
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "The file is empty: its first row names name, price"),
        ("price\n1.50\n", "line 1 The first row must name the columns: name"),
        ("name,colour\ncola,red\n", "line 1 There is no column “colour”, only name"),
        ("name,price\ncola,x\n", "line 2 price: “x” must be a plain decimal number such as 2.20."),
        ("name,price\ncola,1\nCOLA,2\n", "line 3 COLA is on line 2 already."),
        ("name,price\ncola\n", "line 2 cola is new and needs a price."),
        ("name,stock\nhouse tea,5\n", "line 2 house tea belongs to somebody else."),
        ("name,price,seller\ncola,1,sue\n", "line 2 Add products of your own alone."),
        (f"name,price\n{WILD},x\n", "line 2"),
        ('name,price\n"cola,1\n', "line 2 The quotes in this row do not close"),
        ("name,price\ncafé,1\n".encode("latin-1"), "line 2 The file is not UTF-8"),
        ("name,price\ncola,1\n".encode("utf-16"), "The file is UTF-16; save it as CSV in UTF-8."),
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
    assert sam.browser.page.texts["file-wrong"] == "Must be a file of at most 8 MiB."


@ON_SQLITE
async def test_no_file_and_no_such_machine_are_told_beside_their_fields(api: Api, sam: Person) -> None:
    here = sam.browser
    _, path, fields = here.request("look")
    fields.pop("file", None)
    here.look(
        await here.client.post(path, data=fields, files={"file": ("", b"", "application/octet-stream")})
    )
    assert (here.status, here.page.texts["file-wrong"]) == (422, "Must be filled in.")
    for machine in ("77", "x", "", WILD, "9" * 30):
        await here.open("/desk/file")
        _, path, fields = here.request("look", machine=machine)
        fields.pop("file", None)
        here.look(await here.client.post(path, data=fields, files={"file": ("a.csv", TABLE, "text/csv")}))
        assert here.status in (404, 422), machine
        assert WILD not in here.page.content
    assert await goods(api) == []


@ON_SQLITE
async def test_what_no_page_has_packed_is_not_taken(api: Api, sam: Person) -> None:
    bomb = base64.urlsafe_b64encode(zlib.compress(b"name,price\n" + b"\n" * 300_000_000, 9)).decode()
    for packed, status in (("", 400), ("x", 400), ("é", 400), ("A" * 5_000, 400), (bomb, 422)):
        await sam.browser.open("/desk/file")
        answer = await sam.browser.post("/desk/file/take", {"machine": "1", "packed": packed})
        assert answer.status_code == status, packed[:10]
    assert await goods(api) == []
