"""What clients send back with a whole object, and cannot change."""

from __future__ import annotations

from typing import Any

import msgspec

from tuckshop.http.errors import Malformed


def require_unchanged(body: msgspec.Struct, **present: Any) -> None:
    """Raises Malformed if a field is given, and not as it is at present."""
    for field in msgspec.structs.fields(body):
        given = getattr(body, field.name)
        if field.name in present and given is not msgspec.UNSET and given != present[field.name]:
            raise Malformed((field.encode_name, "cannot be changed here"))
