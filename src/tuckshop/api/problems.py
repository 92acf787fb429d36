"""/v1's errors: every one an RFC 9457 `application/problem+json`."""

from __future__ import annotations

from typing import Any

from tuckshop.http.errors import Errors
from tuckshop.http.refusal_rows import TABLE


class _Problems(Errors):
    """Facts stand beside the members that the standard names."""

    media_type = "application/problem+json"

    def shaped(self, *, status: int, title: str, name: str, detail: str, more: dict[str, Any]) -> Any:
        """A problem; its `type` never changes."""
        told = {"type": f"urn:tuckshop:problem:{name}", "title": title, "status": status, "detail": detail}
        return {**told, **more}


PROBLEMS = _Problems(TABLE)
