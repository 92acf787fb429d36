"""/openapi.json, and /docs: a page that shows it and tries it out. Everything is served from here."""

from __future__ import annotations

import asyncio
import hashlib
from functools import cache
from importlib.resources import files

import msgspec

from tuckshop.api.contract import V1
from tuckshop.http import openapi
from tuckshop.http.handlers import Handler, Router, get
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.http.router import Application

# Nothing inline, nothing from elsewhere, and nobody may frame it: it handles passwords.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_FILES = {"": "text/html", "docs.css": "text/css", "docs.js": "text/javascript"}


@get("/openapi.json")
async def document(request: Call) -> Response[bytes]:
    """The OpenAPI document of this server."""
    return _served(request, await asyncio.to_thread(_document, request.app), "application/json")


def _page(name: str, media_type: str) -> Handler:
    content = files("tuckshop.api").joinpath("static", name or "docs.html").read_bytes()

    @get(f"/{name}")
    async def page(request: Call) -> Response[bytes]:
        return _served(request, content, media_type)

    return page


@cache
def _document(app: Application) -> bytes:
    return msgspec.json.encode(openapi.document(app.routes, V1))


def _served(request: Call, content: bytes, media_type: str) -> Response[bytes]:
    """The content, or 304 for a client that has it."""
    tag = f'"{hashlib.blake2b(content, digest_size=8).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": PAGE_POLICY}
    if request.given(b"if-none-match") == [tag.encode()]:
        return Response(b"", status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


router = Router(
    "/",
    [
        document,
        Router("/docs", [_page(name, media_type) for name, media_type in _FILES.items()]),
    ],
)
