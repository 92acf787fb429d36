"""The vending machine as a guest uses it, without scripts."""

from __future__ import annotations

import asyncio
import base64
import html
import re

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import browser_sessions, sessions
from tuckshop.operations import metrics
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import FillCoins, SetShelves
from tuckshop.till.commands.products import ChangeProduct


async def stock_of(api: Api, product_id: int) -> int:
    (quantity,) = [
        row["quantity"] for row in await api.shop.rows("shelves") if row["product_id"] == product_id
    ]
    assert isinstance(quantity, int)
    return quantity


async def test_sells_for_coins_and_gives_change(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=65)
    await guest.open()
    assert guest.says == "Hello! Choose something, or insert coins."
    await guest.press(f"choose-{cola.product_id}")
    assert guest.says == "Insert €0.65 more."
    await guest.put_in(50)
    assert (guest.says, guest.credit) == ("Insert €0.15 more.", "€0.50")
    await guest.put_in(50)
    assert guest.says == "Ready. Press Buy."
    await guest.press("buy", change="return")  # 100 in, 65 out: 35 back as 20 + 10 + 5
    assert guest.says == "Enjoy your cola! €0.35 change."
    for fallen in ("cola", "€0.20", "€0.10", "€0.05"):
        assert fallen in guest.tray
    assert guest.credit == "€0.00"
    assert await stock_of(api, cola.product_id) == 9
    await guest.open()
    assert guest.tray == ""  # What was said once is not said again.
    await api.shop.assert_clean()


async def test_sells_at_no_other_price_than_the_page_said(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=50)
    await guest.open()
    await guest.put_in(100)
    await guest.press(f"choose-{cola.product_id}")
    await api.shop.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=100, refundable=False))
    await guest.press("buy")
    assert guest.says == "The price changed. It costs €1.00 now. Check it and buy again."
    assert (guest.credit, guest.page.texts["total"]) == ("€1.00", "€1.00")
    assert await stock_of(api, cola.product_id) == 10
    await guest.press("buy", total="")  # A page of an older release says no total.
    assert await stock_of(api, cola.product_id) == 10
    await guest.press("buy")
    assert (guest.credit, await stock_of(api, cola.product_id)) == ("€0.00", 9)
    await api.shop.assert_clean()


async def test_keeps_the_rest_as_credit_until_the_lever_is_pulled(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=65)
    await guest.open()
    await guest.put_in(100)
    await guest.press(f"choose-{cola.product_id}")
    await guest.press("buy")
    assert (guest.says, guest.credit) == ("Enjoy your cola!", "€0.35")
    await guest.press("lever")
    assert (guest.says, guest.credit) == ("€0.35 returned. Take your coins.", "€0.00")
    await guest.press("lever")
    assert guest.says == "€0.00 is too little to pay out in coins."
    await api.shop.assert_clean()


async def test_sells_several_things_in_one_go(api: Api, guest: Browser) -> None:
    cola, bar = await api.shop.product("cola", price_cents=65), await api.shop.product("bar", price_cents=35)
    await guest.open()
    await guest.put_in(100, 100)
    for name in (cola, bar, cola):
        await guest.press(f"choose-{name.product_id}")
    assert guest.page.texts["total"] == "€1.65"
    await guest.press(f"less-{cola.product_id}")
    assert guest.page.texts["total"] == "€1.00"
    await guest.press("buy")
    assert guest.says == "Enjoy!"
    (order,) = await api.shop.rows("orders")
    assert order["total_cents"] == 100
    assert (await stock_of(api, cola.product_id), await stock_of(api, bar.product_id)) == (9, 9)


async def test_takes_a_code_and_says_which_there_is_none_of(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=65)
    await api.shop.do(SetShelves(OPERATOR, 1, (ShelfPlan(cola.product_id, "A1"),)))
    await guest.open("/m/1?code=a1")
    assert guest.says == "Insert €0.65 more."
    await guest.open("/m/1?code=Z9")
    assert guest.says == "No shelf has the code Z9."
    typed = guest.page.by_id("code")
    assert typed is not None
    assert (typed["value"], typed["aria-invalid"]) == ("Z9", "true")


async def test_gives_the_newest_purchase_back_within_the_window(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=65)
    await guest.open()
    await guest.put_in(100)
    await guest.press(f"choose-{cola.product_id}")
    await guest.press("buy")
    page = guest.page
    await guest.press("undo")
    assert (guest.says, guest.credit) == ("Purchase undone. €0.65 is back in your credit.", "€1.00")
    assert await stock_of(api, cola.product_id) == 10
    await guest.press("undo", page)  # The page from before, once more.
    assert (await stock_of(api, cola.product_id), guest.credit) == (10, "€1.00")

    await guest.press(f"choose-{cola.product_id}")
    await guest.press("buy")
    page = guest.page
    api.clock.forward(301)
    await guest.press("undo", page)
    assert guest.says == "This page was out of date. Press again."
    assert await stock_of(api, cola.product_id) == 9
    await guest.open()
    assert guest.page.by_id("undo") is None
    await api.shop.assert_clean()


async def test_nobody_gives_back_what_somebody_else_has_bought(api: Api, new_browser: NewBrowser) -> None:
    cola = await api.shop.product("cola", price_cents=50)
    ada, eve = new_browser(), new_browser()
    for one in (ada, eve):
        await one.open()
        await one.put_in(50)
        await one.press(f"choose-{cola.product_id}")
        await one.press("buy")
    orders = [row["id"] for row in await api.shop.rows("orders")]
    await eve.press("undo", order=str(orders[0]))
    assert eve.says == "This page was out of date. Press again."
    assert [row["status"] for row in await api.shop.rows("orders")] == ["dispensed", "dispensed"]


async def test_a_press_counts_once_however_often_it_is_sent(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=50)
    await guest.open()
    page = guest.page
    await asyncio.gather(*(guest.press("coin-100", page) for _ in range(5)))  # A trembling finger.
    await guest.open()
    assert guest.credit == "€1.00"
    await guest.press("coin-20", page)  # Back, and another coin: another press.
    assert guest.credit == "€1.20"
    await guest.press(f"choose-{cola.product_id}")
    page = guest.page
    await asyncio.gather(*(guest.press("buy", page) for _ in range(5)))
    assert guest.says == "Enjoy your cola!"
    api.clock.forward(6)
    await guest.press("buy", page)  # The back button, and Buy once more.
    assert guest.says == "This was already done. Press again to repeat it."
    assert len(await api.shop.rows("orders")) == 1
    assert guest.credit == "€0.70"
    await api.shop.assert_clean()


async def test_the_last_can_is_sold_once(api: Api, new_browser: NewBrowser) -> None:
    cola = await api.shop.product("last can", price_cents=50, stock=1)
    guests = [new_browser() for _ in range(4)]
    for one in guests:
        await one.open()
        await one.put_in(50)
        await one.press(f"choose-{cola.product_id}")
    await asyncio.gather(*(one.press("buy") for one in guests))
    assert sorted(one.says for one in guests) == ["Enjoy your last can!"] + ["last can is sold out."] * 3
    assert sorted(one.credit for one in guests) == ["€0.00"] + ["€0.50"] * 3
    assert "is-out" in guests[0].page.content
    await api.shop.assert_clean()


async def test_says_when_only_the_exact_money_will_do(api: Api, guest: Browser) -> None:
    hall = await api.shop.machine("hall", box_kind="counted")
    await api.shop.draw_coins(hall)
    bar = await api.shop.product("bar", price_cents=60, machine_id=hall)
    await guest.open(f"/m/{hall}")
    assert guest.page.texts["lamp"] == "Exact change only"
    await guest.put_in(100)
    await guest.press(f"choose-{bar.product_id}")
    await guest.press("buy", change="return")
    assert (
        guest.says
        == "This machine has no change for €0.40. Pay the exact amount, or keep the change as credit."
    )
    assert metrics.taken(api.running, streams=0).refusals == {"ChangeUnpayable": 1}
    assert (await api.shop.rows("orders"), guest.credit) == ([], "€1.00")
    await api.shop.do(FillCoins(OPERATOR, hall, {50: 10, 20: 10, 10: 10, 5: 10}))
    await guest.open(f"/m/{hall}?pick={bar.product_id}&change=return")
    assert "lamp" not in guest.page.texts
    await guest.press("buy")
    assert guest.says == "Enjoy your bar! €0.40 change."
    await api.shop.assert_clean()


async def test_shows_what_nobody_may_say_is_in_coins(database_url: str) -> None:
    async with (
        serving(database_url) as api,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{api.port}",
            follow_redirects=True,
            headers={"Sec-Fetch-Site": "same-origin"},
        ) as client,
    ):
        cola = await api.shop.product("cola")
        guest = Browser(client)
        await guest.open()
        assert guest.says == "Welcome! Have a look around."
        assert guest.page.by_id("coin-100") is None
        before = await api.shop.books()
        method, path, sent = guest.request("buy", pick=str(cola.product_id))
        assert method == "post"
        await guest.press("buy", pick=str(cola.product_id), total="150")
        assert guest.says == "You need €1.50 more."
        without_total = {name: value for name, value in sent.items() if name != "total"}
        answer = await client.post(path.replace("buy", "coins"), data={**without_total, "coin": "100"})
        assert "Insert coins at the machine, or add money at the counter." in answer.text
        after = await api.shop.books()
        assert after == before  # Who had nothing is not even a row.


async def test_a_guest_holds_no_more_than_a_days_coins(database_url: str) -> None:
    async with (
        serving(database_url, coins=CoinsPolicy.SELF, coins_daily_cap_cents=150) as api,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{api.port}",
            follow_redirects=True,
            headers={"Sec-Fetch-Site": "same-origin"},
        ) as client,
    ):
        await api.shop.draw_coins()
        guest = Browser(client)
        await guest.open()
        await guest.put_in(100, 100)
        assert "You can add €0.50 more today." in guest.says
        await guest.put_in(50)
        assert guest.credit == "€1.50"
        await guest.put_in(5)
        assert guest.credit == "€1.50"
        await api.shop.assert_clean()


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "' onclick='x", "a" * 100],
)
async def test_shows_every_name_as_text(api: Api, guest: Browser, name: str) -> None:
    if "/" in name:
        name = name.replace("/", "")
    wild = await api.shop.product(name, price_cents=50)
    await guest.open()
    await guest.put_in(50)
    await guest.press(f"choose-{wild.product_id}")
    await guest.press("buy")
    assert guest.says == f"Enjoy your {name}!"
    assert not [tag for tag, found in guest.page.elements if "onerror" in found or "onclick" in found]
    scripts = [found for tag, found in guest.page.elements if tag == "script"]
    assert [sorted(one) for one in scripts] == [["src", "type"]]


async def test_shows_a_price_of_today(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=50)
    await guest.open(f"/m/1?pick={cola.product_id}")
    await api.shop.do(ChangeProduct(OPERATOR, cola.product_id, price_cents=80))
    await guest.open(f"/m/1?pick={cola.product_id}")
    assert guest.page.texts["total"] == "€0.80"


@pytest.mark.parametrize(
    "query",
    [
        *("pick=0", "pick=-1", "pick=1.0", "pick=1.99", "pick=" + "9" * 400, "pick=1-" * 500, "pick=١"),
        *("pick=%ff%fe", "pick=1&pick=2", "add=x", "add=99999999999999999999", "drop=" + "9" * 30),
        *("code=" + "z" * 4000, "code=%00", "change=maybe", "unknown=1"),
    ],
)
async def test_an_odd_address_is_a_page_all_the_same(api: Api, guest: Browser, query: str) -> None:
    await api.shop.product("cola")
    await guest.open(f"/m/1?{query}")
    assert guest.answer is not None
    assert guest.answer.status_code == 200


async def test_odd_machines_are_not_found(guest: Browser) -> None:
    for path in ("/m/0", "/m/2", "/m/01", "/m/x", "/m/-1", "/m/" + "9" * 30, "/m/1_0", "/m/١"):
        await guest.open(path)
        assert guest.answer is not None
        assert guest.answer.status_code == 404, path


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"key": ""}, 400),
        ({"key": "short"}, 400),
        ({"key": "x" * 65}, 400),
        ({"key": "ä" * 20}, 400),
        ({"coin": "7"}, 200),
        ({"coin": "0"}, 200),
        ({"coin": "-100"}, 200),
        ({"coin": "1e2"}, 200),
        ({"coin": "9" * 300}, 200),
        ({"coin": "9" * 18}, 200),
        ({"coin": "100\0"}, 400),
        ({"pick": "x" * 9_000}, 400),
        ({"more": "1"}, 400),
    ],
)
async def test_a_form_that_is_not_ours_writes_nothing(
    api: Api, guest: Browser, change: dict[str, str], status: int
) -> None:
    await guest.open()
    _, path, sent = guest.request("coin-100")
    answer = await guest.client.post(path, data=sent | change)
    assert answer.status_code == status
    assert await api.shop.rows("transfers") == []


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 400),
        (b"key=%ff", "application/x-www-form-urlencoded", 400),
        (b"key=a&key=a", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 60, "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"key=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"--x", "multipart/form-data; boundary=x", 415),
    ],
)
async def test_a_body_that_is_no_form_is_a_page_that_says_so(
    api: Api, guest: Browser, body: bytes, media_type: str, status: int
) -> None:
    await guest.open()
    for path in ("/m/1/coins", "/m/1/return"):
        answer = await guest.client.post(path, content=body, headers={"Content-Type": media_type})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert await api.shop.rows("transfers") == []


async def test_takes_no_form_from_another_site(api: Api, guest: Browser) -> None:
    await guest.open()
    _, path, sent = guest.request("coin-100")
    for foreign in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        answer = await guest.client.post(path, data=sent, headers=foreign)
        assert answer.status_code == 400, foreign
    assert await api.shop.rows("transfers") == []
    for forged in ({"form": ""}, {"form": "x" * 43}, {"form": sent["form"][::-1]}):
        assert (await guest.client.post(path, data=sent | forged)).status_code == 400
    assert await api.shop.rows("transfers") == []
    own = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{api.port}"}
    assert (await guest.client.post(path, data=sent, headers=own)).status_code == 200
    assert len(await api.shop.rows("transfers")) == 1


async def test_without_the_pages_cookie_nothing_is_anybodys(api: Api, guest: Browser) -> None:
    await guest.open()
    _, path, sent = guest.request("coin-100")
    guest.client.cookies.delete("tuckshop_guest")
    answer = await guest.client.post(path, data=sent)
    assert "This page was out of date" in answer.text
    assert await api.shop.rows("guests") == []


async def test_a_forged_note_is_shown_as_text_or_not_at_all(api: Api, guest: Browser) -> None:
    for note in (
        b'{"event":"refused","text":"<b>hi</b>"}',
        b'{"event":"bought","products":{"999":5},"coins":{"3":9999}}',
        b'{"event":"nonsense"}',
        b'{"event":"bought","cents":-5}',
        b"[]",
        b"\xff",
    ):
        cookie = base64.urlsafe_b64encode(note).decode()
        await guest.open("/", headers={"Cookie": f"tuckshop_note={cookie}"})
        assert guest.answer is not None
        assert guest.answer.status_code == 200
        assert "<b>hi" not in guest.page.content
    await guest.open("/", headers={"Cookie": "tuckshop_note=%%%; tuckshop_guest=x; tuckshop_machine=1-x"})
    assert guest.answer is not None
    assert guest.answer.status_code == 200


async def test_whoever_is_signed_in_uses_their_own_wallet(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=65)
    who = await api.registered("ada")
    buyer = api.running.tokens.caller(who["access"])
    entered = await browser_sessions.log_in(api.running, username="ada", password="correct horse")
    guest.client.cookies.set("tuckshop", entered.secret, domain="127.0.0.1")
    await guest.open()
    assert '<a class="who" href="/account">ada</a>' in guest.page.content
    await guest.put_in(100)
    await guest.press(f"choose-{cola.product_id}")
    await guest.press("buy")
    assert (guest.says, guest.credit) == ("Enjoy your cola!", "€0.35")
    await guest.press("undo")
    assert guest.credit == "€1.00"
    assert [row["buyer_id"] for row in await api.shop.rows("orders")] == [buyer.user_id]
    page = guest.page
    await sessions.end_all(api.running, user_id=buyer.user_id)
    await guest.press("coin-100", page)  # From a page of before: nobody's any more.
    assert guest.path == "/login?next=%2F"
    await guest.open()
    assert "tuckshop" not in guest.client.cookies
    assert (guest.credit, 'href="/login?next=/m/1"' in guest.page.content) == ("€0.00", True)
    wallets = {row["balance_cents"] for row in await api.shop.rows("accounts") if row["user_id"]}
    assert wallets == {100}
    await api.shop.assert_clean()


async def test_shows_the_shelves_of_a_category_and_keeps_the_choice(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=65, category="Drinks")
    tea = await api.shop.product("tea", category="DRINKS")
    await guest.open()
    assert guest.page.by_id("categories") is None  # There is no choice yet.
    bar = await api.shop.product("bar", category="<b>Sweet & sour")
    gum = await api.shop.product("gum")

    def slots() -> set[int]:
        named = ((one, guest.page.by_id(f"slot-{one.product_id}")) for one in (cola, tea, bar, gum))
        return {one.product_id for one, found in named if found is not None}

    await guest.open()
    assert slots() == {cola.product_id, tea.product_id, bar.product_id, gum.product_id}
    assert "&lt;b&gt;Sweet &amp; sour" in guest.page.content
    await guest.press(f"choose-{cola.product_id}")
    hrefs = re.findall(r'<a href="(/m/1[^"]*)"[^>]*>(?:All|DRINKS|Drinks|&lt;b&gt;)', guest.page.content)
    assert len(hrefs) == 3
    sweet = next(html.unescape(one) for one in hrefs if "Sweet" in one)
    assert f"pick={cola.product_id}" in sweet
    await guest.open(sweet)
    assert slots() == {bar.product_id}
    assert guest.says == "Insert €0.65 more."  # What was chosen is kept, on whatever shelf it is.
    await guest.put_in(100)
    assert slots() == {bar.product_id}  # So is the category, by every press.
    await guest.press(f"choose-{bar.product_id}")
    assert slots() == {bar.product_id}
    await guest.open("/m/1?category=drinks")
    assert slots() == {cola.product_id, tea.product_id}
    await guest.open("/m/1?category=nothing%00")
    assert slots() == {cola.product_id, tea.product_id, bar.product_id, gum.product_id}


async def test_strangers_make_no_rows_by_looking_pressing_or_coins_that_nobody_takes(
    database_url: str,
) -> None:
    """The fault of 3366d97: each new cookie that pressed a button was a row for ever."""
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with serving(database_url) as api:
        cola = await api.shop.product("cola")
        before = await api.shop.books()
        for number in range(5):
            base_url = f"http://127.0.0.1:{api.port}"
            async with httpx.AsyncClient(base_url=base_url, follow_redirects=True, headers=headers) as client:
                stranger = Browser(client)
                await stranger.open()
                await stranger.press("buy", pick=str(cola.product_id), total="150")
                assert stranger.says == "You need €1.50 more."
                _, path, sent = stranger.request("buy", pick=str(cola.product_id))
                del sent["total"]
                for coin in ("100", "7", "0", "-5", "", "x", "9" * 40, str(2**63)):
                    for machine in ("/m/1/", "/m/999/"):
                        coins = path.replace("buy", "coins").replace("/m/1/", machine)
                        answer = await client.post(coins, data={**sent, "coin": coin})
                        assert answer.status_code < 500
                        if (coin, machine) == ("100", "/m/1/"):
                            assert "Insert coins at the machine" in answer.text
                for button in ("return", "undo"):
                    await client.post(path.replace("buy", button), data={**sent, "order": "1"})
            assert await api.shop.books() == before, number
