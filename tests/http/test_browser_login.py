"""Browsers' log-ins through pages: the form's token, the cookie, and a new session each time."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, serving
from tuckshop.api.problems import PROBLEMS
from tuckshop.domain.users import Role
from tuckshop.http import browser_login
from tuckshop.http.bodies import Bodies
from tuckshop.http.handlers import get, post
from tuckshop.http.middleware import Middleware
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.http.router import Application
from tuckshop.http.state import Running
from tuckshop.http.timeouts import BodyTimeouts
from tuckshop.identity import registration, sessions, users
from tuckshop.settings import Settings, SettingsInvalid, read

PASSWORD = "correct horse"
HTTP, HTTPS = "http://shop.example.org", "https://shop.example.org"


@get("/form")
async def form(request: ShopRequest) -> Response[str]:
    """A page with a form."""
    seed = browser_login.seed(request)
    response = Response(browser_login.form_token(request, seed=seed), media_type="text/plain")
    browser_login.keep_seed(response, request, seed=seed)
    return response


@post("/login", status_code=200)
async def log_in(request: ShopRequest) -> Response[Any]:
    """The log-in form, posted."""
    name, token, password = (await request.body()).decode().split("&")
    entered = await browser_login.log_in(request, username=name, password=password, form_token=token)
    response = Response({"others": entered.active_sessions})
    browser_login.keep(response, request, entered)
    return response


@post("/logout", status_code=200)
async def log_out(request: ShopRequest) -> Response[None]:
    """The button, pressed."""
    await browser_login.log_out(request)
    response = Response(None)
    browser_login.forget(response, request)
    return response


@get("/name")
async def who(request: ShopRequest) -> Response[str]:
    """Who is logged in."""
    caller = await browser_login.caller(request)
    if caller is None:
        return Response("", media_type="text/plain")
    await sessions.actor(request.shop, caller=caller)
    found = await users.find(request.shop, user_id=caller.user_id or 0)
    return Response(found.username, media_type="text/plain")


class Window:
    """A browser before the shop's pages."""

    def __init__(self, api: Api, public_url: str) -> None:
        edge: Any = Middleware(Application([form, log_in, log_out, who], errors=PROBLEMS))
        settings = Settings(public_url=public_url)
        edge.running = Running(api.running, api.events, BodyTimeouts(), Bodies(), settings, {})
        self.own = {"Origin": public_url, "Sec-Fetch-Site": "same-origin"}
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url=public_url)

    async def token(self) -> str:
        """The token of a form that is loaded now."""
        return (await self.client.get("/form")).text

    async def log_in(self, name: str = "ada", *, token: str | None = None, **headers: str) -> httpx.Response:
        token = await self.token() if token is None else token
        body = f"{name}&{token}&{PASSWORD}"
        return await self.client.post("/login", content=body, headers=headers or self.own)

    async def name(self) -> str | None:
        """Who is logged in; None if the session has ended."""
        answer = await self.client.get("/name")
        return answer.text if answer.status_code == 200 else None


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """A shop with two users, and the API behind the pages."""
    async with serving(database_url) as served:
        for name in ("ada", "bob"):
            await registration.add(
                served.running, username=name, email=None, password=PASSWORD, roles=[Role.BUYER]
            )
        yield served


@pytest.fixture
def window(api: Api) -> Window:
    return Window(api, HTTP)


async def test_a_form_logs_in_and_a_button_out(window: Window) -> None:
    assert await window.name() == ""
    answer = await window.log_in()
    assert (answer.status_code, answer.json()) == (200, {"others": 0})
    assert await window.name() == "ada"
    secret = window.client.cookies[browser_login.SESSION]
    assert (await window.client.post("/logout")).status_code == 200
    assert await window.name() == ""
    window.client.cookies.set(browser_login.SESSION, secret)
    assert await window.name() is None
    assert (await window.client.post("/logout")).status_code == 200  # Pressed twice.


async def test_nothing_of_a_foreign_page_logs_in(api: Api, window: Window) -> None:
    token = await window.token()
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": HTTPS},
        {"Accept": "*/*"},
    ):
        assert (await window.log_in(token=token, **headers)).status_code == 400
    assert await api.shop.rows("sessions") == []
    assert await api.shop.rows("login_tries") == []
    assert (await window.log_in(token=token)).status_code == 200


async def test_a_form_is_good_for_its_browser_and_session_alone(api: Api, window: Window) -> None:
    thief = Window(api, HTTP)
    stolen = await thief.token()
    fresh = await window.token()
    for wrong in (stolen, "", fresh[:-1], fresh + "A", "A" * 43, "\u00e9"):
        assert (await window.log_in(token=wrong)).status_code == 400, wrong
    window.client.cookies.clear()
    assert (await window.log_in(token=fresh)).status_code == 400  # Without the cookie of its visit.
    before = await window.token()
    assert (await window.log_in(token=before)).status_code == 200
    assert (await window.log_in(token=before)).status_code == 400  # The form of before the log-in.
    assert browser_login.VISIT not in window.client.cookies
    within = await window.token()
    assert within == await window.token()
    assert browser_login.VISIT not in window.client.cookies
    assert (await window.log_in("bob", token=within)).status_code == 200
    assert (await window.log_in("ada", token=within)).status_code == 400


@pytest.mark.parametrize("seed", ["short", "x" * 1000, '"; x=' + "A" * 40])
async def test_a_seed_that_is_none_of_ours_is_not_taken(window: Window, seed: str) -> None:
    window.client.cookies.set(browser_login.VISIT, seed)
    assert (await window.client.get("/form", headers={"Cookie": f"{browser_login.VISIT}={seed}"})).cookies[
        browser_login.VISIT
    ] != seed


async def test_each_log_in_is_a_new_session_and_ends_the_one_before(api: Api, window: Window) -> None:
    await window.log_in()
    first = window.client.cookies[browser_login.SESSION]
    assert (await window.log_in()).json() == {"others": 0}  # Its own of before is none of the others.
    assert window.client.cookies[browser_login.SESSION] != first
    other = Window(api, HTTP)
    assert (await other.log_in()).json() == {"others": 1}
    assert (await window.log_in("bob")).json() == {"others": 0}
    assert await window.name() == "bob"
    window.client.cookies.clear()
    window.client.cookies.set(browser_login.SESSION, first)
    assert await window.name() is None
    assert (await window.log_in()).json() == {"others": 1}  # With a dead cookie as well as without.


async def test_a_wrong_password_leaves_the_session_as_it_was(window: Window) -> None:
    await window.log_in()
    answer = await window.client.post(
        "/login", content=f"ada&{await window.token()}&wrong", headers=window.own
    )
    assert answer.status_code == 401
    assert await window.name() == "ada"


async def test_nobody_fixes_the_session_of_somebody_else(window: Window) -> None:
    planted = "tss_" + "A" * 43
    window.client.cookies.set(browser_login.SESSION, planted)
    assert await window.name() is None
    assert (await window.log_in()).cookies[browser_login.SESSION] != planted


@pytest.mark.parametrize(("public_url", "prefix", "ending"), [(HTTP, "", ""), (HTTPS, "__Host-", "; Secure")])
async def test_cookies_are_for_this_host_and_no_script(
    api: Api, public_url: str, prefix: str, ending: str
) -> None:
    window = Window(api, public_url)
    visit = (await window.client.get("/form")).headers.get_list("set-cookie")
    entered = (await window.log_in()).headers.get_list("set-cookie")
    left = (await window.client.post("/logout")).headers.get_list("set-cookie")
    cookies = [re.sub("=[^;]+", "=...", one, count=1) for one in (*visit, *entered, *left)]
    rules = f"; Path=/; SameSite=lax{ending}"
    assert cookies == [
        f"{prefix}{name}; HttpOnly; Max-Age={seconds}{rules}"
        for name, seconds in (
            ("tuckshop_visit=...", 86_400),
            ("tuckshop=...", 30 * 86_400),
            ("tuckshop_device=...", 400 * 86_400),
            ("tuckshop_visit=...", 0),
            ("tuckshop=...", 0),
            ("tuckshop_visit=...", 0),
        )
    ]


async def test_a_copy_of_the_database_holds_no_cookie(api: Api, window: Window) -> None:
    await window.log_in()
    secret = window.client.cookies[browser_login.SESSION]
    kept = str([await api.shop.rows(table) for table in ("sessions", "api_tokens", "login_tries")])
    assert secret not in kept
    assert secret.removeprefix("tss_") not in kept


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Shop.example.org/", HTTPS),
        ("https://shop.example.org:443", HTTPS),
        ("http://shop.example.org:80", HTTP),
        ("http://shop.example.org:8000", f"{HTTP}:8000"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("", ""),
    ],
)
def test_the_public_address_is_written_as_browsers_do(given: str, origin: str) -> None:
    settings = read({"TUCKSHOP_PUBLIC_URL": given})
    assert (settings.origin, settings.is_https) == (origin, origin.startswith("https"))


@pytest.mark.parametrize(
    "given",
    [
        "shop.example.org",
        "ftp://shop.example.org",
        "https://",
        "https://shop.example.org/shop",
        "https://shop.example.org?x",
        "https://ada@shop.example.org",
        "https://shop.example.org:0",
        "https://shop.example.org:65536",
        "https://a b",
        "https://b\u00fcro.example",
    ],
)
def test_no_other_address_is_taken(given: str) -> None:
    with pytest.raises(SettingsInvalid, match="TUCKSHOP_PUBLIC_URL is not valid"):
        read({"TUCKSHOP_PUBLIC_URL": given})
