"""What a browser posts: from our own pages alone, each field once, and nothing twice for one press."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from tuckshop.http import browser_login, multipart
from tuckshop.http.errors import BodyTooLarge, Malformed
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.till.commands.base import Command, Envelope, Receipt

FIELDS_MAX = 50
VALUE_LENGTH_MAX = 8_000  # The longest password there is, sealed.
TOKEN = "form"  # The hidden field that every form has.
CONFIRM_PASSWORD = "confirm-password"
CONFIRM_CODE = "confirm-code"
CONFIRMING = frozenset({CONFIRM_PASSWORD, CONFIRM_CODE})
"""What any form may have beside its own fields, once it was asked for: see `confirming`."""
MEDIA_TYPE = b"application/x-www-form-urlencoded"
FILES_MEDIA_TYPE = multipart.MEDIA_TYPE.encode()
FILENAME_LENGTH_MAX = 200
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)


class Upload(NamedTuple):
    """A file as a browser has sent it; name and type are its word alone."""

    name: str
    media_type: str
    content: bytes


class FileTooLarge(Malformed):
    """A form's file is larger than any may be; `posted` are the fields that stand before it."""

    def __init__(self, error: BodyTooLarge, posted: dict[str, str]) -> None:
        super().__init__(*error.errors, status=error.status)
        self.posted = posted


def new_key() -> str:
    """What a form is known by: pressed twice, or sent again after the line broke, it counts once."""
    return secrets.token_urlsafe(16)


def key_of(given: str) -> str:
    """The key that stands in a page's address, or a new one.

    Whoever goes back to a page gets it with the key that it had, though no browser may keep the page itself.
    """
    return given if _KEY.fullmatch(given) else new_key()


async def require_own_page(request: ShopRequest) -> None:
    """Before every handler. Raises Malformed for what a page of another site has posted.

    A link from another site may well lead here.
    """
    if request.method not in browser_login.READING:
        browser_login.require_own_page(request)


async def read(request: ShopRequest, *names: str) -> dict[str, str]:
    """The posted fields, "" for those that are missing.

    Raises:
        Malformed: not a form, too large, a field that the form does not have, one twice, or a form that was
            not shown to this browser.
    """
    return _checked(request, await _pairs(request), names)


async def read_any(request: ShopRequest) -> dict[str, str]:
    """All that was posted, whatever form it is of, but for what every form has. Raises as `read`."""
    pairs = await _pairs(request)
    return _checked(request, pairs, [name for name, _ in pairs if name != TOKEN])


async def _pairs(request: ShopRequest) -> list[tuple[str, str]]:
    body = await request.body()
    _require_type(request, MEDIA_TYPE)
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict",
            max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError:
        raise Malformed(("body", "must be a form in UTF-8"), status=400) from None


async def read_with_files(
    request: ShopRequest, *names: str, files: Collection[str]
) -> tuple[dict[str, str], dict[str, Upload]]:
    """The posted fields, and the files that somebody has chosen, by field.

    A handler that takes more than a form's usual size says so: `body_bytes_max=...`.

    Raises:
        FileTooLarge: what stands before the file is known, and no more; files stand last in our forms.
        Malformed: as `read`.
    """
    _require_type(request, FILES_MEDIA_TYPE)
    try:
        body = await request.body()  # Bounded, and not for longer than anybody may take.
    except BodyTooLarge as error:
        pairs, _ = _parts(request, error.begun, files, begun=True)
        raise FileTooLarge(error, _checked(request, pairs, names)) from None
    pairs, uploads = _parts(request, body, files)
    return _checked(request, pairs, names), uploads


def _parts(
    request: ShopRequest, body: bytes, files: Collection[str], *, begun: bool = False
) -> tuple[list[tuple[str, str]], dict[str, Upload]]:
    pairs: list[tuple[str, str]] = []
    uploads: dict[str, Upload] = {}
    try:
        for part in multipart.read(body, request.given(b"content-type")[0], begun=begun):
            if part.name in files and not (part.filename or part.content):
                continue  # A field without a file chosen is sent as an empty one.
            if part.filename is None:
                pairs.append((part.name, part.text))
            elif part.name in files and part.name not in uploads:
                filename = part.filename[:FILENAME_LENGTH_MAX]
                uploads[part.name] = Upload(filename, part.media_type, part.content)
            else:
                raise Malformed(("body", "has a file that this form does not have"), status=400)
    except ValueError:
        raise Malformed(("body", "must be a form in UTF-8"), status=400) from None
    return pairs, uploads


def _require_type(request: ShopRequest, wanted: bytes) -> None:
    declared = [one.partition(b";")[0].strip().lower() for one in request.given(b"content-type")]
    if declared != [wanted]:
        raise Malformed(("Content-Type", f"must be {wanted.decode()}"), status=415)


def _checked(
    request: ShopRequest, pairs: Sequence[tuple[str, str]], names: Collection[str]
) -> dict[str, str]:
    posted = dict(pairs)
    if len(posted) < len(pairs):
        raise Malformed(("body", "must name each field once"), status=400)
    for name, value in pairs:
        if name not in (*names, TOKEN, *CONFIRMING):
            raise Malformed(("body", "has a field that this form does not have"), status=400)
        if len(value) > VALUE_LENGTH_MAX or "\0" in value:
            raise Malformed((name, "is not what a form sends"), status=400)
    browser_login.require_form_token(request, posted.get(TOKEN, ""))
    return {name: posted.get(name, "") for name in names}


def enveloped(request: ShopRequest, command: Command, posted: Mapping[str, str]) -> Envelope:
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


async def execute(request: ShopRequest, command: Command, posted: Mapping[str, str]) -> Receipt:
    """What the till says to the command of a form. Raises the refusal, if that is its answer."""
    return (await request.shop.till.execute(enveloped(request, command, posted))).receipt()


def to_page(path: str) -> Response[None]:
    """Leads the browser to a page, which can be loaded again without posting anything again."""
    return Response(None, status_code=303, headers={"Location": path})


def own_path(given: str) -> str:
    """The path, if it is one of ours; `/` for whatever would lead elsewhere."""
    if re.fullmatch(r"/(?![/\\])[!-\[\]-~]{0,2000}", given, re.ASCII):
        return given
    return "/"
