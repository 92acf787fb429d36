"""Whether a batch changed anything, and a copy of what it works on, follow from the fields alone."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import pytest

from tests.shop import NOON_US
from tuckshop.domain.money import EURO
from tuckshop.till.policy import Policy
from tuckshop.till.state.changes import Changes
from tuckshop.till.state.groups import Group
from tuckshop.till.state.working_set import WorkingSet

Path = tuple[str, ...]


def working_set() -> WorkingSet:
    return WorkingSet(policy=Policy(currency=EURO), now_us=NOON_US, day=1, new_ids={})


def leaves(group: Group, *path: str) -> list[Path]:
    """Every container in the group, and in the groups within."""
    found: list[Path] = []
    for one in fields(group):  # type: ignore[arg-type]
        value = getattr(group, one.name)
        if isinstance(value, Group):
            found += leaves(value, *path, one.name)
        elif isinstance(value, list | set | dict):
            found.append((*path, one.name))
    return found


def at(group: Any, path: Path) -> Any:
    for name in path:
        group = getattr(group, name)
    return group


def fill(container: Any) -> None:
    if isinstance(container, dict):
        container[1] = 1
    else:
        getattr(container, "append" if isinstance(container, list) else "add")(1)


@pytest.mark.parametrize("path", leaves(Changes()), ids=".".join)
def test_any_change_is_something_to_write(path: Path) -> None:
    changes = Changes()
    assert not changes.any()
    fill(at(changes, path))
    assert changes.any()


@pytest.mark.parametrize("path", leaves(working_set()), ids=".".join)
def test_what_is_tried_on_a_copy_counts_when_it_is_adopted(path: Path) -> None:
    work = working_set()
    trial = work.copy()
    fill(at(trial, path))
    assert not at(work, path)
    work.adopt(trial)
    assert at(work, path)


def test_a_new_field_is_copied_and_counted_like_the_others() -> None:
    @dataclass(slots=True)
    class Vouchers(Group):
        sold: list[int] = field(default_factory=list)

    @dataclass(slots=True)
    class Planted(Group):
        changes: Changes = field(default_factory=Changes)
        vouchers: Vouchers = field(default_factory=Vouchers)

    planted = Planted()
    copy = planted.copy()
    copy.vouchers.sold.append(7)
    assert copy.any()
    assert not planted.any()


def test_a_log_of_a_defect_does_not_show_what_was_loaded() -> None:
    work = working_set()
    work.users.usernames.add("Zoë")  # No part of an address in memory, as "ada" may be.
    assert "Zoë" not in f"{work} {work.users} {work.changes.users}"
