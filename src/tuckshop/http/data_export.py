"""All that is known of somebody, under the names that people and programs read; times as times."""

from __future__ import annotations

from typing import Any

from tuckshop.http.fields import moment
from tuckshop.queries.data_export import Rows


def readable(found: dict[str, Rows]) -> dict[str, Any]:
    """What `own_data.collect` has found; one `user`, and lists of everything else."""
    told = {name: [_told(row) for row in rows] for name, rows in found.items()}
    (user,) = told.pop("user")
    return {"user": user, **told}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name[:-3]}_at" if name.endswith("_us") else name.removesuffix("_cents"): (
            moment(value) if name.endswith("_us") and value is not None else value
        )
        for name, value in row.items()
    }
