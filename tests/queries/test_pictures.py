"""What products look like, told beside the orders that hold them."""

from __future__ import annotations

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.users import Actor, Role
from tuckshop.operations import pictures
from tuckshop.queries import orders
from tuckshop.queries import pictures as picture_queries


async def test_orders_are_told_with_the_pictures_of_what_is_in_them(shop: Shop, running: RunningShop) -> None:
    kept = await pictures.add(running, media_type="image/webp", content=b"cola")
    cola, bar = await shop.product("cola", image_id=kept), await shop.product("bar")
    await shop.product("tea", image_id=await pictures.add(running, media_type="image/webp", content=b"tea"))
    ada = await shop.buyer("ada", cents=500)
    await shop.buy(ada, (cola.product_id, 1), (bar.product_id, 2))
    bought = await orders.page(running, actor=Actor(ada.user_id, frozenset({Role.BUYER})), limit=9)
    assert await picture_queries.of_orders(running, orders=bought) == {cola.product_id: kept}
    assert await picture_queries.of_orders(running, orders=[]) == {}
