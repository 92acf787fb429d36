"""A product that reads like another seller's waits for an admin."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.conftest import Api, serving
from tests.shop import Shop, open_shop
from tests.till.test_two_tills import interrupted, until_it_waits
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.products import PRODUCT_NAME_LENGTH_MAX
from tuckshop.domain.refusals import RoleMissing, UnknownProduct
from tuckshop.domain.users import Role
from tuckshop.queries import catalogue, storefront
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.approvals import ApproveProduct
from tuckshop.till.commands.base import Command, Envelope, Outcome
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, RemoveProduct

COLA, LIKE_COLA = "Cola", "Соla"  # The second begins with two Cyrillic letters.


def new(seller: Any, name: str, **more: Any) -> AddProduct:
    return AddProduct(seller, name=name, price_cents=100, stock=3, for_house=seller is OPERATOR, **more)


async def waits(shop: Shop, command: Command) -> bool:
    """Whether the product that comes of it waits."""
    product: Any = await shop.do(command)
    rows = {row["product_id"] for row in await shop.rows("waiting_products")}
    assert (product.waiting is True) == (product.product_id in rows)
    return product.product_id in rows


async def people(shop: Shop) -> tuple[SessionCaller, SessionCaller, SessionCaller]:
    return (
        await shop.person("sam", Role.SELLER),
        await shop.person("tom", Role.SELLER),
        await shop.person("boss", Role.ADMIN),
    )


async def test_only_what_reads_like_another_sellers_waits(shop: Shop) -> None:
    sam, tom, boss = await people(shop)
    assert not await waits(shop, new(sam, COLA))
    assert await waits(shop, new(tom, LIKE_COLA))
    assert not await waits(shop, new(sam, "Соlа"))  # One's own.
    assert not await waits(shop, new(tom, "Bier aus Москва, groß"))  # Mixed, and like nobody's.
    assert not await waits(shop, new(tom, "Cola light"))  # Not the whole of it.
    assert not await waits(shop, new(boss, "Cоlа", seller_id=tom.user_id))  # An admin sees what it is.
    assert not await waits(shop, new(OPERATOR, "Tea"))
    assert await waits(shop, new(sam, "Tеa"))  # The shop is a seller like others.
    await shop.assert_clean()


async def test_nobody_sees_or_buys_it_until_it_is_approved(shop: Shop) -> None:
    sam, tom, boss = await people(shop)
    ada = await shop.buyer(cents=500)
    await shop.do(new(sam, COLA))
    made: Any = await shop.do(new(tom, LIKE_COLA))
    buy = PlaceOrder(ada, wallet_of(ada.user_id), ((made.product_id, 1),))
    by_name = PlaceOrder(ada, wallet_of(ada.user_id), (), named=((LIKE_COLA, 1),))

    async def seen() -> list[str]:
        listed = await catalogue.page(shop, catalogue.Search(limit=9))  # type: ignore[arg-type]
        shown = await storefront.stocked(shop, machine_id=1)  # type: ignore[arg-type]
        assert {one.name for one in listed} == {one.name for one in shown}
        return [one.name for one in listed]

    before = await shop.books()
    for command, called in ((buy, made.product_id), (by_name, LIKE_COLA)):
        assert (await shop.till.execute(Envelope(command))).answer == UnknownProduct(called)
    assert (await shop.till.execute(Envelope(ApproveProduct(tom, made.product_id)))).answer == RoleMissing(
        ("admin",)
    )
    assert (await shop.till.execute(Envelope(ApproveProduct(boss, 777)))).answer == UnknownProduct(777)
    assert await shop.books() == before
    assert await seen() == [COLA]
    # In one batch: bought once it is approved, and not before.
    outcomes = await shop.till.execute_together(
        [Envelope(one) for one in (buy, ApproveProduct(boss, made.product_id), buy)]
    )
    assert [type(one.answer).__name__ for one in outcomes] == [
        "UnknownProduct",
        "ProductApproved",
        "OrderPlaced",
    ]
    assert await seen() == [COLA, LIKE_COLA]
    await shop.do(ApproveProduct(boss, made.product_id))
    lines = [row for row in await shop.rows("admin_log") if row["action"] == "product.approve"]
    assert len(lines) == 1  # The second time changed nothing.
    await shop.assert_clean()


async def test_the_longest_name_in_the_widest_letters_has_its_place(shop: Shop) -> None:
    sam, tom, _ = await people(shop)
    name = "ﷺ" * PRODUCT_NAME_LENGTH_MAX  # Each looks like 18 letters.
    assert not await waits(shop, new(sam, name))
    (row,) = await shop.rows("product_skeletons")
    assert len(row["skeleton"]) == 18 * PRODUCT_NAME_LENGTH_MAX
    await shop.do(RemoveProduct(sam, row["product_id"]))
    assert not await waits(shop, new(tom, name))


async def test_a_new_name_is_looked_at_and_one_given_up_is_free(shop: Shop) -> None:
    sam, tom, boss = await people(shop)
    cola: Any = await shop.do(new(sam, COLA))
    tea: Any = await shop.do(new(tom, "Tea"))
    assert await waits(shop, ChangeProduct(tom, tea.product_id, name=LIKE_COLA))
    assert await waits(shop, ChangeProduct(tom, tea.product_id, price_cents=90))  # As it was.
    assert not await waits(shop, ChangeProduct(tom, tea.product_id, name="Chai"))
    assert await waits(shop, ChangeProduct(tom, tea.product_id, name=LIKE_COLA))
    await shop.do(ApproveProduct(boss, tea.product_id))
    assert not await waits(shop, ChangeProduct(tom, tea.product_id, price_cents=80))
    assert not await waits(shop, ChangeProduct(tom, tea.product_id, name="СОLA"))  # The same in capitals.
    await shop.do(ChangeProduct(tom, tea.product_id, name="Chai"))
    # In one batch, as one after the other.
    outcomes = await shop.till.execute_together(
        [
            Envelope(one)
            for one in (
                new(tom, LIKE_COLA),
                RemoveProduct(sam, cola.product_id),
                new(tom, "Cоla"),
                new(sam, "Соlа"),
            )
        ]
    )
    receipts: list[Any] = [one.receipt() for one in outcomes]
    assert [getattr(one, "waiting", None) is True for one in receipts] == [True, False, False, True]
    await shop.assert_clean()


@pytest.mark.postgres
async def test_of_two_that_look_the_same_at_two_tills_one_waits(postgres_url: str) -> None:
    async with open_shop(postgres_url) as shop:
        sam, tom, _ = await people(shop)
        waiting: list[asyncio.Task[Outcome]] = []

        async def add_there() -> None:
            waiting.append(asyncio.create_task(shop.till.execute(Envelope(new(tom, LIKE_COLA)))))
            await until_it_waits(shop, waiting[0])

        async with interrupted(shop, "looks", add_there) as till:
            here: Any = (await till.execute(Envelope(new(sam, COLA)))).receipt()
        there: Any = (await waiting[0]).receipt()
        assert (here.waiting is True, there.waiting is True) == (False, True)


async def test_v1_says_that_it_waits_and_lists_it_once_approved(api: Api) -> None:
    sam, tom, boss = await people(api.shop)
    await api.post("/v1/products", {"name": COLA, "price": 100, "stock": 1}, by=sam)
    made = (await api.post("/v1/products", {"name": LIKE_COLA, "price": 100, "stock": 1}, by=tom)).json()
    assert made["waiting"] is True
    path = f"/v1/products/{made['id']}/approval"
    assert [one["name"] for one in (await api.get("/v1/products")).json()["items"]] == [COLA]
    assert (await api.call("POST", path, by=tom)).status_code == 403
    assert (await api.call("POST", path, by=boss)).status_code == 204
    listed = (await api.get("/v1/products")).json()["items"]
    assert [(one["name"], "waiting" in one) for one in listed] == [(COLA, False), (LIKE_COLA, False)]


@pytest.fixture
async def api(database_url: str) -> Any:
    async with serving(database_url) as served:
        yield served
