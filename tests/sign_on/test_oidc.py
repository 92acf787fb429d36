"""Log-ins by an OpenID Connect provider: whom it lets in, and what proves nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey

from tests.api.conftest import Api, serving
from tests.limits import HANG_SECONDS
from tests.sign_on.providers import CLIENT, SECRET, Provider, key, serving_provider
from tests.sign_on.test_ldap import log_in, roles_of
from tools.loopback import HOST
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import registration, roles, users
from tuckshop.identity.sign_on import open_services
from tuckshop.settings import Settings, SettingsInvalid

pytestmark = pytest.mark.more
BEGIN, BACK = "/login/oidc", "/login/oidc/callback"
PASSWORD = "correct horse"


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that lets ada in."""
    with serving_provider() as found:
        yield found


@pytest.fixture
async def api(database_url: str, provider: Provider) -> AsyncIterator[Api]:
    """A shop that the provider lets users into, with an admin of its own."""
    async with serving(
        database_url,
        public_url="http://127.0.0.1",
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name="Example Org",
        sign_on_roles="shop-staff=cashier,admins=admin",
    ) as served:
        await registration.add(
            served.running, username="root", email=None, password=PASSWORD, roles=[Role.ADMIN]
        )
        yield served


@pytest.fixture
async def browser(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser, which follows no address by itself."""
    async with new_browser(api) as client:
        yield client


def new_browser(api: Api) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://{HOST}:{api.port}",
        timeout=HANG_SECONDS,
        verify=False,
        headers={"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"},
    )


async def sign_on(browser: httpx.AsyncClient, provider: Provider, **more: str) -> httpx.Response:
    """To the provider and back."""
    begun = await browser.get(BEGIN, params=more)
    assert begun.status_code == 303, begun.text
    return await browser.get(BACK, params=provider.let_in(begun.headers["location"]))


async def is_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/account")).status_code == 200


async def test_the_provider_lets_somebody_in(
    api: Api, browser: httpx.AsyncClient, provider: Provider
) -> None:
    assert "Log in with Example Org" in (await browser.get("/login")).text
    answer = await sign_on(browser, provider, next="/account/statement")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/statement")
    assert await is_in(browser)
    assert await roles_of(api, "ada") == {"buyer"}
    assert (await sign_on(browser, provider)).status_code == 303
    assert len(await api.shop.rows("external_identities")) == 1
    assert provider.asked.count("/keys") == provider.asked.count("/.well-known/openid-configuration") == 1
    await api.shop.assert_clean()


async def test_nobody_is_led_elsewhere(browser: httpx.AsyncClient, provider: Provider) -> None:
    for there in ("https://evil.example", "//evil.example", "/\\evil.example", "/login/oidc"):
        assert (await sign_on(browser, provider, next=there)).headers["location"] == "/account"


async def test_roles_follow_the_groups(api: Api, browser: httpx.AsyncClient, provider: Provider) -> None:
    hostile = ["shop-staff ", "admins,x", "root=admin", "admins\0", "", {"admins": 1}, ["admins"], None, 7]
    for groups, held in (
        (["shop-staff"], {"cashier"}),
        ("shop-staff", {"cashier"}),
        (["x"] * 10_000, {"buyer"}),
        (hostile, {"buyer"}),
        ({"admins": True}, {"buyer"}),
    ):
        provider.claims = {"groups": groups}
        assert (await sign_on(browser, provider)).status_code == 303
        assert await roles_of(api, "ada") == held


FAR = 10**10


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another's"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another client"},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": FAR, "exp": FAR + 300},
        {"sub": None},
        {"sub": ""},
        {"sub": 4711},
        {"sub": "x" * 256},
        {"at_hash": "of another token"},
        {"preferred_username": ["ada"]},
    ],
    ids=str,
)
async def test_a_token_that_proves_nothing_lets_nobody_in(
    api: Api, browser: httpx.AsyncClient, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert (await sign_on(browser, provider)).status_code == 403
    assert not await is_in(browser)
    assert await api.shop.rows("external_identities") == []


async def test_a_token_for_another_log_in_lets_nobody_in(
    browser: httpx.AsyncClient, provider: Provider
) -> None:
    for nonce in ("another's", None):
        provider.claims = {"nonce": nonce}
        assert (await sign_on(browser, provider)).status_code == 403
    assert not await is_in(browser)


async def test_a_signature_of_another_lets_nobody_in(browser: httpx.AsyncClient, provider: Provider) -> None:
    provider.signed_with = key()
    assert (await sign_on(browser, provider)).status_code == 403
    provider.signed_with, provider.algorithm = OctKey.import_key(SECRET * 2), "HS256"
    assert (await sign_on(browser, provider)).status_code == 403
    assert not await is_in(browser)


async def test_elliptic_curves_are_good(browser: httpx.AsyncClient, provider: Provider) -> None:
    provider.key = ECKey.generate_key("P-256", {"kid": "curve"})
    provider.algorithm = "ES256"
    assert (await sign_on(browser, provider)).status_code == 303


async def test_a_code_is_good_once_and_in_the_browser_that_set_out(
    api: Api, browser: httpx.AsyncClient, provider: Provider
) -> None:
    begun = await browser.get(BEGIN)
    brought = provider.let_in(begun.headers["location"])
    async with new_browser(api) as other:
        assert (await other.get(BACK, params=brought)).status_code == 403
        assert (await other.get(BEGIN)).status_code == 303
        assert (await other.get(BACK, params=brought)).status_code == 403
        assert not await is_in(other)
    assert (await browser.get(BACK, params={**brought, "state": "another"})).status_code == 403
    begun = await browser.get(BEGIN)
    brought = provider.let_in(begun.headers["location"])
    assert (await browser.get(BACK, params=brought)).status_code == 303
    assert (await browser.get(BACK, params=brought)).status_code == 403
    for wrong in ({}, {"error": "access_denied"}, {"state": "x", "code": "y"}, {"code": "c" * 9_000}):
        assert (await browser.get(BACK, params=wrong)).status_code == 403


async def test_what_was_begun_ends_after_ten_minutes(
    api: Api, browser: httpx.AsyncClient, provider: Provider
) -> None:
    begun = await browser.get(BEGIN)
    api.clock.now_us += 601 * 1_000_000
    answer = await browser.get(BACK, params=provider.let_in(begun.headers["location"]))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", (500, b"")),
        ("/.well-known/openid-configuration", (200, b"<html>")),
        ("/.well-known/openid-configuration", (200, b"[" * 100_000)),
        ("/.well-known/openid-configuration", (200, b" " * 1_000_000)),
        ("/.well-known/openid-configuration", (200, b'{"issuer": "https://evil.example"}')),
        ("/token", (500, b"")),
        ("/token", (200, b" " * 1_000_000)),
        ("/token", (200, b"[]")),
        ("/keys", (500, b"")),
        ("/keys", (200, b"[]")),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_provider_that_is_not_well_keeps_nobody_else_out(
    api: Api, browser: httpx.AsyncClient, provider: Provider, path: str, answer: tuple[int, bytes]
) -> None:
    provider.answers = {path: answer}
    told = await browser.get(BEGIN)
    if told.status_code == 303:
        told = await browser.get(BACK, params=provider.let_in(told.headers["location"]))
    assert told.status_code == 503
    assert "The service that checks this log-in is not available." in told.text
    assert await log_in(api, "root", PASSWORD) == 200
    provider.answers = {}
    assert (await sign_on(browser, provider)).status_code == 303


async def test_new_keys_of_the_provider_are_found(
    browser: httpx.AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuckshop.identity.oidc.KEYS_SECONDS_MIN", -1)
    assert (await sign_on(browser, provider)).status_code == 303
    provider.key = key("second")
    assert (await sign_on(browser, provider)).status_code == 303


async def test_a_hundred_of_one_provider_are_a_hundred_users(api: Api, provider: Provider) -> None:
    async def enter(number: int) -> None:
        from tuckshop.domain.sign_on import ExternalUser
        from tuckshop.identity.sign_on import enter

        await enter(api.running, ExternalUser(provider.issuer, str(number), "ada"))

    for number in range(100):
        await enter(number)
    assert len({row["user_id"] for row in await api.shop.rows("external_identities")}) == 100
    await api.shop.assert_clean()


async def test_names_and_addresses_of_others_are_not_taken(
    api: Api, browser: httpx.AsyncClient, provider: Provider
) -> None:
    await registration.add(
        api.running, username="ada", email="ada@example.org", password=PASSWORD, roles=[Role.BUYER]
    )
    provider.claims = {"email": "ada@example.org", "email_verified": True}
    assert (await sign_on(browser, provider)).status_code == 303
    found = await users.find_by_name(api.running, username="ada-2")
    assert found.email is None
    assert await log_in(api, "ada", PASSWORD) == 200


@pytest.mark.parametrize("name", ["", "x" * 500, "a\0b", "closed user 1", "ada\nroot", "аdа"])
async def test_hostile_names_become_harmless(
    api: Api, browser: httpx.AsyncClient, provider: Provider, name: str
) -> None:
    provider.claims = {"preferred_username": name}
    assert (await sign_on(browser, provider)).status_code == 303
    assert {row["username"][:5] for row in await api.shop.rows("users")} == {"root", "user-"}


async def test_disabled_users_stay_out_and_the_last_admin_is_not_lost(
    api: Api, browser: httpx.AsyncClient, provider: Provider
) -> None:
    provider.claims = {"groups": ["admins"]}
    assert (await sign_on(browser, provider)).status_code == 303
    root = await users.find_by_name(api.running, username="root")
    await roles.change(api.running, user_id=root.id, state=UserState.DISABLED)
    provider.claims = {}
    assert (await sign_on(browser, provider)).status_code == 403
    await roles.change(api.running, user_id=root.id, state=UserState.ACTIVE)
    assert (await sign_on(browser, provider)).status_code == 303
    ada = await users.find_by_name(api.running, username="ada")
    await roles.change(api.running, user_id=ada.id, state=UserState.DISABLED)
    assert (await sign_on(browser, provider)).status_code == 403


async def test_without_a_provider_there_is_no_such_page(database_url: str) -> None:
    async with serving(database_url) as api, new_browser(api) as browser:
        assert [(await browser.get(path)).status_code for path in (BEGIN, BACK)] == [404, 404]


@pytest.mark.parametrize("issuer", ["http://login.example.org", "login.example.org", "https://", "ftp://x"])
def test_settings_that_cannot_be_used_are_told(issuer: str) -> None:
    with pytest.raises(SettingsInvalid, match="TUCKSHOP_OIDC_ISSUER is not valid"):
        open_services(Settings(oidc_issuer=issuer))
    with pytest.raises(SettingsInvalid, match="TUCKSHOP_PUBLIC_URL is missing"):
        open_services(Settings(oidc_issuer="https://x", oidc_client_id="x", oidc_client_secret="x"))
