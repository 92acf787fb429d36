"""How rules about the books are written: one query each, for the rows that break it.

Its memory is the database's and bounded: a clean shop of any size answers with no rows. Most rules compare
what one table records with what another witnesses, added up by the same keys.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Numeric,
    Select,
    Table,
    Text,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
)


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


def words(plain: str) -> ColumnElement[str]:
    """A text as SQL writes it: of names that stand in the code only."""
    return literal_column(f"'{plain}'", Text)
