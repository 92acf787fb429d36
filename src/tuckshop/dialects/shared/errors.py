"""Errors as the older contracts tell them: `{"detail": ..., "code": ...}`, and 400 for bad bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuckshop.domain import refusals
from tuckshop.domain.refusals import Refusal
from tuckshop.http.errors import Errors
from tuckshop.http.refusal_rows import TABLE

SCHEMA: tuple[str, dict[str, Any]] = (
    "Error",
    {
        "title": "Error",
        "description": "The error. `code` is its name and never changes.",
        "type": "object",
        "properties": {"detail": {"type": "string"}, "code": {"type": "string", "pattern": "^[a-z0-9-]+$"}},
        "required": ["detail", "code"],
    },
)
_SHARED = {refusals.InvalidField: 400, refusals.CoinNotAccepted: 400}


class Details(Errors):
    """`statuses`: of the refusals for which the contract names another than its fellows do.

    `sentences`: where those of /v1 would not do, which tell amounts in minor units.
    """

    def __init__(
        self,
        statuses: Mapping[type[Refusal], int] | None = None,
        *,
        sentences: Mapping[type[Refusal], str] | None = None,
        challenge: str = "Bearer",
    ) -> None:
        own = {**_SHARED, **(statuses or {})}
        words = sentences or {}
        table = {
            refusal: row._replace(status=own.get(refusal, row.status), detail=words.get(refusal, row.detail))
            for refusal, row in TABLE.items()
        }
        super().__init__(table, statuses={422: 400})
        self.challenge = challenge

    def shaped(self, *, status: int, title: str, name: str, detail: str, more: dict[str, Any]) -> Any:
        """A sentence and its code."""
        return {"detail": detail, "code": name}
