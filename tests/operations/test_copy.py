"""A shop in another database: every row of one instant, the same, and ready to go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from tests.conftest import PostgresServer
from tests.shop import Shop, open_shop
from tuckshop.domain.users import Role
from tuckshop.operations import copy, signing_key
from tuckshop.operations.copy import CopyFailed
from tuckshop.settings import Settings
from tuckshop.store import tables
from tuckshop.store.engine import DatabaseUnusable, check, opened_engine, read_state, writing
from tuckshop.store.migrate import upgrade
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import Restock


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/copy.sqlite3"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


async def copied(shop: Shop, url: str) -> int:
    async with opened_engine(url) as target:
        return await copy.copy(shop.engine, target)


async def trade(shop: Shop) -> None:
    """Something in every kind of column: flags, JSON, bytes, instants, texts of all sorts, and nothing."""
    ada = await shop.buyer("ada", cents=2_000)
    bob = await shop.person("Bób 🥨 \\N 'x'", Role.SELLER, Role.BUYER)
    hall = await shop.machine("hall")
    await shop.machine_key(hall)
    await shop.pairing_code(hall)
    await shop.guest("door")
    cola = await shop.product("cola", seller=bob, stock=20)
    for number in range(7):
        await shop.buy(ada, (cola.product_id, 1))
        await shop.do(Restock(OPERATOR, cola.product_id, 1), key=f"key {number}")
    async with writing(shop.engine) as connection:
        content = bytes(range(256)) * 40
        upload = {"session_id": ada.session_id, "kind": "products", "created_us": shop.clock.now_us}
        for number in range(3):
            await connection.execute(
                insert(tables.uploads).values(upload | {"key": f"{number}", "content": content})
            )
        await connection.execute(insert(tables.login_tries).values(key=b"\0" * 32, full_us=2**62))


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy, "ROWS", 3)
    monkeypatch.setattr(copy, "FILES", 2)


async def everything(shop: Shop) -> dict[str, list[dict[str, Any]]]:
    """Every row, but for what no copy takes."""
    books = await shop.books() | {"login_tries": await shop.rows("login_tries")}
    for row in books["shop"]:
        del row["key_fingerprint"]
    return books


async def test_every_row_arrives_and_the_copy_goes_on(shop: Shop, target_url: str) -> None:
    await trade(shop)
    await signing_key.claim(shop.engine, Settings(secret="k" * 32))
    before = await shop.books()
    count = await copied(shop, target_url)
    assert await shop.books() == before
    books = await everything(shop)
    assert count == sum(map(len, books.values())) + len(tables.TILL_IDS)  # and a counter of each
    async with open_shop(target_url, clock=shop.clock) as there:
        assert await everything(there) == books
        assert (await there.rows("shop"))[0]["key_fingerprint"] is None
        await there.assert_clean()
        eve = await there.buyer("eve", cents=500)
        tea = await there.product("tea")
        order = await there.buy(eve, (tea.product_id, 1))
        machine = await there.machine("attic")
        await there.guest("late")
        await there.assert_clean()
    for table, made in (
        ("users", eve.user_id),
        ("sessions", eve.session_id),
        ("products", tea.product_id),
        ("orders", order.order_id),
        ("machines", machine),
    ):
        assert made == max(row["id"] for row in books[table]) + 1


async def test_ids_that_were_given_out_are_not_given_again(shop: Shop, target_url: str) -> None:
    if shop.engine.dialect.name == "postgresql":
        await shop.execute("SELECT setval('products_id_seq', 500)")
    else:
        await shop.execute("UPDATE counters SET last_id = 500 WHERE name = 'products'")
    await copied(shop, target_url)
    async with open_shop(target_url, clock=shop.clock) as there:
        assert (await there.product("tea")).product_id == 501


async def test_what_is_sold_meanwhile_is_not_in_the_copy(
    shop: Shop, target_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trade(shop)
    books = await everything(shop)
    (cola,) = await shop.rows("products")
    once = copy._copy_table

    async def busy(there: Any, here: Any, table: Any) -> int:
        count = await once(there, here, table)
        if table is tables.users:
            await shop.do(Restock(OPERATOR, cola["id"], 1))
            await shop.buyer("late", cents=500)
        return count

    monkeypatch.setattr(copy, "_copy_table", busy)
    await copied(shop, target_url)
    async with open_shop(target_url, clock=shop.clock) as there:
        assert await everything(there) == books
        await there.assert_clean()
    await shop.assert_clean()


class TestInterrupted:
    @pytest.mark.parametrize("at", ["users", "uploads", None])
    async def test_leaves_no_shop_and_goes_from_the_start(
        self, shop: Shop, target_url: str, monkeypatch: pytest.MonkeyPatch, at: str | None
    ) -> None:
        class Stopped(BaseException):
            pass

        async def stop(*_: object) -> None:
            raise Stopped

        async def stop_at(there: Any, here: Any, table: Any) -> int:
            if table.name == at:
                raise Stopped
            return await once(there, here, table)

        await trade(shop)
        once = copy._copy_table
        with monkeypatch.context() as patched:
            patched.setattr(copy, *(("_require_clean", stop) if at is None else ("_copy_table", stop_at)))
            with pytest.raises(Stopped):
                await copied(shop, target_url)
        async with opened_engine(target_url) as target:
            assert not (await read_state(target)).is_installed
            with pytest.raises(DatabaseUnusable, match="run `tuckshop copy` again"):
                await check(target, unsafe_durability=True)
        await copied(shop, target_url)
        async with open_shop(target_url, clock=shop.clock) as there:
            assert await everything(there) == await everything(shop)


class TestRefused:
    async def test_a_target_with_a_shop(self, shop: Shop, target_url: str) -> None:
        await copied(shop, target_url)
        for url in (target_url, shop.url):
            with pytest.raises(DatabaseUnusable, match="already contains a shop"):
                await copied(shop, url)

    async def test_a_target_of_another_program(self, shop: Shop, target_url: str, tmp_path: Path) -> None:
        (tmp_path / "copy.sqlite3").touch()
        async with opened_engine(target_url) as target, writing(target) as connection:
            await connection.execute(text("CREATE TABLE songs (id INTEGER)"))
        with pytest.raises(DatabaseUnusable, match="another program"):
            await copied(shop, target_url)

    async def test_a_target_with_rows(self, shop: Shop, target_url: str) -> None:
        async with opened_engine(target_url) as target:
            await upgrade(target)
            async with writing(target) as connection:
                await connection.execute(text("INSERT INTO audits (at_us, failed_rules) VALUES (1, 0)"))
        with pytest.raises(DatabaseUnusable, match="there are rows in audits"):
            await copied(shop, target_url)

    async def test_a_target_that_changes_what_it_is_given(self, shop: Shop, tmp_path: Path) -> None:
        await trade(shop)
        url = f"sqlite:///{tmp_path}/copy.sqlite3"
        async with opened_engine(url) as target:
            await upgrade(target)
            async with writing(target) as connection:
                await connection.execute(
                    text(
                        "CREATE TRIGGER dearer AFTER INSERT ON products BEGIN"
                        " UPDATE products SET price_cents = price_cents + 1 WHERE id = new.id; END"
                    )
                )
            with pytest.raises(CopyFailed, match="products is not the same in the target"):
                await copy.copy(shop.engine, target)
            assert not (await read_state(target)).is_installed

    async def test_a_source_that_is_not_right(self, shop: Shop, target_url: str) -> None:
        await trade(shop)
        await shop.execute("UPDATE accounts SET balance_cents = balance_cents + 1 WHERE kind = 'wallet'")
        with pytest.raises(CopyFailed, match="audit of the copy failed"):
            await copied(shop, target_url)

    @pytest.mark.postgres
    async def test_what_postgresql_cannot_keep(
        self, sqlite_url: str, postgres_server: PostgresServer
    ) -> None:
        async with open_shop(sqlite_url) as shop:
            await shop.buyer("ada")
            await shop.execute("UPDATE sessions SET device = 'a' || char(0) || 'b'")
            with pytest.raises(CopyFailed, match="cannot keep a row of sessions"):
                await copied(shop, postgres_server.new_database())

    @pytest.mark.postgres
    async def test_a_second_copy_at_once(self, shop: Shop, postgres_server: PostgresServer) -> None:
        url = postgres_server.new_database()
        async with opened_engine(url) as other, writing(other) as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": copy._LOCK})
            with pytest.raises(DatabaseUnusable, match="Another copy into the target is running"):
                await copied(shop, url)


def test_the_same_rows_add_up_to_the_same_in_any_order() -> None:
    def of(*rows: tuple[object, ...]) -> copy.Rows:
        found = copy.Rows()
        for row in rows:
            found.add(row)
        return found

    one, other = (1, "a", None, True), (2, "b", b"\0", False)
    assert of(one, other) == of(other, one)
    for different in (
        (of(one)),
        of(one, one),
        of(one, (2, "b", b"\1", False)),
        of(one, (2, "b", "\0", False)),
    ):
        assert different != of(one, other)
