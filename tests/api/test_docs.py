"""/docs: a page that needs nothing from elsewhere and allows nothing inline."""

from __future__ import annotations

import re

import pytest

from tests.api.conftest import Api

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FILES = {
    "/docs": "text/html; charset=utf-8",
    "/docs/docs.css": "text/css; charset=utf-8",
    "/docs/docs.js": "text/javascript; charset=utf-8",
    "/openapi.json": "application/json",
}


@ON_SQLITE
async def test_is_served_with_a_policy_that_trusts_its_own_files_alone(api: Api) -> None:
    for path, media_type in FILES.items():
        answer = await api.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        policy = dict(
            part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        again = await api.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@ON_SQLITE
async def test_has_nothing_inline_and_nothing_from_elsewhere(api: Api) -> None:
    page = (await api.get("/docs")).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page)
    for path in ("/docs", "/docs/docs.css", "/docs/docs.js"):
        text = (await api.get(path)).text
        assert not re.search(r"https?://|//[a-z]+\.|@import|innerHTML|insertAdjacentHTML|eval\(", text), path
        assert "Storage" not in text  # The token stays in the page's memory.
    for name in re.findall(r'(?:href|src)="(/[^"]*)"', page):
        assert (await api.get(name)).status_code == 200, name
    assert (await api.get("/docs/")).status_code == 200
