"""What a browser posts: from our own pages alone, each field once, and nothing twice for one press."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response

from tuckshop.http import browser
from tuckshop.http.calls import Call
from tuckshop.http.errors import Malformed
from tuckshop.till.commands import Command, Envelope

FIELDS_MAX = 50
VALUE_LENGTH_MAX = 4_000
TOKEN = "form"  # The hidden field that every form has.
MEDIA_TYPE = b"application/x-www-form-urlencoded"
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)


def new_key() -> str:
    """What a form is known by: pressed twice, or sent again after the line broke, it counts once."""
    return secrets.token_urlsafe(16)


def key_of(given: str) -> str:
    """The key that stands in a page's address, or a new one.

    Whoever goes back to a page gets it with the key that it had, though no browser may keep the page itself.
    """
    return given if _KEY.fullmatch(given) else new_key()


async def require_own_page(request: Request[Any, Any, Any]) -> None:
    """Before every handler. Raises Malformed for what a page of another site has posted.

    A link from another site may well lead here.
    """
    assert isinstance(request, Call)
    if request.method not in browser.READING:
        browser.require_own_page(request)


async def read(request: Call, *names: str) -> dict[str, str]:
    """The posted fields, "" for those that are missing.

    Raises:
        Malformed: not a form, too large, a field that the form does not have, one twice, or a form that was
            not shown to this browser.
    """
    declared = [one.partition(b";")[0].strip().lower() for one in request.given(b"content-type")]
    body = await request.body()
    if declared != [MEDIA_TYPE]:
        raise Malformed(("Content-Type", f"must be {MEDIA_TYPE.decode()}"), status=415)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict",
            max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError:
        raise Malformed(("body", "must be a form in UTF-8"), status=400) from None
    posted = dict(pairs)
    if len(posted) < len(pairs):
        raise Malformed(("body", "must name each field once"), status=400)
    for name, value in pairs:
        if name not in (*names, TOKEN):
            raise Malformed(("body", "has a field that this form does not have"), status=400)
        if len(value) > VALUE_LENGTH_MAX or "\0" in value:
            raise Malformed((name, "is not what a form sends"), status=400)
    browser.require_form_token(request, posted.get(TOKEN, ""))
    return {name: posted.get(name, "") for name in names}


def enveloped(request: Call, command: Command, posted: Mapping[str, str]) -> Envelope:
    """The command under the key of its form: with the same page and fields it is the same press.

    Another button of the same page is another one: whoever goes back and chooses otherwise is served.

    Raises:
        Malformed: the form's key is none of ours.
    """
    key = posted["key"]
    if not _KEY.fullmatch(key):
        raise Malformed(("key", "is not what a form sends"), status=400)
    told = (request.scope["path"], *(f"{name}={posted[name]}" for name in sorted(posted)))
    digest = hashlib.sha256("\0".join(told).encode()).digest()
    return Envelope(command, f"{key}.{digest.hex()[:16]}", digest)


def to_page(path: str) -> Response[None]:
    """Leads the browser to a page, which can be loaded again without posting anything again."""
    return Response(None, status_code=303, headers={"Location": path})


def own_path(given: str) -> str:
    """The path, if it is one of ours; `/` for whatever would lead elsewhere."""
    if re.fullmatch(r"/(?![/\\])[!-\[\]-~]{0,2000}", given, re.ASCII):
        return given
    return "/"
