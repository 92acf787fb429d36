"""The audit finds nothing in honest books, and finds a change of any single figure in them."""

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from sqlalchemy import Column, Table, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.shop import Shop, every_rule
from tests.till.registering import register
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.orders import Change, Fulfil, Payment
from tuckshop.domain.refusals import Refusal
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.operations.audit import PROBLEMS_SHOWN_MAX, Report, audit, examine
from tuckshop.store import tables
from tuckshop.store.audit_rules import rules
from tuckshop.store.audit_rules.idempotency import AMOUNTS, POINTERS, SILENT
from tuckshop.store.audit_rules.rule import Rule
from tuckshop.store.engine import writing
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.base import Command, Receipt
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock
from tuckshop.till.commands.orders import CancelOrder, Dispense, OrderPlaced, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import ChangeProduct, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import CloseWallet, PaySeller, ReverseTransfer, SendMoney, TopUp
from tuckshop.till.commands.wallet import Deposit, PayOut
from tuckshop.till.state import forms

CHANGES = 200
SEED = 20_261_120
HALL_MACHINE_ID = 2

FIGURES = {
    "accounts": ("balance_cents",),
    "coin_boxes": ("count", "value_cents"),
    "coin_movements": ("count", "value_cents"),
    "denominations": ("value_cents",),
    "order_lines": ("price_cents", "quantity", "refunded_quantity"),
    "orders": ("total_cents",),
    "refund_lines": ("quantity",),
    "refunds": ("amount_cents",),
    "sales": ("refunded_cents", "refunded_quantity", "sold_cents", "sold_quantity"),
    "shelves": ("quantity",),
    "stock_movements": ("quantity",),
    "transfers": ("amount_cents",),
}
"""Every figure of money, stock or coins: a change of any one is found."""

WITHOUT_WITNESS = {
    "alerts": ("count",),
    "order_lines": ("cost_cents",),
    "products": ("cost_cents", "price_cents"),
    "refund_requests": ("amount_cents",),
    "shelves": ("price_cents",),
    "users": ("tab_limit_cents",),
}
"""Figures that stand in one place only: list prices, costs, limits and how often something was seen.

They move nothing by themselves."""

TIES = {
    "accounts": ("guest_id", "kind", "machine_id", "user_id"),
    "coin_boxes": ("machine_id",),
    "coin_movements": ("machine_id", "transfer_id"),
    "idempotency": ("order_id", "refund_id", "transfer_id"),
    "order_lines": ("order_id", "product_id", "seller_id"),
    "orders": ("buyer_id", "day", "machine_id", "payment", "status"),
    "refund_lines": ("order_id", "product_id", "refund_id"),
    "products": ("seller_id",),
    "refunds": ("day", "kind", "order_id"),
    "sales": ("day", "machine_id", "product_id"),
    "shelves": ("machine_id", "product_id"),
    "stock_movements": ("machine_id", "product_id"),
    "transfers": ("kind", "machine_id", "reverses_id", "source_id", "target_id"),
}
"""What says whose a figure is, and why: a change of any one is found, too."""


@pytest.fixture
async def books(shop: Shop) -> Shop:
    """A shop with some history: every command, two machines, two sellers and the house, kept keys."""
    await open_hall(shop)
    shop.till.policy = replace(shop.till.policy, coins=CoinsPolicy.SELF)
    sam, eva = await shop.person("sam", Role.SELLER), await shop.person("eva", Role.SELLER)
    ada, bob = await shop.buyer("ada", cents=2000), await shop.buyer("bob", cents=735)
    cola = await shop.product("cola", price_cents=150, stock=40, seller=sam)
    nuts = await shop.product("nuts", price_cents=83, stock=20, seller=eva)
    milk = await shop.product("milk", price_cents=99, stock=12)
    wallet = wallet_of(ada.user_id)

    orders = [
        await shop.buy(ada, (cola.product_id, 2), (nuts.product_id, 1), (milk.product_id, 3)),
        await shop.buy(bob, (milk.product_id, 1)),
        await shop.buy(bob, (cola.product_id, 1), (nuts.product_id, 4)),
    ]
    kept: list[Command] = [
        Deposit(OPERATOR, wallet, {100: 3, 20: 2}, HALL_MACHINE_ID),
        PlaceOrder(ada, wallet, ((cola.product_id, 1), (milk.product_id, 1)), client_ref="till-7"),
        PlaceOrder(ada, wallet, ((cola.product_id, 9999),)),
        PlaceOrder(OPERATOR, wallet, ((nuts.product_id, 1),), Change.RETURN),
        Refund(OPERATOR, orders[0].order_id, {cola.product_id: 1, milk.product_id: 2}),
        Refund(OPERATOR, orders[2].order_id),
        Deposit(OPERATOR, wallet, {50: 7, 5: 1}),
        PayOut(OPERATOR, wallet_of(bob.user_id)),
        Restock(sam, cola.product_id, 6),
        ChangeProduct(eva, nuts.product_id, price_cents=85, stock=11, reason="counted"),
        RemoveProduct(OPERATOR, milk.product_id),
        Refund(OPERATOR, orders[1].order_id),  # Off sale by now: the piece comes back and is written off.
        PayOut(OPERATOR, wallet, HALL_MACHINE_ID),
    ]
    kept += await life_of_orders(shop, bob, cola.product_id, nuts.product_id)
    kept += [
        TopUp(OPERATOR, wallet, 700, "bank 17"),
        register("dan", "dan@example.org", coins={50: 1}),
        register("fay"),
        SendMoney(ada, wallet, wallet_of(bob.user_id), 90),
        FillCoins(OPERATOR, HALL_MACHINE_ID, {20: 5}),
        CountCoins(OPERATOR, HALL_MACHINE_ID, {100: 3, 50: 1, 20: 4, 10: 0, 5: 0}),
        CollectCoins(OPERATOR, HALL_MACHINE_ID, {100: 1}),
        MoveStock(OPERATOR, 1, HALL_MACHINE_ID, cola.product_id, 2),
        CloseWallet(OPERATOR, wallet_of(bob.user_id)),
    ]
    for number, command in enumerate(kept):
        if number == 4:
            shop.clock.forward(86_400)  # What was sold yesterday comes back today.
        try:
            await shop.do(command, key=f"key-{number}")
        except Refusal:
            assert number in (2, 12)  # Too many colas; a changer without the coins.
    shop.clock.forward(301)
    await shop.do(PaySeller(OPERATOR, sam.user_id, "pay 1"), key="paid")
    await reverse(shop, wallet)
    return shop


async def reverse(shop: Shop, wallet: AccountRef) -> None:
    """One of each kind taken back; the rest of a deposit that was spent goes on the tab."""
    await shop.do(PayOut(OPERATOR, wallet))
    newest = {row["kind"]: row["id"] for row in await shop.rows("transfers")}
    for kind in ("payout", "earnings_payout", "settlement"):
        await shop.do(ReverseTransfer(OPERATOR, newest[kind], "wrong"), key=f"back {kind}")
    for kind, again in {
        "deposit": Deposit(OPERATOR, wallet, {50: 1}),
        "topup": TopUp(OPERATOR, wallet, 9, "x"),
    }.items():
        made: Any = await shop.do(again)
        await shop.do(PayOut(OPERATOR, wallet))
        await shop.do(ReverseTransfer(OPERATOR, made.transfer_id, "wrong", owe=True), key=f"back {kind}")


async def life_of_orders(shop: Shop, bob: SessionCaller, cola: int, nuts: int) -> list[Command]:
    """Tab orders in every status, one of them made before; and settlements both ways."""
    await shop.execute("UPDATE users SET tab_limit_cents = 5000 WHERE username = 'bob'")
    wallet, user = wallet_of(bob.user_id), bob.user_id

    async def tab(*lines: tuple[int, int], fulfil: Fulfil | None = None) -> int:
        placed = await shop.do(PlaceOrder(bob, wallet, lines, payment=Payment.TAB, fulfil=fulfil))
        assert isinstance(placed, OrderPlaced)
        return placed.order_id

    called_off, smaller, jammed = await tab((cola, 1), (nuts, 2)), await tab((cola, 3)), await tab((nuts, 1))
    handed_out, given_back = await tab((cola, 1)), await tab((nuts, 2), fulfil=Fulfil.NOW)
    await tab((cola, 1))  # Still to be handed out.
    return [
        PlaceOrder(bob, wallet, ((nuts, 1),), payment=Payment.TAB),
        CancelOrder(bob, called_off),
        ReduceOrder(bob, smaller, {cola: 1}),
        Dispense(OPERATOR, jammed, failed=True),
        Dispense(OPERATOR, handed_out),
        SettleTab(OPERATOR, user, coins={100: 4, 50: 1}),
        SettleTab(OPERATOR, user, amount_cents=70, external_ref="bank-1"),
        Refund(OPERATOR, given_back, write_off=True),
    ]


async def open_hall(shop: Shop) -> None:
    """A second machine, a changer."""
    async with writing(shop.engine) as connection:
        await connection.execute(
            insert(tables.machines),
            {"name": "Hall", "name_key": "hall", "timezone": "UTC", "box_kind": "counted", "created_us": 1},
        )
        await connection.execute(
            insert(tables.coin_boxes),
            [
                {"machine_id": HALL_MACHINE_ID, "value_cents": value, "box_kind": "counted", "count": 0}
                for value in (5, 10, 20, 50, 100)
            ],
        )


@asynccontextmanager
async def tampering(shop: Shop) -> AsyncIterator[AsyncConnection]:
    """A transaction in which no constraint is in the way of a change, rolled back in the end."""
    async with shop.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            await connection.execute(text("PRAGMA ignore_check_constraints = ON"))
            await connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        else:
            constraints = await connection.execute(
                text(
                    "SELECT conrelid::regclass, conname FROM pg_constraint"
                    " WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace"
                )
            )
            for owner, name in constraints.all():
                await connection.execute(text(f"ALTER TABLE {owner} DROP CONSTRAINT {name}"))
        yield connection
        await connection.rollback()
        if connection.dialect.name == "sqlite":
            await connection.execute(text("PRAGMA ignore_check_constraints = OFF"))


async def is_found(connection: AsyncConnection, table: Table, row: Any, values: dict[str, Any]) -> bool:
    """Whether some rule sees one row changed to these values; the row is put back."""
    change = update(table).where(*(key == row[key.name] for key in table.primary_key)).values(values)
    async with connection.begin_nested() as savepoint:
        changed = await connection.execute(change)
        assert changed.rowcount == 1
        found = False
        known = reading(connection.dialect.name, table)
        for place, rule in enumerate(known):
            if await sees(connection, rule):
                known.insert(0, known.pop(place))  # It may be the one for the next change, too.
                found = True
                break
        await savepoint.rollback()
    return found


async def sees(connection: AsyncConnection, rule: Rule) -> bool:
    """Whether a row breaks the rule, by its query alone: `examine` counts what it looks at, too."""
    try:
        async with connection.begin_nested():
            return (await connection.execute(rule.offenders.limit(1))).first() is not None
    except DBAPIError:
        return True


@cache
def reading(dialect: str, table: Table) -> list[Rule]:
    """The rules whose finding a change of this table may change.

    Not that rows are within their limits: the constraints would have held; without them, the books themselves
    must show it.
    """
    compiled = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}[dialect]()
    return [
        rule
        for rule in rules()
        if rule.dialect in (None, dialect)
        and rule.name != "every row is within its limits"
        and table.name in re.findall(r"\w+", str(rule.offenders.compile(dialect=compiled)))
    ]


async def rows_of(connection: AsyncConnection, table: Table) -> list[Any]:
    found = await connection.execute(select(table).order_by(*table.primary_key))
    return list(found.mappings())


def broken(report: Report) -> dict[str, tuple[dict[str, Any], ...]]:
    return {check.name: check.problems for check in report.checks if check.problem_count}


async def test_finds_nothing_in_a_new_shop(shop: Shop) -> None:
    report = await audit(shop.engine)
    assert broken(report) == {}
    assert report.clean


async def test_finds_nothing_in_honest_books(books: Shop) -> None:
    report = await audit(books.engine)
    assert broken(report) == {}
    rows = {check.name: check.rows for check in report.checks}
    assert rows["every order's total equals the sum of its lines"] == 5 + 9 + 7 + 8
    assert all(rows.values())


@pytest.mark.uncounted
async def test_finds_200_changes_of_a_single_figure(books: Shop) -> None:
    chance = random.Random(SEED)
    async with tampering(books) as connection:
        places = [
            (tables.metadata.tables[name], column, row)
            for name, columns in FIGURES.items()
            for row in await rows_of(connection, tables.metadata.tables[name])
            for column in columns
        ]
        # Every column at least once, however few rows its table has.
        tried = [
            chance.choice([place for place in places if (place[0].name, place[1]) == (name, column)])
            for name, columns in FIGURES.items()
            for column in columns
        ]
        tried += chance.choices(places, k=CHANGES - len(tried))
        missed = []
        for table, column, row in tried:
            delta = chance.choice([-1, 1]) * int(10 ** chance.uniform(0, 9))
            try:
                found = await is_found(connection, table, row, {column: row[column] + delta})
            except IntegrityError:  # A key that another row has: not a change of one row.
                found = await is_found(connection, table, row, {column: row[column] + 100_003})
            if not found:
                missed.append((table.name, column, dict(row), delta))
    assert missed == []
    assert (await audit(books.engine)).clean  # All of it was rolled back.


@pytest.mark.uncounted
async def test_finds_200_changes_of_a_single_tie(books: Shop) -> None:
    async with tampering(books) as connection:
        places = []
        for name, columns in TIES.items():
            table = tables.metadata.tables[name]
            rows = await rows_of(connection, table)
            for column in columns:
                known = {row[column] for row in rows} | {None, 99}
                places += [
                    (table, column, row, value)
                    for row in rows
                    for value in sorted(known - {row[column]}, key=str)
                    if row[column] is not None and _may_hold(table.c[column], value)
                ]
        random.Random(SEED).shuffle(places)
        tried, missed = 0, []
        while tried < CHANGES:
            table, column, row, value = places.pop()
            with suppress(IntegrityError):  # Another row has that key.
                if not await is_found(connection, table, row, {column: value}):
                    missed.append((table.name, column, dict(row), value))
                tried += 1
    assert missed == []


async def test_asked_at_one_go_the_rules_find_the_same(books: Shop) -> None:
    chance = random.Random(SEED)
    async with tampering(books) as connection:
        for name, columns in FIGURES.items():
            table = tables.metadata.tables[name]
            row, column = chance.choice(await rows_of(connection, table)), table.c[chance.choice(columns)]
            async with connection.begin_nested() as savepoint:
                keys = [key == row[key.name] for key in table.primary_key]
                await connection.execute(update(table).where(*keys).values({column: column + 100_003}))
                found = broken(await examine(connection))
                asked = await connection.exec_driver_sql(*every_rule(connection.dialect.name))
                assert set(asked.scalars()) == set(found), (name, column)
                assert found
                await savepoint.rollback()
    await books.execute("UPDATE accounts SET balance_cents = balance_cents + 1")
    with pytest.raises(AssertionError, match="every balance equals the sum of its transfers"):
        await books.assert_clean()


def _may_hold(column: Column[Any], value: Any) -> bool:
    if value is None:
        return bool(column.nullable)
    return isinstance(value, str) == (column.name in ("kind", "payment", "status"))


def test_every_figure_is_claimed_or_has_no_witness() -> None:
    figures = {
        (table.name, column.name)
        for table in tables.metadata.tables.values()
        for column in table.columns
        if column.name.endswith(("_cents", "quantity", "count"))
    }
    listed = {
        (name, column) for group in (FIGURES, WITHOUT_WITNESS) for name in group for column in group[name]
    }
    assert figures == listed


@pytest.mark.parametrize(
    ("field", "of"),
    [
        ("total_cents", "order.placed/1"),
        ("total_cents", "order.changed/1"),
        ("amount_cents", "tab.settled/1"),
        ("order_id", "order.placed/1"),
        ("amount_cents", "order.refunded/1"),
        ("refund_id", "order.refunded/1"),
        ("amount_cents", "wallet.paid_out/1"),
        ("amount_cents", "wallet.deposited/1"),
        ("transfer_id", "wallet.deposited/1"),
        ("amount_cents", "user.registered/1"),
        ("transfer_id", "user.registered/1"),
        ("user_id", "user.registered/1"),
        ("amount_cents", "transfer.reversed/1"),
        ("transfer_id", "transfer.reversed/1"),
    ],
)
async def test_finds_an_outcome_that_tells_of_something_else(books: Shop, field: str, of: str) -> None:
    (record, *_) = [row for row in await books.rows("idempotency") if row["kind"] == of]
    outcome = record["outcome"].replace(f'"{field}":', f'"{field}":1')
    assert outcome != record["outcome"]
    await books.execute(
        "UPDATE idempotency SET outcome = :outcome WHERE key = :key", outcome=outcome, key=record["key"]
    )
    found = broken(await audit(books.engine))
    assert list(found) == ["every idempotency record refers to the result of its command"]
    (problems,) = found.values()
    assert [problem["key"] for problem in problems] == [record["key"]]


async def test_finds_a_reversal_of_something_else(books: Shop) -> None:
    rows = {row["id"]: row for row in await books.rows("transfers")}
    wrong = next(row for row in rows.values() if row["kind"] == "reversal" and not row["machine_id"])
    was = rows[wrong["reverses_id"]]
    other = {**was, "id": max(rows) + 1, "amount_cents": was["amount_cents"] + 1}
    other |= {"external_ref": "other", "external_ref_key": "other"}
    async with writing(books.engine) as connection:
        await connection.execute(insert(tables.transfers), other)
    await books.execute(
        "UPDATE transfers SET reverses_id = :other WHERE id = :id", other=other["id"], id=wrong["id"]
    )
    assert "every reversal takes one transfer back, to the cent" in broken(await audit(books.engine))


async def test_finds_a_registration_of_nobody(books: Shop) -> None:
    (record, *_) = [
        row
        for row in await books.rows("idempotency")
        if row["kind"] == "user.registered/1" and not row["transfer_id"]
    ]
    outcome = record["outcome"].replace('"user_id":', '"user_id":9')
    await books.execute(
        "UPDATE idempotency SET outcome = :outcome WHERE key = :key", outcome=outcome, key=record["key"]
    )
    assert list(broken(await audit(books.engine))) == [
        "every idempotency record refers to the result of its command"
    ]


async def test_an_outcome_that_is_no_json_is_a_finding(books: Shop) -> None:
    await books.execute("UPDATE idempotency SET outcome = '{' WHERE kind = 'wallet.paid_out/1'")
    report = await audit(books.engine)
    assert list(broken(report)) == ["every idempotency record refers to the result of its command"]
    assert not report.clean


async def test_a_sum_that_no_number_holds_is_a_finding(books: Shop) -> None:
    await books.execute(
        "UPDATE accounts SET balance_cents = 9223372036854775807 WHERE kind IN ('earnings', 'house')"
    )
    assert "all balances add up to zero" in broken(await audit(books.engine))


async def test_a_number_that_will_be_given_out_again_is_a_finding(books: Shop) -> None:
    if books.engine.dialect.name == "sqlite":
        await books.execute("UPDATE counters SET last_id = 3 WHERE name = 'transfers'")
    else:
        await books.execute("SELECT setval('transfers_id_seq', 3)")
    found = broken(await audit(books.engine))
    assert [problem["table"] for problem in found["every next id is free"]] == ["transfers"]


async def test_shows_the_first_rows_and_counts_all(books: Shop) -> None:
    moved = len(await books.rows("stock_movements"))
    ada = await books.buyer("eve", cents=500)
    cola = await books.product("gum", price_cents=1, stock=100)
    for _ in range(PROBLEMS_SHOWN_MAX + 5):
        await books.buy(ada, (cola.product_id, 1))
    await books.execute("UPDATE orders SET total_cents = total_cents + 1 WHERE total_cents = 1")
    report = await audit(books.engine)
    (check,) = [one for one in report.checks if one.name == "every order's total equals the sum of its lines"]
    assert check.problem_count == PROBLEMS_SHOWN_MAX + 5
    assert len(check.problems) == PROBLEMS_SHOWN_MAX
    assert check.problems[0].keys() == {"order_id", "recorded", "witnessed"}
    assert {(problem["recorded"], problem["witnessed"]) for problem in check.problems} == {(2, 1)}
    assert moved < len(await books.rows("stock_movements"))


async def test_writes_nothing(books: Shop) -> None:
    before = await books.books()
    await audit(books.engine)
    assert await books.books() == before


def test_knows_every_receipt_and_which_points_to_a_row() -> None:
    receipts: dict[str, Any] = {
        kind: receipt for kind, receipt in forms.declared().items() if issubclass(receipt, Receipt)
    }
    pointing = {
        pointer: {kind for kind, receipt in receipts.items() if pointer in receipt.__struct_fields__}
        for pointer in ("order_id", "refund_id", "transfer_id")
    }
    assert pointing == {pointer: set(kinds) for pointer, kinds in POINTERS.items()}
    assert set(receipts) == {*AMOUNTS, *SILENT}
    assert set(AMOUNTS) == set().union(*pointing.values())


@pytest.mark.parametrize(
    ("kind", "outcome", "is_broken"),
    [
        ("OrderPlaced", None, False),  # as releases before revision 0012 called it
        ("order.placed/1", "{}", True),
        ("OrderPlaced", "{}", True),
        ("order.placed/2", '{"order_id":"a text"}', False),  # a newer release's: only that can tell
        ("order.sent/1", "{}", False),
        ("refusal.out-of-stock/1", None, True),
        ("OutOfStock", None, True),
        ("refusal.out-of-stock/2", None, False),
    ],
)
async def test_records_of_other_releases_are_judged_by_what_is_known_of_them(
    books: Shop, kind: str, outcome: str | None, *, is_broken: bool
) -> None:
    (record, *_) = [row for row in await books.rows("idempotency") if row["kind"] == "order.placed/1"]
    await books.execute(
        "UPDATE idempotency SET kind = :kind, outcome = :outcome WHERE key = :key",
        kind=kind,
        outcome=record["outcome"] if outcome is None else outcome,
        key=record["key"],
    )
    found = broken(await audit(books.engine))
    assert list(found) == ["every idempotency record refers to the result of its command"] * is_broken
