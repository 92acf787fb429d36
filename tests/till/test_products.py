"""Products added and changed together: all of them, or none."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from tests.shop import Shop, open_shop
from tests.till.reading import post, refuse
from tuckshop.domain import products
from tuckshop.domain.field_problems import ForbiddenCharacters, OutOfRange, TaxOutOfRange, TooLarge
from tuckshop.domain.products import PRODUCTS_MAX, QUANTITY_MAX
from tuckshop.domain.refusals import (
    InvalidField,
    NameTaken,
    NotOwner,
    RoleMissing,
    StockTooLarge,
    UnknownMachine,
    UnknownProduct,
    UnknownUser,
)
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR, Caller, SessionCaller
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.imports import ChangeProducts, ImportedProduct, ProductsChanged
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, RemoveProduct


def new(caller: Caller, name: str, **more: object) -> AddProduct:
    """A product at 1.00 with 2 pieces; of the house, if the operator adds it for no seller."""
    for_house = caller == OPERATOR and "seller_id" not in more
    return replace(AddProduct(caller, name, 100, 2, for_house=for_house), **more)


async def test_adds_and_changes_in_one_command(shop: Shop) -> None:
    cola = (await shop.product("cola", stock=5)).product_id
    steps = (new(OPERATOR, "tea"), ChangeProduct(OPERATOR, cola, price_cents=175, stock=3, reason="counted"))
    posted = await post(shop, ChangeProducts(OPERATOR, steps))
    assert isinstance(posted.receipt, ProductsChanged)
    tea = posted.receipt.done[0].product_id
    assert posted.receipt == ProductsChanged(
        1,
        1,
        (ImportedProduct(tea, 1, 1, 0, 2), ImportedProduct(cola, 2, 1, 5, 3, {"price_cents": 150})),
    )
    assert posted.stock == [("initial", "tea", 2), ("correction", "cola", -2)]
    assert [(row["name"], row["price_cents"]) for row in await shop.rows("products")] == [
        ("cola", 175),
        ("tea", 100),
    ]
    await shop.assert_clean()


async def test_names_change_hands_within_one_command(shop: Shop) -> None:
    cola, tea = [(await shop.product(name)).product_id for name in ("cola", "tea")]
    steps = (
        ChangeProduct(OPERATOR, cola, name="mate"),
        ChangeProduct(OPERATOR, tea, name="cola"),
        ChangeProduct(OPERATOR, cola, name="tea"),
    )
    await shop.do(ChangeProducts(OPERATOR, steps))
    assert {row["id"]: row["name"] for row in await shop.rows("products")} == {cola: "tea", tea: "cola"}
    await shop.assert_clean()


async def test_one_refusal_undoes_all_steps_before_it(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    cola = (await shop.product("cola", seller=sam)).product_id
    gum = (await shop.product("gum")).product_id
    fine = (new(sam, "tea"), ChangeProduct(sam, cola, name="mate", price_cents=1, stock=7))
    for last, refusal in (
        (new(sam, "Gum"), NameTaken(name="Gum")),
        (new(sam, "TEA"), NameTaken(name="TEA")),
        (
            new(sam, "a/b"),
            InvalidField(field="name", problem=ForbiddenCharacters()),
        ),
        (ChangeProduct(sam, gum, price_cents=1), NotOwner(thing="product")),
        (ChangeProduct(sam, 99, price_cents=1), UnknownProduct(product=99)),
        (new(sam, "nuts", machine_id=9), UnknownMachine(machine=9)),
        (new(sam, "nuts", for_house=True), RoleMissing(roles=("admin",))),
    ):
        await refuse(shop, ChangeProducts(sam, (*fine, last)), refusal)
    await shop.execute("UPDATE shelves SET capacity = 12 WHERE product_id = :id", id=cola)
    full = ChangeProducts(sam, (new(sam, "tea"), ChangeProduct(sam, cola, stock=13)))
    await refuse(shop, full, StockTooLarge(product=cola, capacity=12))
    await shop.do(ChangeProducts(sam, fine))
    await shop.assert_clean()


async def test_a_refused_list_leaves_nothing_to_its_neighbours_in_the_batch(shop: Shop) -> None:
    refused = ChangeProducts(OPERATOR, (new(OPERATOR, "tea"), new(OPERATOR, "tea")))
    outcomes = await shop.till.execute_together(
        [Envelope(refused), Envelope(new(OPERATOR, "Tea")), Envelope(new(OPERATOR, "nuts"))]
    )
    assert outcomes[0].answer == NameTaken(name="tea")
    assert [outcome.receipt().stock for outcome in outcomes[1:]] == [2, 2]  # type: ignore[attr-defined]
    assert [row["name"] for row in await shop.rows("products")] == ["Tea", "nuts"]
    await shop.assert_clean()


async def test_only_so_many_at_once(shop: Shop) -> None:
    cola = (await shop.product("cola")).product_id
    steps = (ChangeProduct(OPERATOR, cola, price_cents=1),) * (PRODUCTS_MAX + 1)
    await refuse(
        shop, ChangeProducts(OPERATOR, steps), InvalidField(field="products", problem=TooLarge(10_000))
    )
    await refuse(
        shop,
        ChangeProducts(OPERATOR, (ChangeProduct(OPERATOR, cola, stock=QUANTITY_MAX + 1),)),
        InvalidField(field="stock", problem=OutOfRange(0, 1_000_000)),
    )


async def test_the_longest_list_is_taken(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "PRODUCTS_MAX", 2)
    step = ChangeProduct(OPERATOR, (await shop.product("cola")).product_id, price_cents=1)
    answer = await shop.do(ChangeProducts(OPERATOR, (step, step)))
    assert isinstance(answer, ProductsChanged)
    assert (answer.added, answer.changed) == (0, 2)
    refusal = InvalidField(field="products", problem=TooLarge(2))
    await refuse(shop, ChangeProducts(OPERATOR, (step,) * 3), refusal)


async def test_a_tax_reaches_its_limits(shop: Shop) -> None:
    for tax in (0, 10_000):
        step = new(OPERATOR, f"taxed {tax}", tax_basis_points=tax)
        assert isinstance(await shop.do(step), ProductRecord)
    problem = InvalidField(field="tax", problem=TaxOutOfRange(10_000))
    for tax in (-1, 10_001):
        await refuse(shop, new(OPERATOR, "gum", tax_basis_points=tax), problem)


async def test_a_count_opens_the_shelf_on_which_pieces_are_found(shop: Shop) -> None:
    hall, cola = await shop.machine(), (await shop.product("cola", stock=5)).product_id
    record = await shop.do(ChangeProduct(OPERATOR, cola, stock=3, machine_id=hall))
    assert isinstance(record, ProductRecord)
    assert record.stock == 3
    stands = {row["machine_id"]: row["quantity"] for row in await shop.rows("shelves")}
    assert stands == {1: 5, hall: 3}
    await shop.assert_clean()


async def test_a_product_loses_its_picture(shop: Shop) -> None:
    await shop.execute("INSERT INTO images VALUES (7, 'image/png', :content, 1)", content=b"png")
    cola = (await shop.product("cola", image_id=7)).product_id
    kept, gone = [
        await shop.do(ChangeProduct(OPERATOR, cola, price_cents=9, without_image=gone))
        for gone in (False, True)
    ]
    assert isinstance(kept, ProductRecord)
    assert isinstance(gone, ProductRecord)
    assert (kept.image_id, gone.image_id) == (7, None)


def test_nobody_acts_in_anothers_name() -> None:
    with pytest.raises(ValueError, match="the caller's own"):
        ChangeProducts(SessionCaller(1, 1), (ChangeProduct(OPERATOR, 1, price_cents=1),))


async def test_the_operator_adds_for_a_seller(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    admin = await shop.person("admin", Role.ADMIN)
    for caller, name in ((OPERATOR, "tea"), (admin, "nuts")):
        stands = await shop.do(new(caller, name, seller_id=sam.user_id, for_house=False))
        assert (stands.seller_id, stands.seller) == (sam.user_id, "sam")  # type: ignore[attr-defined]
    await shop.do(new(sam, "own", seller_id=sam.user_id))
    assert {row["seller_id"] for row in await shop.rows("products")} == {sam.user_id}


async def test_nobody_else_adds_for_others_nor_anybody_for_no_seller(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    sue = await shop.person("sue", Role.SELLER)
    ada = await shop.buyer("ada")
    gone = await shop.person("gone", Role.SELLER)
    await shop.execute("UPDATE users SET state = 'closed', closed_us = 1 WHERE id = :id", id=gone.user_id)
    await refuse(shop, new(sue, "tea", seller_id=sam.user_id), RoleMissing(roles=("admin",)))
    for nobody in (ada.user_id, gone.user_id, 99):
        assert nobody is not None
        await refuse(shop, new(OPERATOR, "tea", seller_id=nobody, for_house=False), UnknownUser(user=nobody))


async def test_two_tills_take_the_same_list_at_once(shop: Shop) -> None:
    """PostgreSQL: both lock the same products in one order. SQLite: they take turns."""
    ids = [(await shop.product(f"product {number}")).product_id for number in range(30)]
    async with open_shop(shop.url) as other:
        for number in range(5):
            there = tuple(ChangeProduct(OPERATOR, one, stock=number) for one in ids)
            back = tuple(ChangeProduct(OPERATOR, one, price_cents=number + 1) for one in reversed(ids))
            await asyncio.gather(
                shop.do(ChangeProducts(OPERATOR, there)), other.do(ChangeProducts(OPERATOR, back))
            )
    assert {(row["price_cents"]) for row in await shop.rows("products")} == {5}
    assert {row["quantity"] for row in await shop.rows("shelves")} == {4}
    await shop.assert_clean()


async def test_of_two_lists_with_the_same_new_name_one_is_refused(shop: Shop) -> None:
    async with open_shop(shop.url) as other:
        lists = (ChangeProducts(OPERATOR, (new(OPERATOR, "tea"), new(OPERATOR, name))) for name in ("a", "b"))
        answers = await asyncio.gather(
            *(one.do(list_) for one, list_ in zip((shop, other), lists, strict=True)), return_exceptions=True
        )
    assert sorted(type(answer).__name__ for answer in answers) == ["NameTaken", "ProductsChanged"]
    assert len(await shop.rows("products")) == 2
    await shop.assert_clean()


async def test_a_product_taken_off_sale_before_it_undoes_a_list(shop: Shop) -> None:
    cola = (await shop.product("cola")).product_id
    steps = (new(OPERATOR, "tea"), ChangeProduct(OPERATOR, cola, price_cents=1))
    removed, answer = await shop.till.execute_together(
        [Envelope(RemoveProduct(OPERATOR, cola)), Envelope(ChangeProducts(OPERATOR, steps))]
    )
    removed.receipt()
    assert answer.answer == UnknownProduct(product=cola)
    assert [row["name"] for row in await shop.rows("products")] == ["cola"]
