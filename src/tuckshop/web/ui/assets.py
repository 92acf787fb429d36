"""Style sheets, scripts and drawings: served under names that change with what is in them."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from starlette.exceptions import HTTPException

from tuckshop.http.handlers import get
from tuckshop.http.request import Call
from tuckshop.http.response import Response

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_IMPORT = re.compile(r'(?<=from ")\./([a-z]+\.js)(?=")')
_DIGEST_BYTES = 6
_FOR_EVER = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """A file as it is sent, plain and packed."""

    media_type: str
    plain: bytes
    packed: bytes


@get("/static/{name:str}")
async def asset(request: Call, name: str) -> Response[bytes]:
    """A file by its name of now; that of yesterday is gone."""
    found = _assets().get(name)
    if found is None:
        raise HTTPException(404)
    headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
    if any(b"gzip" in given for given in request.given(b"accept-encoding")):
        return Response(
            found.packed, media_type=found.media_type, headers=headers | {"Content-Encoding": "gzip"}
        )
    return Response(found.plain, media_type=found.media_type, headers=headers)


@cache
def path(name: str) -> str:
    """Where the file `machine.css` is found now."""
    return f"/static/{_named(name)[0]}"


@cache
def _assets() -> dict[str, Asset]:
    found = {}
    for file in files("tuckshop.web").joinpath("static").iterdir():
        name, content = _named(file.name)
        media_type = _TYPES[name.rpartition(".")[2]]
        found[name] = Asset(media_type, content, gzip.compress(content, mtime=0))
    return found


@cache
def _named(name: str) -> tuple[str, bytes]:
    """The name with a digest of the content, in which a script names those that it imports likewise."""
    content = files("tuckshop.web").joinpath("static", name).read_text("utf-8")
    if name.endswith(".js"):
        content = _IMPORT.sub(lambda found: f"./{_named(found[1])[0]}", content)
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.blake2b(content.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{stem}.{digest}.{suffix}", content.encode()
