"""What all tables are written with: one catalogue, one way of naming constraints, columns of a kind."""

from __future__ import annotations

from typing import TypedDict

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, MetaData, TextClause, text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite numbers rows by itself only in a column of type INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")

TILL_IDS = ("orders", "transfers", "refunds", "products")
"""Tables whose ids the till reserves before it decides: a sequence each on PostgreSQL, a row of
`counters` each on SQLite."""


def one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def time(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def day() -> Column[int]:
    """The business day on which it happened, see domain/days.py; settings that change later change no day."""
    return Column("day", Integer, nullable=False)


def owner(name: str, target: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, ForeignKey(f"{target}.id"), nullable=nullable)


class Partial(TypedDict):
    postgresql_where: TextClause
    sqlite_where: TextClause


def partial(where: str) -> Partial:
    """An index of only the rows for which this holds, on both databases."""
    return {"postgresql_where": text(where), "sqlite_where": text(where)}
