"""An id that is used already is called by its name, and not a name that is taken."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import text

from tests.shop import Shop
from tuckshop.domain.machines import BoxKind
from tuckshop.domain.refusals import NameTaken
from tuckshop.domain.users import OPERATOR as OPERATING
from tuckshop.identity import guests
from tuckshop.operations import machines
from tuckshop.operations.startup import open_shop as open_running
from tuckshop.settings import Settings
from tuckshop.store import next_ids
from tuckshop.store.engine import writing
from tuckshop.store.ids_behind import IdsBehind, ids_behind
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import Restock


async def put_behind(shop: Shop, *names: str) -> None:
    """As a copy by hand leaves them."""
    for name in names:
        if shop.engine.dialect.name == "postgresql":
            await shop.execute(f"SELECT setval('{name}_id_seq', 1, false)")
        else:
            await shop.execute("UPDATE counters SET last_id = 0 WHERE name = :name", name=name)


async def test_the_till_names_it_and_goes_on_with_the_rest(shop: Shop) -> None:
    ada = await shop.buyer("ada", cents=2_000)
    cola = await shop.product("cola")
    for number in range(5):
        await shop.product(f"cola {number}")
        await shop.buy(ada, (cola.product_id, 1))
    await put_behind(shop, "products", "orders")
    before = await shop.books()
    with pytest.raises(IdsBehind, match="The next id of products is used already"):
        await shop.product("tea")
    with pytest.raises(IdsBehind, match=r"The next id of orders .* run `tuckshop db sequences`"):
        await shop.buy(ada, (cola.product_id, 1))
    assert await shop.books() == before
    await shop.do(Restock(OPERATOR, cola.product_id, 1))
    async with writing(shop.engine) as connection:
        behind = await next_ids.behind(connection)
        assert set(behind) == {"products", "orders"}
        await next_ids.set_last(connection, behind)
        assert await next_ids.behind(connection) == {}
    await shop.product("tea")
    await shop.buy(ada, (cola.product_id, 1))
    await shop.assert_clean()


@pytest.mark.postgres
async def test_a_clash_of_ids_is_no_name_that_is_taken(postgres_url: str) -> None:
    given = Settings(database_url=postgres_url, secret="a secret for tests, long enough to sign with")
    async with open_running(given) as shop:

        async def add(name: str) -> None:
            await machines.add(shop, actor=OPERATING, name=name, timezone="UTC", box_kind=BoxKind.COUNTED)

        for number in range(5):
            await add(f"machine {number}")
        async with writing(shop.engine) as connection:
            await connection.execute(text("SELECT setval('machines_id_seq', 1, false)"))
        with pytest.raises(IdsBehind, match="The next id of machines is used already"):
            await add("new")
        async with writing(shop.engine) as connection:
            await next_ids.set_last(connection, await next_ids.behind(connection))
        with pytest.raises(NameTaken):
            await add("machine 1")
        await add("new")
        async with writing(shop.engine) as connection:
            await connection.execute(text("SELECT setval('guests_id_seq', 1, false)"))
        await guests.known(shop, name="door", make=True)
        async with writing(shop.engine) as connection:
            await connection.execute(text("SELECT setval('guests_id_seq', 1, false)"))
        with pytest.raises(IdsBehind, match="guests"):
            await guests.known(shop, name="hall", make=True)


def test_what_drivers_say_of_other_clashes_is_something_else() -> None:
    for told in (
        "UNIQUE constraint failed: users.username_key",
        "UNIQUE constraint failed: order_lines.order_id, order_lines.product_id",
        "UNIQUE constraint failed: shop.id",  # Two that set up one shop.
        "NOT NULL constraint failed: users.id",
    ):
        assert ids_behind(sqlite3.IntegrityError(told)) is None
    assert ids_behind(sqlite3.OperationalError("UNIQUE constraint failed: users.id")) is None
    found = ids_behind(sqlite3.IntegrityError("UNIQUE constraint failed: users.id"))
    assert str(found).startswith("The next id of users is used already")
    assert ids_behind(None) is None
