"""How rules about the books are written: one query each, for the rows that break it.

Its memory is the database's and bounded: a clean shop of any size answers with no rows. Most rules compare
what one table records with what another witnesses, added up by the same keys.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    FromClause,
    Numeric,
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
    type_coerce,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from tuckshop.store import tables


class Rule(NamedTuple):
    """A sentence that must be true, how many rows it is about, and the query for those that break it."""

    name: str
    rows: Select[Any]
    offenders: Select[Any]
    dialect: str | None = None


_NOTHING = literal_column("0", BigInteger)


def recorded(amount: ColumnElement[int], *keys: ColumnElement[Any], of: FromClause) -> Select[Any]:
    """What a table says of itself, as rows of keys and amounts."""
    return select(*keys, amount.label("recorded"), _NOTHING.label("witnessed")).select_from(of)


def witness(amount: ColumnElement[int], *keys: ColumnElement[Any], of: FromClause) -> Select[Any]:
    """What another table says of the same."""
    return select(*keys, _NOTHING.label("recorded"), amount.label("witnessed")).select_from(of)


def differing(names: tuple[str, ...], *sides: Select[Any]) -> Select[Any]:
    """The keys, named so, for which recorded and witnessed amounts do not add up to the same."""
    *keys, one, other = union_all(*sides).subquery().c
    sums = func.sum(one), func.sum(other)
    named = [key.label(name) for key, name in zip(keys, names, strict=True)]
    return (
        select(*named, sums[0].label("recorded"), sums[1].label("witnessed"))
        .group_by(*keys)
        .having(sums[0] != sums[1])
    )


def wide(amount: ColumnElement[int]) -> ColumnElement[int]:
    """The amount in a type that products of it do not overflow."""
    return type_coerce(cast(amount, Numeric), BigInteger)


def count(*of: Table) -> Select[Any]:
    """How many rows the tables have together."""
    total: ColumnElement[int] = _NOTHING
    for one in of:
        total += select(func.count()).select_from(one).scalar_subquery()
    return select(total)


class Told(FunctionElement[int]):
    """A whole number in an idempotency record's outcome; NULL where it has none."""

    inherit_cache: bool | None = True

    def __init__(self, name: str) -> None:
        super().__init__(tables.idempotency.c.outcome, _words(name))
        self.type = BigInteger()


@compiles(Told, "postgresql")
def _told_postgresql(element: Told, compiler: SQLCompiler, **more: Any) -> str:
    outcome, name = (compiler.process(clause, **more) for clause in element.clauses)
    return f"CAST(CAST({outcome} AS json) ->> {name} AS numeric)"


@compiles(Told, "sqlite")
def _told_sqlite(element: Told, compiler: SQLCompiler, **more: Any) -> str:
    outcome, name = (compiler.process(clause, **more) for clause in element.clauses)
    return f"json_extract({outcome}, '$.' || {name})"


NUMBERED = tuple(one for one in tables.metadata.sorted_tables if "id" in one.c and one is not tables.shop)
"""Tables whose rows PostgreSQL numbers, each from a sequence of its own."""


def ids_behind(dialect: str) -> Select[Any]:
    """The tables that hold a larger id than was given out last: the next row would collide with it."""
    names = [one.name for one in NUMBERED] if dialect == "postgresql" else tables.TILL_IDS
    last = _last_of_sequence if dialect == "postgresql" else _last_of_counter
    ends = union_all(
        *(
            select(
                _words(name).label("table"),
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


def dangling() -> Select[Any]:
    """Rows that refer to a row which is not there."""
    selects = []
    for child in tables.metadata.sorted_tables:
        for key in sorted(child.foreign_key_constraints, key=lambda key: list(key.column_keys)):
            parent = key.referred_table
            pairs = [(element.parent, element.column) for element in key.elements]
            found = exists().select_from(parent).where(*(theirs == own for own, theirs in pairs))
            named = [own.is_not(None) for own, _ in pairs]
            selects.append(_places(child, ", ".join(key.column_keys), and_(*named, not_(found))))
    return select(union_all(*selects).subquery())


def outside_limits() -> Select[Any]:
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


def _words(plain: str) -> ColumnElement[str]:
    return literal_column(f"'{plain}'", Text)


def _places(of: Table, what: str, where: ColumnElement[bool]) -> Select[Any]:
    first, *rest = (cast(key, Text) for key in of.primary_key.columns)
    row: ColumnElement[str] = first
    for key in rest:
        row = row + _words(" ") + key
    told: list[ColumnElement[Any]] = [
        _words(of.name).label("table"),
        row.label("row"),
        _words(what).label("what"),
    ]
    return select(*told).select_from(of).where(where)
