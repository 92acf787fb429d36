"""What somebody sees and does about their own orders and money."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import dataclass

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser, joined
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.identity import sessions
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.transfers import ReverseTransfer
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WILD = "<script>alert(1)"


@dataclass
class Person:
    """Somebody who is logged in, in a browser and by a caller of their own."""

    user_id: int
    caller: SessionCaller
    browser: Browser


async def person(api: Api, browser: Browser, name: str, *roles: Role, cents: int = 0) -> Person:
    """Logged in, with so much in the wallet (in 50 cent coins)."""
    user_id = await joined(api, name, *roles)
    if cents:
        await api.shop.do(Deposit(OPERATOR, wallet_of(user_id), {50: cents // 50}))
    caller = api.running.tokens.caller((await api.logged_in(name))["access"])
    await browser.log_in(name)
    return Person(user_id, caller, browser)


@pytest.fixture
async def ada(api: Api, guest: Browser) -> Person:
    """A buyer with €10.00, at her overview."""
    found = await person(api, guest, "ada", cents=1_000)
    await guest.open("/account")
    return found


async def test_an_order_is_seen_and_given_back_once(api: Api, ada: Person) -> None:
    cola = await api.shop.product("cola", price_cents=150, stock=5)
    order = await api.shop.buy(ada.caller, (cola.product_id, 2))
    here = ada.browser
    page = await here.open("/account")
    assert here.page.texts["balance"] == "€7.00"
    assert here.shows("2 × cola")
    assert here.shows("completed")
    await here.press(f"give-back-{order.order_id}")
    assert here.path == f"/account/orders/{order.order_id}"
    assert here.page.texts["notice"] == "Returned. €3.00 is back in your wallet."
    assert here.shows("refunded")
    await here.press(f"give-back-{order.order_id}", page)  # The same press once more.
    assert here.page.texts["notice"] == "Returned. €3.00 is back in your wallet."
    await here.open("/account")
    assert here.page.texts["balance"] == "€10.00"
    assert here.page.by_id(f"give-back-{order.order_id}") is None
    assert "notice" not in here.page.texts  # Told once.
    assert len(await api.shop.rows("refunds")) == 1
    await api.shop.assert_clean()


async def test_one_product_of_several_is_given_back(api: Api, ada: Person) -> None:
    cola, tea = await api.shop.product("cola", price_cents=150), await api.shop.product("tea", price_cents=80)
    kept = await api.shop.product(WILD, price_cents=20, refundable=False)
    order = await api.shop.buy(ada.caller, (cola.product_id, 2), (tea.product_id, 1), (kept.product_id, 1))
    here, path = ada.browser, f"/account/orders/{order.order_id}"
    await here.open(path)
    assert WILD not in here.page.content
    assert here.page.by_id(f"give-back-{order.order_id}") is None  # Not all of it can go back.
    assert here.page.by_id(f"give-back-{order.order_id}-{kept.product_id}") is None
    await here.press(f"give-back-{order.order_id}-{cola.product_id}")
    assert here.page.texts["notice"] == "Returned. €3.00 is back in your wallet."
    assert here.shows("2, 2 returned")
    assert here.shows("partly refunded")
    for product in (kept.product_id, cola.product_id, 999):
        before = await api.shop.books()
        await here.post_form(f"give-back-{order.order_id}-{tea.product_id}", product=str(product))
        assert here.page.by_id("notice") is not None
        assert "notice-bad" in here.field("notice")["class"]
        assert money_of(await api.shop.books()) == money_of(before)
    await here.post_form(f"give-back-{order.order_id}-{tea.product_id}", product="x")
    assert here.status == 404
    await api.shop.assert_clean()


async def test_after_the_window_nothing_goes_back(api: Api, ada: Person) -> None:
    cola = await api.shop.product("cola", price_cents=150)
    order = await api.shop.buy(ada.caller, (cola.product_id, 1))
    page = await ada.browser.open("/account/orders")
    api.clock.now_us += 301 * 1_000_000
    await ada.browser.press(f"give-back-{order.order_id}", page)
    assert ada.browser.page.texts["notice"] == "Purchases can be returned within 300 seconds. Ask a cashier."
    assert "notice-bad" in ada.browser.field("notice")["class"]
    await ada.browser.open("/account/orders")
    assert ada.browser.page.by_id(f"give-back-{order.order_id}") is None
    assert await api.shop.rows("refunds") == []


async def test_a_placed_order_is_called_off_once(api: Api, ada: Person) -> None:
    await api.shop.execute("UPDATE users SET tab_limit_cents = 1000")
    cola = await api.shop.product("cola", price_cents=150)
    order = await api.shop.buy(ada.caller, (cola.product_id, 2), payment=Payment.TAB)
    here = ada.browser
    page = await here.open("/account")
    assert (here.page.texts["owed"], here.shows("placed"), here.shows("on the tab")) == ("€3.00", True, True)
    for _ in range(2):
        await here.press(f"cancel-{order.order_id}", page)
        assert here.page.texts["notice"] == "Order cancelled."
    await here.open("/account")
    assert (here.page.by_id("owed"), here.shows("cancelled")) == (None, True)
    await api.shop.assert_clean()


async def test_the_orders_of_others_are_not_there(api: Api, ada: Person, new_browser: NewBrowser) -> None:
    cola = await api.shop.product("cola", price_cents=150)
    order = await api.shop.buy(ada.caller, (cola.product_id, 1))
    page = await ada.browser.open(f"/account/orders/{order.order_id}")
    sent = page.fields(page.form_of(f"give-back-{order.order_id}"))
    for name, roles in {
        "bob": (Role.BUYER,),
        "sam": (Role.BUYER, Role.SELLER),
        "kim": (Role.BUYER, Role.CASHIER),
        "root": (Role.BUYER, Role.ADMIN),  # In the office they may; here they are buyers like all others.
    }.items():
        other = await person(api, new_browser(), name, *roles)
        await other.browser.open("/account")
        assert not other.browser.shows("cola")
        await other.browser.open(f"/account/orders/{order.order_id}")
        assert other.browser.status == 404
        for act in ("give-back", "cancel"):
            fields = {"key": sent["key"]} | ({"product": ""} if act == "give-back" else {})
            answer = await other.browser.own_post(f"/account/orders/{order.order_id}/{act}", fields)
            assert answer.status_code == 404
    for number in ("0", "01", "1_0", "x", "9" * 30, "-1", "١"):
        await ada.browser.open(f"/account/orders/{number}")
        assert ada.browser.status == 404, number
    assert await api.shop.rows("refunds") == []


@ON_SQLITE
async def test_who_has_no_wallet_has_no_orders_and_sends_nothing(api: Api, guest: Browser) -> None:
    await person(api, guest, "sam", Role.SELLER)
    await guest.open("/account")
    assert guest.shows("Only buyers have a wallet. Your roles: seller.")
    for path in ("/account/orders", "/account/statement", "/account/statement/file", "/account/send"):
        await guest.open(path)
        assert guest.status == 403, path
    assert (await guest.own_post("/account/send", {"to": "ada"})).status_code == 403
    await guest.open("/account/profile")
    assert guest.status == 200


@ON_SQLITE
async def test_a_long_list_goes_on_page_by_page(api: Api, ada: Person) -> None:
    cola = await api.shop.product("cola", price_cents=5, stock=100)
    made = [(await api.shop.buy(ada.caller, (cola.product_id, 1))).order_id for _ in range(45)]
    here = ada.browser
    seen: list[int] = []
    await here.open("/account/orders")
    for length in (20, 20, 5):
        found = [
            int(one["id"].removeprefix("order-"))
            for _, one in here.page.elements
            if one.get("id", "").startswith("order-")
        ]
        assert len(found) == length
        seen += found
        if length == 20:
            await here.open(here.field("older")["href"])
    assert seen == sorted(made, reverse=True)
    assert here.page.by_id("older") is None
    for before in ("x", "0", "-1", "9" * 30):
        await here.open(f"/account/orders?before={before}")
        assert here.status == 200


async def test_money_is_sent_once_to_whom_it_is_meant(api: Api, ada: Person) -> None:
    bob = await joined(api, "bob")
    here = ada.browser
    page = await here.open("/account/send")
    for _ in range(3):  # A double click, and the back button.
        await here.press("send", page, to=" Bob ", amount="2,50", reason=WILD)
        assert here.path == "/account/statement"
        assert here.page.texts["notice"] == "€2.50 sent to bob."
    assert here.page.texts["balance"] == "€7.50"
    assert here.shows("Sent to bob")
    assert WILD not in here.page.content
    assert here.shows(WILD)
    sent = [row for row in await api.shop.rows("transfers") if row["kind"] == "transfer"]
    assert [(row["amount_cents"], row["reason"]) for row in sent] == [(250, WILD)]
    held = {row["user_id"]: row["balance_cents"] for row in await api.shop.rows("accounts") if row["user_id"]}
    assert held == {ada.user_id: 750, bob: 250}
    await api.shop.assert_clean()


async def test_the_same_press_at_once_sends_once(api: Api, ada: Person) -> None:
    await joined(api, "bob")
    await ada.browser.open("/account/send")
    _, path, sent = ada.browser.request("send", to="bob", amount="1", reason="")
    answers = await asyncio.gather(*(ada.browser.client.post(path, data=sent) for _ in range(5)))
    assert [answer.url.path for answer in answers] == ["/account/statement"] * 5
    assert len([row for row in await api.shop.rows("transfers") if row["kind"] == "transfer"]) == 1


@pytest.mark.parametrize(
    ("filled", "beside", "told"),
    [
        ({"to": ""}, "to", "This field is required."),
        ({"to": "nobody"}, "to", "There is no user nobody."),
        ({"to": WILD}, "to", f"There is no user {WILD}."),
        ({"to": "ada"}, "to", "Must be another user."),
        ({"to": "sam"}, "to", None),
        ({"to": "x" * 65}, "to", "Use at most 64 characters."),
        ({"amount": ""}, "amount", "This field is required."),
        ({"amount": "0"}, "amount", "Must be at least €0.01."),
        ({"amount": "-5"}, "amount", "Must be a number such as 2.20."),
        ({"amount": "1e3"}, "amount", "Must be a number such as 2.20."),
        ({"amount": "2.005"}, "amount", "Must have at most 2 decimals."),
        ({"amount": "10.01"}, "amount", "This costs €10.01, but the wallet has only €10.00."),
        ({"amount": "9999999999999"}, "amount", None),
        ({"reason": "x" * 201}, "reason", "Use at most 200 characters."),
    ],
)
async def test_what_cannot_be_sent_is_told_beside_its_field(
    api: Api, ada: Person, filled: dict[str, str], beside: str, told: str | None
) -> None:
    await joined(api, "bob")
    await joined(api, "sam", Role.SELLER)
    before = money_of(await api.shop.books())
    here = ada.browser
    await here.open("/account/send")
    typed = {"to": "bob", "amount": "2.50", "reason": "lunch"} | filled
    await here.press("send", **typed)
    assert here.status == 422
    assert told in (None, here.page.texts[f"{beside}-wrong"]), here.page.texts[f"{beside}-wrong"]
    assert {name: here.field(name)["value"] for name in typed} == typed
    assert WILD not in here.page.content
    assert money_of(await api.shop.books()) == before


async def test_the_statement_shows_the_balance_after_each_movement(api: Api, ada: Person) -> None:
    cola = await api.shop.product("cola", price_cents=150, stock=50)
    for _ in range(3):
        await api.shop.buy(ada.caller, (cola.product_id, 1))
    here = ada.browser
    await here.open("/account/statement")
    assert here.shows("Purchase")
    assert [here.shows(balance) for balance in ("€10.00", "€8.50", "€7.00", "€5.50")] == [True] * 4
    answer = await here.client.get("/account/statement/file")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="statement.csv"'
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert head[-2:] == ["amount_cents", "balance_cents"]
    assert [row[-1] for row in rows] == ["0", "1000", "850", "700", "550", "550"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("query", "beside", "told"),
    [
        ("from=yesterday", "from", "Enter a date such as 2025-12-31."),
        ("to=2025-02-30", "to", "Enter a date such as 2025-12-31."),
        ("from=2025-03-01&to=2025-02-01", "from", "Must not be after 1 Feb 2025."),
        ("from=1066-10-14", "from", "Must be from 2 Jan 1970 to 1 Jan 9900."),
        ("from=1999-01-01&to=2025-01-01", "from", "Must be within 3700 days of 1 Jan 2025."),
        ("from=%3Cscript%3E", "from", "Enter a date such as 2025-12-31."),
    ],
)
async def test_a_period_that_is_none_is_told_beside_its_day(
    ada: Person, query: str, beside: str, told: str
) -> None:
    await ada.browser.open(f"/account/statement/file?{query}")
    assert ada.browser.status == 422
    assert ada.browser.page.texts[f"{beside}-wrong"] == told
    assert "<script>" not in ada.browser.page.content


async def test_after_the_session_nothing_is_done_and_the_log_in_leads_back(api: Api, ada: Person) -> None:
    await joined(api, "bob")
    here = ada.browser
    await here.open("/account/send?to=bob")
    await sessions.end_all(api.running, user_id=ada.user_id)
    before = money_of(await api.shop.books())
    _, path, sent = here.request("send", amount="1")
    headers = {"Referer": f"{here.client.base_url}/account/send?to=bob"}
    here.look(await here.client.post(path, data=sent, headers=headers))
    assert here.path == "/login?next=%2Faccount%2Fsend%3Fto%3Dbob"
    assert money_of(await api.shop.books()) == before
    await here.press("log-in", username="ada", password="correct horse")
    assert here.path == "/account/send?to=bob"
    assert here.field("to")["value"] == "bob"


def money_of(books: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    """What no refusal may change; that it was refused is remembered elsewhere."""
    return {name: books[name] for name in ("accounts", "transfers", "orders", "order_lines", "refunds")}


async def test_the_statement_says_what_was_reversed_and_why(api: Api, ada: Person) -> None:
    wrong = await api.shop.do(Deposit(OPERATOR, wallet_of(ada.caller.user_id), {100: 2}))
    assert isinstance(wrong, CoinsDeposited)
    await api.shop.do(ReverseTransfer(OPERATOR, wrong.transfer_id, "was 0.50"))
    await ada.browser.open("/account/statement")
    assert ada.browser.shows("Reversed: Coins inserted")
    assert ada.browser.shows("was 0.50")
