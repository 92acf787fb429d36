"""/v1 with the cookie of a browser's log-in: for pages of the shop's own, and for nobody else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.api.test_events import watching
from tuckshop.domain.users import Role
from tuckshop.http.browser_login import SESSION
from tuckshop.identity import browser_sessions, sessions
from tuckshop.identity import roles as user_roles

PASSWORD = "correct horse"
OWN = {"Sec-Fetch-Site": "same-origin"}
PAY_OUT = "/v1/wallet/payout"
ME = "/v1/users/me"
NEW_PASSWORD = {"password": "battery staple", "current_password": PASSWORD}


@pytest.fixture
def api(api_self: Api) -> Api:
    """Where ada may be paid out: what is refused here is refused for its page alone."""
    return api_self


async def entered(api: Api) -> browser_sessions.BrowserSession:
    """A browser's log-in of ada, who has 100 cents."""
    await api.shop.buyer("ada", cents=100)
    kept = await api.running.passwords.hash(PASSWORD)
    await api.shop.execute("UPDATE users SET password_hash = :kept WHERE username = 'ada'", kept=kept)
    return await browser_sessions.log_in(api.running, username="ada", password=PASSWORD)


def brought(log_in: browser_sessions.BrowserSession, **more: str) -> dict[str, str]:
    """Headers of a browser that is logged in."""
    return {"Cookie": f"theme=dark; {SESSION}={log_in.secret}; x", **more}


async def pay_out(api: Api, headers: dict[str, str], **more: Any) -> int:
    """The status; whatever is refused has changed nothing."""
    before = await api.shop.books()
    answer = await api.client.post(PAY_OUT, headers=headers, **more)
    assert (await api.shop.books() == before) == (answer.status_code >= 400)
    if answer.status_code >= 400:
        assert answer.json()["type"] == "urn:tuckshop:problem:bad-request", answer.text
    return answer.status_code


async def test_an_own_page_acts_with_the_cookie_alone(api: Api) -> None:
    log_in = await entered(api)
    assert (await api.client.get(ME, headers=brought(log_in))).json()["username"] == "ada"
    deposit = {"coins": {"50": 1}}
    answer = await api.client.post("/v1/wallet/deposits", json=deposit, headers=brought(log_in, **OWN))
    assert answer.status_code == 201, answer.text
    assert await pay_out(api, brought(log_in, **OWN)) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin, cross-site"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1"},
        {**OWN, "Origin": "https://evil.example"},
        {**OWN, "Origin": "null"},
        {**OWN, "Content-Type": "text/plain"},
        {**OWN, "Content-Type": "Text/Plain; charset=utf-8"},
        {**OWN, "Content-Type": "application/x-www-form-urlencoded"},
        {**OWN, "Content-Type": "multipart/form-data; boundary=x"},
    ],
    ids=str,
)
async def test_what_may_be_a_foreign_page_changes_nothing(api: Api, headers: dict[str, str]) -> None:
    log_in = await entered(api)
    assert await pay_out(api, brought(log_in, **headers), content=b"{}") == 400
    assert await pay_out(api, brought(log_in, **headers)) == 400


async def test_a_second_origin_or_site_is_refused(api: Api) -> None:
    log_in = await entered(api)
    own = f"http://127.0.0.1:{api.port}"
    for name, value in (("Origin", own), ("Sec-Fetch-Site", "same-origin")):
        headers = [*brought(log_in).items(), (name, value), (name, value)]
        assert (await api.client.post(PAY_OUT, headers=headers)).status_code == 400


async def test_without_fetch_metadata_the_own_origin_will_do(api: Api) -> None:
    log_in = await entered(api)
    for scheme in ("https", "http"):  # Who ends TLS need not have said so.
        headers = brought(log_in, Origin=f"{scheme}://127.0.0.1:{api.port}")
        answer = await api.client.patch(ME, json={"email": f"{scheme}@example.org"}, headers=headers)
        assert answer.status_code == 200, answer.text


async def test_foreign_pages_do_not_even_read(api: Api) -> None:
    log_in = await entered(api)
    for site, status in (("cross-site", 400), ("same-site", 400), ("same-origin", 200), ("none", 200)):
        headers = brought(log_in, **{"Sec-Fetch-Site": site})
        assert (await api.client.get(ME, headers=headers)).status_code == status, site
    assert (await api.client.get(ME, headers=brought(log_in, Origin="null"))).status_code == 400
    open_to_all = await api.client.get("/v1/products", headers=brought(log_in, **{"Sec-Fetch-Site": "none"}))
    assert open_to_all.status_code == 200


async def test_two_log_ins_at_once_are_refused_and_a_token_alone_needs_no_page(api: Api) -> None:
    log_in = await entered(api)
    bearer = {"Authorization": f"Bearer {api.token(log_in.caller)}"}
    for both in (bearer, {"Authorization": "Bearer x"}, {"Authorization": "Machine 1.x"}):
        assert await pay_out(api, brought(log_in, **OWN, **both)) == 400
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert await pay_out(api, {**bearer, **foreign, "Cookie": "tuckshop_language=de; tuckshopx=1"}) == 200


async def test_what_is_no_log_ins_secret_is_nobodys(api: Api) -> None:
    log_in = await entered(api)
    access = api.token(log_in.caller)
    for value in ("", "x", log_in.secret[:-1], log_in.secret + "x", access, "tss_" + "A" * 43, '"' * 5000):
        headers = {"Cookie": f"{SESSION}={value}", **OWN}
        for method, path in (("GET", ME), ("POST", PAY_OUT)):
            answer = await api.client.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (401, "session-ended")
    twice = {"Cookie": f"{SESSION}={log_in.secret}; {SESSION}={log_in.secret}"}
    assert (await api.client.get(ME, headers=twice)).status_code == 401
    upper = {"Cookie": f"{SESSION.upper()}={log_in.secret}"}
    assert (await api.client.get(ME, headers=upper)).status_code == 401


@pytest.mark.parametrize("how", ["log-out", "log-out-all", "password", "roles", "disabled", "expiry", "end"])
async def test_the_cookie_is_worthless_at_once(api: Api, how: str) -> None:
    log_in = await entered(api)
    headers = brought(log_in, **OWN)
    user_id = log_in.caller.user_id or 0
    assert (await api.client.get(ME, headers=headers)).status_code == 200
    match how:
        case "log-out":
            assert (await api.client.post("/v1/auth/logout", headers=headers)).status_code == 204
        case "log-out-all":
            assert (await api.client.post("/v1/auth/logout-all", headers=headers)).status_code == 200
        case "password":
            assert (await api.client.patch(ME, json=NEW_PASSWORD, headers=headers)).status_code == 200
        case "roles":
            roles = [Role.BUYER, Role.SELLER]
            await user_roles.change(api.running, user_id=user_id, roles=roles, actor_id=None)
        case "disabled":
            await api.shop.execute("UPDATE users SET state = 'disabled' WHERE username = 'ada'")
        case "expiry":
            api.clock.forward(sessions.SESSION_DAYS * 86_400)
        case _:
            path = f"/v1/auth/sessions/{log_in.caller.session_id}"
            assert (await api.client.delete(path, headers=headers)).status_code == 204
    for method, path in (("GET", ME), ("POST", PAY_OUT), ("GET", "/v1/events")):
        answer = await api.client.request(method, path, headers=headers)
        assert answer.status_code == 401, (path, answer.text)


async def test_events_come_for_who_is_logged_in_by_cookie(api: Api) -> None:
    log_in = await entered(api)
    async with watching(api, None, f"Cookie: {SESSION}={log_in.secret}") as watcher:
        await watcher.until("hello")
        assert await pay_out(api, brought(log_in, **OWN)) == 200
        await watcher.until("balance", balance=0)


async def test_a_log_in_for_tokens_sets_and_heeds_no_cookie(api: Api) -> None:
    log_in = await entered(api)
    body = {"username": "ada", "password": PASSWORD}
    answer = await api.client.post("/v1/auth/login", json=body, headers=brought(log_in))
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


async def test_by_https_the_cookie_has_its_long_name_and_one_origin(sqlite_url: str) -> None:
    async with serving(sqlite_url, public_url="https://Shop.example.org:443/") as api:
        log_in = await entered(api)
        long = {"Cookie": f"__Host-{SESSION}={log_in.secret}"}

        async def changed(headers: dict[str, str]) -> httpx.Response:
            return await api.client.patch(ME, json={"email": "a@example.org"}, headers=headers)

        assert (await changed({**long, "Origin": "https://shop.example.org"})).status_code == 200
        for foreign in ("http://shop.example.org", "https://shop.example.org:443", "https://example.org"):
            assert (await changed({**long, "Origin": foreign})).status_code == 400
        # Behind the proxy's back the host is ours, but no browser finds us there.
        assert (await changed({**long, "Origin": f"http://127.0.0.1:{api.port}"})).status_code == 400
        assert (await changed(brought(log_in, **OWN))).status_code == 401
        told = (await api.client.get("/v1/products")).headers
        assert told["strict-transport-security"] == "max-age=31536000"
    async with serving(sqlite_url) as api:
        assert "strict-transport-security" not in (await api.client.get("/v1/products")).headers
