"""Everybody's orders in the office: found, looked at, returned, handed out."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import joined
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.users import Role
from tuckshop.till.callers import SessionCaller

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def clerk(api: Api, guest: Browser) -> Browser:
    """A cashier at the office."""
    await joined(api, "clerk", Role.CASHIER)
    await guest.log_in("clerk")
    return guest


@pytest.fixture
async def ada(api: Api) -> SessionCaller:
    return await api.shop.buyer("ada", cents=1_000)


async def bought(api: Api, ada: SessionCaller) -> tuple[int, int, int]:
    """3 cola at 1.50 and 2 tea at 0.80, of a seller; the order and the products."""
    sam = await api.shop.person("sam", Role.SELLER)
    cola = (await api.shop.product("cola", price_cents=150, seller=sam)).product_id
    tea = (await api.shop.product("tea", price_cents=80)).product_id
    return (await api.shop.buy(ada, (cola, 3), (tea, 2))).order_id, cola, tea


async def test_some_pieces_come_back_and_are_written_off(
    api: Api, clerk: Browser, ada: SessionCaller
) -> None:
    order, cola, tea = await bought(api, ada)
    await clerk.open("/office/orders")
    assert clerk.shows("3 × cola , 2 × tea") or clerk.shows("3 × cola, 2 × tea")
    page = await clerk.open(f"/office/orders/{order}")
    assert clerk.shows("sam")
    assert clerk.shows("house")
    assert clerk.shows("default")
    await clerk.press(
        "refund", **{f"pieces-{cola}": "1", f"pieces-{tea}": "", "stock": "write_off", "reason": SCRIPT}
    )
    assert clerk.page.texts["notice"] == "€1.50 refunded."
    assert SCRIPT not in clerk.page.content
    assert clerk.shows(SCRIPT)
    await clerk.press(
        "refund", page, **{f"pieces-{cola}": "1", f"pieces-{tea}": "", "stock": "write_off", "reason": SCRIPT}
    )
    assert len(await api.shop.rows("refunds")) == 1  # Pressed twice, given back once.
    assert [row["quantity"] for row in await api.shop.rows("shelves")] == [7, 8]
    await clerk.open(f"/office/orders/{order}")
    await clerk.press("refund")  # All that is left, onto the shelf.
    assert clerk.page.texts["notice"] == "€4.60 refunded."
    assert clerk.page.by_id("refund") is None
    assert [row["quantity"] for row in await api.shop.rows("shelves")] == [9, 10]


@ON_SQLITE
@pytest.mark.parametrize("wrong", ["4", "-1", "x", "1.5", "9" * 30, SCRIPT])
async def test_a_wrong_number_of_pieces_gives_nothing_back(
    api: Api, clerk: Browser, ada: SessionCaller, wrong: str
) -> None:
    order, cola, _ = await bought(api, ada)
    await clerk.open(f"/office/orders/{order}")
    before = await api.shop.books()
    await clerk.press("refund", **{f"pieces-{cola}": wrong})
    assert (clerk.status, clerk.field(f"pieces-{cola}")["value"]) == (422, wrong)
    assert f"pieces-{cola}-wrong" in clerk.page.texts
    assert SCRIPT not in clerk.page.content
    assert await api.shop.books() == before


@ON_SQLITE
async def test_more_than_is_left_no_piece_and_no_choice_of_ours(
    api: Api, clerk: Browser, ada: SessionCaller
) -> None:
    order, cola, tea = await bought(api, ada)
    page = await clerk.open(f"/office/orders/{order}")
    await clerk.press("refund", **{f"pieces-{cola}": "3", f"pieces-{tea}": "0"})
    before = await api.shop.books()
    page.elements = [(tag, found) for tag, found in page.elements if found.get("name") != "key"]
    for filled, told in (
        ({f"pieces-{cola}": "1"}, None),
        ({f"pieces-{cola}": "", f"pieces-{tea}": "0"}, "Enter how many pieces were returned."),
        ({"stock": "burn"}, None),
        ({"reason": "x" * 201}, None),
    ):
        await clerk.press("refund", page, **{"key": "k" * 22} | filled)
        assert clerk.status == 422
        assert told is None or clerk.shows(told)
    assert (
        await clerk.post(
            f"/office/orders/{order}/refund", {"key": "short", f"pieces-{tea}": "1", "stock": "restock"}
        )
    ).status_code == 400
    after = await api.shop.books()
    assert {**after, "idempotency": []} == {**before, "idempotency": []}


async def test_two_cashiers_at_once_give_back_once(api: Api, clerk: Browser, ada: SessionCaller) -> None:
    order, cola, tea = await bought(api, ada)
    await clerk.open(f"/office/orders/{order}")
    fields = {f"pieces-{cola}": "3", f"pieces-{tea}": "2", "stock": "restock", "reason": ""}
    answers = await asyncio.gather(
        *(clerk.post(f"/office/orders/{order}/refund", fields | {"key": str(n) * 22}) for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]
    assert [row["amount_cents"] for row in await api.shop.rows("refunds")] == [610]


async def test_what_waits_is_handed_out_or_called_off(api: Api, clerk: Browser, ada: SessionCaller) -> None:
    cola = (await api.shop.product("cola", price_cents=150)).product_id
    await api.shop.execute("UPDATE users SET tab_limit_cents = 1000")
    placed = [
        (await api.shop.buy(ada, (cola, 1), payment=Payment.TAB, fulfil=Fulfil.LATER)).order_id
        for _ in range(3)
    ]
    page = await clerk.open("/office")
    assert page.texts["waiting-orders"] == "Orders to complete: 3"
    for order, button, notice, status in zip(
        placed,
        ("hand-out", "cannot", "cancel"),
        ("Order completed.", "Order refunded.", "Order cancelled."),
        ("dispensed", "failed", "cancelled"),
        strict=True,
    ):
        page = await clerk.open(f"/office/orders/{order}")
        await clerk.press(button)
        assert clerk.page.texts["notice"] == notice
        await clerk.press(button, page)  # Twice is once.
        assert clerk.page.texts["notice"] == notice
        assert next(row for row in await api.shop.rows("orders") if row["id"] == order)["status"] == status
    await clerk.press("hand-out", page, key="k" * 22)
    assert "notice-bad" in clerk.page.content


@ON_SQLITE
async def test_orders_are_found_by_buyer_status_and_number(
    api: Api, clerk: Browser, ada: SessionCaller
) -> None:
    order, _, _ = await bought(api, ada)
    for query, is_there in {
        "buyer=ADA": True,
        "buyer=clerk": False,
        "status=dispensed": True,
        "status=placed": False,
        "status=nonsense": True,
        "before=1": False,
    }.items():
        page = await clerk.open(f"/office/orders?{query}")
        assert (f'href="/office/orders/{order}"' in page.content) is is_there, query
    await clerk.open(f"/office/orders?buyer=&status=&number={order}")
    assert clerk.path == f"/office/orders/{order}"
    for query in ("buyer=nobody", f"buyer={SCRIPT}", "number=x", f"buyer={'x' * 100}", "buyer=%00"):
        await clerk.open(f"/office/orders?{query}")
        assert clerk.status == 422
        assert SCRIPT not in clerk.page.content
    for wrong in ("0", "x", "99999", "9" * 30):
        await clerk.open(f"/office/orders/{wrong}")
        assert clerk.status == 404
