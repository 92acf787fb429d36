"""What every refusal is, and the branches of their tree; the package has them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self, dataclass_transform


@dataclass_transform()  # Each refusal below is a dataclass, without saying so.
@dataclass(unsafe_hash=True)
class Refusal(Exception):
    """A named business "no"; its fields are the facts that explain it.

    Not frozen: Python itself sets `__traceback__` on an exception on its way. `stored_version` grows when
    facts are called otherwise or mean something else; `upgrades` make each version's facts of those before.
    """

    code: ClassVar[str] = ""
    stored_version: ClassVar[int] = 1
    upgrades: ClassVar[tuple[Callable[[dict[str, Any]], dict[str, Any]], ...]] = ()

    def __init_subclass__(
        cls,
        *,
        code: str = "",
        stored_version: int = 1,
        upgrades: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (),
    ) -> None:
        cls.code, cls.stored_version, cls.upgrades = code, stored_version, upgrades
        dataclass(unsafe_hash=True)(cls)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.facts().items())
        return f"{type(self).__name__}({told})"

    def facts(self) -> dict[str, Any]:
        """The refusal's fields as plain JSON values."""
        return asdict(self)

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """The refusal of these facts, as JSON has them; those that it has no more are left out."""
        known = {field.name: facts[field.name] for field in fields(cls) if field.name in facts}
        return cls(**{name: tuple(fact) if isinstance(fact, list) else fact for name, fact in known.items()})


class Unauthenticated(Refusal):
    """Nobody can be told from what the caller sent."""


class Forbidden(Refusal):
    """The caller is known and may not do this."""


class Unknown(Refusal):
    """There is no such thing, or the caller may not know of it."""


class Unacceptable(Refusal):
    """The value is wrong whatever the shop's state."""


class Throttled(Refusal):
    """The same thing was asked too often; in `retry_seconds` it may be asked again."""

    retry_seconds: int


class Conflict(Refusal):
    """Not possible as things stand; another time it may be."""


def leaves(cls: type[Refusal] = Refusal) -> list[type[Refusal]]:
    """Every concrete refusal, in the order of the tree."""
    below = cls.__subclasses__()
    return [cls] if not below else [leaf for child in below for leaf in leaves(child)]
