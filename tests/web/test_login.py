"""In, out, and back to where somebody wanted to go."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tests.web.conftest import PASSWORD, NewBrowser, joined
from tuckshop.identity import sessions

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_leads_back_to_where_somebody_wanted_to_go(api: Api, guest: Browser) -> None:
    await joined(api, "ada")
    await guest.open("/account?x=1")
    assert guest.path == "/login?next=%2Faccount%3Fx%3D1"
    await guest.press("log-in", username="Ada", password=PASSWORD)
    assert guest.path == "/account?x=1"
    assert "Hello, ada" in guest.page.content
    await guest.open("/login")
    assert guest.path == "/account"
    await guest.press("log-out")
    assert (guest.path, guest.page.texts["notice"]) == ("/login", "You are logged out.")
    await guest.open("/account")
    assert guest.path.startswith("/login?")


async def test_a_wrong_password_keeps_the_name_and_opens_nothing(api: Api, guest: Browser) -> None:
    await joined(api, "ada")
    before = await api.shop.rows("sessions")
    await guest.open("/login")
    for name, password in (
        ("ada", "wrong horse"),
        ("nobody", PASSWORD),
        ("<script>", PASSWORD),
        ("ada", "x" * 2000),
    ):
        await guest.press("log-in", username=name, password=password)
        assert guest.status == 422
        assert "The username or the password is wrong. Try again." in guest.page.content
        assert guest.field("username")["value"] == name
        assert "value" not in guest.field("password")
        assert "<script>" not in guest.page.content
    assert await api.shop.rows("sessions") == before
    assert "tuckshop" not in guest.client.cookies


async def test_an_empty_form_is_told_beside_its_fields(guest: Browser) -> None:
    await guest.open("/login")
    await guest.press("log-in", username=" ", password="")
    assert guest.status == 422
    assert (
        guest.page.texts["username-wrong"] == guest.page.texts["password-wrong"] == "This field is required."
    )
    assert guest.field("username")["aria-invalid"] == "true"


async def test_who_tries_too_often_has_to_wait(api: Api, guest: Browser) -> None:
    await joined(api, "ada")
    await guest.open("/login")
    for _ in range(30):
        await guest.press("log-in", username="ada", password="wrong horse")
        if guest.status == 429:
            break
    assert "Too many log-in attempts. Wait" in guest.page.content
    await guest.press("log-in", username="ada", password=PASSWORD)
    assert guest.status == 429
    assert "tuckshop" not in guest.client.cookies


async def test_the_second_log_in_is_told_and_ends_the_first(api: Api, new_browser: NewBrowser) -> None:
    await joined(api, "ada")
    first, second = new_browser(), new_browser()
    for browser in (first, second):
        await browser.open("/login?next=/m/1")
        await browser.press("log-in", username="ada", password=PASSWORD)
    assert first.path == "/m/1"
    assert second.path == "/login/others?next=%2Fm%2F1"
    assert "You are already logged in on another device" in second.page.content
    await second.press("end-others")
    assert second.path == "/m/1"
    await first.open("/account")
    assert first.path == "/login?next=%2Faccount"
    await second.open("/account")
    assert second.path == "/account"


async def test_a_session_that_has_ended_leads_to_the_log_in(api: Api, guest: Browser) -> None:
    user_id = await joined(api, "ada")
    await guest.log_in("ada")
    await guest.open("/account")
    page = guest.page
    await sessions.end_all(api.running, user_id=user_id)
    await guest.open("/account")
    assert guest.path == "/login?next=%2Faccount"
    await guest.press("log-out", page)  # On a page of before: out is out.
    assert guest.path == "/login"


@ON_SQLITE
@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("//evil.example", "/account"),
        ("https://evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("/login", "/account"),
        ("/login/others", "/account"),
        ("javascript:alert(1)", "/account"),
        ("", "/account"),
        ("/", "/"),
        ("/m/1?pick=3", "/m/1?pick=3"),
    ],
)
async def test_leads_nowhere_else(api: Api, guest: Browser, given: str, path: str) -> None:
    await joined(api, "ada")
    await guest.open("/login", params={"next": given})
    await guest.press("log-in", username="ada", password=PASSWORD)
    assert guest.path == path


@ON_SQLITE
async def test_a_form_of_another_browser_or_another_site_is_none(api: Api, new_browser: NewBrowser) -> None:
    await joined(api, "ada")
    one, other = new_browser(), new_browser()
    await one.open("/login")
    await other.open("/login")
    fields = {"username": "ada", "password": PASSWORD, "next": ""}
    foreign = one.page.fields(one.page.form_of("log-in"))["form"]
    for sent, headers in (
        (fields, {}),
        (fields | {"form": foreign}, {}),
        (fields | {"form": "x"}, {}),
        (
            other.page.fields(other.page.form_of("log-in")) | fields,
            {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        ),
    ):
        answer = await other.client.post("/login", data=sent, headers=headers)
        assert answer.status_code == 400
        assert "tuckshop" not in other.client.cookies
    assert (await other.client.post("/account/logout", data={"form": "x"})).status_code == 400


@ON_SQLITE
async def test_only_the_roles_rooms_are_open(api: Api, guest: Browser) -> None:
    await joined(api, "ada")
    await guest.log_in("ada")
    page = await guest.open("/account")
    assert re.findall(r'<a href="(/[a-z]*)"', page.content)[:2] == ["/", "/account"]
    assert 'href="/desk"' not in page.content
    for path in ("/desk", "/office"):
        await guest.open(path)
        assert guest.status == 403
        assert "You need one of these roles:" in guest.page.content


@ON_SQLITE
async def test_a_kiosk_leaves_no_log_in_open(guest: Browser) -> None:
    answer: httpx.Response = await guest.client.get("/login", headers={"Cookie": "tuckshop_screen=s1-x"})
    assert '<meta http-equiv="refresh" content="60; url=/kiosk/leave">' in answer.text
