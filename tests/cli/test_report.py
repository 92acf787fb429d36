"""Reports at the terminal: readable, as CSV, as JSON."""

import asyncio
import csv
import io
import json
import re

import pytest

from tests.cli.conftest import Terminal
from tests.shop import NOON_US, Clock, open_shop
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.refunds import Refund

DAY = ("--from", "2025-10-09", "--to", "2025-10-09")


@pytest.fixture
def shop(open_terminal: Terminal) -> Terminal:
    """On 2025-10-09 ada buys 3 of sam's +cola for 4.50 and a milk for 0.99; a cola comes back."""

    async def live() -> None:
        async with open_shop(f"sqlite:///{open_terminal.database}", clock=Clock(NOON_US)) as shop:
            sam = await shop.person("sam", Role.SELLER)
            ada = await shop.buyer("ada", cents=1000)
            cola = await shop.product("+cola", price_cents=150, seller=sam)
            milk = await shop.product("milk", price_cents=99)
            order = await shop.buy(ada, (cola.product_id, 3), (milk.product_id, 1))
            await shop.do(Refund(OPERATOR, order.order_id, {cola.product_id: 1}))

    asyncio.run(live())
    return open_terminal


def test_sales_by_the_day_and_by_product(shop: Terminal) -> None:
    told = shop.works("report", "sales", *DAY)
    assert re.search(r"2025-10-09 +4 +5\.49 +1 +1\.50 +3\.99\n", told)
    assert re.search(r"Total +4 +5\.49 +1 +1\.50 +3\.99\n", told)
    assert told.endswith("\n2025-10-09 to 2025-10-09\n")
    told = shop.works("report", "sales", "--by", "seller,product", *DAY)
    assert re.search(r"house +milk +1 +0\.99 +0 +0\.00 +0\.99\n", told)
    assert re.search(r"sam +\+cola +3 +4\.50 +1 +1\.50 +3\.00\n", told)
    assert "cola" not in shop.works("report", "sales", "--by", "product", "--product", "2", *DAY)
    assert "milk" not in shop.works("report", "sales", "--by", "product", "--seller", "SAM", *DAY)
    assert re.search(r"Total +0 ", shop.works("report", "sales", "--machine", "9", *DAY))
    assert re.search(r"Total +0 ", shop.works("report", "sales"))  # Up to today.


def test_sales_for_other_programs(shop: Terminal) -> None:
    rows = list(csv.DictReader(io.StringIO(shop.works("report", "sales", "--by", "product", "--csv", *DAY))))
    assert [(row["product_name"], row["sold_cents"]) for row in rows] == [("'+cola", "450"), ("milk", "99")]
    told = json.loads(shop.works("report", "sales", "--json", *DAY))
    assert (told["from"], told["to"]) == ("2025-10-09", "2025-10-09")
    assert [(row["day"], row["amount_cents"]) for row in told["rows"]] == [("2025-10-09", 399)]


def test_earnings(shop: Terminal) -> None:
    told = shop.works("report", "earnings", *DAY)
    assert re.search(r"house +1 +0\.99 +0 +0\.00 +0\.99 +0\.00 +0\.99\n", told)
    assert re.search(r"sam +3 +4\.50 +1 +1\.50 +3\.00 +0\.00 +3\.00\n", told)
    rows = json.loads(shop.works("report", "earnings", "--json", *DAY))["rows"]
    assert [(row["seller_name"], row["balance_cents"]) for row in rows] == [("house", 99), ("sam", 300)]


def test_a_statement(shop: Terminal) -> None:
    told = shop.works("report", "statement", "ada", *DAY)
    assert re.search(r"2025-10-09 08:53:20 +sale +1 +-4\.50 +5\.50\n", told)
    assert re.search(r"closing +6\.01\n", told)
    assert told.endswith("\nada's wallet, 2025-10-09 to 2025-10-09\n")
    earned = shop.works("report", "statement", "sam", "--account", "earnings", "--csv", *DAY)
    assert [line.split(",")[-2:] for line in earned.splitlines()][1:] == [
        ["", "0"], ["450", "450"], ["-150", "300"], ["", "300"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sales", "--from", "2025-13-01"), "is not a day that exists"),
        (("sales", "--from", "20251001"), "Write it as 2025-12-31"),
        (("sales", "--from", "2025-10-02", "--to", "2025-10-01"), "must not be after 2025-10-01"),
        (("sales", "--from", "2001-01-01", "--to", "2025-10-01"), "within 3700 days"),
        (("sales", "--by", "colour"), "use one or more of day, product, seller, machine"),
        (("sales", "--by", "day,day"), "use one or more of"),
        (("sales", "--csv", "--json"), "Choose --csv or --json"),
        (("sales", "--seller", "nobody"), "There is no user nobody"),
        (("sales", "--product", "0"), "from 1 to"),
        (("statement", "nobody"), "There is no user nobody"),
        (("statement", "ada", "--account", "house"), "house"),
        (("earnings", "--to", "9999-12-31"), "must be from"),
    ],
)
def test_refuses_what_makes_no_report(shop: Terminal, words: tuple[str, ...], told: str) -> None:
    assert told in shop.refused("report", *words)
