"""Category and barcode of a product: what is taken, what is refused by name, and who may bear a barcode."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError

from tests.shop import Shop
from tests.till.reading import refuse
from tuckshop.domain.field_problems import FieldProblem, ForbiddenCharacters, NotABarcode, WrongLength
from tuckshop.domain.refusals import BarcodeTaken, InvalidField
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.imports import ChangeProducts
from tuckshop.till.commands.products import AddProduct, ChangeProduct, RemoveProduct

CODE = "4006381333931"
WRONG: list[tuple[str, str, FieldProblem]] = [
    ("category", "x" * 41, WrongLength(1, 40)),
    ("category", "Dri\nnks", ForbiddenCharacters()),
    ("category", "Drinks\x00x", ForbiddenCharacters()),
    ("category", "a\u200bb", ForbiddenCharacters()),
    ("barcode", "123", NotABarcode(4, 48)),
    ("barcode", "1" * 49, NotABarcode(4, 48)),
    ("barcode", "1234\x005", NotABarcode(4, 48)),
    ("barcode", "<b>12</b>", NotABarcode(4, 48)),
    ("barcode", "=1+1+1", NotABarcode(4, 48)),
    ("barcode", "１２３４５", NotABarcode(4, 48)),
]


async def labels(shop: Shop) -> list[tuple[str | None, ...]]:
    rows = sorted(await shop.rows("products"), key=lambda row: row["id"])
    return [(row["category"], row["category_key"], row["barcode"]) for row in rows]


@pytest.mark.parametrize(("field", "value", "problem"), WRONG)
async def test_a_wrong_value_is_refused_by_name_and_writes_nothing(
    shop: Shop, field: str, value: str, problem: FieldProblem
) -> None:
    cola = (await shop.product("cola", category="Drinks", barcode=CODE)).product_id
    refusal = InvalidField(field=field, problem=problem)
    await refuse(shop, AddProduct(OPERATOR, "tea", 100, 1, for_house=True, **{field: value}), refusal)  # type: ignore[arg-type]
    await refuse(shop, ChangeProduct(OPERATOR, cola, **{field: value}), refusal)  # type: ignore[arg-type]


async def test_kept_in_nfc_without_space_at_the_ends_and_cleared_by_an_empty_text(shop: Shop) -> None:
    made = await shop.product("cola", category="  Su\u0308ßes ", barcode=f" {CODE} ")
    assert (made.category, made.barcode, made.version) == ("Süßes", CODE, 1)
    assert await labels(shop) == [("Süßes", "süsses", CODE)]
    await shop.do(ChangeProduct(OPERATOR, made.product_id, price_cents=5))
    assert await labels(shop) == [("Süßes", "süsses", CODE)]
    cleared = await shop.do(ChangeProduct(OPERATOR, made.product_id, category="", barcode=" "))
    assert (cleared.category, cleared.barcode, cleared.version) == (None, None, 3)  # type: ignore[attr-defined]
    assert await labels(shop) == [(None, None, None)]
    await shop.assert_clean()


async def test_html_is_a_text_like_any_other(shop: Shop) -> None:
    await shop.product("cola", category="<b>Hot & cold")
    assert (await labels(shop))[0][0] == "<b>Hot & cold"


@pytest.mark.parametrize(
    "code", ["4006381333931", "96385074", "12345678", "036000291452", "SHOP-0017", "0000"]
)
async def test_any_printed_code_is_taken_whatever_its_check_digit(shop: Shop, code: str) -> None:
    assert (await shop.product("cola", barcode=code)).barcode == code


async def test_a_barcode_is_one_products_among_those_of_a_seller_on_sale(shop: Shop) -> None:
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    house = (await shop.product("cola", barcode=CODE)).product_id
    sams = (await shop.product("sam's", seller=sam, barcode=CODE)).product_id
    await shop.product("sue's", seller=sue, barcode=CODE)
    other = (await shop.product("tea")).product_id
    taken = BarcodeTaken(barcode=CODE, product=house)
    await refuse(shop, ChangeProduct(OPERATOR, other, barcode=CODE), taken)
    await refuse(shop, AddProduct(OPERATOR, "gum", 1, 1, for_house=True, barcode=CODE), taken)
    await refuse(shop, AddProduct(sam, "gum", 1, 1, barcode=CODE), BarcodeTaken(barcode=CODE, product=sams))
    await shop.do(ChangeProduct(OPERATOR, house, barcode=CODE, price_cents=7))  # its own
    await shop.do(RemoveProduct(OPERATOR, house))
    await shop.do(ChangeProduct(OPERATOR, other, barcode=CODE))
    await shop.assert_clean()


async def test_barcodes_change_hands_within_one_command(shop: Shop) -> None:
    cola = (await shop.product("cola", barcode="AAAA")).product_id
    tea = (await shop.product("tea", barcode="BBBB")).product_id
    new = AddProduct(OPERATOR, "gum", 1, 1, for_house=True, barcode="CCCC")
    steps = (
        new,
        ChangeProduct(OPERATOR, cola, barcode="", name="mate"),
        ChangeProduct(OPERATOR, tea, barcode="AAAA"),
        ChangeProduct(OPERATOR, cola, barcode="BBBB"),
    )
    await shop.do(ChangeProducts(OPERATOR, steps))
    assert [row[2] for row in await labels(shop)] == ["BBBB", "AAAA", "CCCC"]
    twice = AddProduct(OPERATOR, "nuts", 1, 1, for_house=True, barcode="DDDD")
    await refuse(
        shop,
        ChangeProducts(OPERATOR, (ChangeProduct(OPERATOR, tea, barcode="DDDD"), twice)),
        BarcodeTaken(barcode="DDDD", product=tea),
    )
    await shop.assert_clean()


async def test_a_product_that_is_added_and_removed_in_a_batch_leaves_its_barcode_free(shop: Shop) -> None:
    def add(name: str) -> Envelope:
        return Envelope(AddProduct(OPERATOR, name, 1, 1, for_house=True, barcode=CODE))

    batches = shop.till.tally.batches
    outcomes = await asyncio.gather(*(shop.till.execute(add(name)) for name in ("cola", "tea")))
    assert shop.till.tally.batches == batches + 1  # Nor did the database have to say so.
    cola = outcomes[0].receipt().product_id  # type: ignore[attr-defined]
    assert outcomes[1].answer == BarcodeTaken(barcode=CODE, product=cola)
    outcomes = await shop.till.execute_together([Envelope(RemoveProduct(OPERATOR, cola)), add("tea")])
    assert outcomes[1].receipt().barcode == CODE  # type: ignore[attr-defined]
    await shop.assert_clean()


@pytest.mark.parametrize(
    "wrong",
    [
        "category = '', category_key = ''",
        "category = 'Drinks'",
        "category_key = 'drinks'",
        "barcode = '123'",
        "barcode = 'BBBB'",
    ],
)
async def test_the_database_keeps_the_rules_by_itself(shop: Shop, wrong: str) -> None:
    cola = (await shop.product("cola", barcode="AAAA")).product_id
    await shop.product("tea", barcode="BBBB")
    with pytest.raises(IntegrityError):
        await shop.execute(f"UPDATE products SET {wrong} WHERE id = :id", id=cola)
