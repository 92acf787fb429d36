"""The people of the shop, as admins find, admit and help them; and that nobody else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import NewBrowser, joined
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.users import Role
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.wallet import Deposit

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
async def boss(api: Api, guest: Browser) -> Browser:
    """An admin at the office."""
    await joined(api, "boss", Role.ADMIN)
    await guest.log_in("boss")
    return guest


async def user(api: Api, user_id: int) -> dict[str, object]:
    return next(row for row in await api.shop.rows("users") if row["id"] == user_id)


@ON_SQLITE
async def test_nobody_is_led_to_the_log_in_and_back(guest: Browser) -> None:
    await guest.open("/office/users?q=a")
    assert guest.path == "/login?next=%2Foffice%2Fusers%3Fq%3Da"


async def test_search_finds_by_name_address_number_role_and_state(api: Api, boss: Browser) -> None:
    ada = await joined(api, "Ada")
    await joined(api, "bob_100%", Role.SELLER)
    await api.shop.execute("UPDATE users SET email = 'x@y.org', email_key = 'x@y.org' WHERE id = :id", id=ada)
    for query, names in {
        "": {"boss", "Ada", "bob_100%"},
        "q=aDA": {"Ada"},
        "q=y.org": {"Ada"},
        f"q={ada}": {"Ada"} | ({"bob_100%"} if str(ada) in "100" else set()),
        "q=%25": {"bob_100%"},
        "q=_": {"bob_100%"},
        "role=seller": {"bob_100%"},
        "state=disabled": set(),
        "q=nobody": set(),
        "state=nonsense&role=nonsense": {"boss", "Ada", "bob_100%"},
        f"q={'x' * 3000}": set(),
    }.items():
        page = await boss.open(f"/office/users?{query}")
        assert boss.status == 200
        assert {name for name in ("boss", "Ada", "bob_100%") if f">{name}</a>" in page.content} == names


async def test_a_longer_list_goes_on(api: Api, boss: Browser) -> None:
    await api.shop.execute(
        "INSERT INTO users (username, username_key, password_hash, state, is_buyer, is_seller, is_cashier,"
        " is_admin, created_us) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)"
        " SELECT 'u' || i, 'u' || i, '!', 'active', true, false, false, false, 1 FROM n"
    )
    page = await boss.open("/office/users?q=u")
    assert ">u30</a>" in page.content
    assert ">u1</a>" not in page.content
    older = page.by_id("older")
    assert older is not None
    page = await boss.open(older["href"])
    assert ">u1</a>" in page.content
    assert ">u30</a>" not in page.content


async def test_whoever_waits_is_let_in_and_locked_out_again(
    api: Api, boss: Browser, new_browser: NewBrowser
) -> None:
    ada = await joined(api, "ada")
    await api.shop.execute("UPDATE users SET state = 'pending' WHERE id = :id", id=ada)
    await boss.open("/office")
    assert boss.page.by_id("waiting-people") is not None
    await boss.open("/office/users?state=pending")
    await boss.open(f"/office/users/{ada}")
    await boss.press("approve")
    assert boss.page.texts["notice"] == "ada can log in."
    phone = new_browser()
    await phone.log_in("ada")
    await boss.press("disable")
    assert boss.page.texts["notice"] == "ada is blocked."
    await phone.open("/account")
    assert phone.path.startswith("/login")
    await boss.press("enable")
    assert (await user(api, ada))["state"] == "active"
    log = [(row["action"], row["subject"]) for row in await api.shop.rows("admin_log")]
    assert log.count(("user.standing", f"user:{ada}")) == 3


@ON_SQLITE
async def test_roles_are_exactly_those_and_never_none(api: Api, boss: Browser) -> None:
    ada = await joined(api, "ada")
    await boss.open(f"/office/users/{ada}")
    sent = {"role-buyer": "on", "role-cashier": "on"}
    await boss.press("save-roles", **sent)
    row = await user(api, ada)
    assert (row["is_buyer"], row["is_seller"], row["is_cashier"], row["is_admin"]) == (1, 0, 1, 0)
    answer = await boss.post(f"/office/users/{ada}/roles", {})
    assert answer.status_code == 422
    assert boss.look(answer).texts["roles-wrong"] == "Must include at least one role."
    assert await user(api, ada) == row


@ON_SQLITE
async def test_the_last_admin_stays_one(api: Api, boss: Browser) -> None:
    (me,) = await api.shop.rows("users")
    page = await boss.open(f"/office/users/{me['id']}")
    assert page.by_id("disable") is None
    answer = await boss.post(f"/office/users/{me['id']}/roles", {"role-buyer": "on"})
    assert answer.status_code == 422
    assert boss.look(answer).by_id("roles-wrong") is not None
    for act, fields in (("state", {"state": "disabled"}), ("close", {"key": "k" * 22, "name": "boss"})):
        assert (await boss.post(f"/office/users/{me['id']}/{act}", fields)).status_code == 422
    assert await api.shop.rows("users") == [me]


@ON_SQLITE
@pytest.mark.parametrize("state", ["", "pending", "closed", SCRIPT])
async def test_states_that_the_page_does_not_offer_are_refused(api: Api, boss: Browser, state: str) -> None:
    ada = await joined(api, "ada")
    before = await user(api, ada)
    await boss.open(f"/office/users/{ada}")
    answer = await boss.post(f"/office/users/{ada}/state", {"state": state})
    assert answer.status_code == 422
    assert SCRIPT not in answer.text
    assert await user(api, ada) == before


@ON_SQLITE
async def test_a_tab_limit_of_ones_own_and_none(api: Api, boss: Browser) -> None:
    ada = await joined(api, "ada")
    await boss.open(f"/office/users/{ada}")
    await boss.press("save-tab", limit="12.50")
    assert (await user(api, ada))["tab_limit_cents"] == 1250
    assert boss.field("limit")["value"] == "12.50"
    for wrong in ("-1", "ten", "1e9", "9" * 30, SCRIPT, "1.234"):
        await boss.press("save-tab", limit=wrong)
        assert (boss.status, boss.field("limit")["value"]) == (422, wrong)
        assert "limit-wrong" in boss.page.texts
        assert SCRIPT not in boss.page.content
    assert (await user(api, ada))["tab_limit_cents"] == 1250
    assert (await user(api, ada))["tab_approved"] is True
    await boss.press("save-tab", limit="")
    assert (await user(api, ada))["tab_limit_cents"] is None
    assert (await user(api, ada))["tab_approved"] is False


async def test_one_button_approves_a_tab_up_to_the_shops_limit(api: Api, boss: Browser) -> None:
    ada = await joined(api, "ada")
    api.running.till.policy = replace(
        api.running.till.policy, tabs_for=TabsFor.APPROVED, tab_limit_cents=2_000
    )
    await boss.open(f"/office/users/{ada}")
    assert "not-approved" in boss.page.texts
    await boss.press("approve-tab")
    assert boss.page.texts["notice"] == "Saved."
    assert "not-approved" not in boss.page.texts
    kept = await user(api, ada)
    assert (kept["tab_limit_cents"], kept["tab_approved"]) == (None, True)
    assert boss.page.by_id("approve-tab") is None
    await boss.press("save-tab", limit="5")
    await boss.press("approve-tab")  # Back from an own limit to the shop's.
    assert (await user(api, ada))["tab_limit_cents"] is None


async def test_a_lost_password_is_made_anew_shown_once_and_logged(
    api: Api, boss: Browser, new_browser: NewBrowser
) -> None:
    ada = await joined(api, "ada")
    phone = new_browser()
    await phone.log_in("ada")
    await boss.open(f"/office/users/{ada}")
    page = await boss.press("reset-password")
    secret = page.texts["secret"]
    assert (boss.status, len(secret) >= 8) == (200, True)
    await phone.open("/account")
    assert phone.path.startswith("/login")
    await phone.log_in("ada", secret)
    line = (await api.shop.rows("admin_log"))[-1]
    boss_id = next(row["id"] for row in await api.shop.rows("users") if row["username"] == "boss")
    assert (line["action"], line["actor_id"]) == ("user.password", boss_id)
    assert secret not in str(await api.shop.books())


@ON_SQLITE
async def test_sessions_end(api: Api, boss: Browser, new_browser: NewBrowser) -> None:
    ada = await joined(api, "ada")
    phone = new_browser()
    await phone.log_in("ada")
    await boss.open(f"/office/users/{ada}")
    await boss.press("end-sessions")
    assert boss.page.texts["notice"] == "ada is logged out everywhere."
    await phone.open("/account")
    assert phone.path.startswith("/login")


async def test_an_account_is_closed_by_its_name_and_its_rest_is_unclaimed(api: Api, boss: Browser) -> None:
    ada = await joined(api, "ada")
    await api.shop.do(Deposit(OPERATOR, wallet_of(ada), {100: 2}))
    await boss.open(f"/office/users/{ada}")
    await boss.press("close", name="bob")
    assert (boss.status, boss.page.texts["closing-name-wrong"], boss.field("closing-name")["value"]) == (
        422, "Enter the name of this user.", "bob",
    )  # fmt: skip
    page = boss.page
    await boss.press("close", page, name="ADA")
    assert (boss.path, boss.page.texts["notice"]) == ("/office/users", "User ada is closed.")
    closed = await user(api, ada)
    assert (closed["state"], closed["username"], closed["email"]) == ("closed", f"closed user {ada}", None)
    await boss.press("close", page, name="ADA")  # The back button, and again.
    assert boss.status == 404
    await boss.open(f"/office/users/{ada}")
    assert boss.status == 404


@ON_SQLITE
async def test_a_seller_with_goods_is_told_and_stays(api: Api, boss: Browser) -> None:
    seller = await api.shop.person("sam", Role.SELLER)
    await api.shop.product("cola", seller=seller)
    await boss.open(f"/office/users/{seller.user_id}")
    await boss.press("close", name="sam")
    assert boss.status == 422
    assert (await user(api, seller.user_id))["state"] == "active"


@ON_SQLITE
async def test_names_are_text(api: Api, boss: Browser) -> None:
    eve = await joined(api, '"><img onerror=x>')
    for path in ("/office/users", f"/office/users/{eve}", "/office/users?q=<script>"):
        page = await boss.open(path)
        assert "<img onerror" not in page.content
        assert "<script>" not in page.content


@ON_SQLITE
@pytest.mark.parametrize("wrong", ["0", "-1", "x", "999999", "9" * 30, "1%00"])
async def test_numbers_of_nobody_are_404(boss: Browser, wrong: str) -> None:
    await boss.open(f"/office/users/{wrong}")
    assert boss.status == 404
