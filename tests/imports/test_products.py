"""Products out of the shop and into it: safe to repeat, all or none, each seller their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from tests.shop import Clock
from tests.shop import Shop as Books
from tests.shop import open_shop as open_books
from tuckshop.context import Shop
from tuckshop.domain import users
from tuckshop.domain.field_problems import (
    AmountOutOfRange,
    ForbiddenCharacters,
    NotABarcode,
    NotADecimal,
    NotAWholeNumber,
    NotYesOrNo,
    OutOfRange,
    TaxOutOfRange,
    TooManyDecimals,
    WrongLength,
)
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.products import PRODUCTS_MAX
from tuckshop.domain.refusals import RoleMissing, SessionEnded, TooManyPieces, TooManyProducts, UnknownMachine
from tuckshop.domain.users import OPERATOR as OPERATING
from tuckshop.domain.users import Role
from tuckshop.identity import sessions
from tuckshop.imports import csv_files, products
from tuckshop.imports.file_problems import (
    AboveShelfCapacity,
    BarcodeInUse,
    ColumnTwice,
    FileEmpty,
    FileProblem,
    InvalidCell,
    NameColumnMissing,
    NameMissing,
    NameTwice,
    NulCharacter,
    OtherSeller,
    PriceMissing,
    ProductNotYours,
    SellerNotYou,
    TooManyCells,
    TooManyRows,
    UnknownColumn,
    UnknownSeller,
)
from tuckshop.imports.product_rows import COLUMNS
from tuckshop.imports.products import Act, Report
from tuckshop.operations import selling
from tuckshop.till.callers import OPERATOR, OperatorCaller, SessionCaller
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct


@pytest.fixture
async def books(database_url: str, clock: Clock) -> AsyncIterator[Books]:
    """The same shop, with a till of its own, for setting scenes and reading the books."""
    async with open_books(database_url, clock=clock) as shop:
        yield shop


async def take(
    shop: Shop, text: str, caller: SessionCaller | OperatorCaller = OPERATOR, **more: object
) -> Report:
    actor = (
        users.OPERATOR if isinstance(caller, OperatorCaller) else await sessions.actor(shop, caller=caller)
    )
    return await products.take(
        shop,
        caller=caller,
        actor=actor,
        content=text.encode(),
        **more,  # type: ignore[arg-type]
    )


async def given(shop: Shop, **more: int) -> str:
    rows = [row async for row in products.give(shop, **more)]
    return "".join(csv_files.write(rows))


Told = list[tuple[int | None, FileProblem]]


async def wrong(
    shop: Shop, books: Books, text: str, caller: SessionCaller | OperatorCaller = OPERATOR
) -> Told:
    """The problems of a file, which has changed nothing."""
    before = await books.books()
    report = await take(shop, text, caller)
    assert await books.books() == before
    assert report.problems
    return [(problem.line, problem.problem) for problem in report.problems]


async def stock(books: Books) -> dict[str, int]:
    names = {row["id"]: row["name"] for row in await books.rows("products")}
    return {names[row["product_id"]]: row["quantity"] for row in await books.rows("shelves")}


LIST = """name,price,stock,seller,refundable,tax,cost
Cola,1.50,10,,yes,19,0.70
"Crisps, salted",2,,sam,no,7.5,
=Gum,0.05,3,house,,,
"""


async def test_takes_a_list_once_and_then_finds_nothing_to_do(open_for_business: Shop, books: Books) -> None:
    sam = await books.person("sam", Role.SELLER)
    report = await take(open_for_business, LIST)
    assert (report.added, report.changed, report.unchanged, report.problems) == (3, 0, 0, ())
    assert [
        (r["name"], r["price_cents"], r["seller_id"], r["refundable"], r["tax_basis_points"], r["cost_cents"])
        for r in await books.rows("products")
    ] == [
        ("Cola", 150, None, True, 1900, 70),
        ("Crisps, salted", 200, sam.user_id, False, 750, 0),
        ("=Gum", 5, None, True, 0, 0),
    ]
    assert await stock(books) == {"Cola": 10, "Crisps, salted": 0, "=Gum": 3}
    before = await books.books()
    assert await take(open_for_business, LIST) == Report(unchanged=3)
    assert await books.books() == before
    await books.assert_clean()


async def test_what_is_given_changes_nothing_when_it_is_taken(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "PAGE", 5)  # Of 12 products.
    await take(open_for_business, LIST.replace("sam", "house"))
    for name in ('"quoted"', "'=x", "'n Beetje", "+1", "-1", "@home", "日本茶", "e\u0301clair", "a;b\u3000c"):
        await books.product(name)
    text = await given(open_for_business)
    assert text.startswith(",".join(COLUMNS))
    before = await books.books()
    assert await take(open_for_business, text) == Report(unchanged=12)
    assert await books.books() == before


async def test_changes_what_differs_and_nothing_else(open_for_business: Shop, books: Books) -> None:
    cola = await books.product("cola", price_cents=150, stock=10, tax_basis_points=1900)
    await books.product("tea", price_cents=100, stock=5)
    report = await take(open_for_business, "NAME;Price;stock\nCola;1.75;7\nTEA;;5\n")
    assert report.acts == (
        Act(2, "Cola", False, ("name", "price", "stock")),
        Act(3, "TEA", False, ("name",)),
    )
    assert report.corrected == 1
    row = (await books.rows("products"))[0]
    assert (row["id"], row["name"], row["price_cents"]) == (cola.product_id, "Cola", 175)
    assert (row["tax_basis_points"], row["version"]) == (1900, 2)
    movement = (await books.rows("stock_movements"))[-1]
    assert (movement["kind"], movement["quantity"], movement["reason"]) == ("correction", -3, "imported")
    await books.assert_clean()


async def test_a_dry_run_tells_the_same_and_does_nothing(open_for_business: Shop, books: Books) -> None:
    await books.product("cola")
    before = await books.books()
    text = "name,price,stock\ncola,9,9\ntea,1,1\n"
    told = await take(open_for_business, text, dry_run=True)
    assert await books.books() == before
    assert told == await take(open_for_business, text)
    assert (told.added, told.changed) == (1, 1)


async def test_sales_since_the_export_are_kept_unless_somebody_counted(
    open_for_business: Shop, books: Books
) -> None:
    ada = await books.buyer("ada", cents=1000)
    cola, tea = [await books.product(name, price_cents=100, stock=10) for name in ("cola", "tea")]
    text = await given(open_for_business)
    await books.buy(ada, (cola.product_id, 2), (tea.product_id, 2))
    edited = text.replace("cola,1.00,10,10", "cola,1.20,10,10").replace("tea,1.00,10,10", "tea,1.00,7,10")
    assert (await take(open_for_business, edited)).corrected == 1
    assert await stock(books) == {"cola": 8, "tea": 7}  # Nobody counted the cola; of tea there are seven.
    await take(open_for_business, edited)
    assert await stock(books) == {"cola": 8, "tea": 7}
    without = "name,stock\ncola,10\n"  # A count, by whoever wrote this list.
    await take(open_for_business, without)
    assert (await stock(books))["cola"] == 10


async def test_stock_is_that_of_the_machine(open_for_business: Shop, books: Books) -> None:
    hall = await books.machine()
    await books.product("cola", stock=10)
    await take(open_for_business, "name,price,stock\ncola,1.50,4\ntea,1,2\n", machine_id=hall)
    assert sorted((row["machine_id"], row["quantity"]) for row in await books.rows("shelves")) == [
        (1, 10),
        (hall, 2),
        (hall, 4),
    ]
    assert "cola,1.50,4,4" in await given(open_for_business, machine_id=hall)
    assert "tea,1.00,0,0" in await given(open_for_business)


async def test_the_price_is_the_products_own_not_the_shelfs(open_for_business: Shop, books: Books) -> None:
    await books.product("cola", price_cents=150)
    await books.execute("UPDATE shelves SET price_cents = 999")
    text = await given(open_for_business)
    assert "cola,1.50" in text
    assert await take(open_for_business, text) == Report(unchanged=1)


async def test_a_seller_takes_and_gets_their_own(open_for_business: Shop, books: Books) -> None:
    sam = await books.person("sam", Role.SELLER)
    await books.person("sue", Role.SELLER)
    await books.product("gum")
    report = await take(open_for_business, "name,price,stock,seller\ntea,1,5,\nnuts,2,,SAM\n", sam)
    assert report.added == 2
    assert {row["name"]: row["seller_id"] for row in await books.rows("products")} == {
        "gum": None,
        "tea": sam.user_id,
        "nuts": sam.user_id,
    }
    text = await given(open_for_business, seller_id=sam.user_id)
    assert "gum" not in text
    assert await take(open_for_business, text, sam) == Report(unchanged=2)
    assert await wrong(
        open_for_business, books, "name,price,seller\ngum,1,\nmate,1,sue\nmilk,1,house\njuice,1,\n", sam
    ) == [
        (2, ProductNotYours("gum")),
        (3, SellerNotYou()),
        (4, SellerNotYou()),
    ]


async def test_others_take_nothing(open_for_business: Shop, books: Books) -> None:
    ada = await books.buyer("ada")
    cashier = await books.person("cora", Role.CASHIER)
    gone = await books.person("gone", Role.SELLER)
    await books.execute("UPDATE sessions SET ended_us = 1 WHERE id = :id", id=gone.session_id)
    for caller, refusal in ((ada, RoleMissing), (cashier, RoleMissing), (gone, SessionEnded)):
        with pytest.raises(refusal):
            await take(open_for_business, "name,price\ntea,1\n", caller)
    with pytest.raises(UnknownMachine):
        await take(open_for_business, "name,price\ntea,1\n", machine_id=9)
    assert await books.rows("products") == []


async def test_every_problem_is_told_at_once(open_for_business: Shop, books: Books) -> None:
    await books.person("sam", Role.SELLER)
    await books.buyer("ada")
    await books.product("gum")
    await books.product("full", stock=3)
    await books.execute("UPDATE shelves SET capacity = 5")
    text = (
        "name,price,stock,seller,refundable,tax,cost,stock_exported\n"
        "fine,1,1,,,,,\n"
        "a/b,0,-1,,maybe,200,x,1.5\n"
        ",1,,,,,,\n"
        "new,,,,,,,\n"
        "FINE,2,,,,,,\n"
        "tea,1,,ada,,,,\n"
        "gum,1,,sam,,,,\n"
        "full,1,6,,,,,\n"
        "long,1,,,,,,,9\n"
        "rich,10000000.01,1000001,,,,,\n"
        '"two\nlines",1,,,,,,\n'
        "last,1.234,,,,,,\n"
    )
    assert await wrong(open_for_business, books, text) == [
        (3, InvalidCell("name", "a/b", ForbiddenCharacters())),
        (3, InvalidCell("price", "0", AmountOutOfRange(1, PRICE_CENTS_MAX, 2))),
        (3, InvalidCell("stock", "-1", NotAWholeNumber())),
        (3, InvalidCell("refundable", "maybe", NotYesOrNo())),
        (3, InvalidCell("tax", "200", TaxOutOfRange(10_000))),
        (3, InvalidCell("cost", "x", NotADecimal())),
        (3, InvalidCell("stock_exported", "1.5", NotAWholeNumber())),
        (4, NameMissing()),
        (5, PriceMissing("new")),
        (6, NameTwice("FINE", 2)),
        (7, UnknownSeller("ada")),
        (8, OtherSeller("gum", "house")),
        (9, AboveShelfCapacity("full", 5)),
        (10, TooManyCells(9, 8)),
        (11, InvalidCell("price", "10000000.01", AmountOutOfRange(1, PRICE_CENTS_MAX, 2))),
        (11, InvalidCell("stock", "1000001", OutOfRange(0, 1_000_000))),
        (12, InvalidCell("name", "two\nlines", ForbiddenCharacters())),
        (14, InvalidCell("price", "1.234", TooManyDecimals(2))),
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", None, FileEmpty(COLUMNS)),
        ("\n\n", None, FileEmpty(COLUMNS)),
        ("Cola,1.50\n", 1, UnknownColumn("cola", COLUMNS)),
        ("price\n1\n", 1, NameColumnMissing(COLUMNS)),
        ("name,price,name\n", 1, ColumnTwice("name")),
        ("name,colour\n", 1, UnknownColumn("colour", COLUMNS)),
        ("name|price\n", 1, UnknownColumn("name|price", COLUMNS)),
        ("\0", 1, NulCharacter()),
        ("name\n" + "x\n" * (PRODUCTS_MAX + 1), None, TooManyRows(PRODUCTS_MAX)),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_file_without_its_head_changes_nothing(
    open_for_business: Shop, books: Books, text: str, line: int | None, problem: FileProblem
) -> None:
    assert (line, problem) in await wrong(open_for_business, books, text)


async def test_a_head_alone_does_nothing(open_for_business: Shop) -> None:
    assert await take(open_for_business, "name\n") == Report()


async def test_tells_how_far_it_is(open_for_business: Shop) -> None:
    told: list[tuple[int, int]] = []
    text = "name,price\n" + "".join(f"product {number},1\n" for number in range(1_200))
    await take(open_for_business, text, progress=lambda done, of: told.append((done, of)))
    assert told == [(500, 1_200), (1_000, 1_200), (1_200, 1_200)]


async def test_looks_again_when_somebody_was_faster(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the till, tea comes and cola goes."""
    cola = await books.product("cola")
    looked = products._look
    rounds = 0

    async def look_slowly(*args: object) -> object:
        nonlocal rounds
        rounds += 1
        found = await looked(*args)  # type: ignore[arg-type]
        if rounds == 1:
            await books.do(AddProduct(OPERATOR, "Tea", 500, 1, for_house=True))
            await books.do(ChangeProduct(OPERATOR, cola.product_id, name="mate"))
        return found

    monkeypatch.setattr(products, "_look", look_slowly)
    report = await take(open_for_business, "name,price\ntea,1\ncola,3\n")
    assert rounds == 2
    assert (report.added, report.changed) == (1, 1)
    assert sorted((row["name"], row["price_cents"]) for row in await books.rows("products")) == [
        ("cola", 300),
        ("mate", 150),
        ("tea", 100),
    ]
    await books.assert_clean()


async def test_with_a_key_it_is_taken_once_whatever_was_sold_meanwhile(
    open_for_business: Shop, books: Books
) -> None:
    text = "name,price,stock\ntea,1,10\n"
    assert (await take(open_for_business, text, key="a file")).added == 1
    (tea,) = await books.rows("products")
    ada = await books.buyer("ada", cents=500)
    await books.buy(ada, (tea["id"], 3))
    assert await take(open_for_business, text, key="a file") == Report()
    assert await stock(books) == {"tea": 7}  # Not corrected back to what was counted before the sale.
    assert (await take(open_for_business, text, key="another look")).corrected == 1
    assert await stock(books) == {"tea": 10}
    await books.assert_clean()


async def test_with_a_key_a_try_that_was_refused_is_followed_by_another(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = products._look
    others = ["Tea"]

    async def look_slowly(*args: object) -> object:
        found = await looked(*args)  # type: ignore[arg-type]
        for name in others:
            await books.do(AddProduct(OPERATOR, name, 500, 1, for_house=True))
        others.clear()
        return found

    monkeypatch.setattr(products, "_look", look_slowly)
    text = "name,price\ntea,1\n"
    report = await take(open_for_business, text, key="a file")
    assert (report.added, report.changed) == (0, 1)
    assert not (await take(open_for_business, text, key="a file")).acts


def long_list(stock: int = 3) -> str:
    rows = (f"product {number},1,{stock}\n" for number in range(2 * products.PORTION + 50))
    return "name,price,stock\n" + "".join(rows)


async def test_others_are_served_between_the_portions_of_a_long_list(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await books.buyer("ada", cents=500)
    cola = (await books.product("cola", price_cents=10)).product_id
    execute, order = open_for_business.till.execute, list[str]()
    selling: list[asyncio.Task[Outcome]] = []

    async def watched(envelope: Envelope) -> Outcome:
        kind = type(envelope.command).__name__
        if kind == "ChangeProducts" and not selling:  # Queued behind the first portion.
            sale = Envelope(PlaceOrder(ada, wallet_of(ada.user_id), ((cola, 1),)))
            selling.append(asyncio.create_task(watched(sale)))
        outcome = await execute(envelope)
        order.append(kind)
        return outcome

    monkeypatch.setattr(open_for_business.till, "execute", watched)
    assert (await take(open_for_business, long_list())).added == 2 * products.PORTION + 50
    (await selling[0]).receipt()
    assert order.count("ChangeProducts") == 3
    assert order.index("PlaceOrder") < 2  # Before the second portion was done.
    await books.assert_clean()


@pytest.mark.parametrize("portion", [1, 2])
async def test_a_list_that_stopped_half_way_goes_on_with_every_row_done_once(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    execute, left = open_for_business.till.execute, [portion]

    async def dies(envelope: Envelope) -> Outcome:
        if left == [0]:
            raise ConnectionError("the server is gone")
        left[0] -= 1
        return await execute(envelope)

    monkeypatch.setattr(open_for_business.till, "execute", dies)
    with pytest.raises(ConnectionError):
        await take(open_for_business, long_list(), key="a file")
    monkeypatch.setattr(open_for_business.till, "execute", execute)
    rows = await books.rows("products")
    assert len(rows) == portion * products.PORTION
    ada = await books.buyer("ada", cents=500)
    await books.buy(ada, (rows[0]["id"], 2))
    report = await take(open_for_business, long_list(), key="a file")
    assert report.added == 2 * products.PORTION + 50 - portion * products.PORTION
    found = await stock(books)
    assert found.pop("product 0") == 1  # What was sold meanwhile is not counted back.
    assert set(found.values()) == {3}
    assert len(found) == 2 * products.PORTION + 49
    assert await take(open_for_business, long_list(), key="a file") == Report()
    initial = [row for row in await books.rows("stock_movements") if row["kind"] == "initial"]
    assert len(initial) == 2 * products.PORTION + 50
    await books.assert_clean()


async def test_a_list_beyond_the_sellers_quota_is_refused_before_its_first_row(
    open_for_business: Shop, books: Books
) -> None:
    sam = await books.person("sam", Role.SELLER)
    before = await books.books()
    with pytest.raises(TooManyProducts):
        await take(open_for_business, long_list(), caller=sam)
    with pytest.raises(TooManyPieces):
        await take(open_for_business, "name,price,stock\ntea,1,10001\n", caller=sam)
    assert await books.books() == before


async def test_what_stops_a_later_portion_is_told_with_the_rows_that_are_done(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = await books.person("sam", Role.SELLER)
    rows, quota = 2 * products.PORTION + 50, {"products": 1_000}
    await selling.change(open_for_business, actor=OPERATING, user_id=sam.user_id, quota=quota)
    execute = open_for_business.till.execute

    async def lowers(envelope: Envelope) -> Outcome:
        outcome = await execute(envelope)
        await selling.change(
            open_for_business, actor=OPERATING, user_id=sam.user_id, quota={"products": products.PORTION}
        )
        return outcome

    monkeypatch.setattr(open_for_business.till, "execute", lowers)
    report = await take(open_for_business, long_list(), caller=sam)
    assert report.added == products.PORTION
    full = TooManyProducts(products_max=products.PORTION, products=products.PORTION)
    assert report.stopped == products.Stopped(products.PORTION, rows, full)
    monkeypatch.setattr(open_for_business.till, "execute", execute)
    await selling.change(open_for_business, actor=OPERATING, user_id=sam.user_id, quota=quota)
    report = await take(open_for_business, long_list(), caller=sam)
    assert (report.added, report.stopped) == (rows - products.PORTION, None)
    await books.assert_clean()


async def test_sales_and_lists_at_once_leave_right_books(open_for_business: Shop, books: Books) -> None:
    ada = await books.buyer("ada", cents=10_000)
    named = [f"product {number}" for number in range(5)]
    ids = [(await books.product(name, price_cents=10, stock=50)).product_id for name in named]
    lists = [
        "name,price,stock\n" + "".join(f"{name},0.10,{50 + turn}\n" for name in named) for turn in range(4)
    ]
    sale = PlaceOrder(ada, wallet_of(ada.user_id), tuple((one, 1) for one in ids))
    outcomes = await asyncio.gather(
        *(books.till.execute(Envelope(replace(sale, client_ref=f"sale {number}"))) for number in range(40)),
        *(take(open_for_business, text) for text in lists),
    )
    assert all(not isinstance(outcome, Outcome) or outcome.receipt() for outcome in outcomes)
    await take(open_for_business, lists[-1])
    assert set((await stock(books)).values()) == {53}
    await books.assert_clean()


LABELLED = "name,price,stock,category,barcode\n"


async def test_category_and_barcode_come_in_and_out_again(shop: Shop, books: Books) -> None:
    text = LABELLED + "Cola,1,1,Drinks,4006381333931\nTea,1,1,=Hot,-1234\nGum,1,1,,\n"
    assert (await take(shop, text)).added == 3
    written = await given(shop)
    assert ",Drinks,4006381333931" in written
    assert ",'=Hot,'-1234" in written  # No spreadsheet takes it for a formula.
    assert await take(shop, written) == Report(unchanged=3)
    report = await take(shop, "name,category,barcode\nTea,Drinks,\n")  # An empty cell says nothing.
    assert [act.fields for act in report.acts] == [("category",)]
    rows = {row["name"]: (row["category"], row["barcode"]) for row in await books.rows("products")}
    assert rows == {"Cola": ("Drinks", "4006381333931"), "Tea": ("Drinks", "-1234"), "Gum": (None, None)}


async def test_wrong_categories_and_barcodes_are_told_by_line(shop: Shop, books: Books) -> None:
    await take(shop, LABELLED + "Cola,1,1,,AAAA\nTea,1,1,,BBBB\n")
    long = "x" * 41
    assert await wrong(
        shop, books, LABELLED + f"Nuts,1,1,{long},\nGum,1,1,,=1+1\nBar,1,1,,<b>1</b>\nMate,1,1,a/b,\n"
    ) == [
        (2, InvalidCell("category", long[:40], WrongLength(1, 40))),
        (3, InvalidCell("barcode", "=1+1", NotABarcode(4, 48))),
        (4, InvalidCell("barcode", "<b>1</b>", NotABarcode(4, 48))),
        (5, InvalidCell("category", "a/b", ForbiddenCharacters())),
    ]
    twice = LABELLED + "Nuts,1,1,,CCCC\nGum,1,1,,CCCC\nBar,1,1,,AAAA\nTea,1,1,,AAAA\n"
    assert await wrong(shop, books, twice) == [
        (3, BarcodeInUse("CCCC")),
        (4, BarcodeInUse("AAAA")),
        (5, BarcodeInUse("AAAA")),
    ]


async def test_a_barcode_that_a_line_above_gives_up_is_free(shop: Shop, books: Books) -> None:
    await take(shop, LABELLED + "Cola,1,1,,AAAA\n")
    assert (await take(shop, LABELLED + "Cola,1,1,,BBBB\nTea,1,1,,AAAA\n")).added == 1
    assert {row["name"]: row["barcode"] for row in await books.rows("products")} == {
        "Cola": "BBBB",
        "Tea": "AAAA",
    }


async def test_two_sellers_may_have_the_same_barcode_in_one_file(shop: Shop, books: Books) -> None:
    await books.person("sam", Role.SELLER)
    text = "name,price,seller,barcode\nCola,1,sam,AAAA\nTea,1,house,AAAA\n"
    assert (await take(shop, text)).added == 2
