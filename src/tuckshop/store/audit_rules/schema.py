"""What the tables' own constraints and sequences promise, tried again in case they were ever off."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    column,
    exists,
    func,
    literal_column,
    not_,
    select,
    table,
    union_all,
)

from tuckshop.store import tables
from tuckshop.store.audit_rules.rule import Rule, count, words
from tuckshop.store.next_ids import NUMBERED


def ids_sqlite() -> Rule:
    return Rule(
        "every next id is free",
        count(*(tables.metadata.tables[name] for name in tables.TILL_IDS)),
        _ids_behind("sqlite"),
        dialect="sqlite",
    )


def ids_postgresql() -> Rule:
    return Rule(
        "every next id is free",
        count(*NUMBERED),
        _ids_behind("postgresql"),
        dialect="postgresql",
    )


def references() -> Rule:
    return Rule(
        "every reference points to an existing row",
        count(*(one for one in tables.metadata.sorted_tables if one.foreign_key_constraints)),
        _dangling(),
    )


def limits() -> Rule:
    return Rule("every row is within its limits", count(*tables.metadata.sorted_tables), _outside_limits())


def _ids_behind(dialect: str) -> Select[Any]:
    """The tables that hold a larger id than was given out last: the next row would collide with it."""
    names = [one.name for one in NUMBERED] if dialect == "postgresql" else tables.TILL_IDS
    last = _last_of_sequence if dialect == "postgresql" else _last_of_counter
    ends = union_all(
        *(
            select(
                words(name).label("table"),
                select(func.max(tables.metadata.tables[name].c.id)).scalar_subquery().label("largest_id"),
                func.coalesce(last(name), 0).label("last_id"),
            )
            for name in names
        )
    ).subquery()
    return select(ends).where(ends.c.largest_id > ends.c.last_id)


def _last_of_counter(name: str) -> ColumnElement[int]:
    counter = tables.counters.c
    return select(counter.last_id).where(counter.name == name).scalar_subquery()


def _last_of_sequence(name: str) -> ColumnElement[int]:
    last = column("last_value", BigInteger) - case((column("is_called", Boolean), 0), else_=1)
    return select(last).select_from(table(f"{name}_id_seq")).scalar_subquery()


def _dangling() -> Select[Any]:
    """Rows that refer to a row which is not there."""
    selects = []
    for child in tables.metadata.sorted_tables:
        for key in sorted(child.foreign_key_constraints, key=lambda key: list(key.column_keys)):
            parent = key.referred_table.alias("parent")  # A table may refer to itself.
            pairs = [(element.parent, parent.c[element.column.name]) for element in key.elements]
            found = exists().select_from(parent).where(*(theirs == own for own, theirs in pairs))
            named = [own.is_not(None) for own, _ in pairs]
            selects.append(_places(child, ", ".join(key.column_keys), and_(*named, not_(found))))
    return select(union_all(*selects).subquery())


def _outside_limits() -> Select[Any]:
    """Rows that a CHECK of their table would refuse."""
    selects = [
        _places(limited, str(limit.name), literal_column(f"NOT ({limit.sqltext})", Boolean))
        for limited in tables.metadata.sorted_tables
        for limit in sorted(
            (limit for limit in limited.constraints if isinstance(limit, CheckConstraint)),
            key=lambda limit: str(limit.name),
        )
    ]
    return select(union_all(*selects).subquery())


def _places(of: Table, what: str, where: ColumnElement[bool]) -> Select[Any]:
    first, *rest = (cast(key, Text) for key in of.primary_key.columns)
    row: ColumnElement[str] = first
    for key in rest:
        row = row + words(" ") + key
    told: list[ColumnElement[Any]] = [
        words(of.name).label("table"),
        row.label("row"),
        words(what).label("what"),
    ]
    return select(*told).select_from(of).where(where)
