"""What is erased of users who are closed: by the till with the act itself, and by the upkeep of those whom
an earlier release has closed. docs/privacy.md has every column of the database."""

from __future__ import annotations

from typing import Any

from tuckshop.domain.users import closed_name
from tuckshop.store import tables

NO_PASSWORD = ""  # Nobody's hash: no password fits it.
LABELS = ("device", "address")
"""Columns of `sessions` that tell where somebody logged in."""
GONE = (tables.second_factors, tables.recovery_codes, tables.user_skeletons, tables.external_identities)
"""Tables whose rows are deleted, by `user_id`."""


def erased(user_id: int) -> dict[str, Any]:
    """What the columns of `users` hold afterwards that told who it was."""
    name = closed_name(user_id)
    return {
        "username": name,
        "username_key": name,  # Its own key, see `domain.users.name_key`.
        "email": None,
        "email_key": None,
        "password_hash": NO_PASSWORD,
        "second_factor_us": None,
    }
