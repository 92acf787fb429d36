"""Every form of every page, as the application has them: from our own pages alone, and told what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.web import pages
from tests.web.browsing import Browser, Page
from tests.web.conftest import NewBrowser, joined
from tests.web.test_office_machines import kept
from tuckshop.domain.refusals import SessionEnded
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import first_admin, login_throttle
from tuckshop.till.commands.base import Envelope, Outcome
from tuckshop.till.engine.queue import Till
from tuckshop.web.ui.layout import POLICY

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_, HASH = first_admin.new_code()
WILD = '"><img src=x onerror=alert(1)>'
FOREIGN = ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "none"})
CASHIERS_SEE = frozenset(
    f"/office{one}"
    for one in (
        "",
        "/counter",
        "/left-behind",
        "/machines",
        "/machines/{machine}",
        "/machines/{machine}/coins",
        "/machines/{machine}/coins/count",
        "/orders",
        "/orders/file",
        "/orders/{order}",
        "/payouts",
        "/payouts/file",
        "/payouts/{seller}",
        "/products",
        "/products/{product}",
        "/refunds",
        "/sales",
        "/sales/file",
        "/tabs",
        "/tabs/{user}",
        "/transfers/{transfer}",
        "/unclaimed",
    )
)
"""The rest of the office is for admins alone."""
CASHIERS_DO = frozenset(
    f"/office{one}"
    for one in (
        "/counter/deposit",
        "/counter/pay-out",
        "/machines/{machine}/coins/collect",
        "/machines/{machine}/coins/count",
        "/machines/{machine}/coins/fill",
        "/orders/{order}/cancel",
        "/orders/{order}/hand-out",
        "/orders/{order}/refund",
        "/refunds/{order}/dismiss",
        "/tabs/{user}/bank",
        "/tabs/{user}/coins",
        "/transfers/{transfer}/reverse",
    )
)
OF_NOBODY = ("/account/sessions/{session}/end", "/account/tokens/{token}/revoke")
"""To end what is somebody else's ends nothing, and is told to have worked: it is not there any more."""
OK = 200
SECOND_FACTOR = "/account/second-factor"
TYPED = ("text", "email", "password", "search", "number", "date")


@dataclass(frozen=True)
class Form:
    """One that somebody was shown, with one of its buttons pressed."""

    browser: Browser
    path: str
    fields: dict[str, str]
    typed: dict[str, str]
    """The fields that take whatever is typed, and of which type they are."""
    chosen: dict[str, str]
    """The last of each choice that it offers."""
    file: str | None
    """The field for a file, of a form that has one."""
    shown_on: str

    @property
    def route(self) -> str:
        """Who takes it."""
        return pages.route_of(self.path, "POST")

    async def send(self, fields: dict[str, str], *, file: bytes = b"", **more: Any) -> httpx.Response:
        """This form with these fields."""
        if self.file is not None:
            more["files"] = {name: (None, value) for name, value in fields.items() if name != self.file}
            more["files"][self.file] = ("a.csv", file, "text/csv")
            return await self.browser.client.post(self.path, **more)
        return await self.browser.client.post(self.path, data=fields, **more)


def forms_of(browser: Browser, method: str = "post") -> Iterator[Form]:
    """All that can be sent from the page that is shown, by each of its buttons."""
    page = browser.page
    for name, form in [(one["id"], one) for tag, one in page.elements if tag == "form"]:
        if form.get("method", "get") != method:
            continue
        within = [(tag, one) for tag, one in page.elements if one.get("form") == name]
        typed = {
            one["name"]: one.get("type", "text")
            for tag, one in within
            if tag == "textarea" or (tag == "input" and one.get("type", "text") in TYPED)
        }
        chosen = {
            one["name"]: one.get("value", "on")
            for tag, one in within
            if tag == "option" or one.get("type") in ("radio", "checkbox")
        }
        # A form without a button is sent by a script.
        for button in [one for tag, one in within if tag == "button"] or [{}]:
            action = button.get("formaction") or form.get("action")
            assert action is not None, f"{name} leads nowhere on {browser.path}"
            fields = page.fields(name) | ({button["name"]: button["value"]} if "name" in button else {})
            file = next((one["name"] for _, one in within if one.get("type") == "file"), None)
            assert (file is not None) == (form.get("enctype") == "multipart/form-data"), name
            yield Form(browser, action, fields, typed, chosen, file, browser.path)


@pytest.fixture
async def api(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """A shop that nobody runs yet."""
    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0.0)
    more: dict[str, Any] = {"coins": CoinsPolicy.SELF, "tab_limit_cents": 10_000, "first_code_hash": HASH}
    async with serving(database_url, **more) as served:
        yield served


async def every_form(  # noqa: C901  # A loop a room.
    api: Api, new_browser: NewBrowser
) -> AsyncIterator[Form]:
    """One form of each route that takes any, while the page on which it stands is shown."""
    found: set[str] = set()
    nobody, boss, kiosk = new_browser(), new_browser(), new_browser()

    async def on(browser: Browser, *paths: str) -> AsyncIterator[Form]:
        for path in paths:
            if path:
                await browser.open(path)
            assert browser.status == 200, path
            for form in forms_of(browser):
                if form.route not in found:
                    found.add(form.route)
                    yield form

    async for form in on(nobody, pages.FIRST):
        yield form
    told = await pages.furnish(api.shop)
    async for form in on(nobody, *pages.FOR_NOBODY):
        yield form
    await boss.log_in(told["boss"])
    async for form in on(boss, *pages.addresses(told)):
        yield form
    await boss.open("/desk/file")
    look = next(one for one in forms_of(boss) if one.path == "/desk/file")
    boss.look(await look.send(look.fields, file=b"name,price\ntea,1"))
    async for form in on(boss, ""):
        yield form
    await boss.press("take")
    async for form in on(boss, "/desk/file"):
        yield form
    await api.shop.execute("INSERT INTO waiting_products VALUES (:id, 1)", id=int(told["product"]))
    async for form in on(boss, "/office/products/{product}".format(**told)):
        yield form
    await boss.open(SECOND_FACTOR)
    await boss.press("set-up")
    async for form in on(boss, ""):
        yield form
    await api.shop.execute("UPDATE users SET second_factor_us = 1")
    async for form in on(boss, SECOND_FACTOR, "/office/users/{user}".format(**told)):
        yield form
    await kiosk.open("/kiosk")
    begin = next(one for one in forms_of(kiosk) if one.path == "/kiosk")
    await begin.send(begin.fields | {"code": await api.shop.pairing_code(2)})
    async for form in on(kiosk, "/", "/kiosk"):
        yield form
    assert found == pages.routes("POST")


def in_the_look(answer: httpx.Response, form: Form, *statuses: int) -> Page:
    """The page of an answer with one of these statuses."""
    assert answer.status_code in statuses, (form.route, answer.status_code)
    assert answer.headers["content-security-policy"] == POLICY, form.route
    page = Page(answer.text)
    assert [tag for tag, _ in page.elements].count("h1") == 1, form.route
    return page


async def test_no_form_is_taken_but_from_the_page_that_was_shown(api: Api, new_browser: NewBrowser) -> None:
    thief = new_browser()
    await thief.open("/login")
    stolen = thief.page.fields(thief.page.form_of("log-in"))["form"]
    async for form in every_form(api, new_browser):
        before = await api.shop.books()
        assert len(form.fields["form"]) == len(stolen), form.route
        without = {name: value for name, value in form.fields.items() if name != "form"}
        for fields in (without, form.fields | {"form": ""}, form.fields | {"form": stolen}):
            in_the_look(await form.send(fields), form, 400, 415)  # Without any field it is no form.
        for headers in FOREIGN:
            in_the_look(await form.send(form.fields, headers=headers), form, 400)
        body = "&".join(f"{name}={value}" for name, value in form.fields.items())
        plain = {"Content-Type": "text/plain"}
        in_the_look(await form.browser.client.post(form.path, content=body, headers=plain), form, 400, 415)
        assert await api.shop.books() == before, form.route


async def test_what_is_wrong_is_told_beside_it_and_what_was_typed_is_kept(
    api: Api, new_browser: NewBrowser
) -> None:
    wrong = f"{WILD} " * 100
    async for form in every_form(api, new_browser):
        if not form.typed:
            continue
        before = kept(await api.shop.books())
        sent = form.fields | form.chosen | dict.fromkeys(form.typed, wrong)
        page = in_the_look(await form.send(sent), form, 422)
        assert kept(await api.shop.books()) == before, form.route
        assert WILD not in page.content, form.route
        complaints = [one for _, one in page.elements if one.get("aria-invalid") == "true"]
        assert complaints, form.route
        for one in complaints:
            assert all(page.by_id(name) for name in one["aria-describedby"].split()), form.route
        (again,) = [
            one["id"]
            for tag, one in page.elements
            if tag == "form" and (one.get("method"), one.get("action")) == ("post", form.path)
            if form.typed.keys() <= page.fields(one["id"]).keys()
        ]
        forgotten = [name for name, kind in form.typed.items() if kind == "password"]
        forgotten += [form.file] if form.file else []
        shown = page.fields(again)
        assert {name: shown.get(name, "") for name in sent} == sent | dict.fromkeys(forgotten, ""), form.route


@dataclass(frozen=True)
class Rooms:
    """What is behind the log-in, as the boss sees it: addresses, and a form of each route."""

    boss: Browser
    places: list[str]
    forms: list[Form]


@pytest.fixture
async def rooms(api: Api, new_browser: NewBrowser) -> Rooms:
    told = await pages.furnish(api.shop)
    boss = new_browser()
    await boss.log_in(told["boss"])
    places = [one for one in pages.addresses(told) if one.startswith(("/account", "/desk", "/office"))]
    found: dict[str, Form] = {}
    for path in (*places, "/m/{machine}?pick={bare}".format(**told)):
        await boss.open(path)
        for form in forms_of(boss):
            if form.path not in ("/language", "/account/logout"):  # Which anybody may.
                found.setdefault(form.route, form)
    return Rooms(boss, [*places, *sorted(pages.FILES)], list(found.values()))


async def test_after_the_session_all_leads_to_the_log_in_and_back_and_nothing_is_done(
    api: Api, rooms: Rooms
) -> None:
    await api.shop.execute("UPDATE sessions SET ended_us = created_us")
    before, boss = await api.shop.books(), rooms.boss
    for path in rooms.places:
        await boss.open(path)
        assert (boss.status, boss.path) == (200, f"/login?{urlencode({'next': path})}")
    for form in rooms.forms:
        referer = {"Referer": str(boss.client.base_url.join(form.shown_on))}
        boss.look(await form.send(form.fields, file=bytes(1_000_000), headers=referer))
        assert (boss.status, boss.path) == (200, f"/login?{urlencode({'next': form.shown_on})}"), form.route
    assert await api.shop.books() == before


async def test_where_it_ends_just_before_the_till_is_asked_too(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def ended(_: Till, envelope: Envelope) -> Outcome:
        asked.append(envelope.command.tag)
        return Outcome(SessionEnded())

    monkeypatch.setattr(Till, "execute", ended)
    for form in rooms.forms:
        before = len(asked)
        filled = {name: form.fields[name] or "1" for name in form.typed}
        answer = await form.send(form.fields | form.chosen | filled, follow_redirects=False)
        if len(asked) > before:
            assert answer.status_code == 303, form.route
            assert answer.headers["location"].startswith("/login?next="), form.route
    assert len(set(asked)) >= 15


async def test_nobody_sees_or_does_what_is_not_theirs(
    api: Api, rooms: Rooms, new_browser: NewBrowser
) -> None:
    others = {}
    for role in (Role.BUYER, Role.SELLER, Role.CASHIER):
        await joined(api, f"other {role}", role)
        others[role] = new_browser()
        await others[role].log_in(f"other {role}")
    before = kept(await api.shop.books())
    for role, other in others.items():
        for path in rooms.places:
            await other.open(path)
            assert other.status in may(role, pages.route_of(path, "GET"), CASHIERS_SEE), (role, path)
        token = (await other.open("/account/profile")).named("form")[0]["value"]
        for form in rooms.forms:
            expected = may(role, form.route, CASHIERS_DO)
            if OK not in expected or form.route in OF_NOBODY:
                mine = replace(form, browser=other, fields=form.fields | {"form": token})
                assert (await mine.send(mine.fields)).status_code in expected, (role, form.route)
    assert kept(await api.shop.books()) == before


def may(role: Role, route: str, of_cashiers: frozenset[str]) -> tuple[int, ...]:
    """The statuses with which this one may be answered."""
    room = route.split("/")[1]
    if room == "office":
        return (OK,) if role is Role.CASHIER and route in of_cashiers else (403,)
    if room == "desk" and role is not Role.SELLER:
        return (403,)
    if room == "m":
        return (OK,)
    if "{" not in route:
        return (OK,) if room == "desk" or role is Role.BUYER else (OK, 403)  # Who buys nothing has no orders.
    return (OK,) if route in OF_NOBODY else (403, 404)
