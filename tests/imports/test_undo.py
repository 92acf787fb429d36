"""Imports undone as one act: as they were, but for what somebody has changed since."""

from __future__ import annotations

import asyncio

import pytest

from tests.imports.test_products import books, long_list, stock, take
from tests.shop import Shop as Books
from tuckshop.context import Shop
from tuckshop.domain.refusals import ImportUndone, KeyReused, RoleMissing, TooManyProducts, UnknownImport
from tuckshop.domain.users import OPERATOR as OPERATING
from tuckshop.domain.users import Role
from tuckshop.identity import sessions
from tuckshop.imports import portions, products
from tuckshop.imports.portions import Undone
from tuckshop.operations import selling
from tuckshop.till.callers import OPERATOR, OperatorCaller, SessionCaller
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.commands.imports import ChangeProducts, ImportedProduct, UndoProducts
from tuckshop.till.commands.products import ChangeProduct, RemoveProduct, Restock

__all__ = ["books"]  # The fixture.


async def undo(shop: Shop, caller: SessionCaller | OperatorCaller = OPERATOR, key: str = "file") -> Undone:
    actor = OPERATING if isinstance(caller, OperatorCaller) else await sessions.actor(shop, caller=caller)
    return await portions.undo(shop, caller=caller, actor=actor, key=key)


async def on_sale(books: Books) -> list[tuple[object, ...]]:
    names = ("name", "price_cents", "category", "barcode")
    return [
        tuple(row[one] for one in names) for row in await books.rows("products") if row["removed_us"] is None
    ]


async def refused(books: Books, shop: Shop, refusal: type[Exception], **more: object) -> None:
    before = await books.books()
    with pytest.raises(refusal):
        await undo(shop, **more)  # type: ignore[arg-type]
    assert await books.books() == before


async def test_everything_is_as_it_was(open_for_business: Shop, books: Books) -> None:
    text = "name,price,stock,category,barcode\ncola,1.50,10,Drinks,11111111\ntea,0.80,4,,22222222\n"
    assert (await take(open_for_business, text)).added == 2
    before = await on_sale(books)
    # The barcodes change hands, a category comes, and a count is wrong by a power of ten.
    text = "name,price,stock,category,barcode\ntea,9,40,Hot,33333333\nCOLA,1,,,22222222\nmate,2,5,,11111111\n"
    assert (await take(open_for_business, text, key="file")).added == 1
    assert await on_sale(books) != before
    assert await undo(open_for_business) == Undone(3, ())
    assert await on_sale(books) == before
    assert await stock(books) == {"cola": 10, "tea": 4, "mate": 0}
    reasons = [row["reason"] for row in await books.rows("stock_movements") if row["kind"] == "correction"]
    assert reasons == ["imported", "taken off sale", "import undone"]
    await books.assert_clean()


async def test_what_somebody_has_changed_since_stays(open_for_business: Shop, books: Books) -> None:
    rows = ("edited", "sold", "counted", "gone")
    await take(open_for_business, "name,price,stock\n" + "".join(f"{one},1,10\n" for one in rows))
    ids = {row["name"]: row["id"] for row in await books.rows("products")}
    more = "".join(f"new {one},2,20\n" for one in ("edited", "sold", "filled", "gone"))
    text = "name,price,stock\n" + "".join(f"{one},2,20\n" for one in rows) + more
    await take(open_for_business, text, key="file")
    ids = {row["name"]: row["id"] for row in await books.rows("products")}
    ada = await books.buyer("ada", cents=2_000)
    await books.buy(ada, (ids["sold"], 1), (ids["new sold"], 2))
    for command in (
        ChangeProduct(OPERATOR, ids["edited"], price_cents=300),
        ChangeProduct(OPERATOR, ids["new edited"], price_cents=300),
        ChangeProduct(OPERATOR, ids["counted"], stock=8),
        Restock(OPERATOR, ids["new filled"], 1),
        RemoveProduct(OPERATOR, ids["gone"]),
        RemoveProduct(OPERATOR, ids["new gone"]),
    ):
        await books.do(command)
    undone = await undo(open_for_business)
    # What was sold goes off sale all the same: the sale stays on record.
    assert undone == Undone(1, ("edited", "sold", "counted", "gone", "new edited", "new filled"))
    assert [(name, price) for name, price, *_ in await on_sale(books)] == [
        ("edited", 300),
        ("sold", 100),
        ("counted", 100),
        ("new edited", 300),
        ("new filled", 200),
    ]
    held = await stock(books)
    assert [held[one] for one in ("edited", "sold", "counted", "new sold", "new filled")] == [
        20,
        19,
        8,
        0,
        21,
    ]
    await books.assert_clean()


async def test_it_is_undone_once(open_for_business: Shop, books: Books) -> None:
    await take(open_for_business, "name,price\ntea,1\n", key="file")
    await undo(open_for_business)
    await refused(books, open_for_business, ImportUndone)
    before = await books.books()
    with pytest.raises(ImportUndone):
        await take(open_for_business, "name,price\ntea,1\n", key="file")
    assert await books.books() == before
    assert (await take(open_for_business, "name,price\ntea,1\n", key="file again")).added == 1


async def test_it_is_the_callers_own(open_for_business: Shop, books: Books) -> None:
    sam, sue = [await books.person(name, Role.SELLER) for name in ("sam", "sue")]
    eve = await books.person("eve", Role.BUYER)
    await take(open_for_business, "name,price\ntea,1\n", caller=sam, key="file")
    await take(open_for_business, "name,price\nmate,1\n", key="File")
    for caller, refusal in ((sue, UnknownImport), (OPERATOR, UnknownImport), (eve, RoleMissing)):
        await refused(books, open_for_business, refusal, caller=caller)
    for key in ("", "fil", "file.0", "FILE", "undo.file", "x" * 10_000, "file\x01"):
        await refused(books, open_for_business, UnknownImport, caller=sam, key=key)
    assert await undo(open_for_business, sam) == Undone(1, ())


async def test_of_two_at_once_one_undoes_it(open_for_business: Shop, books: Books) -> None:
    await take(open_for_business, "name,price,stock\ntea,1,5\n")
    await take(open_for_business, "name,price,stock\ntea,1,9\nmate,1,3\n", key="file")
    done = await asyncio.gather(*(undo(open_for_business) for _ in range(5)), return_exceptions=True)
    assert [one for one in done if not isinstance(one, ImportUndone)] == [Undone(2, ())]
    assert await stock(books) == {"tea": 5, "mate": 0}
    await books.assert_clean()


async def test_a_long_list_is_undone_in_portions_and_goes_on_where_it_stopped(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take(open_for_business, long_list(), key="file")
    execute, names = open_for_business.till.execute, list[str]()

    async def dies(envelope: Envelope) -> Outcome:
        names.append(type(envelope.command).__name__)
        if len(names) == 2:
            raise ConnectionError("the server is gone")
        return await execute(envelope)

    monkeypatch.setattr(open_for_business.till, "execute", dies)
    with pytest.raises(ConnectionError):
        await undo(open_for_business)
    assert len(await on_sale(books)) == 2 * products.PORTION
    (one,) = await portions.recent(open_for_business, caller=OPERATOR, prefix="fi")
    assert (one.key, one.added, one.changed, one.is_undone) == ("file", 2 * products.PORTION + 50, 0, False)
    assert await undo(open_for_business) == Undone(2 * products.PORTION + 50, ())
    assert set(names) == {"UndoProducts"}
    assert await on_sale(books) == []
    (one,) = await portions.recent(open_for_business, caller=OPERATOR, prefix="fi")
    assert one.is_undone
    await refused(books, open_for_business, ImportUndone)


async def test_an_import_that_is_undone_meanwhile_stops(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = open_for_business.till.execute

    async def undone(envelope: Envelope) -> Outcome:
        outcome = await execute(envelope)
        if isinstance(envelope.command, ChangeProducts):
            await undo(open_for_business)
        return outcome

    monkeypatch.setattr(open_for_business.till, "execute", undone)
    report = await take(open_for_business, long_list(), key="file")
    assert report.stopped == products.Stopped(
        products.PORTION, 2 * products.PORTION + 50, ImportUndone(key="file")
    )
    assert await on_sale(books) == []


async def test_one_that_was_refused_half_way_goes_on_under_its_key(
    open_for_business: Shop, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = await books.person("sam", Role.SELLER)

    async def allow(products_max: int) -> None:
        quota = {"products": products_max}
        await selling.change(open_for_business, actor=OPERATING, user_id=sam.user_id, quota=quota)

    await allow(1_000)
    execute = open_for_business.till.execute

    async def lowers(envelope: Envelope) -> Outcome:
        outcome = await execute(envelope)
        await allow(products.PORTION)
        return outcome

    monkeypatch.setattr(open_for_business.till, "execute", lowers)
    report = await take(open_for_business, long_list(), caller=sam, key="file")
    assert report.stopped is not None
    assert isinstance(report.stopped.refusal, TooManyProducts)
    monkeypatch.setattr(open_for_business.till, "execute", execute)
    await allow(1_000)
    for wrong in ({"text": long_list(4)}, {"machine_id": await books.machine()}):
        with pytest.raises(KeyReused):
            await take(open_for_business, **{"text": long_list(), "caller": sam, "key": "file", **wrong})  # type: ignore[arg-type]
    report = await take(open_for_business, long_list(), caller=sam, key="file")
    assert (report.added, report.stopped) == (products.PORTION + 50, None)
    assert await undo(open_for_business, sam) == Undone(2 * products.PORTION + 50, ())
    await books.assert_clean()


async def test_what_an_older_release_has_imported_cannot_be(open_for_business: Shop, books: Books) -> None:
    await take(open_for_business, "name,price\ntea,1\n", key="file")
    old = "UPDATE idempotency SET outcome = :told, key = :key"
    await books.execute(old, told='{"added":1,"changed":0}', key="file.1")
    await refused(books, open_for_business, UnknownImport)
    await books.execute(old, told='{"added":1,"changed":0}', key="file.0.1")
    await refused(books, open_for_business, UnknownImport)
    assert await portions.recent(open_for_business, caller=OPERATOR, prefix="") == []


async def test_the_newest_are_listed_first(open_for_business: Shop, books: Books) -> None:
    sam = await books.person("sam", Role.SELLER)
    for number in range(portions.RECENT + 1):
        books.clock.forward(60)
        await take(open_for_business, f"name,price\ntea {number},1\n", key=f"file.{number}", caller=sam)
    await take(open_for_business, "name,price\nmate,1\n", key="import.1")
    await undo(open_for_business, sam, key="file.4")
    found = await portions.recent(open_for_business, caller=sam, prefix="file.")
    assert [(one.key, one.added, one.is_undone) for one in found] == [
        ("file.5", 1, False),
        ("file.4", 1, True),
        ("file.3", 1, False),
        ("file.2", 1, False),
        ("file.1", 1, False),
    ]
    assert found[0].created_us - found[1].created_us == 60_000_000


async def test_pictures_and_labels_come_back_too(books: Books) -> None:
    tea = (await books.product("tea", category="Hot")).product_id
    await books.execute("INSERT INTO images VALUES (7, 'image/png', :content, 1)", content=b"png")
    steps = (ChangeProduct(OPERATOR, tea, image_id=7, category="Cold", name="chai"),)
    done = (await books.do(ChangeProducts(OPERATOR, steps))).done  # type: ignore[attr-defined]
    before = {"name": "tea", "image_id": None, "category": "Hot"}
    assert done == (ImportedProduct(tea, 2, 1, 10, 10, before),)
    await books.do(UndoProducts(OPERATOR, done))
    (row,) = await books.rows("products")
    assert (row["name"], row["image_id"], row["category"], row["version"]) == ("tea", None, "Hot", 3)
