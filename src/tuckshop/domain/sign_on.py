"""Users whom an outside service lets in: what it says of them, and what their groups are here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tuckshop.domain.users import Role


@dataclass(frozen=True, slots=True)
class ExternalUser:
    """Somebody whom a service has let in.

    `issuer` and `subject` together are one person for all time; `username`, `email` and `groups` change.
    """

    issuer: str
    subject: str
    username: str
    email: str | None = None
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GroupRoles:
    """Which group has which roles. Without any, roles are given in the shop alone."""

    by_group: Mapping[str, frozenset[Role]] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, groups: Iterable[str]) -> frozenset[Role]:
        """The roles of somebody in these groups: a buyer's, if no group has any."""
        held = frozenset[Role]().union(*(self.by_group.get(group, frozenset()) for group in groups))
        return held or frozenset({Role.BUYER})

    @classmethod
    def read(cls, text: str) -> GroupRoles:
        """What `group=role,group=role` says. Raises ValueError."""
        found: dict[str, frozenset[Role]] = {}
        for part in filter(None, (one.strip() for one in text.split(","))):
            group, equals, role = (one.strip() for one in part.rpartition("="))
            if not (group and equals):
                raise ValueError(f"{part!r} is not written as group=role")
            found[group] = found.get(group, frozenset()) | {Role(role)}
        return cls(MappingProxyType(found))
