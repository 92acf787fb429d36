"""What somebody sells, as the seller sees it."""

from __future__ import annotations

import pytest

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.refusals import UnknownProduct
from tuckshop.domain.users import Role
from tuckshop.queries import products
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import MoveStock, SetShelves
from tuckshop.till.commands.products import RemoveProduct


async def test_a_product_stands_with_its_pieces_of_all_machines(shop: Shop, running: RunningShop) -> None:
    sam, hall = await shop.person("sam", Role.SELLER), await shop.machine("hall")
    cola = await shop.product("cola", seller=sam, stock=10)
    await shop.do(MoveStock(OPERATOR, 1, hall, cola.product_id, 4))
    found = await products.find(running, product_id=cola.product_id, seller_id=sam.user_id)
    assert (found.name, found.stock, found.is_low, found.removed_us) == ("cola", 10, False, None)
    held = await products.shelves_of(running, product_id=cola.product_id)
    assert [(one.machine_id, one.machine == "hall", one.quantity) for one in held] == [
        (1, False, 6),
        (hall, True, 4),
    ]


async def test_those_of_others_and_of_the_house_are_unknown(shop: Shop, running: RunningShop) -> None:
    sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER)
    cola, house = await shop.product("cola", seller=sam), await shop.product("tea")
    for product in (cola.product_id, house.product_id, 999):
        with pytest.raises(UnknownProduct):
            await products.find(running, product_id=product, seller_id=sue.user_id)
    assert await products.page(running, seller_id=sue.user_id, limit=9) == []


async def test_pages_go_on_and_tell_what_was_removed_apart(shop: Shop, running: RunningShop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    seller_id = sam.user_id
    made = [(await shop.product(name, seller=sam)).product_id for name in ("Cola", "tea", "50% cola", "milk")]
    await shop.do(RemoveProduct(sam, made[3]))

    async def ids(*, limit: int = 9, **more: object) -> list[int]:
        found = await products.page(running, seller_id=seller_id, limit=limit, **more)  # type: ignore[arg-type]
        return [one.product_id for one in found]

    assert await ids() == [made[2], made[1], made[0]]
    assert await ids(limit=2) == [made[2], made[1]]
    assert await ids(before_id=made[1]) == [made[0]]
    assert await ids(keyword="COLA") == [made[2], made[0]]
    assert await ids(keyword="%") == [made[2]]  # Signs mean themselves.
    assert await ids(removed=True) == [made[3]]


async def test_low_is_what_has_a_shelf_to_be_filled(shop: Shop, running: RunningShop) -> None:
    sam = await shop.person("sam", Role.SELLER)
    stocks = {"none": 0, "three": 3, "four": 4, "planned": 9, "full": 10}
    made = {name: await shop.product(name, seller=sam, stock=stock) for name, stock in stocks.items()}
    plans = tuple(ShelfPlan(made[name].product_id, par_level=10) for name in ("planned", "full"))
    await shop.do(SetShelves(OPERATOR, 1, plans))
    gone = await shop.product("gone", seller=sam, stock=1)
    await shop.do(RemoveProduct(sam, gone.product_id))
    found = await products.low(running, seller_id=sam.user_id, limit=9)
    assert [one.name for one in found] == ["none", "three", "planned"]
    assert [one.name for one in await products.low(running, seller_id=sam.user_id, limit=1)] == ["none"]
