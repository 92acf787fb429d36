"""The small shop in which every history begins: few people, few pieces, and each of them wanted by many."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from tests.shop import NOON_US, open_shop
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.money import EURO
from tuckshop.domain.orders import Fulfil, Payment
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.store import tables
from tuckshop.store.engine import connect_sqlite, sqlite_path
from tuckshop.till.callers import OPERATOR, MachineCaller, SessionCaller
from tuckshop.till.commands.machines import FillCoins
from tuckshop.till.commands.orders import PlaceOrder
from tuckshop.till.commands.products import AddProduct
from tuckshop.till.commands.wallet import Deposit
from tuckshop.till.policy import Policy

# Limits that a history reaches now and then.
TAB_LIMIT_CENTS, CAP_CENTS = 120, 250
POLICY = Policy(
    currency=EURO,
    coins=CoinsPolicy.SELF,
    tab_limit_cents=TAB_LIMIT_CENTS,
    tabs_for=TabsFor.EVERYBODY,
    tab_exposure_cents=TAB_LIMIT_CENTS + TAB_LIMIT_CENTS // 2,
    coins_daily_cap_cents=CAP_CENTS,
    payout_delay_days=0,
    guest_undo=UndoMode.BOUNDED,
    user_undo=UndoMode.BOUNDED,
)
PRODUCTS = (1, 2, 3)
ORDERS = (1, 2, 3, 4)

# Numbers that the database gives by itself: they differ, and nobody is told them.
_UNTOLD = {"stock_movements": "id", "coin_movements": "id", "admin_log": "id"}
# Of what is kept for its own sake, the parts that nobody locks, see `checks`.
_UNLOCKED = {
    (
        "idempotency",
        "outcome",
    ): "kind LIKE 'tab.settled/%' OR kind LIKE 'order.placed/%' OR kind LIKE 'shelves.set/%'",
    ("admin_log", "before"): "action IN ('machine.shelves', 'tab.settle')",
    ("admin_log", "after"): "action IN ('machine.shelves', 'tab.settle')",
}
_ACCOUNTS = {"source_id", "target_id"}
# What only counts, and what is told otherwise.
_LEFT_OUT = frozenset({"counters", "accounts", "login_tries"})
Dump = dict[str, list[tuple[Any, ...]]]


class People(NamedTuple):
    """Tom has a tab and no wallet yet, Cleo neither; Sid sells nothing; `liar` is Bob with Ada's session."""

    ada: SessionCaller
    bob: SessionCaller
    tom: SessionCaller
    cleo: SessionCaller
    sam: SessionCaller
    sue: SessionCaller
    sid: SessionCaller
    cashier: SessionCaller
    admin: SessionCaller
    ruth: SessionCaller
    liar: SessionCaller
    hall: MachineCaller


@dataclass(frozen=True)
class Stage:
    """The shop as it lies in one SQLite database, from which every history begins anew."""

    connection: sqlite3.Connection
    people: People
    guests: tuple[AccountRef, AccountRef]

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """The books, for the length of the context; then they are as they were."""
        self.connection.execute("SAVEPOINT history")
        try:
            yield self.connection
        finally:
            self.connection.execute("ROLLBACK TO history")
            self.connection.execute("RELEASE history")


async def furnish(url: str) -> tuple[People, tuple[AccountRef, AccountRef]]:
    """Fills the empty shop at `url`."""
    async with open_shop(
        url, coins=CoinsPolicy.SELF, tab_limit_cents=TAB_LIMIT_CENTS, coins_daily_cap_cents=CAP_CENTS
    ) as shop:
        shop.clock.now_us = NOON_US - 1_000_000_000
        ada, bob = await shop.person("ada", Role.BUYER), await shop.person("bob", Role.BUYER)
        tom, cleo = await shop.person("tom", Role.BUYER), await shop.person("cleo", Role.BUYER)
        sam, sue = await shop.person("sam", Role.SELLER), await shop.person("sue", Role.SELLER, Role.BUYER)
        sid, cashier = await shop.person("sid", Role.SELLER), await shop.person("cas", Role.CASHIER)
        admin, ruth = await shop.person("root", Role.ADMIN), await shop.person("ruth", Role.ADMIN)
        hall = await shop.machine()
        await shop.machine("attic", box_kind="unlimited")
        people = People(
            *(ada, bob, tom, cleo, sam, sue, sid, cashier, admin, ruth),
            SessionCaller(ada.session_id, bob.user_id),
            await shop.machine_key(hall),
        )
        await shop.execute("UPDATE machines SET hourly_deposit_cents_max = 120 WHERE id = :id", id=hall)
        guests = await shop.guest("door"), await shop.guest("ada")
        for command in (
            AddProduct(sam, "cola", 35, 4),
            AddProduct(sue, "crisps", 50, 3),
            AddProduct(OPERATOR, "gum", 13, 5, for_house=True),
            Deposit(OPERATOR, wallet_of(ada.user_id), {50: 3, 5: 1}),
            Deposit(OPERATOR, wallet_of(bob.user_id), {50: 1, 20: 1}),
            Deposit(OPERATOR, guests[0], {50: 1}, hall),
            FillCoins(OPERATOR, hall, {5: 2, 20: 1, 50: 1}),
            PlaceOrder(ada, wallet_of(ada.user_id), ((1, 1),)),
        ):
            await shop.do(command)
        # Whoever buys from now on may still give back; what came before may be paid to its sellers.
        shop.clock.now_us = NOON_US - 60_000_000
        for command in (
            PlaceOrder(ada, wallet_of(ada.user_id), ((1, 1),)),
            PlaceOrder(tom, wallet_of(tom.user_id), ((2, 1), (3, 1)), payment=Payment.TAB),
            PlaceOrder(bob, wallet_of(bob.user_id), ((3, 2),), fulfil=Fulfil.LATER),
        ):
            await shop.do(command)
        return people, guests


def stage_of(url: str, people: People, guests: tuple[AccountRef, AccountRef]) -> Stage:
    """The furnished shop at a SQLite file, taken into memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with closing(connect_sqlite(sqlite_path(url))) as file:
        file.backup(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    return Stage(connection, people, guests)


def dump(connection: sqlite3.Connection) -> Dump:
    """All rows of the books, so that two runs of the same commands compare equal.

    Accounts are told by what they are for.
    """
    accounts = connection.execute("SELECT id, kind, user_id, guest_id, machine_id FROM accounts")
    refs = {account_id: ref for account_id, *ref in accounts}
    return {table: told_by(connection.execute(sql), places, refs) for table, sql, places in queries()}


def told_by(rows: Iterable[tuple[Any, ...]], places: list[int], refs: dict[int, list[Any]]) -> list[Any]:
    """The rows in one order, with what the accounts in these columns are for."""
    if places:
        rows = (
            tuple(str(refs[one]) if place in places else one for place, one in enumerate(row)) for row in rows
        )
    return sorted(rows, key=repr)


@cache
def queries() -> list[tuple[str, str, list[int]]]:
    """Table, what is asked of it, and which columns are accounts."""
    accounts = "SELECT kind, user_id, guest_id, machine_id, balance_cents FROM accounts"
    found: list[tuple[str, str, list[int]]] = [("accounts", accounts, [])]
    for table in tables.metadata.sorted_tables:
        if table.name not in _LEFT_OUT:
            names = [column.name for column in table.columns if column.name != _UNTOLD.get(table.name)]
            places = [place for place, name in enumerate(names) if name in _ACCOUNTS]
            found.append((table.name, f"SELECT {_columns(table.name, names)} FROM {table.name}", places))
    return found


def _columns(table: str, names: list[str]) -> str:
    return ", ".join(
        f"CASE WHEN {_UNLOCKED[table, name]} THEN '' ELSE {name} END" if (table, name) in _UNLOCKED else name
        for name in names
    )
