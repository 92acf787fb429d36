"""What a machine's screen offers; tests/web/test_machine.py has the page."""

from __future__ import annotations

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.queries import storefront
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import RemoveProduct, Restock


async def test_offers_what_is_on_its_own_shelves_and_on_sale(shop: Shop, running: RunningShop) -> None:
    hall = await shop.machine("hall")
    cola, tea = await shop.product("cola", stock=0), await shop.product("tea", stock=2)
    await shop.do(Restock(OPERATOR, tea.product_id, 3, machine_id=hall))

    async def offered(machine_id: int) -> list[tuple[str, int]]:
        found = await storefront.stocked(running, machine_id=machine_id)
        return [(item.name, item.stock) for item in found]

    assert await offered(1) == [("cola", 0), ("tea", 2)]  # Sold out is still shown.
    assert await offered(hall) == [("tea", 3)]
    await shop.do(RemoveProduct(OPERATOR, cola.product_id))
    assert await offered(1) == [("tea", 2)]
