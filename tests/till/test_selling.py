"""What one seller can fill the shop with has a bound, and other machines are by invitation."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.shop import Shop, open_shop
from tests.till.test_two_tills import interrupted, until_it_waits
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.refusals import (
    InvalidField,
    PicturesTooLarge,
    Refusal,
    RoleMissing,
    SellerNotInvited,
    TooManyPieces,
    TooManyProducts,
    UnknownMachine,
    UnknownUser,
)
from tuckshop.domain.selling import PIECES_MAX, PRODUCTS_MAX, QUOTA_MAX, Quota, Use, require_room
from tuckshop.domain.users import OPERATOR as OPERATING
from tuckshop.domain.users import Actor, Role
from tuckshop.operations import pictures, selling
from tuckshop.queries import selling as selling_queries
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Command, Envelope, Outcome
from tuckshop.till.commands.imports import ChangeProducts
from tuckshop.till.commands.machines import MoveStock
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund


async def limit(shop: Shop, seller: SessionCaller, **quota: int | None) -> None:
    await selling.change(shop, actor=OPERATING, user_id=seller.user_id, quota=quota)  # type: ignore[arg-type]


async def refuse(shop: Shop, command: Command, refusal: Refusal) -> None:
    """The command is refused so, and nothing is written."""
    before = await shop.books()
    outcome = await shop.till.execute(Envelope(command))
    assert outcome.answer == refusal
    assert await shop.books() == before


def new(seller: SessionCaller, name: str, stock: int = 0, **more: Any) -> AddProduct:
    return AddProduct(seller, name=name, price_cents=100, stock=stock, **more)


async def test_a_seller_has_so_many_products_on_sale(shop: Shop) -> None:
    sam, tom = await shop.person("sam", Role.SELLER), await shop.person("tom", Role.SELLER)
    many = tuple(new(sam, f"thing {number}") for number in range(PRODUCTS_MAX))
    await refuse(
        shop, ChangeProducts(sam, (*many, new(sam, "one more"))), TooManyProducts(PRODUCTS_MAX, PRODUCTS_MAX)
    )
    await shop.do(ChangeProducts(sam, many))
    await refuse(shop, new(sam, "one more"), TooManyProducts(PRODUCTS_MAX, PRODUCTS_MAX))
    await shop.do(new(tom, "one more"))  # Others are not concerned.
    await shop.do(
        AddProduct(OPERATOR, name="the shop's", price_cents=1, stock=PIECES_MAX + 1, for_house=True)
    )
    first, second, *_ = [row["id"] for row in await shop.rows("products")]
    await shop.do(ChangeProduct(sam, first, price_cents=90))  # What is there can still be changed.
    # One off sale makes room for one, in one batch too.
    outcomes = await shop.till.execute_together(
        [Envelope(one) for one in (RemoveProduct(sam, second), new(sam, "another"), new(sam, "and another"))]
    )
    assert [type(one.answer).__name__ for one in outcomes] == [
        "ProductRemoved",
        "ProductRecord",
        "TooManyProducts",
    ]
    await limit(shop, sam, products=PRODUCTS_MAX + 1)
    await shop.do(new(sam, "and another"))
    await shop.assert_clean()


async def test_pieces_count_on_all_shelves_together(shop: Shop) -> None:
    sam, hall = await shop.person("sam", Role.SELLER), await shop.machine()
    tea = await shop.product("tea", stock=6_000, seller=sam)
    cola = await shop.product("cola", stock=3_999, seller=sam, machine_id=hall)
    full = TooManyPieces(pieces_max=PIECES_MAX, pieces=9_999)
    await refuse(shop, Restock(sam, tea.product_id, 2), full)
    await refuse(shop, ChangeProduct(sam, cola.product_id, stock=2, reason="counted"), full)
    await refuse(shop, new(sam, "gum", 2), full)
    await refuse(
        shop, Restock(OPERATOR, tea.product_id, 2), full
    )  # Whoever fills: the quota is the seller's.
    await shop.do(MoveStock(sam, hall, 1, cola.product_id, 5))  # As many as before.
    await shop.do(ChangeProduct(sam, tea.product_id, stock=5_000, reason="counted"))
    await shop.do(Restock(sam, cola.product_id, 1_001, machine_id=hall))
    await refuse(shop, Restock(sam, cola.product_id, 1), TooManyPieces(PIECES_MAX, PIECES_MAX))
    await limit(shop, sam, pieces=4)
    await shop.do(ChangeProduct(sam, tea.product_id, stock=4_000, reason="counted"))  # Fewer is always right.
    await refuse(shop, Restock(sam, cola.product_id, 1), TooManyPieces(4, 9_000))


async def test_what_is_sold_makes_room_and_what_comes_back_always_may(shop: Shop) -> None:
    sam, ada = await shop.person("sam", Role.SELLER), await shop.buyer(cents=1_000)
    await limit(shop, sam, pieces=3)
    tea = (await shop.product("tea", stock=3, price_cents=100, seller=sam)).product_id
    buy = PlaceOrder(ada, wallet_of(ada.user_id), ((tea, 2),))
    outcomes = await shop.till.execute_together(
        [Envelope(one) for one in (Restock(sam, tea, 1), buy, Restock(sam, tea, 2), Restock(sam, tea, 1))]
    )
    assert [type(one.answer).__name__ for one in outcomes] == [
        "TooManyPieces",
        "OrderPlaced",
        "ProductRecord",
        "TooManyPieces",
    ]
    order_id = outcomes[1].receipt().order_id  # type: ignore[attr-defined]
    await shop.do(Refund(ada, order_id))
    found = await selling_queries.find(shop, actor=OPERATING, user_id=sam.user_id)  # type: ignore[arg-type]
    assert found.used == Use(products=1, pieces=5)
    await refuse(shop, Restock(sam, tea, 1), TooManyPieces(pieces_max=3, pieces=5))


async def test_pictures_count_by_their_bytes(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    await limit(shop, sam, picture_bytes=100)
    small, large, tiny = [
        await pictures.add(shop, media_type="image/webp", content=b"x" * count)  # type: ignore[arg-type]
        for count in (60, 101, 40)
    ]
    await refuse(shop, new(sam, "tea", image_id=large), PicturesTooLarge(bytes_max=100, bytes=0))
    tea = await shop.product("tea", seller=sam, image_id=small)
    await refuse(shop, new(sam, "cola", image_id=small), PicturesTooLarge(bytes_max=100, bytes=60))
    cola = await shop.product("cola", seller=sam, image_id=tiny)
    too_large = PicturesTooLarge(bytes_max=100, bytes=100)
    await refuse(shop, ChangeProduct(sam, cola.product_id, image_id=small), too_large)
    # A smaller one, none at all and a product off sale make room.
    await shop.do(ChangeProduct(sam, tea.product_id, image_id=tiny))
    await shop.do(ChangeProduct(sam, cola.product_id, image_id=small))
    outcomes = await shop.till.execute_together(
        [
            Envelope(one)
            for one in (
                ChangeProduct(sam, cola.product_id, without_image=True),
                new(sam, "gum", image_id=small),
                new(sam, "mint", image_id=tiny),
                RemoveProduct(sam, tea.product_id),
                new(sam, "nuts", image_id=tiny),
            )
        ]
    )
    assert [type(one.answer).__name__ for one in outcomes] == [
        "ProductRecord",
        "ProductRecord",
        "PicturesTooLarge",
        "ProductRemoved",
        "ProductRecord",
    ]


async def test_sellers_sell_at_other_machines_by_invitation(shop: Shop) -> None:
    sam, boss, hall = await shop.person("sam", Role.SELLER), await shop.person("boss", Role.ADMIN), 0
    hall = await shop.machine()
    await shop.execute("DELETE FROM invitations")
    tea = (await shop.product("tea", stock=5, seller=sam)).product_id
    refusal = SellerNotInvited(machine=hall)
    for command in (
        new(sam, "gum", machine_id=hall),
        Restock(sam, tea, 1, machine_id=hall),
        ChangeProduct(sam, tea, stock=1, reason="mine", machine_id=hall),
        MoveStock(sam, 1, hall, tea, 1),
        ChangeProducts(sam, (new(sam, "gum", machine_id=hall),)),
    ):
        await refuse(shop, command, refusal)
    await shop.do(Restock(boss, tea, 2, machine_id=hall))  # An admin may.
    await shop.do(ChangeProduct(sam, tea, stock=1, reason="counted", machine_id=hall))  # Fewer is right.
    await shop.do(ChangeProduct(sam, tea, price_cents=80, machine_id=hall))
    await shop.do(MoveStock(sam, hall, 1, tea, 1))
    await selling.change(shop, actor=OPERATING, user_id=sam.user_id, machines=[hall])  # type: ignore[arg-type]
    await shop.do(Restock(sam, tea, 1, machine_id=hall))
    await selling.change(shop, actor=OPERATING, user_id=sam.user_id, machines=[1])  # type: ignore[arg-type]
    await refuse(shop, Restock(sam, tea, 1, machine_id=hall), refusal)


@pytest.mark.postgres
@pytest.mark.parametrize("kind", ["add", "restock", "correct"])
async def test_a_sellers_quota_is_used_by_one_till_at_a_time(postgres_url: str, kind: str) -> None:
    async with open_shop(postgres_url) as shop:
        sam = await shop.person("sam", Role.SELLER)
        tea = (await shop.product("tea", stock=1, seller=sam)).product_id
        gum = (await shop.product("gum", stock=0, seller=sam)).product_id
        await limit(shop, sam, products=3, pieces=4)
        here, there = {
            "add": (new(sam, "mint"), new(sam, "nuts")),
            "restock": (
                Restock(sam, tea, 3),
                Restock(sam, gum, 3),
            ),  # Other shelves: only the seller is the same.
            "correct": (
                ChangeProduct(sam, tea, stock=4, reason="counted"),
                ChangeProduct(sam, gum, stock=3, reason="counted"),
            ),
        }[kind]
        waiting: list[asyncio.Task[Outcome]] = []

        async def act_there() -> None:
            waiting.append(asyncio.create_task(shop.till.execute(Envelope(there))))
            await until_it_waits(shop, waiting[0])

        async with interrupted(shop, "quotas", act_there) as till:
            (await till.execute(Envelope(here))).receipt()
        full = TooManyProducts(3, 3) if kind == "add" else TooManyPieces(pieces_max=4, pieces=4)
        assert (await waiting[0]).answer == full
        await shop.assert_clean()


@pytest.mark.parametrize("value", [-1, QUOTA_MAX + 1, 2**63, 2**80])
async def test_only_admins_change_quotas_within_reason(shop: Shop, value: int) -> None:
    sam, hall = await shop.person("sam", Role.SELLER), await shop.machine()
    before = await shop.books()

    async def refused(kind: type[Refusal], actor: Actor = OPERATING, **more: Any) -> None:
        with pytest.raises(kind):
            await selling.change(shop, actor=actor, **{"user_id": sam.user_id} | more)  # type: ignore[arg-type]

    await refused(InvalidField, quota={"pieces": value})
    await refused(UnknownMachine, machines=[hall, 77], quota={"pieces": 5})
    await refused(UnknownUser, user_id=77, quota={"pieces": 5})
    for role in (Role.SELLER, Role.CASHIER):
        await refused(RoleMissing, Actor(sam.user_id, frozenset({role})), quota={"pieces": 5})
    with pytest.raises(RoleMissing):
        await selling_queries.find(shop, actor=Actor(77, frozenset({Role.SELLER})), user_id=sam.user_id)  # type: ignore[arg-type]
    assert await shop.books() == before


async def test_a_change_leaves_a_line_and_one_that_changes_nothing_none(shop: Shop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    await limit(shop, sam, pieces=5, products=None)
    await limit(shop, sam, pieces=5)
    await limit(shop, sam, pieces=None)
    await limit(shop, sam)
    lines = [row for row in await shop.rows("admin_log") if row["action"] == "user.selling"]
    assert [('"pieces":5' in row["before"], '"pieces":5' in row["after"]) for row in lines] == [
        (False, True),
        (True, False),
    ]
    assert await shop.rows("seller_quotas") == []


def test_what_does_not_grow_may_be_above() -> None:
    above = Use(products=300, pieces=20_000, picture_bytes=2**40)
    require_room(Quota(), above, Use())
    require_room(Quota(), above, Use(pieces=-5, picture_bytes=-1))
    for more, refusal in (
        (Use(products=1), TooManyProducts(200, 300)),
        (Use(pieces=1), TooManyPieces(10_000, 20_000)),
        (Use(picture_bytes=1), PicturesTooLarge(104_857_600, 2**40)),
    ):
        with pytest.raises(type(refusal)) as raised:
            require_room(Quota(), above, more)
        assert raised.value == refusal
    require_room(Quota(1, 2, 3), Use(0, 1, 1), Use(1, 1, 2))  # The very last of each.
