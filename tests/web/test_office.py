"""The office's first page, its reports, the audit, the log and the settings."""

from __future__ import annotations

import csv
import io

import pytest

from tests.api.conftest import SECRET, Api
from tests.web.browsing import Browser
from tests.web.conftest import joined
from tuckshop.domain.users import Role
from tuckshop.operations import alerts
from tuckshop.settings import Settings
from tuckshop.web.office import settings
from tuckshop.web.ui.i18n import Words

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)"
OF_ADMINS = (
    "/office/users",
    "/office/users/file",
    "/office/audit",
    "/office/log",
    "/office/settings",
    "/office/products/new",
)
OF_CASHIERS = (
    "/office",
    "/office/orders",
    "/office/orders/file",
    "/office/products",
    "/office/refunds",
    "/office/sales",
    "/office/sales/file",
)


@pytest.fixture
async def boss(api: Api, guest: Browser) -> Browser:
    """An admin at the office."""
    await joined(api, "boss", Role.ADMIN)
    await guest.log_in("boss")
    return guest


async def test_today_at_a_glance(api: Api, boss: Browser) -> None:
    ada = await api.shop.buyer("ada", cents=500)
    cola = (await api.shop.product(SCRIPT, price_cents=150, stock=2)).product_id
    await api.shop.buy(ada, (cola, 2))
    page = await boss.open("/office")
    assert (page.texts["sold-today"], page.texts["float"], page.texts["coins"]) == ("€3.00", "€2.00", "€5.00")
    assert page.texts["failed"] == "0"
    assert "sold out" in page.texts["low"]
    assert SCRIPT not in page.content
    assert page.content.count('<rect class="plot-bar') >= 14
    await boss.client.post("/v1/auth/login", json={"username": "ada", "password": "wrong wrong"})
    assert (await boss.open("/office")).texts["failed"] == "1"


async def test_what_needs_attention_is_shown_as_text(api: Api, boss: Browser) -> None:
    assert (await boss.open("/office")).by_id("alerts") is None
    hall = await api.shop.machine("<b>hall</b>")
    for kind, subject, detail in (
        ("machine", f"machine:{hall}", "user-not-present"),
        ("machine", "machine:999", "deposit-too-large"),  # There is no such machine any more.
        ("forwarded", "proxy", "<script>"),
    ):
        for _ in range(3):
            api.running.alerts.add(kind, subject, detail)
    await alerts.store(api.running)
    page = await boss.open("/office")
    told = page.texts["alerts"]
    assert "<b>hall</b>" in told
    assert "its key was used for a user who had not logged in there." in told
    assert "<script>" in told
    assert "3 times" in told
    assert "<script>" not in page.content


async def test_sales_as_a_picture_and_as_a_file(api: Api, boss: Browser) -> None:
    ada = await api.shop.buyer("ada", cents=1_000)
    cola = (await api.shop.product("=cola", price_cents=150)).product_id
    await api.shop.buy(ada, (cola, 2))
    page = await boss.open("/office/sales")
    assert page.texts["sold"] == "€3.00"
    link = page.by_id("save")
    assert link is not None
    answer = await boss.client.get(link["href"])
    assert answer.headers["content-disposition"] == 'attachment; filename="sales.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["product_name"], row["sold_cents"]) for row in rows] == [("'=cola", "300")]
    for by in ("seller", "machine"):
        await boss.open(f"/office/sales?by={by}&from=2020-01-01")
        assert boss.status == 200


@ON_SQLITE
@pytest.mark.parametrize(
    "query", ["from=x", "to=2025-13-01", "from=2025-02-02&to=2025-01-01", "by=day", f"by={SCRIPT}",
              "from=0001-01-01", "from=1980-01-01&to=2025-01-01"],
)  # fmt: skip
async def test_wrong_days_are_told(boss: Browser, query: str) -> None:
    for path in ("/office/sales", "/office/sales/file"):
        await boss.open(f"{path}?{query}")
        assert boss.status == 422
        assert SCRIPT not in boss.page.content


async def test_the_audit_is_green_until_somebody_tampers(api: Api, boss: Browser) -> None:
    ada = await api.shop.buyer("ada", cents=500)
    cola = (await api.shop.product("cola", price_cents=150)).product_id
    await api.shop.buy(ada, (cola, 2))
    await boss.open("/office/audit")
    assert boss.page.texts["last"] == "Not run yet."
    await boss.press("run")
    assert (boss.status, boss.page.texts["verdict"]) == (200, "Passed. No errors found.")
    assert "is-broken" not in boss.page.content
    await api.shop.execute("UPDATE shelves SET quantity = quantity + 1")
    await boss.press("run")
    assert boss.page.texts["verdict"] == "Failed checks: 1"
    assert boss.page.content.count("is-broken") == 1
    assert boss.shows("every shelf equals the sum of its stock movements")
    await boss.open("/office/audit")
    assert "Failed checks: 1" in boss.page.texts["last"]


@ON_SQLITE
async def test_the_log_says_who_did_what_as_text(api: Api, boss: Browser) -> None:
    eve = await joined(api, SCRIPT)
    await boss.open(f"/office/users/{eve}")
    await boss.press("disable")
    page = await boss.open("/office/log")
    assert boss.shows("user.standing")
    assert boss.shows(f"user:{eve}")
    assert boss.shows("the operator")
    assert boss.shows("state: active → disabled")
    assert SCRIPT not in page.content
    for number in range(30):
        await joined(api, f"ada {number}")
    page = await boss.open("/office/log")
    assert page.by_id("older") is not None
    await boss.open("/office/log?before=1")
    assert boss.shows("No entries yet.")


@ON_SQLITE
async def test_the_log_says_which_lines_a_newer_release_wrote(api: Api, boss: Browser) -> None:
    await api.shop.write_log_of_newer_release()
    page = await boss.open("/office/log")
    assert page.content.count("A newer version of Tuckshop wrote this entry.") == 3
    for text in ("order.refund/2", "robot.dance/1", "wallet.topup/0", "steps: 3"):
        assert boss.shows(text), text


@ON_SQLITE
async def test_settings_are_shown_without_secrets(boss: Browser) -> None:
    page = await boss.open("/office/settings")
    assert boss.shows("TUCKSHOP_COINS")
    assert boss.shows("self")
    assert boss.shows("(hidden)")
    assert SECRET not in page.content
    told = [name for _, meanings in settings.meant(Words("en")) for name in meanings]
    assert sorted(told) == sorted(name.removeprefix("TUCKSHOP_").lower() for name in Settings().redacted())


@ON_SQLITE
async def test_every_page_in_german(api: Api, boss: Browser) -> None:
    boss.client.headers["Accept-Language"] = "de"
    for path in (*OF_ADMINS, *OF_CASHIERS):
        page = await boss.open(path)
        assert path.endswith("/file") or 'lang="de"' in page.content


async def test_people_and_orders_as_files(api: Api, boss: Browser) -> None:
    ada = await api.shop.buyer("@ada", cents=1_000)
    cola = (await api.shop.product("=cola", price_cents=1, stock=300)).product_id
    for _ in range(201):  # More than are written at once.
        await api.shop.buy(ada, (cola, 1))
    people = list(csv.DictReader(io.StringIO((await boss.client.get("/office/users/file")).text)))
    assert [row["username"] for row in people] == ["boss", "'@ada"]
    sold = list(csv.DictReader(io.StringIO((await boss.client.get("/office/orders/file")).text)))
    assert [int(row["order"]) for row in sold] == list(range(1, 202))
    assert {row["name"] for row in sold} == {"'=cola"}
