"""What all pages have: headers, languages, hashed files, and errors in the same look."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tuckshop.till.sql.books import OutcomeUnknown
from tuckshop.web.ui import i18n
from tuckshop.web.ui.layout import POLICY

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WEIGHT_BYTES_MAX = 100_000


@ON_SQLITE
async def test_its_cookies_are_out_of_scripts_reach(guest: Browser) -> None:
    await guest.open()
    await guest.put_in(50)
    assert guest.answer is not None
    for answer in (*guest.answer.history, guest.answer):
        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert re.search("SameSite=(lax|strict)", cookie)


@ON_SQLITE
async def test_has_nothing_inline_and_weighs_little(api: Api, guest: Browser) -> None:
    for number in range(24):
        await api.shop.product(f"product {number}")
    page = (await guest.open()).content
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|https?://", page)
    weight = len(page.encode())
    names = set(re.findall(r'(?:href|src)="(/static/[^"]*)"', page))
    while names:
        name = names.pop()
        answer = await guest.client.get(name)
        assert answer.status_code == 200, name
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert re.fullmatch(r"/static/[a-z]+\.[0-9a-f]{12}\.(css|js|svg)", name)
        assert not re.search(r"innerHTML|insertAdjacentHTML|eval\(|https?://(?!www\.w3\.org)", answer.text)
        weight += len(answer.content)
        names |= {f"/static/{one}" for one in re.findall(r'from "\./([^"]*)"', answer.text)}
    assert weight < WEIGHT_BYTES_MAX, weight


@ON_SQLITE
async def test_files_come_packed_or_plain_and_only_by_their_name_of_now(guest: Browser) -> None:
    page = (await guest.open()).content
    found = re.search(r'/static/base\.[^"]*', page)
    assert found is not None
    plain = await guest.client.get(found[0], headers={"Accept-Encoding": "identity"})
    packed = await guest.client.get(found[0], headers={"Accept-Encoding": "gzip"})
    assert (plain.headers.get("content-encoding"), packed.headers["content-encoding"]) == (None, "gzip")
    assert plain.text == packed.text
    for name in ("base.css", "base.000000000000.css", "..%2f..%2fapp.py", "", "%00"):
        assert (await guest.client.get(f"/static/{name}")).status_code == 404


@ON_SQLITE
async def test_people_get_pages_and_programs_problems(api: Api, guest: Browser) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}") as program:
        answer = await program.get("/nowhere", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        answer = await program.get("/v1/nowhere", headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    await guest.open("/nowhere")
    assert "Not found" in guest.page.content


@ON_SQLITE
async def test_a_defect_is_a_page_without_its_story(
    guest: Browser, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr("tuckshop.queries.machines.find", broken)
    await guest.open()
    assert guest.answer is not None
    assert guest.answer.status_code == 500
    assert guest.answer.headers["content-security-policy"] == POLICY
    assert "Internal error" in guest.page.content
    assert "secret of the house" not in guest.page.content


@ON_SQLITE
async def test_does_not_say_that_nothing_happened_where_nobody_knows(
    guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object, **__: object) -> None:
        raise OutcomeUnknown

    monkeypatch.setattr("tuckshop.queries.machines.find", lost)
    await guest.open()
    assert guest.status == 503
    assert guest.shows("It is not known whether your request was completed.")
    assert not guest.shows("nothing has happened")


@ON_SQLITE
@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-CH, en;q=0.5", "de"),
        ("en-GB, de", "en"),
        ("tlh, de;q=0.4, en;q=0.3", "de"),
        ("tlh", "en"),
        ("de;q=0", "en"),
        ("", "en"),
        ("*", "en"),
        ("de;q=9;;,,,", "en"),
        ("x" * 5000, "en"),
        ("tlh," * 100 + "de", "en"),
    ],
)
async def test_speaks_the_language_that_the_browser_wants(guest: Browser, header: str, language: str) -> None:
    page = await guest.open("/", headers={"Accept-Language": header})
    assert f'<html lang="{language}">' in page.content


@ON_SQLITE
async def test_speaks_the_language_that_was_chosen(api: Api, guest: Browser) -> None:
    cola = await api.shop.product("cola", price_cents=65)
    await guest.open(f"/m/1?pick={cola.product_id}")
    sent = {"language": "de", "back": f"/m/1?pick={cola.product_id}"}
    answer = await guest.post("/language", sent)
    assert answer.url.path == "/m/1"
    await guest.open(f"/m/1?pick={cola.product_id}")
    assert guest.says == "Bitte noch 0,65\N{NO-BREAK SPACE}€ einwerfen."
    await guest.open("/nowhere")
    assert "Nicht gefunden" in guest.page.content


@ON_SQLITE
@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/a\r\nSet-Cookie: x=1",
    ],
)
async def test_leads_nowhere_else(guest: Browser, back: str) -> None:
    await guest.open()
    answer = await guest.post("/language", {"language": "de", "back": back}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "x=1" not in str(answer.headers)


@ON_SQLITE
async def test_knows_no_other_language(guest: Browser) -> None:
    await guest.open()
    answer = await guest.post("/language", {"language": "../de", "back": "/"})
    assert answer.status_code == 400
    await guest.open("/", headers={"Cookie": f"{i18n.COOKIE}=xx"})
    assert '<html lang="en">' in guest.page.content
