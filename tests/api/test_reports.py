"""/v1/reports as worked examples: who sees which sales, and what spreadsheets get."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.conftest import Api, People, serving
from tests.api.contract import check_problem
from tests.shop import NOON_US
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.users import Role
from tuckshop.queries import reports
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.transfers import PaySeller
from tuckshop.till.commands.wallet import Deposit

DAY_1, DAY_2 = "2025-10-09", "2025-10-10"
FIGURES = ("sold_quantity", "sold", "refunded_quantity", "refunded", "quantity", "amount")


@dataclass
class Week:
    """Two days on two machines: sam's cola, sue's nuts, the house's milk."""

    api: Api
    people: People
    cola: int
    nuts: int
    milk: int
    hall: int


@pytest.fixture
async def week(api: Api, people: People) -> Week:
    """Day 1: ada buys 3 cola (450), 1 nuts (80), 1 milk (99). Day 2: 2 nuts in the hall (160); a cola comes
    back (150), and sam is paid 200."""
    shop = api.shop
    assert shop.clock.now_us == NOON_US  # 2025-10-09, 08:53 UTC
    hall = await shop.machine("hall", box_kind="unlimited")
    cola = (await shop.product("cola", price_cents=150, seller=people.sam)).product_id
    nuts = (await shop.product("=nuts", price_cents=80, seller=people.sue)).product_id
    milk = (await shop.product("milk", price_cents=99)).product_id
    await shop.execute(
        "INSERT INTO shelves (machine_id, product_id, quantity) VALUES (:hall, :nuts, 5)",
        hall=hall,
        nuts=nuts,
    )
    await shop.do(Deposit(OPERATOR, wallet_of(people.ada.user_id), {100: 20}))
    order = await shop.buy(people.ada, (cola, 3), (nuts, 1), (milk, 1))
    shop.clock.forward(86_400)
    await shop.buy(people.ada, (nuts, 2), machine_id=hall)
    await shop.do(Refund(OPERATOR, order.order_id, {cola: 1}))
    shop.clock.forward(400)
    await shop.do(PaySeller(OPERATOR, people.sam.user_id, "pay 1", amount_cents=200))
    return Week(api, people, cola, nuts, milk, hall)


async def told(week: Week, path: str, by: Any) -> Any:
    answer = await week.api.get(f"/v1/reports/{path}", by=by)
    assert answer.status_code == 200, answer.text
    return answer.json()


def figures(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in FIGURES)


async def test_by_day_until_today(week: Week) -> None:
    report = await told(week, "sales", week.people.root)
    assert (report["from"], report["to"]) == ("2025-09-11", DAY_2)
    assert [(row["day"], figures(row)) for row in report["rows"]] == [
        (DAY_1, (5, 629, 0, 0, 5, 629)),
        (DAY_2, (2, 160, 1, 150, 1, 10)),
    ]
    assert figures(report["total"]) == (7, 789, 1, 150, 6, 639)
    assert report["rows"][0].keys() == {"day", *FIGURES}


async def test_by_product_seller_and_machine(week: Week) -> None:
    people = week.people
    by_product = (await told(week, "sales?by=product", people.cas))["rows"]
    assert [(row["product"]["name"], row["amount"]) for row in by_product] == [
        ("cola", 300), ("=nuts", 240), ("milk", 99)
    ]  # fmt: skip
    by_seller = (await told(week, "sales?by=seller", people.root))["rows"]
    assert [(row["seller"], row["amount"]) for row in by_seller] == [
        ({"id": None, "name": "house"}, 99),
        ({"id": people.sam.user_id, "name": "sam"}, 300),
        ({"id": people.sue.user_id, "name": "sue"}, 240),
    ]
    by_machine = (await told(week, "sales?by=machine,seller", people.root))["rows"]
    assert [(row["machine"]["name"], row["seller"]["name"], row["sold"]) for row in by_machine] == [
        ("default", "house", 99), ("default", "sam", 450), ("default", "sue", 80), ("hall", "sue", 160)
    ]  # fmt: skip


async def test_of_one_machine_product_seller_or_day(week: Week) -> None:
    people = week.people
    for query, total in (
        (f"machine={week.hall}", 160),
        (f"product={week.nuts}", 240),
        (f"product={week.nuts}&machine=1", 80),
        (f"seller={people.sam.user_id}", 300),
        (f"from={DAY_1}&to={DAY_1}", 629),
        (f"from={DAY_2}", 10),
        ("from=2020-01-01&to=2020-12-31", 0),
        ("machine=99", 0),
        ("seller=99", 0),
    ):
        report = await told(week, f"sales?{query}", people.root)
        assert report["total"]["amount"] == total, query
        assert sum(row["amount"] for row in report["rows"]) == total


async def test_sellers_see_their_own_sales_and_nobody_elses(week: Week) -> None:
    people = week.people
    for query in ("", f"seller={people.sam.user_id}&"):
        report = await told(week, f"sales?{query}by=product,seller,machine,day", people.sam)
        assert {row["product"]["name"] for row in report["rows"]} == {"cola"}
        assert report["total"]["amount"] == 300
    assert (await told(week, f"sales?product={week.nuts}", people.sam))["rows"] == []
    for other in (people.sue.user_id, people.ada.user_id, 4711):
        refused = await week.api.get(f"/v1/reports/sales?seller={other}", by=people.sam)
        assert (refused.status_code, check_problem(refused)["thing"]) == (403, "report")


@pytest.mark.parametrize("path", ["sales", "earnings"])
async def test_buyers_see_no_sales(week: Week, path: str) -> None:
    assert (await week.api.get(f"/v1/reports/{path}", by=week.people.ada)).status_code == 403
    assert (await week.api.get(f"/v1/reports/{path}")).status_code == 401


async def test_a_spreadsheet_gets_no_formula(week: Week) -> None:
    answer = await week.api.get("/v1/reports/sales?by=day,product&format=csv", by=week.people.root)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="sales.csv"'
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert head[:5] == ["day", "product", "product_name", "sold_quantity", "sold_cents"]
    assert head[5:] == ["refunded_quantity", "refunded_cents", "quantity", "amount_cents"]
    assert rows == [
        [DAY_1, str(week.cola), "cola", "3", "450", "0", "0", "3", "450"],
        [DAY_1, str(week.nuts), "'=nuts", "1", "80", "0", "0", "1", "80"],
        [DAY_1, str(week.milk), "milk", "1", "99", "0", "0", "1", "99"],
        [DAY_2, str(week.cola), "cola", "0", "0", "1", "150", "-1", "-150"],
        [DAY_2, str(week.nuts), "'=nuts", "2", "160", "0", "0", "2", "160"],
    ]


async def test_earnings_of_sellers(week: Week) -> None:
    people = week.people
    rows = (await told(week, "earnings", people.root))["rows"]
    assert [(row["seller"]["name"], row["amount"], row["paid"], row["balance"]) for row in rows] == [
        ("house", 99, 0, 99), ("sam", 300, 200, 100), ("sue", 240, 0, 240)
    ]  # fmt: skip
    before = (await told(week, f"earnings?from={DAY_1}&to={DAY_1}", people.cas))["rows"]
    assert [(row["seller"]["name"], row["amount"], row["paid"]) for row in before] == [
        ("house", 99, 0), ("sam", 450, 0), ("sue", 80, 0)
    ]  # fmt: skip
    (own,) = (await told(week, "earnings", people.sue))["rows"]
    assert own["seller"]["name"] == "sue"
    text = (await week.api.get("/v1/reports/earnings?format=csv", by=people.sam)).text
    assert [line.split(",")[1] for line in text.splitlines()] == ["seller_name", "sam"]


async def test_earnings_and_the_report_by_product_agree(week: Week) -> None:
    earned = (await week.api.get("/v1/earnings", by=week.people.sam)).json()
    assert earned["products"] == [{"product": week.cola, "name": "cola", "quantity": 2, "amount": 300}]
    assert (earned["balance"], earned["payable"]) == (100, 100)
    entries = (await week.api.get("/v1/earnings/entries", by=week.people.sam)).json()
    assert [(entry["kind"], entry["amount"]) for entry in entries["items"]] == [
        ("earnings_payout", -200), ("refund", -150), ("sale", 450)
    ]  # fmt: skip
    assert (await week.api.get("/v1/earnings/entries", by=week.people.ada)).status_code == 403


async def test_a_statement_tells_what_was_there_before_and_after(week: Week) -> None:
    people = week.people
    whole = await told(week, "statement", people.ada)
    assert (whole["account"], whole["user"]["name"], whole["opening"]) == ("wallet", "ada", 0)
    assert [(line["kind"], line["amount"], line["balance"]) for line in whole["lines"]] == [
        ("deposit", 2000, 2000), ("sale", -450, 1550), ("sale", -80, 1470), ("sale", -99, 1371),
        ("sale", -160, 1211), ("refund", 150, 1361),
    ]  # fmt: skip
    assert whole["closing"] == (await week.api.get("/v1/wallet", by=people.ada)).json()["balance"] == 1361
    first = await told(week, f"statement?from={DAY_1}&to={DAY_1}", people.ada)
    second = await told(week, f"statement?from={DAY_2}", people.ada)
    assert (first["opening"], first["closing"], second["opening"]) == (0, 1371, 1371)
    assert first["lines"] + second["lines"] == whole["lines"]
    nothing = await told(week, "statement?account=tab", people.ada)
    assert (nothing["opening"], nothing["lines"], nothing["closing"]) == (0, [], 0)


async def test_a_statement_is_for_its_owner_and_admins(week: Week) -> None:
    people, ada = week.people, week.people.ada.user_id
    assert (await told(week, f"statement?user={ada}", people.root))["closing"] == 1361
    assert (await told(week, f"statement?user={ada}", people.ada))["closing"] == 1361
    earned = await told(week, f"statement?account=earnings&user={people.sam.user_id}", people.root)
    assert [line["reference"] for line in earned["lines"]] == [None, None, "pay 1"]
    for user in (ada, people.root.user_id, 4711):
        for stranger in (people.bob, people.sam, people.cas):
            refused = await week.api.get(f"/v1/reports/statement?user={user}", by=stranger)
            assert (refused.status_code, check_problem(refused)["user"]) == (404, user)
    assert (await week.api.get("/v1/reports/statement?user=4711", by=people.root)).status_code == 404
    text = (await week.api.get("/v1/reports/statement?format=csv", by=people.ada)).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["kind"] for row in rows] == ["opening", "deposit", *["sale"] * 4, "refund", "closing"]
    assert [row["amount_cents"] for row in rows][2:4] == ["-450", "-80"]
    assert rows[1]["time"] == "2025-10-09T08:53:20+00:00"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("by=colour", "by"), ("by=day,day", "by"), ("by=day,", "by"), ("by=DAY", "by"),
        ("format=xml", "format"),
        ("from=2025-02-30", "from"), ("from=2025-10-10&to=2025-10-09", "from"), ("to=9999-12-31", "to"),
        ("from=2000-01-01&to=2025-01-01", "from"), ("from=0001-01-01", "from"), ("from=20251009", "from"),
        ("from=today", "from"), ("seller=0", "seller"),
    ],
)  # fmt: skip
async def test_refuses_what_makes_no_report(api: Api, people: People, query: str, field: str) -> None:
    refused = await api.get(f"/v1/reports/sales?{query}", by=people.root)
    assert refused.status_code == 422
    told = check_problem(refused)
    assert field in (told.get("field"), *(one["field"] for one in told.get("errors", ())))


async def test_a_report_has_an_end(week: Week, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "ROWS_MAX", 4)
    refused = await week.api.get("/v1/reports/sales?by=day,product", by=week.people.root)
    assert (refused.status_code, check_problem(refused)["rows_max"]) == (422, 4)
    assert len((await told(week, "sales?by=product", week.people.root))["rows"]) == 3


async def test_days_are_those_of_the_shop(database_url: str) -> None:
    async with serving(database_url, timezone="Pacific/Kiritimati", day_starts="04:00") as api:
        ada = await api.shop.buyer("ada", cents=500)
        cola = (await api.shop.product("cola", price_cents=100)).product_id
        await api.shop.buy(ada, (cola, 1))  # 08:53 UTC is 22:53 there
        api.clock.forward(5 * 3_600)  # 03:53
        await api.shop.buy(ada, (cola, 1))
        api.clock.forward(600)
        await api.shop.buy(ada, (cola, 1))
        root = await api.shop.person("root", Role.ADMIN)
        report = (await api.get("/v1/reports/sales", by=root)).json()
        assert [(row["day"], row["sold"]) for row in report["rows"]] == [(DAY_1, 200), (DAY_2, 100)]
        assert report["to"] == DAY_2
        one = (await api.get(f"/v1/reports/statement?from={DAY_2}", by=ada)).json()
        assert [line["amount"] for line in one["lines"]] == [-100]
