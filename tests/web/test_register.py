"""Becoming somebody: right, wrong, twice, and where the shop is choosy."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api, serving
from tests.web.browsing import Browser
from tests.web.conftest import PASSWORD, browsers, joined
from tuckshop.domain.users import RegistrationMode

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FILLED = {"username": "ada", "password": PASSWORD, "again": PASSWORD, "roles": "buyer"}


@pytest.mark.parametrize(
    ("kind", "roles"), [("buyer", "buyer"), ("seller", "seller"), ("both", "buyer, seller")]
)
async def test_a_newcomer_is_in_at_once(api: Api, guest: Browser, kind: str, roles: str) -> None:
    await guest.open("/login?next=/m/1")
    await guest.open("/register?next=/m/1")
    await guest.press("register", **FILLED | {"roles": kind, "email": "ada@example.org"})
    assert guest.path == "/m/1"
    await guest.open("/account/profile")
    assert guest.shows(f"Your roles: {roles}.")
    assert (guest.field("username")["value"], guest.field("email")["value"]) == ("ada", "ada@example.org")
    (user,) = await api.shop.rows("users")
    assert (user["state"], user["is_admin"], user["is_cashier"]) == ("active", False, False)


@ON_SQLITE
@pytest.mark.parametrize(
    ("filled", "beside", "told"),
    [
        ({"username": ""}, "username", "This field is required."),
        ({"username": "a/b"}, "username", "Must not contain slashes or invisible characters."),
        ({"username": "x" * 65}, "username", "Use at most 64 characters."),
        ({"username": "house"}, "username", "Must not be the name of the shop."),
        ({"username": "BOB"}, "username", "The name BOB is taken. Choose another one."),
        ({"email": "nowhere"}, "email", "Must look like name@example.org."),
        ({"email": "x" * 255}, "email", "Use at most 254 characters."),
        ({"password": "short", "again": "short"}, "password", "Must have 8 to 1024 characters."),
        ({"password": "password1", "again": "password1"}, "password", "Is among the most common passwords."),
        ({"password": "x" * 1025, "again": "x" * 1025}, "password", "Must have 8 to 1024 characters."),
        ({"password": "", "again": ""}, "password", "This field is required."),
        ({"again": "another horse"}, "again", "The passwords do not match."),
        ({"roles": "admin"}, "roles", "Choose one of the options."),
        ({"roles": ""}, "roles", "Choose one of the options."),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field(
    api: Api, guest: Browser, filled: dict[str, str], beside: str, told: str
) -> None:
    await joined(api, "bob", password="another horse")
    before = await api.shop.rows("users")
    await guest.open("/register")
    await guest.press("register", **FILLED | {"email": "a@b"} | filled)
    assert guest.status == 422
    assert guest.page.texts[f"{beside}-wrong"] == told
    if "username" not in filled:
        assert guest.field("username")["value"] == "ada"
    assert "value" not in guest.field("password")
    assert await api.shop.rows("users") == before
    assert "tuckshop" not in guest.client.cookies


@ON_SQLITE
async def test_pressed_twice_it_has_worked_once(api: Api, guest: Browser) -> None:
    page = await guest.open("/register")
    await guest.press("register", **FILLED)
    assert guest.path == "/account"
    guest.client.cookies.delete("tuckshop")  # The answer never came; the browser's visit is still known.
    await guest.open("/register")
    await guest.press("register", **FILLED)
    assert guest.path in ("/account", "/login/others?next=%2Faccount")
    assert len(await api.shop.rows("users")) == 1
    await guest.press("register", page, **FILLED)  # That page was for the visit before the log-in.
    assert guest.status == 400


@ON_SQLITE
async def test_a_wild_name_is_text_on_every_page(api: Api, guest: Browser) -> None:
    wild = '"><img src=x onerror=alert(1)><script>'
    await guest.open("/register")
    await guest.press("register", **FILLED | {"username": wild})
    assert guest.path == "/account"
    for path in ("/account", "/account/profile", "/account/sessions", "/m/1"):
        await guest.open(path)
        assert guest.status == 200
        assert "<img src=x" not in guest.page.content
        assert "<script>" not in guest.page.content
    await guest.press("log-out", await guest.open("/account"))
    await guest.press("log-in", username=wild, password="wrong horse")
    assert "<img src=x" not in guest.page.content
    assert guest.field("username")["value"] == wild


async def choosy(
    url: str, buyers: RegistrationMode, sellers: RegistrationMode | None, filled: dict[str, str]
) -> tuple[Browser, list[str], list[str]]:
    """Where the newcomer got, what the form offers, and the states of all users."""
    async with serving(url, registration=buyers, seller_registration=sellers) as api, browsers(api) as new:
        guest = new()
        await guest.open("/register")
        kinds = [found["value"] for tag, found in guest.page.elements if found.get("name") == "roles"]
        token = guest.page.fields(guest.page.form_of("register"))["form"] if kinds else "x"
        guest.look(await guest.client.post("/register", data=filled | {"form": token}))
        return guest, kinds, [row["state"] for row in await api.shop.rows("users")]


@ON_SQLITE
@pytest.mark.parametrize("sellers", [None, RegistrationMode.APPROVE])
async def test_where_admins_let_people_in_newcomers_wait(
    database_url: str, sellers: RegistrationMode | None
) -> None:
    guest, kinds, states = await choosy(
        database_url, RegistrationMode.OPEN, sellers, FILLED | {"roles": "both"}
    )
    assert kinds == ["buyer", "seller", "both"]
    assert (guest.path, states) == ("/register/waiting", ["pending"])
    assert "tuckshop" not in guest.client.cookies


@ON_SQLITE
async def test_who_is_not_taken_in_is_told_so(database_url: str) -> None:
    guest, kinds, states = await choosy(
        database_url, RegistrationMode.OPEN, RegistrationMode.CLOSED, FILLED | {"roles": "seller"}
    )
    assert (kinds, states) == (["buyer"], [])
    assert (guest.status, guest.page.texts["roles-wrong"]) == (
        422,
        "Registration as seller is closed. Ask an admin.",
    )


@ON_SQLITE
async def test_a_shop_may_take_nobody_in(database_url: str) -> None:
    guest, kinds, states = await choosy(
        database_url, RegistrationMode.CLOSED, RegistrationMode.CLOSED, FILLED
    )
    assert (kinds, states, guest.status) == ([], [], 400)  # There was no form to be filled in.
