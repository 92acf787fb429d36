"""Money without machines: payouts, top-ups, the counter, tabs, and what guests leave behind."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.test_office_machines import ON_SQLITE, WILD, cas, kept, root
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.machines import FillCoins
from tuckshop.till.commands.wallet import Deposit, PayOut

__all__ = ["cas", "root"]  # Fixtures.
DAY_US = 86_400 * 1_000_000
KEY = "k" * 22


async def sold(api: Api, *quantities: int) -> int:
    """A seller who has sold so many for €1.50 each, past being returned but for the last; their id."""
    seller = await api.shop.person(WILD, Role.SELLER)
    cola = await api.shop.product("cola", price_cents=150, stock=50, seller=seller)
    ada = await api.shop.buyer("ada", cents=5_000)
    for quantity in quantities:
        api.clock.now_us += 301 * 1_000_000
        await api.shop.buy(ada, (cola.product_id, quantity))
    assert seller.user_id is not None
    return seller.user_id


async def owing(api: Api, cents: int = 300) -> SessionCaller:
    """Ada, who owes as much."""
    ada = await api.shop.buyer("ada", cents=100)
    await api.shop.execute("UPDATE users SET tab_limit_cents = 1000 WHERE id = :id", id=ada.user_id)
    tea = await api.shop.product("tea", price_cents=cents)
    await api.shop.buy(ada, (tea.product_id, 1), payment=Payment.TAB)
    return ada


async def test_a_seller_is_paid_what_is_payable_once(api: Api, root: Browser) -> None:
    seller_id = await sold(api, 4, 2)
    await root.open("/office/payouts")
    assert root.shows("€6.00 available")
    assert root.shows("€3.00 is held back")
    assert WILD not in root.page.content
    page = await root.open(f"/office/payouts/{seller_id}")
    told = [root.page.texts[name] for name in ("payable", "held-back", "earned")]
    assert told == ["€6.00", "€3.00", "€9.00"]
    for _ in range(2):  # Pressed twice, it counts once.
        await root.press("pay", page, amount="2,50", external_ref="bank 1", reason="October")
        assert root.page.texts["notice"] == "€2.50 paid. The reference is bank 1."
    assert root.shows("bank 1")
    before = kept(await api.shop.books())
    await root.press("pay", external_ref="bank 1")
    assert root.page.texts["external_ref-wrong"].startswith("The reference bank 1 was used for transfer ")
    assert root.field("external_ref")["value"] == "bank 1"
    assert kept(await api.shop.books()) == before
    await root.press("pay", external_ref="bank 2")  # All the rest.
    assert root.page.texts["notice"] == "€3.50 paid. The reference is bank 2."
    await root.press("pay", external_ref="bank 3")
    assert root.page.texts["amount-wrong"] == "€0.00 of the €3.00 earned is available for payout."
    await api.shop.assert_clean()


@ON_SQLITE
@pytest.mark.parametrize(
    ("filled", "field", "complaint"),
    [
        ({"amount": "0"}, "amount", "Must be at least €0.01."),
        ({"amount": "much"}, "amount", "Must be a number such as 2.20."),
        ({"amount": "6.01"}, "amount", "€6.00 of the €9.00 earned is available for payout."),
        ({"amount": "9" * 15}, "amount", "Must be at most €10,000,000,000,000.00."),
        ({"external_ref": " "}, "external_ref", "This field is required."),
        ({"external_ref": "x" * 129}, "external_ref", "Use at most 128 characters."),
        ({"reason": "x" * 201}, "reason", "Use at most 200 characters."),
    ],
)
async def test_a_payout_is_refused_beside_its_field(
    api: Api, root: Browser, filled: dict[str, str], field: str, complaint: str
) -> None:
    seller_id = await sold(api, 4, 2)
    await root.open(f"/office/payouts/{seller_id}")
    before = kept(await api.shop.books())
    await root.press("pay", **{"external_ref": "bank 1"} | filled)
    assert (root.status, root.page.texts[f"{field}-wrong"]) == (422, complaint)
    assert root.field(field)["value"] == filled[field]
    assert kept(await api.shop.books()) == before


@ON_SQLITE
async def test_earnings_are_saved_for_a_spreadsheet(api: Api, cas: Browser) -> None:
    await sold(api, 4)
    answer = await cas.client.get("/office/payouts/file")
    assert answer.headers["content-disposition"] == 'attachment; filename="earnings.csv"'
    head, row = csv.reader(io.StringIO(answer.text))
    assert dict(zip(head, row, strict=True))["amount_cents"] == "600"
    await cas.open("/office/payouts/file?from=tomorrow")
    assert (cas.status, cas.page.texts["from-wrong"]) == (422, "Enter a date such as 2025-12-31.")
    await cas.open("/office/payouts/file?from=2025-03-02&to=2025-03-01")
    assert cas.status == 422


async def test_a_wallet_is_topped_up_once_for_each_reference(api: Api, root: Browser) -> None:
    ada = await api.shop.buyer("ada")
    page = await root.open("/office/topups")
    for _ in range(2):
        await root.press("top-up", page, user="ADA", amount="20", external_ref=WILD, reason="May")
        assert root.page.texts["notice"] == "€20.00 added for ada, who has €20.00 now."
    assert root.shows(WILD)
    assert WILD not in root.page.content
    before = kept(await api.shop.books())
    await root.press("top-up", user="ada", amount="30", external_ref=WILD)
    assert root.status == 422
    assert "was used for transfer" in root.page.texts["external_ref-wrong"]
    assert (root.field("user")["value"], root.field("amount")["value"]) == ("ada", "30")
    assert kept(await api.shop.books()) == before
    (account,) = [row for row in await api.shop.rows("accounts") if row["user_id"] == ada.user_id]
    assert account["balance_cents"] == 2_000
    await api.shop.assert_clean()


@ON_SQLITE
@pytest.mark.parametrize(
    ("filled", "field", "complaint"),
    [
        ({"user": "nobody"}, "user", "There is no user nobody."),
        ({"user": "a/b"}, "user", "There is no user a/b."),
        ({"amount": "-5"}, "amount", "Must be a number such as 2.20."),
        ({"amount": "10000000000000.00"}, "amount", None),
        ({"amount": "1.234"}, "amount", "Must have at most 2 decimals."),
        ({"external_ref": ""}, "external_ref", "This field is required."),
    ],
)
async def test_a_top_up_is_refused_beside_its_field(
    api: Api, root: Browser, filled: dict[str, str], field: str, complaint: str | None
) -> None:
    await api.shop.buyer("ada", cents=100)
    await root.open("/office/topups")
    before = kept(await api.shop.books())
    await root.press("top-up", **{"user": "ada", "amount": "1", "external_ref": "bank 1"} | filled)
    assert root.status == 422
    assert complaint in (None, root.page.texts[f"{field}-wrong"])
    assert root.field(field)["value"] == filled[field]
    assert kept(await api.shop.books()) == before


async def test_two_top_ups_with_one_reference_at_once_count_once(api: Api, root: Browser) -> None:
    await api.shop.buyer("ada")
    sent = []
    for _ in range(4):  # Four pages, each with a key of its own.
        await root.open("/office/topups")
        sent.append(root.request("top-up", None, user="ada", amount="5", external_ref="bank 1"))
    answers = await asyncio.gather(*(root.client.post(path, data=data) for _, path, data in sent))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422]
    assert len(await api.shop.rows("transfers")) == 1
    await api.shop.assert_clean()


async def test_a_tab_is_settled_in_coins_and_by_bank(api: Api, cas: Browser) -> None:
    ada = await owing(api)
    await cas.open("/office/tabs")
    assert cas.page.texts[f"owed-{ada.user_id}"] == "€3.00"
    page = await cas.open(f"/office/tabs/{ada.user_id}")
    for _ in range(2):
        await cas.press("settle-bank", page, amount="1", external_ref="bank 1")
        assert cas.page.texts["notice"] == "€1.00 paid. €2.00 is still owed, and the wallet has €1.00."
    before = kept(await api.shop.books())
    await cas.press("settle-bank", amount="1", external_ref="bank 1")
    assert "was used for transfer" in cas.page.texts["external_ref-wrong"]
    await cas.press("settle-bank", amount="2.01", external_ref="bank 2")
    assert cas.page.texts["amount-wrong"] == "The tab owes €2.00, so €2.01 is too much."
    await cas.press("settle-coins", machine="1")
    assert cas.page.texts["pay-coins-wrong"] == "Must include at least one coin."
    await cas.press("settle-coins", **{"machine": "77", "coin-50": "1"})
    assert cas.page.texts["machine-wrong"] == "There is no machine 77."
    assert kept(await api.shop.books()) == before
    page = await cas.open(f"/office/tabs/{ada.user_id}")
    for _ in range(2):
        await cas.press("settle-coins", page, **{"machine": "1", "coin-100": "2", "coin-50": "1"})
        assert cas.page.texts["notice"] == "€2.00 paid. €0.00 is still owed, and the wallet has €1.50."
    before = kept(await api.shop.books())
    await cas.press("settle-coins", page, **{"machine": "1", "coin-100": "1"})  # Long paid.
    assert cas.status == 422
    assert kept(await api.shop.books()) == before
    await api.shop.assert_clean()


async def test_coins_over_the_counter_for_a_user(api: Api, cas: Browser) -> None:
    await api.shop.buyer("ada")
    await cas.open("/office/counter")
    page = await cas.press("find", name="ADA")
    assert cas.page.texts["held"] == "€0.00"
    for _ in range(2):
        await cas.press("deposit", page, **{"machine": "1", "coin-100": "1", "coin-50": "1"})
        assert cas.page.texts["notice"] == "€1.50 added. ada has €1.50 now."
    page = cas.page
    for _ in range(2):
        await cas.press("pay-out", page, machine="1")
        assert cas.page.texts["notice"] == "Pay out €1.50: 1 × €1.00, 1 × €0.50."
    assert cas.page.texts["held"] == "€0.00"
    assert len(await api.shop.rows("transfers")) == 2
    await api.shop.assert_clean()


async def test_coins_over_the_counter_for_a_guest_called_like_a_user(api: Api, cas: Browser) -> None:
    ada = await api.shop.buyer("ada", cents=700)
    await cas.open("/office/counter?who=guest&name=ada")
    assert cas.shows("a new guest")
    assert await api.shop.rows("guests") == []  # Looking makes nobody.
    await cas.press("deposit", **{"machine": "1", "coin-20": "2"})
    assert cas.page.texts["notice"] == "€0.40 added. ada has €0.40 now."
    balances = {
        row["user_id"]: row["balance_cents"]
        for row in await api.shop.rows("accounts")
        if row["kind"] == "wallet"
    }
    assert balances == {ada.user_id: 700, None: 40}
    await api.shop.assert_clean()


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("?name=nobody", "There is no user nobody."),
        ("?who=ghost&name=ada", None),
        ("?who=guest&name=a%2Fb", "Must not contain slashes or invisible characters."),
        ("?name=%00", "There is no user \0."),
        (f"?name={'x' * 65}", "Use at most 64 characters."),
        ("?who=guest&name=%3Cscript%3E", ""),
    ],
)
async def test_whoever_is_not_there_is_told_beside_the_name(
    api: Api, cas: Browser, path: str, told: str | None
) -> None:
    await cas.open(f"/office/counter{path}")
    assert cas.status == (200 if told == "" else 422)
    assert told in (None, "") or "name-wrong" in cas.page.texts
    assert "<script>" not in cas.page.content
    assert await api.shop.rows("guests") == []


@ON_SQLITE
async def test_a_changer_without_the_coins_pays_nothing_out(api: Api, cas: Browser) -> None:
    hall = await api.shop.machine("hall")
    await api.shop.do(FillCoins(OPERATOR, hall, {50: 1}))
    await api.shop.buyer("ada", cents=120)
    await cas.open("/office/counter?name=ada")
    before = kept(await api.shop.books())
    await cas.press("pay-out", machine=str(hall))
    assert (cas.status, "out-machine-wrong" in cas.page.texts) == (422, True)
    await cas.press("pay-out", machine="x")
    assert cas.page.texts["out-machine-wrong"] == "Must be a whole number."
    await cas.press("deposit", **{"machine": "1", "coin-50": "10001"})
    assert cas.page.texts["put-50-wrong"] == "Must be from 0 to 10,000."
    await cas.press("deposit", **{"machine": "1", "coin-50": ""})
    assert cas.page.texts["put-coins-wrong"] == "Must include at least one coin."
    assert kept(await api.shop.books()) == before


async def test_money_left_behind_goes_to_nobody_after_so_many_days(
    api: Api, root: Browser, cas: Browser
) -> None:
    door, late = await api.shop.guest(WILD), await api.shop.guest("late")
    await api.shop.do(Deposit(OPERATOR, door, {50: 3}))
    api.clock.now_us += 100 * DAY_US
    await api.shop.do(Deposit(OPERATOR, late, {20: 1}))
    await cas.log_in("cas")
    await cas.open("/office/left-behind")
    assert (cas.shows(WILD), cas.shows("late"), cas.page.by_id("sweep")) == (True, True, None)
    assert WILD not in cas.page.content
    await cas.press("look", days="99")
    assert (cas.shows(WILD), cas.shows("late")) == (True, False)
    await cas.press("look", days="-1")
    assert (cas.status, cas.page.texts["look-days-wrong"]) == (422, "Must be from 0 to 36,500.")
    await root.log_in("root")
    await root.open("/office/left-behind")
    before = kept(await api.shop.books())
    for days in ("0", "-1", "x", "36501"):
        await root.press("sweep", days=days)
        assert (root.status, root.field("sweep-days")["value"]) == (422, days)
    assert kept(await api.shop.books()) == before
    page = await root.open("/office/left-behind")
    await root.press("sweep", page)
    assert root.page.texts["notice"] == "Wallets closed: 1. €1.50 written off."
    assert root.path == "/office/unclaimed"
    assert root.shows(f"Guest {WILD}")
    assert WILD not in root.page.content
    await root.press("sweep", page)  # Done once more, it finds nothing.
    assert root.page.texts["notice"] == "Wallets closed: 0. €0.00 written off."
    await api.shop.assert_clean()


POSTS: dict[str, dict[str, str]] = {
    "/office/payouts/1": {"key": KEY, "external_ref": "bank 1"},
    "/office/topups": {"key": KEY, "user": "ada", "amount": "5", "external_ref": "bank 1"},
    "/office/transfers/1/reverse": {"key": KEY, "reason": "wrong"},
    "/office/tabs/1/coins": {"key": KEY, "machine": "1", "coin-50": "1"},
    "/office/tabs/1/bank": {"key": KEY, "amount": "1", "external_ref": "bank 1"},
    "/office/counter/deposit": {"key": KEY, "who": "user", "name": "ada", "machine": "1", "coin-50": "1"},
    "/office/counter/pay-out": {"key": KEY, "who": "user", "name": "ada", "machine": "1"},
    "/office/left-behind": {"days": "1"},
}


@ON_SQLITE
async def test_forms_of_other_sites_move_no_money(api: Api, root: Browser) -> None:
    ada = await owing(api)
    before = kept(await api.shop.books())
    foreign: dict[str, Any] = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for path, fields in POSTS.items():
        there = path.replace("/1", f"/{ada.user_id}")
        assert (await root.client.post(there, data=fields)).status_code == 400, path  # Without its token.
        assert (await root.client.post(there, data=fields, headers=foreign)).status_code == 400, path
        if "key" in fields:
            assert (await root.own_post(there, fields | {"key": "short"})).status_code in (400, 404), path
        assert (await root.own_post(there, fields | {"balance_cents": "1"})).status_code == 400, path
    for path in (
        "/office/payouts/77",
        "/office/transfers/77",
        "/office/transfers/x",
        "/office/tabs/77",
        "/office/tabs/x",
    ):
        await root.open(path)
        assert root.status == 404, path
    assert kept(await api.shop.books()) == before


async def test_a_mistake_at_the_counter_is_reversed(api: Api, cas: Browser) -> None:
    ada = await api.shop.buyer("ada", cents=100)
    page = await cas.open("/office/counter?who=user&name=ada")
    await cas.press("deposit", page, **{"machine": "1", "coin-100": "2"})
    await cas.open("/office/counter?who=user&name=ada")
    assert cas.shows("Latest movements")
    newest = max(row["id"] for row in await api.shop.rows("transfers"))
    page = await cas.open(f"/office/transfers/{newest}")
    assert cas.page.texts["amount"] == "€2.00"
    await cas.press("reverse", page, reason=" ")
    assert cas.page.texts["reason-wrong"] == "This field is required."
    for _ in range(2):  # Pressed twice, it counts once.
        await cas.press("reverse", page, reason="was 0.50")
        told = "€2.00 reversed. Take out of the coin box: 2 × €1.00."
        assert cas.page.texts["notice"] == told
    assert cas.page.texts["reversal"].startswith("Movement ")
    assert "reverse" not in cas.page.texts  # Not a second time.
    (held,) = [row for row in await api.shop.rows("accounts") if row["user_id"] == ada.user_id]
    assert held["balance_cents"] == 100
    await api.shop.assert_clean()


async def test_what_was_spent_goes_on_the_tab_when_asked(api: Api, cas: Browser) -> None:
    ada = await api.shop.buyer("ada", cents=200)
    await api.shop.do(PayOut(OPERATOR, wallet_of(ada.user_id)))
    first = min(row["id"] for row in await api.shop.rows("transfers"))
    page = await cas.open(f"/office/transfers/{first}")
    await cas.press("reverse", page, reason="a button")
    assert cas.page.texts["owe-wrong"].startswith("€2.00 must be taken back, but the wallet has only €0.00.")
    await cas.press("reverse", reason="a button", owe="on")
    assert "€2.00 went on the tab." in cas.page.texts["notice"]
    await cas.open(f"/office/tabs/{ada.user_id}")
    assert cas.page.texts["owed"] == "€2.00"
    await api.shop.assert_clean()
