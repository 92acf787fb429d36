"""What a seller sees of sales and earnings, and does about orders."""

from __future__ import annotations

import asyncio
import csv
import io

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser, joined
from tests.web.test_account import ON_SQLITE, WILD, Person, money_of, person
from tests.web.test_desk import sold_by, stock_of
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.wallet import Deposit


@pytest.fixture
async def sam(api: Api, guest: Browser) -> Person:
    """A seller, at the desk."""
    found = await person(api, guest, "sam", Role.SELLER)
    await guest.open("/desk")
    return found


@pytest.fixture
async def ada(api: Api, sam: Person) -> SessionCaller:
    """A buyer with €20.00 and a tab. (After sam: the first is somebody's id of 1.)"""
    user_id = await joined(api, "ada")
    await api.shop.do(Deposit(OPERATOR, wallet_of(user_id), {100: 20}))
    await api.shop.execute("UPDATE users SET tab_limit_cents = 2000 WHERE id = :id", id=user_id)
    return api.running.tokens.caller((await api.logged_in("ada"))["access"])


async def test_the_first_page_of_an_empty_desk(sam: Person) -> None:
    here = sam.browser
    texts = here.page.texts
    assert (texts["today"], texts["balance"], texts["payable"]) == ("€0.00", "€0.00", "€0.00")
    assert here.shows("The last 14 days: €0.00")
    assert here.shows("Nothing is low.")
    for path in ("products", "orders", "orders?shown=placed", "sales", "earnings"):
        await here.open(f"/desk/{path}")
        assert here.status == 200, path


async def test_a_sale_stands_in_the_plot_the_orders_and_the_earnings(
    api: Api, sam: Person, ada: SessionCaller
) -> None:
    cola, wild = await sold_by(api, sam, stock=5), await sold_by(api, sam, WILD, price_cents=40, stock=50)
    order = await api.shop.buy(ada, (cola.product_id, 2), (wild.product_id, 1))
    here = sam.browser
    await here.open("/desk")
    assert (here.page.texts["today"], here.page.texts["balance"]) == ("€3.40", "€3.40")
    assert here.page.texts["payable"] == "€0.00"  # It may still come back.
    assert here.shows("The last 14 days: €3.40")
    assert here.shows("low: 3 left")
    assert sum(found.get("class") == "plot-bar" for _, found in here.page.elements) == 14
    await here.open("/desk/sales")
    assert (here.page.texts["total"], here.page.texts["pieces"]) == ("€3.40", "3")
    assert here.shows("cola €3.00")
    assert WILD not in here.page.content
    assert here.shows(f"{WILD} €0.40")
    await here.open("/desk/orders")
    assert here.shows(f"2 × cola, {WILD}")
    assert not here.shows("ada")  # Who buys is nobody's business.
    await here.open(f"/desk/orders/{order.order_id}")
    assert not here.shows("ada")
    await here.open("/desk/earnings")
    assert here.page.texts["held"] == "€3.40"
    assert here.shows("+€3.40")
    api.clock.now_us += 400 * 1_000_000
    await here.open("/desk/earnings")
    assert (here.page.texts["payable"], here.page.by_id("held")) == ("€3.40", None)


async def test_a_line_and_then_the_rest_are_taken_back_once_for_each_press(
    api: Api, sam: Person, ada: SessionCaller
) -> None:
    cola, tea = await sold_by(api, sam, stock=5), await sold_by(api, sam, "tea", price_cents=80, stock=5)
    order = await api.shop.buy(ada, (cola.product_id, 3), (tea.product_id, 1))
    here = sam.browser
    page = await here.open(f"/desk/orders/{order.order_id}")
    for _ in range(3):
        await here.press("refund", page, product=str(cola.product_id), pieces="1", reason=WILD)
        assert here.page.texts["notice"] == "€1.50 went back to the buyer."
    assert here.shows("3, 1 given back")
    assert await stock_of(api, cola) == 3
    await here.press("refund", product="all", way="write-off")
    assert here.page.texts["notice"] == "€3.80 went back to the buyer."
    assert (await stock_of(api, cola), await stock_of(api, tea)) == (3, 4)
    assert here.page.by_id("refund") is None
    assert len(await api.shop.rows("refunds")) == 2
    await api.shop.assert_clean()


async def test_of_a_shared_order_the_own_lines_alone_are_seen_and_taken_back(
    api: Api, sam: Person, ada: SessionCaller
) -> None:
    cola, house = await sold_by(api, sam), await api.shop.product("tea", price_cents=80)
    order = await api.shop.buy(ada, (cola.product_id, 1), (house.product_id, 1))
    here = sam.browser
    await here.open(f"/desk/orders/{order.order_id}")
    assert not here.shows("tea")
    assert here.shows("Total €1.50")
    await here.post_form("refund", product=str(house.product_id))
    assert (here.status, here.page.texts["product-wrong"]) == (422, "Is not one of those that can be chosen.")
    await here.open(f"/desk/orders/{order.order_id}")
    await here.press("refund")
    assert here.page.texts["notice"] == "€1.50 went back to the buyer."
    assert [line["refunded_quantity"] for line in await api.shop.rows("order_lines")] == [1, 0]
    await api.shop.assert_clean()


@pytest.mark.parametrize(
    ("filled", "beside", "told"),
    [
        ({"product": "999"}, "product", "Is not one of those that can be chosen."),
        ({"product": WILD}, "product", "Is not one of those that can be chosen."),
        ({"pieces": "1"}, "product", "Must be one product where pieces are given."),
        ({"product": "own", "pieces": "3"}, "pieces", "Must be from 1 to 2."),
        ({"product": "own", "pieces": "0"}, "pieces", "Must be from 1 to 2."),
        ({"product": "own", "pieces": "-1"}, "pieces", "Must be from 1 to 2."),
        ({"product": "own", "pieces": "9" * 20}, "pieces", "Must be a whole number."),
        ({"way": "away"}, "way", "Is not one of those that can be chosen."),
        ({"reason": "x" * 201}, "reason", "Must have at most 200 characters."),
    ],
)
async def test_what_cannot_be_taken_back_is_told_beside_its_field(
    api: Api, sam: Person, ada: SessionCaller, filled: dict[str, str], beside: str, told: str
) -> None:
    cola = await sold_by(api, sam)
    order = await api.shop.buy(ada, (cola.product_id, 2))
    before = money_of(await api.shop.books())
    if filled.get("product") == "own":
        filled = filled | {"product": str(cola.product_id)}
    await sam.browser.open(f"/desk/orders/{order.order_id}")
    await sam.browser.press("refund", **filled)
    assert (sam.browser.status, sam.browser.page.texts[f"{beside}-wrong"]) == (422, told)
    assert WILD not in sam.browser.page.content
    assert money_of(await api.shop.books()) == before


async def test_what_is_back_already_is_told_on_an_old_page(api: Api, sam: Person, ada: SessionCaller) -> None:
    cola = await sold_by(api, sam)
    order = await api.shop.buy(ada, (cola.product_id, 2))
    here = sam.browser
    page = await here.open(f"/desk/orders/{order.order_id}")
    await here.press("refund", page, product=str(cola.product_id), pieces="2")
    before = money_of(await api.shop.books())
    await here.press("refund", page, product=str(cola.product_id), pieces="1")
    assert here.status == 422
    await here.press("refund", page, product="all", reason="again")
    assert here.status == 422
    assert money_of(await api.shop.books()) == before


async def test_what_waits_is_handed_out_once_or_cannot_be(api: Api, sam: Person, ada: SessionCaller) -> None:
    cola, house = await sold_by(api, sam, stock=10), await api.shop.product("tea")
    one, two = [
        (await api.shop.buy(ada, (cola.product_id, 1), payment=Payment.TAB)).order_id for _ in range(2)
    ]
    shared = await api.shop.buy(ada, (cola.product_id, 1), (house.product_id, 1), payment=Payment.TAB)
    here = sam.browser
    page = await here.open("/desk")
    assert here.shows("To be handed out")
    assert here.page.by_id(f"hand-out-{shared.order_id}") is None
    for _ in range(2):
        await here.press(f"hand-out-{one}", page)
        assert here.page.texts["notice"] == "Handed out."
    await here.open(f"/desk/orders/{two}")
    failing = here.page
    await here.press(f"fail-{two}")
    assert here.page.texts["notice"] == "The buyer has the money back."
    await here.press(f"hand-out-{two}", failing)
    assert "notice-bad" in here.field("notice")["class"]
    await here.open("/desk/orders?shown=placed")
    assert here.shows("The cashier hands it out.")
    assert not here.shows(f"order {one}")
    key = {"key": "k" * 22}
    answer = await here.post(f"/desk/orders/{shared.order_id}/hand-out", key, follow_redirects=True)
    assert "notice-bad" in answer.text
    assert [row["status"] for row in await api.shop.rows("orders")] == ["dispensed", "failed", "placed"]
    await api.shop.assert_clean()


async def test_the_same_press_at_once_takes_back_once(api: Api, sam: Person, ada: SessionCaller) -> None:
    cola = await sold_by(api, sam)
    order = await api.shop.buy(ada, (cola.product_id, 4))
    await sam.browser.open(f"/desk/orders/{order.order_id}")
    _, path, sent = sam.browser.request("refund", product=str(cola.product_id), pieces="1")
    await asyncio.gather(*(sam.browser.client.post(path, data=sent) for _ in range(5)))
    assert len(await api.shop.rows("refunds")) == 1


async def test_orders_without_own_products_are_not_there(
    api: Api, sam: Person, ada: SessionCaller, new_browser: NewBrowser
) -> None:
    cola, house = await sold_by(api, sam), await api.shop.product("tea")
    mine = await api.shop.buy(ada, (cola.product_id, 1))
    other = await api.shop.buy(ada, (house.product_id, 1))
    before = money_of(await api.shop.books())
    for name, roles, status in (
        ("sue", (Role.SELLER,), 404),
        ("root", (Role.SELLER, Role.ADMIN), 404),
        ("bob", (Role.BUYER,), 403),
        ("kim", (Role.CASHIER,), 403),
    ):
        who = await person(api, new_browser(), name, *roles)
        for number in (mine.order_id, other.order_id, 999):
            await who.browser.open(f"/desk/orders/{number}")
            assert who.browser.status == status, name
            for act, fields in (
                ("refund", {"product": "all", "pieces": "", "way": "shelf", "reason": ""}),
                ("hand-out", {}),
                ("fail", {}),
            ):
                sent = fields | {"key": "k" * 22}
                answer = await who.browser.own_post(f"/desk/orders/{number}/{act}", sent)
                assert answer.status_code == status, (name, act)
        for path in ("", "/orders", "/sales", "/sales/file", "/earnings", "/earnings/file"):
            await who.browser.open(f"/desk{path}")
            assert who.browser.status == (200 if status == 404 else 403), path
            assert not who.browser.shows("cola")
    await sam.browser.open(f"/desk/orders/{other.order_id}")
    assert sam.browser.status == 404
    assert money_of(await api.shop.books()) == before


async def test_the_files_have_what_the_pages_show(api: Api, sam: Person, ada: SessionCaller) -> None:
    cola, house = await sold_by(api, sam, "=cola()"), await api.shop.product("tea")
    await api.shop.buy(ada, (cola.product_id, 2), (house.product_id, 1))
    here = sam.browser
    await here.open("/desk/sales")
    answer = await here.client.get(here.field("save")["href"])
    assert answer.headers["content-disposition"] == 'attachment; filename="sales.csv"'
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert [row[head.index("product_name")] for row in rows] == ["'=cola()"]
    assert [row[head.index("amount_cents")] for row in rows] == ["300"]
    answer = await here.client.get("/desk/earnings/file?from=&to=")
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert [row[-1] for row in rows] == ["0", "300", "300"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("query", "beside", "told"),
    [
        ("from=yesterday", "from", "Must be a day such as 2025-12-31."),
        ("to=2025-02-30", "to", "Must be a day such as 2025-12-31."),
        ("from=2025-03-01&to=2025-02-01", "from", "Must not be after 1 Feb 2025."),
        ("from=1066-10-14", "from", "Must be from 2 Jan 1970 to 1 Jan 9900."),
        ("from=1999-01-01&to=2025-01-01", "from", "Must be within 3700 days of 1 Jan 2025."),
        ("from=%3Cscript%3E", "from", "Must be a day such as 2025-12-31."),
    ],
)
async def test_a_period_that_is_none_is_told_beside_its_day(
    sam: Person, query: str, beside: str, told: str
) -> None:
    for path in ("/desk/sales", "/desk/sales/file", "/desk/earnings/file"):
        await sam.browser.open(f"{path}?{query}")
        assert (sam.browser.status, sam.browser.page.texts[f"{beside}-wrong"]) == (422, told), path
        assert "<script>" not in sam.browser.page.content


@ON_SQLITE
async def test_long_and_short_periods_are_drawn(api: Api, sam: Person, ada: SessionCaller) -> None:
    for number in range(15):
        product = await sold_by(api, sam, f"thing {number:02}", price_cents=10 + number)
        await api.shop.buy(ada, (product.product_id, 1))
    here = sam.browser
    await here.open("/desk/sales?from=2020-01-01&to=2029-01-01")
    assert here.shows("3 others €0.33")  # The last three bring 10 + 11 + 12.
    assert any(found.get("class") == "plot-line" for _, found in here.page.elements)
    await here.open("/desk/sales?from=2020-01-01&to=2020-01-01")
    assert here.shows("Nothing was sold in these days.")
