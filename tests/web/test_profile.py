"""Name, password, sessions, tokens, taking one's data along, and going for good."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import PASSWORD, NewBrowser, joined
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.users import Role, Scope
from tuckshop.identity import api_tokens, sessions
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.wallet import Deposit

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NEW = "battery staple"
LAPTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
PHONE = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36"


@pytest.fixture
async def ada(api: Api, guest: Browser) -> Browser:
    """Ada's laptop, where she is logged in."""
    await joined(api, "ada")
    guest.client.headers["User-Agent"] = LAPTOP
    await guest.log_in("ada")
    return guest


async def test_another_name_and_address_are_kept(api: Api, ada: Browser) -> None:
    await ada.open("/account/profile")
    await ada.press("save", username="Ada L.", email="ada@example.org")
    assert (ada.path, ada.page.texts["notice"]) == ("/account/profile", "Saved.")
    assert (ada.field("username")["value"], ada.field("email")["value"]) == ("Ada L.", "ada@example.org")
    await ada.press("save", username="Ada L.", email="")
    assert [row["email"] for row in await api.shop.rows("users")] == [None]


@ON_SQLITE
@pytest.mark.parametrize(
    ("filled", "beside", "told"),
    [
        ({"username": ""}, "username", "This field is required."),
        ({"username": "a/b"}, "username", "Must not contain slashes or invisible characters."),
        ({"username": "bob"}, "username", "The name bob is taken. Choose another one."),
        ({"username": "x" * 65}, "username", "Use at most 64 characters."),
        ({"email": "nowhere"}, "email", "Must look like name@example.org."),
        ({"email": '"><script>@x'}, "email", None),
    ],
)
async def test_a_wrong_profile_changes_nothing(
    api: Api, ada: Browser, filled: dict[str, str], beside: str, told: str | None
) -> None:
    await joined(api, "bob")
    before = await api.shop.rows("users")
    await ada.open("/account/profile")
    await ada.press("save", **{"username": "Ada L."} | filled)
    if told is None:  # It is an address, if a strange one, and text like any other.
        assert ada.status == 200
        assert "<script>" not in ada.page.content
        return
    assert (ada.status, ada.page.texts[f"{beside}-wrong"]) == (422, told)
    assert ada.field(beside)["value"] == filled[beside]
    assert await api.shop.rows("users") == before


async def test_a_new_password_ends_all_but_this_session(
    api: Api, ada: Browser, new_browser: NewBrowser
) -> None:
    phone = new_browser()
    await phone.log_in("ada")
    await ada.open("/account/profile")
    await ada.press("change-password", current_password=PASSWORD, password=NEW, again=NEW)
    assert (ada.path, ada.page.texts["notice"]) == (
        "/account/profile",
        "Your password is changed. All your other sessions have ended.",
    )
    await phone.open("/account")
    assert phone.path == "/login?next=%2Faccount"
    await phone.press("log-in", username="ada", password=PASSWORD)
    assert phone.status == 422
    await phone.press("log-in", username="ada", password=NEW)
    assert phone.path.startswith("/login/others")


@pytest.mark.parametrize(
    ("filled", "beside", "told"),
    [
        ({"current_password": ""}, "current_password", "This field is required."),
        ({"current_password": "wrong horse"}, "current_password", "That is not your current password."),
        ({"current_password": "x" * 4000}, "current_password", "That is not your current password."),
        ({"password": "short", "again": "short"}, "password", "Must have 8 to 1024 characters."),
        ({"password": "password1", "again": "password1"}, "password", "Is among the most common passwords."),
        ({"again": "another"}, "again", "The passwords do not match."),
        ({"password": "", "again": ""}, "password", "This field is required."),
    ],
)
async def test_a_wrong_change_of_password_changes_nothing(
    api: Api, ada: Browser, filled: dict[str, str], beside: str, told: str
) -> None:
    await ada.open("/account/profile")
    before = await api.shop.rows("users"), await api.shop.rows("sessions")
    await ada.press(
        "change-password", **{"current_password": PASSWORD, "password": NEW, "again": NEW} | filled
    )
    assert (ada.status, ada.page.texts[f"{beside}-wrong"]) == (422, told)
    assert "value" not in ada.field("password")
    assert (await api.shop.rows("users"), await api.shop.rows("sessions")) == before


@ON_SQLITE
async def test_guessing_the_present_password_has_an_end(ada: Browser) -> None:
    await ada.open("/account/profile")
    for _ in range(40):
        await ada.press("change-password", current_password="wrong horse", password=NEW, again=NEW)
        if ada.status == 429:
            break
    assert ada.shows("Too many log-in attempts. Wait")


async def test_each_device_is_named_and_ended_by_itself(
    api: Api, ada: Browser, new_browser: NewBrowser
) -> None:
    phone = new_browser()
    phone.client.headers["User-Agent"] = PHONE
    await phone.log_in("ada")
    assert phone.shows("Firefox on Linux")
    await ada.open("/account/sessions")
    assert ada.shows("Firefox on Linux this one")
    assert ada.shows("Chrome on Android")
    buttons = [found["id"] for tag, found in ada.page.elements if tag == "button" and "id" in found]
    ends = [one for one in buttons if one.startswith("end-") and one != "end-others"]
    (end,) = ends
    page = ada.page
    for _ in range(2):  # Pressed twice, it is gone all the same.
        await ada.press(end, page)
        assert (ada.path, ada.page.texts["notice"]) == ("/account/sessions", "The session has ended.")
    await phone.open("/account")
    assert phone.path.startswith("/login?")
    await ada.open("/account/sessions")
    assert ada.page.by_id(end) is None
    assert ada.page.by_id("end-others") is None


async def test_all_others_are_ended_at_once(ada: Browser, new_browser: NewBrowser) -> None:
    others = [new_browser() for _ in range(3)]
    for other in others:
        await other.log_in("ada")
    await ada.open("/account/sessions")
    await ada.press("end-others")
    assert ada.path == "/account/sessions"
    assert ada.page.texts["notice"] == "All your other sessions have ended."
    for other in others:
        await other.open("/account")
        assert other.path.startswith("/login?")


async def test_the_sessions_and_tokens_of_others_stay(api: Api, ada: Browser) -> None:
    bob = await joined(api, "bob")
    caller = api.running.tokens.caller((await api.logged_in("bob"))["access"])
    made, _ = await api_tokens.make(api.running, user_id=bob, name="printer", scopes=[Scope.READ], days=1)
    for path in (f"/account/sessions/{caller.session_id}/end", f"/account/tokens/{made.id}/revoke"):
        await ada.own_post(path, {})
    assert len(await sessions.page(api.running, user_id=bob, before_id=None, limit=9)) == 1
    assert len(await api_tokens.page(api.running, user_id=bob, before_id=None, limit=9)) == 1
    for path in ("/account/sessions/x/end", "/account/tokens/01/revoke", "/account/sessions/0/end"):
        assert (await ada.own_post(path, {})).status_code == 404


async def test_a_token_is_shown_once_and_works_until_it_is_revoked(api: Api, ada: Browser) -> None:
    await ada.open("/account/tokens")
    assert ada.shows("You have no API tokens.")
    await ada.press("make", name="label <printer>", **{"scope-buy": "on"})
    secret = ada.page.texts["secret"]
    assert secret.startswith("tsk_")
    answer = await api.client.get("/v1/wallet", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    await ada.open("/account/tokens")
    assert secret not in ada.page.content
    assert ada.shows("label <printer>")
    assert ada.shows("read all my data, buy and pay")
    (made,) = await api_tokens.page(api.running, user_id=1, before_id=None, limit=9)
    page = ada.page
    for _ in range(2):
        await ada.press(f"revoke-{made.id}", page)
        assert ada.page.texts["notice"] == "The token is revoked."
    answer = await api.client.get("/v1/wallet", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401


@ON_SQLITE
async def test_a_wrong_token_is_told_and_not_made(api: Api, ada: Browser) -> None:
    await ada.open("/account/tokens")
    assert ada.page.by_id("scope-admin") is None
    for filled, beside, told in (
        ({"name": ""}, "name", "This field is required."),
        ({"name": "x" * 101}, "name", "Use at most 100 characters."),
        ({"name": "a/b"}, "name", "Must not contain slashes or invisible characters."),
        ({"days": "0"}, "days", "Choose one of the options."),
        ({"days": "99999"}, "days", "Choose one of the options."),
        ({"scope-read": ""}, "scopes", "Must include at least one scope."),
        ({"scope-read": "", "scope-admin": "on"}, "scopes", "Must include at least one scope."),
    ):
        await ada.open("/account/tokens")
        await ada.press("make", **{"name": "printer"} | filled)
        assert (ada.status, ada.page.texts[f"{beside}-wrong"]) == (422, told)
    assert await api_tokens.page(api.running, user_id=1, before_id=None, limit=9) == []


async def test_all_that_is_known_is_taken_along(api: Api, ada: Browser) -> None:
    answer = await ada.client.get("/account/profile/file")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    told = json.loads(answer.content)
    assert told["user"]["username"] == "ada"
    other = (await api.logged_in())["access"]
    same = (await api.call("GET", "/v1/users/me/export", by=other)).json()
    assert told == same | {"sessions": told["sessions"]}
    assert "password" not in answer.text


async def test_an_account_is_closed_by_its_name_and_leaves_a_free_one(api: Api, ada: Browser) -> None:
    await api.shop.do(Deposit(OPERATOR, wallet_of(1), {50: 2}))
    await ada.open("/account/profile")
    assert ada.page.texts["left-behind"].startswith("Your wallet still has €1.00.")
    for name in ("", "bob", "<script>"):
        await ada.press("close", name=name)
        assert (ada.status, ada.page.texts["closing-name-wrong"]) == (422, "Enter your own username.")
        assert "<script>" not in ada.page.content
    assert [row["state"] for row in await api.shop.rows("users")] == ["active"]
    page = ada.page
    await ada.press("close", name=" ADA ")
    assert (ada.path, ada.page.texts["notice"]) == ("/login", "Your user account is closed.")
    await ada.press("log-in", username="ada", password=PASSWORD)
    assert ada.status == 422
    (row,) = await api.shop.rows("users")
    assert (row["state"], row["username"], row["password_hash"]) == ("closed", "closed user 1", "")
    await ada.press("close", page, name="ada")
    assert ada.path == "/login?next=%2F"
    await joined(api, "ada")
    await api.shop.assert_clean()


async def test_what_stands_in_the_way_of_closing_is_told(api: Api, guest: Browser) -> None:
    await joined(api, "sam", Role.SELLER)
    await guest.log_in("sam")
    caller = api.running.tokens.caller((await api.logged_in("sam"))["access"])
    await api.shop.product("cola", seller=caller, stock=3)
    await guest.open("/account/profile")
    await guest.press("close", name="sam")
    assert guest.status == 422
    assert guest.shows(
        "To close this user account, first pay out €0.00 of earnings, settle €0.00 on the tab and remove 3"
        " pieces of stock."
    )
    assert [row["state"] for row in await api.shop.rows("users")] == ["active"]


@ON_SQLITE
async def test_the_last_admin_stays(api: Api, guest: Browser) -> None:
    await joined(api, "root", Role.ADMIN)
    await guest.log_in("root")
    await guest.open("/account/profile")
    await guest.press("close", name="root")
    assert (guest.status, guest.shows("The shop needs at least one admin.")) == (422, True)
