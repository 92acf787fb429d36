"""ETags: answers that a client has already, and changes of what it has seen."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from tuckshop.http.errors import Malformed
from tuckshop.http.fields import Shown
from tuckshop.http.request import Call
from tuckshop.http.response import Response


def tagged(request: Call, shown: Shown, *, version: int | None = None) -> Response[Any]:
    """The answer with an ETag of its bytes, or 304 for a client that has them."""
    content = msgspec.json.encode(shown)
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    tag = f'"{digest}"' if version is None else f'"{version}-{digest}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = {
        one.strip().removeprefix("W/")
        for line in request.given(b"if-none-match")
        for one in line.decode("latin-1").split(",")
    }
    if tag in known or "*" in known:
        return Response(None, status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def expected_version(request: Call) -> int | None:
    """The version that If-Match names. Raises Malformed for one that no product has had."""
    given = request.given(b"if-match")
    if not given or given == [b"*"]:
        return None
    # Weak ones too: proxies that compress weaken them, and the version says the same.
    match = re.fullmatch(rb'(?:W/)?"([1-9][0-9]{0,8})(?:-[0-9a-f]{1,64})?"', given[0].strip())
    if match is None or len(given) > 1:
        raise Malformed(("If-Match", "must be one ETag of the product"))
    return int(match[1])
