"""A shop for tests: its till, its people, and a look into its books."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Dialect,
    LargeBinary,
    Table,
    exists,
    insert,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tuckshop.domain.days import BY_UTC, DAY_SECONDS, BusinessDays
from tuckshop.domain.ledger import AccountKind, AccountRef, wallet_of
from tuckshop.domain.machines import FulfilMode
from tuckshop.domain.money import EURO
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.tabs import EXPOSURE_TABS, TabsFor
from tuckshop.domain.users import Role, name_key
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import screens
from tuckshop.store import tables
from tuckshop.store.admin_log import READ
from tuckshop.store.engine import connect_sqlite, open_engine, postgres_dsn, reading, sqlite_path, writing
from tuckshop.store.replica import Replica
from tuckshop.till.callers import OPERATOR, MachineCaller, SessionCaller
from tuckshop.till.commands.base import Command, Envelope, Receipt
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.products import AddProduct, ProductRecord
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.engine.queue import Till
from tuckshop.till.policy import Policy
from tuckshop.till.sql.books import Books
from tuckshop.till.sql.postgres import PostgresBooks
from tuckshop.till.sql.sqlite import SqliteBooks

NOON_US = 1_760_000_000_000_000
COUNTING = ("counters", "login_tries")


@dataclass
class Clock:
    """An instant that stands still until the test moves it."""

    now_us: int = NOON_US

    def __call__(self) -> int:
        return self.now_us

    def forward(self, seconds: float) -> None:
        """Lets time pass."""
        self.now_us += int(seconds * 1_000_000)


@dataclass
class Shop:
    """A shop under test."""

    url: str
    engine: AsyncEngine
    till: Till
    clock: Clock = field(default_factory=Clock)
    currency = EURO
    replica: Replica | None = None

    def reading_late(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """As a running shop reads what may be a moment old."""
        return reading(self.engine) if self.replica is None else self.replica.reading()

    async def person(self, name: str, *roles: Role) -> SessionCaller:
        """A new active user, logged in."""
        held = {f"is_{role}": role in roles for role in Role}
        async with writing(self.engine) as connection:
            user_id = await connection.scalar(
                insert(tables.users)
                .values(
                    username=name,
                    username_key=name_key(name),
                    password_hash="!",
                    state="active",
                    created_us=self.clock.now_us,
                    **held,
                )
                .returning(tables.users.c.id)
            )
            session_id = await connection.scalar(
                insert(tables.sessions)
                .values(
                    user_id=user_id,
                    generation=1,
                    created_us=self.clock.now_us,
                    expires_us=self.clock.now_us + 365 * DAY_SECONDS * 1_000_000,
                )
                .returning(tables.sessions.c.id)
            )
        if Role.SELLER in roles:
            await self._invite_everywhere()
        return SessionCaller(session_id, user_id)

    async def buyer(self, name: str = "ada", *, cents: int = 0) -> SessionCaller:
        """A buyer with so much in the wallet (in 5 cent coins and larger)."""
        caller = await self.person(name, Role.BUYER)
        if cents:
            from tuckshop.domain.coins import fewest

            coins = fewest(cents, dict.fromkeys((5, 10, 20, 50, 100)))
            assert coins is not None
            await self.do(Deposit(OPERATOR, wallet_of(caller.user_id), coins))
        return caller

    async def product(
        self,
        name: str = "cola",
        *,
        price_cents: int = 150,
        stock: int = 10,
        seller: SessionCaller | None = None,
        **more: Any,
    ) -> ProductRecord:
        """A new product; of the house, unless a seller is given."""
        receipt = await self.do(
            AddProduct(
                seller or OPERATOR,
                name=name,
                price_cents=price_cents,
                stock=stock,
                for_house=seller is None,
                **more,
            )
        )
        assert isinstance(receipt, ProductRecord)
        return receipt

    async def machine(self, name: str = "hall", *, box_kind: str = "counted") -> int:
        """A second place of sale, with an empty coin box; its id."""
        async with writing(self.engine) as connection:
            machine_id = await connection.scalar(
                insert(tables.machines)
                .values(
                    name=name,
                    name_key=name_key(name),
                    timezone="UTC",
                    box_kind=box_kind,
                    fulfil=FulfilMode.EITHER.value,
                    created_us=self.clock.now_us,
                )
                .returning(tables.machines.c.id)
            )
            await connection.execute(
                insert(tables.coin_boxes),
                [
                    {"machine_id": machine_id, "value_cents": value, "box_kind": box_kind, "count": 0}
                    for value in EURO.values_cents
                ],
            )
        await self._invite_everywhere()
        assert isinstance(machine_id, int)
        return machine_id

    async def _invite_everywhere(self) -> None:
        """All sellers sell at all machines, unless a test is about that."""
        await self.execute(
            "INSERT INTO invitations (seller_id, machine_id, created_us)"
            " SELECT u.id, m.id, :now FROM users u, machines m WHERE u.is_seller AND m.id <> 1"
            " ON CONFLICT DO NOTHING",
            now=self.clock.now_us,
        )

    async def log_in_at(self, machine_id: int, user: SessionCaller) -> None:
        """The user's session is one that began at the machine."""
        await self.execute(
            "UPDATE sessions SET machine_id = :machine WHERE id = :id", machine=machine_id, id=user.session_id
        )

    async def draw_coins(self, machine_id: int = 1) -> None:
        """The machine's page takes drawn coins."""
        await self.execute("UPDATE machines SET coin_input = 'drawn' WHERE id = :id", id=machine_id)

    async def pairing_code(self, machine_id: int) -> str:
        """A code that makes a browser the machine's own screen."""
        code, secret_hash = screens.new_code()
        await self.execute(
            "INSERT INTO screens (machine_id, name, secret_hash, created_us)"
            " VALUES (:machine, 'Tablet', :hash, :now)",
            machine=machine_id,
            hash=secret_hash,
            now=self.clock.now_us,
        )
        return code

    async def machine_key(self, machine_id: int) -> MachineCaller:
        """The machine, with a key of its own."""
        key_hash = hashlib.sha256(f"key of {machine_id}".encode()).digest()
        await self.execute(
            "UPDATE machines SET key_hash = :hash WHERE id = :id", hash=key_hash, id=machine_id
        )
        return MachineCaller(machine_id, key_hash)

    async def guest(self, name: str = "door") -> AccountRef:
        """The wallet of a new guest."""
        row = {"name": name, "name_key": name_key(name), "created_us": self.clock.now_us}
        async with writing(self.engine) as connection:
            guest_id = await connection.scalar(
                insert(tables.guests).values(row).returning(tables.guests.c.id)
            )
        return AccountRef(AccountKind.WALLET, None, guest_id)

    async def buy(self, buyer: SessionCaller, *lines: tuple[int, int], **more: Any) -> OrderPlaced:
        """An order of (product, quantity) from the buyer's wallet. Raises the refusal."""
        receipt = await self.do(PlaceOrder(buyer, wallet_of(buyer.user_id), lines, **more))
        assert isinstance(receipt, OrderPlaced)
        return receipt

    async def do(self, command: Command, *, key: str | None = None) -> Receipt:
        """Settles one command. Raises its refusal."""
        return (await self.till.execute(Envelope(command, key, repr(command).encode()))).receipt()

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, in the order of its key."""
        return (await self._tables(table))[table]

    async def books(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table but those that only count, and but for what staff looked at."""
        books = await self._tables(*(name for name in tables.metadata.tables if name not in COUNTING))
        books["admin_log"] = [row for row in books["admin_log"] if row["action"] != READ]
        return books

    async def _tables(self, *names: str) -> dict[str, list[dict[str, Any]]]:
        """Past SQLAlchemy, and at one go: half of the tests compare all books before with those after."""
        known = [tables.metadata.tables[name] for name in names]
        if self.url.startswith("sqlite"):
            with closing(connect_sqlite(sqlite_path(self.url))) as raw:
                raw.execute("BEGIN")
                return {table.name: _rows_of_sqlite(raw, table) for table in known}
        every = " UNION ALL ".join(
            f"SELECT '{table.name}', json_agg(row ORDER BY {_key(table)}) FROM {table.name} AS row"
            for table in known
        )
        async with reading(self.engine) as connection:
            told: Any = await connection.exec_driver_sql(every)
            found: dict[str, Any] = dict(told.all())
        return {table.name: _rows_of_json(table, found[table.name] or []) for table in known}

    async def execute(self, sql: str, **values: Any) -> None:
        """Changes the database behind the till's back."""
        async with writing(self.engine) as connection:
            await connection.execute(text(sql), values)

    async def write_log_of_newer_release(self) -> None:
        """Lines of the admin log in forms that this release does not know."""
        for action, version, before, after in (
            ("order.refund", 2, '{"parts":[{"quantity":1}]}', None),
            ("robot.dance", 1, None, '{"steps":3}'),
            ("wallet.topup", 1, "{", "[1]"),
            ("wallet.topup", 0, None, None),
        ):
            await self.execute(
                "INSERT INTO admin_log (action, subject, before, after, created_us, version)"
                " VALUES (:action, 'shop', :before, :after, :now_us, :version)",
                action=action,
                version=version,
                before=before,
                after=after,
                now_us=self.clock.now_us,
            )

    async def assert_clean(self) -> None:
        """The audit finds nothing.

        Its rules are asked at one go, which takes a tenth of the time; what is wrong, the audit itself tells.
        """
        from tuckshop.operations.audit import audit

        broken = await self._broken_rules()
        if broken:
            report = await audit(self.engine)
            raise AssertionError([check for check in report.checks if check.problems] or broken)

    async def _broken_rules(self) -> list[str]:
        sql, given = every_rule(self.engine.dialect.name)
        try:
            if self.url.startswith("sqlite"):
                with closing(connect_sqlite(sqlite_path(self.url))) as raw:
                    return [name for (name,) in raw.execute(sql, given)]
            async with reading(self.engine) as connection:
                return list((await connection.exec_driver_sql(sql, given)).scalars())
        except (sqlite3.Error, DBAPIError) as error:
            return [str(error)]  # As the audit has it: what cannot be added up is wrong.


@cache
def every_rule(dialect: str) -> tuple[str, tuple[Any, ...]]:
    """A query for the names of those rules that some row breaks, and what is given with it."""
    from tuckshop.store.audit_rules import rules

    asked = union_all(
        *(
            select(literal(rule.name)).where(exists(rule.offenders.subquery().select()))
            for rule in rules()
            if rule.dialect in (None, dialect)
        )
    )
    compilers: dict[str, type[Dialect]] = {"sqlite": sqlite.dialect, "postgresql": asyncpg.dialect}
    compiler = compilers[dialect]()
    compiled = asked.compile(dialect=compiler, compile_kwargs={"render_postcompile": True})
    return str(compiled), tuple(compiled.params[name] for name in compiled.positiontup or ())


def _key(table: Table) -> str:
    return ", ".join(column.name for column in table.primary_key)


def _rows_of_sqlite(raw: sqlite3.Connection, table: Table) -> list[dict[str, Any]]:
    names = [column.name for column in table.columns]
    flags = [place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)]
    found = []
    for values in raw.execute(f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {_key(table)}"):
        row = dict(zip(names, values, strict=True))
        for place in flags:
            row[names[place]] = None if values[place] is None else bool(values[place])
        found.append(row)
    return found


def _rows_of_json(table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    binary = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
    for row in rows:
        for name in binary:
            row[name] = None if row[name] is None else bytes.fromhex(row[name].removeprefix("\\x"))
    return rows


def open_books(url: str, clock: Clock) -> Books:
    """The till's side of a database, with a clock of the test's own."""
    if url.startswith("sqlite"):
        return SqliteBooks(path=sqlite_path(url), clock=clock)
    return PostgresBooks(dsn=postgres_dsn(url), clock=clock)


@asynccontextmanager
async def open_shop(
    url: str,
    *,
    coins: CoinsPolicy = CoinsPolicy.ATTESTED,
    clock: Clock | None = None,
    tab_limit_cents: int = 0,
    tabs_for: TabsFor = TabsFor.EVERYBODY,
    tab_exposure_cents: int | None = None,
    coins_daily_cap_cents: int = 20_000,
    coins_machine_daily_cap_cents: int = 50_000,
    payout_delay_days: int = 0,
    days: BusinessDays = BY_UTC,
    kiosk_open: bool = False,
    guest_undo: UndoMode = UndoMode.CONTRACT,
    user_undo: UndoMode = UndoMode.CONTRACT,
    **till: Any,
) -> AsyncIterator[Shop]:
    """The shop at `url`, opened for the length of the context."""
    clock = clock or Clock()
    engine = open_engine(url)
    policy = Policy(
        currency=EURO,
        coins=coins,
        tab_limit_cents=tab_limit_cents,
        tabs_for=tabs_for,
        tab_exposure_cents=tab_limit_cents * EXPOSURE_TABS
        if tab_exposure_cents is None
        else tab_exposure_cents,
        coins_daily_cap_cents=coins_daily_cap_cents,
        coins_machine_daily_cap_cents=coins_machine_daily_cap_cents,
        payout_delay_days=payout_delay_days,
        days=days,
        kiosk_open=kiosk_open,
        guest_undo=guest_undo,
        user_undo=user_undo,
    )
    try:
        async with Till(books=open_books(url, clock), policy=policy, **till) as opened:
            yield Shop(url=url, engine=engine, till=opened, clock=clock)
    finally:
        await engine.dispose()
