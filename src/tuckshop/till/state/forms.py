"""Answers as they are kept under idempotency keys: written once, and read by every later release.

A receipt's tag stands at its class, a refusal's is its code. Fields that a reader does not know are left
out, those that an older release did not write have a default, and what a new version spells otherwise is
brought up to it by the functions that the class names. docs/stored-forms.md says how a form may change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import msgspec

from tuckshop.domain.refusals import Refusal, leaves, revive
from tuckshop.store.forms import REFUSAL, Form, form_of

Facts = dict[str, Any]
Upgrade = Callable[[Facts], Facts]
R = TypeVar("R")


class Unreadable(Exception):
    """This release does not know the form, or the fields are not those of the form."""

    def __init__(self, form: Form) -> None:
        super().__init__(form.kind)
        self.form = form


class _Reader(NamedTuple):
    """How the newest version of a form is read, and older ones are brought up to it, from version 1 on."""

    version: int
    upgrades: tuple[Upgrade, ...]
    read: Callable[[bytes | str], Any]


_kinds: dict[type, str] = {}
_readers: dict[str, _Reader] = {}


def receipt(
    tag: str, *, version: int = 1, upgrades: tuple[Upgrade, ...] = ()
) -> Callable[[type[R]], type[R]]:
    """Declares the form in which a class of receipts is kept; `upgrades[0]` makes version 2 of version 1.

    Raises:
        ValueError: the tag is taken, or an upgrade is missing.
    """

    def declare(cls: type[R]) -> type[R]:
        _declare(cls, Form(tag, version), upgrades, msgspec.json.Decoder(cls).decode)
        return cls

    return declare


def declared() -> dict[str, type]:
    """Every form as it is written now, and whose it is."""
    return {kind: cls for cls, kind in _kinds.items()}


def written(answer: Any) -> tuple[str, str]:
    """The kind and the outcome of an idempotency record."""
    facts = answer.facts() if isinstance(answer, Refusal) else answer
    return _kinds[type(answer)], _encode(facts).decode()


def read(kind: str, outcome: str) -> Any:
    """The receipt or refusal that was written. Raises Unreadable."""
    form = form_of(kind)
    reader = _readers.get(form.tag)
    if reader is None or not 1 <= form.version <= reader.version:
        raise Unreadable(form)
    try:
        if form.version == reader.version:
            return reader.read(outcome)
        facts = msgspec.json.decode(outcome, type=Facts)
        for upgrade in reader.upgrades[form.version - 1 :]:
            facts = upgrade(facts)
        return reader.read(_encode(facts))
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError) as error:
        raise Unreadable(form) from error


def _declare(cls: type, form: Form, upgrades: tuple[Upgrade, ...], decode: Callable[..., Any]) -> None:
    if form_of(form.kind) != form or form.tag in _readers:
        raise ValueError(f"{form.tag} is no tag, or another form's")
    if len(upgrades) != form.version - 1:
        raise ValueError(f"{form.kind} needs an upgrade from each version before it")
    _kinds[cls] = form.kind
    _readers[form.tag] = _Reader(form.version, upgrades, decode)


def _refusals() -> None:
    facts = msgspec.json.Decoder(Facts).decode
    for leaf in leaves():
        form = Form(REFUSAL + leaf.code, leaf.stored_version)
        _declare(leaf, form, leaf.upgrades, lambda outcome, code=leaf.code: revive(code, facts(outcome)))


_encode = msgspec.json.Encoder().encode
_refusals()
