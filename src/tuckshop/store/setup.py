"""Filling the tables of a new shop with what it cannot be without."""

from __future__ import annotations

from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tuckshop.domain.machines import DEFAULT_MACHINE_ID, BoxKind
from tuckshop.domain.money import EURO, Currency
from tuckshop.domain.users import name_key
from tuckshop.store import tables
from tuckshop.store.engine import DatabaseUnusable

_INSTALLED = "The database already contains a shop. Use an empty database for another shop."


async def install(
    connection: AsyncConnection, *, currency: Currency = EURO, is_demo: bool = False, now_us: int
) -> None:
    """Sets up the shop: its currency, and the machine "default" with an empty, unlimited coin box.

    Raises:
        DatabaseUnusable: the database holds a shop already; nothing is changed.
    """
    if await connection.scalar(select(tables.shop.c.id)) is not None:
        raise DatabaseUnusable(_INSTALLED)
    shop = {"id": 1, "currency": currency.code, "exponent": currency.exponent, "is_demo": is_demo}
    try:
        await connection.execute(insert(tables.shop), shop | {"created_us": now_us})
    except IntegrityError:  # Somebody else has installed it since the look above.
        raise DatabaseUnusable(_INSTALLED) from None
    await connection.execute(
        insert(tables.counters), [{"name": name, "last_id": 0} for name in tables.TILL_IDS]
    )
    await connection.execute(
        insert(tables.denominations),
        [
            {
                "value_cents": denomination.value_cents,
                "kind": denomination.kind,
                "accepted": denomination.accepted,
                "paid_out": denomination.paid_out,
            }
            for denomination in currency.denominations
        ],
    )
    await _install_default_machine(connection, currency, now_us=now_us)


async def _install_default_machine(connection: AsyncConnection, currency: Currency, *, now_us: int) -> None:
    machine = {
        "id": DEFAULT_MACHINE_ID,
        "name": "default",
        "name_key": name_key("default"),
        "timezone": "UTC",
        "box_kind": BoxKind.UNLIMITED,
        "created_us": now_us,
    }
    await connection.execute(insert(tables.machines), machine)
    await connection.execute(
        insert(tables.coin_boxes),
        [
            {
                "machine_id": DEFAULT_MACHINE_ID,
                "value_cents": denomination.value_cents,
                "box_kind": BoxKind.UNLIMITED,
                "count": 0,
            }
            for denomination in currency.denominations
        ],
    )
    if connection.dialect.name == "postgresql":
        # An id given by hand does not move the sequence: the next machine would collide with this one.
        await connection.execute(
            text("SELECT setval(pg_get_serial_sequence('machines', 'id'), :id)"), {"id": DEFAULT_MACHINE_ID}
        )
