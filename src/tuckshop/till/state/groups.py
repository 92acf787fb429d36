"""Copying what a batch works on, and telling whether it changed: from the fields, so that none is missed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

G = TypeVar("G", bound="Group")


class Group:
    """A dataclass of sets, dicts, lists and groups of them. What they hold never changes in place.

    They are made without a `repr`: what writes down a defect must not write down everything that was loaded.
    """

    __slots__ = ()

    def any(self) -> bool:
        """Whether anything is there."""
        return any(
            value.any() if isinstance(value, Group) else bool(value)
            for value in (getattr(self, one.name) for one in fields(self))  # type: ignore[arg-type]
        )

    def copy(self: G) -> G:
        """The same, with containers of its own."""
        return type(self)(**{one.name: _copied(getattr(self, one.name)) for one in fields(self)})  # type: ignore[arg-type]

    def adopt(self: G, other: G) -> None:
        """Takes over all that the other holds, which is not to be used any more."""
        for one in fields(self):  # type: ignore[arg-type]
            setattr(self, one.name, getattr(other, one.name))


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, Group | dict | list | set) else value
