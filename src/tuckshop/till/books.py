"""What the till asks of a database, said once for both.

`load` and `store` are written as plans: generators that yield statements and are sent the rows. They fix
the order in which rows are locked: wallets by ascending account id, idempotency records, client
references, orders, products to change, shelves, counted coin boxes; and, last of all, the rows that many
sales share and no rule reads. A books class runs the plans inside one transaction on its driver.

Each statement takes a list of tuples. PostgreSQL gets them as one array per column (`unnest`), so a batch
of any size is one round trip per statement; SQLite gets them as JSON to read and row by row to write.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, Protocol

from sqlalchemy import BigInteger, Boolean, LargeBinary, SmallInteger, Table, Text

from tuckshop.domain.accounts import Actor, Role, UserState, name_key
from tuckshop.domain.catalogue import Product, Shelf
from tuckshop.domain.ledger import AccountKind, AccountRef, wallet_of
from tuckshop.domain.machines import BoxKind, CoinBox
from tuckshop.domain.orders import Line, Order, OrderStatus
from tuckshop.store import tables
from tuckshop.till import page as pages
from tuckshop.till.page import Changes, Page, Record, Session, Wanted

Rows = Sequence[Any]


class Unavailable(Exception):
    """The books cannot be reached just now; nothing was written. Try again in a while."""


class OutcomeUnknown(Exception):
    """Whether the batch was written could not be found out in time. Ask again with the same key."""


class Contended(Exception):
    """Another till was faster on a row or a key; nothing was written. Worth another try at once."""


class BatchRefused(Exception):
    """The database refused what the rules had let pass: a defect. Nothing was written."""


class Books(Protocol):
    """One database's side of the till. One transaction at a time."""

    async def transact(self, wanted: Wanted, decide: Callable[[Page], None]) -> None:
        """Loads what is wanted, lets `decide` change the page, writes its changes and commits.

        Returns once the changes are durable. `decide` must not keep state between calls.

        Raises:
            Unavailable, Contended, BatchRefused: nothing was written.
            OutcomeUnknown: written or not, nobody could tell in time.
        """

    async def close(self) -> None:
        """Gives the connection back."""


class Read(NamedTuple):
    """Rows found by a list of keys. `keys`: column and type by name; `lock`: the alias to lock."""

    name: str
    keys: tuple[tuple[str, str], ...]
    select: str
    lock: str | None = None


class Insert(NamedTuple):
    """New rows of a table; tuples in the order of `columns`."""

    table: Table
    columns: tuple[str, ...]


class Update(NamedTuple):
    """New values, or what is to be `added`, for rows found by their keys; tuples of keys, then values."""

    table: Table
    keys: tuple[str, ...]
    values: tuple[str, ...]
    added: bool = False


class Reserve(NamedTuple):
    """The batch's instant, and so many new ids per table: (now_us, {table: ids})."""

    counts: dict[str, int]


Step = tuple[Read | Insert | Update, Rows] | Reserve
Plan = Generator[Step, Any, Any]


def column_type(table: Table, column: str) -> str:
    """The column's PostgreSQL type."""
    match table.c[column].type:
        case BigInteger():
            return "bigint"
        case SmallInteger():
            return "smallint"
        case Boolean():
            return "boolean"
        case LargeBinary():
            return "bytea"
        case Text():
            return "text"
        case _:
            return "integer"


_ID = (("id", "bigint"),)

WALLETS = {
    column: Read(
        f"wallets_by_{column}",
        ((column, "bigint"),),
        f"SELECT a.id, a.{column}, a.balance_cents FROM wanted w JOIN accounts a"
        f" ON a.{column} = w.{column} AND a.kind = 'wallet' ORDER BY a.id",
        lock="a",
    )
    for column in ("user_id", "guest_id")
}
RECORDS = Read(
    "records",
    (("scope", "text"), ("key", "text")),
    "SELECT i.scope, i.key, i.fingerprint, i.kind, i.outcome FROM wanted w JOIN idempotency i"
    " ON i.scope = w.scope AND i.key = w.key ORDER BY i.scope, i.key",
)
SESSIONS = Read(
    "sessions",
    _ID,
    "SELECT s.id, s.user_id, u.username, s.expires_us, s.ended_us, u.state,"
    " u.is_buyer, u.is_seller, u.is_cashier, u.is_admin"
    " FROM wanted w JOIN sessions s ON s.id = w.id JOIN users u ON u.id = s.user_id",
)
USERS = Read(
    "users",
    _ID,
    "SELECT u.id FROM wanted w JOIN users u ON u.id = w.id WHERE u.state <> 'closed'",
)
CLIENT_REFS = Read(
    "client_refs",
    (("buyer_id", "bigint"), ("client_ref", "text")),
    "SELECT o.buyer_id, o.client_ref, o.id FROM wanted w JOIN orders o"
    " ON o.buyer_id = w.buyer_id AND o.client_ref = w.client_ref",
)
ORDER_FACTS = Read(
    "order_facts",
    _ID,
    "SELECT o.id, o.buyer_id, o.guest_id, o.machine_id, l.product_id"
    " FROM wanted w JOIN orders o ON o.id = w.id JOIN order_lines l ON l.order_id = o.id",
)
ORDERS = Read(
    "orders",
    _ID,
    "SELECT o.id, o.buyer_id, o.guest_id, o.machine_id, o.status, o.client_ref, o.total_cents,"
    " o.created_us FROM wanted w JOIN orders o ON o.id = w.id ORDER BY o.id",
    lock="o",
)
ORDER_LINES = Read(
    "order_lines",
    _ID,
    "SELECT l.order_id, l.product_id, l.quantity, l.name, l.price_cents, l.seller_id, l.refundable,"
    " l.tax_basis_points, l.cost_cents, l.refunded_quantity"
    " FROM wanted w JOIN order_lines l ON l.order_id = w.id ORDER BY l.order_id, l.position",
)
CHANGING = Read(
    "changing", _ID, "SELECT p.id FROM wanted w JOIN products p ON p.id = w.id ORDER BY p.id", lock="p"
)
ALL_SHELVES = Read(
    "all_shelves",
    _ID,
    "SELECT s.machine_id, s.product_id FROM wanted w JOIN shelves s ON s.product_id = w.id",
)
SHELVES = Read(
    "shelves",
    (("machine_id", "bigint"), ("product_id", "bigint")),
    "SELECT s.machine_id, s.product_id, s.quantity, s.capacity, s.price_cents FROM wanted w JOIN shelves s"
    " ON s.machine_id = w.machine_id AND s.product_id = w.product_id ORDER BY s.machine_id, s.product_id",
    lock="s",
)
PRODUCTS = Read(
    "products",
    _ID,
    "SELECT p.id, p.name, p.price_cents, p.seller_id, p.refundable, p.tax_basis_points, p.cost_cents,"
    " p.version, p.removed_us, p.image_id, u.username"
    " FROM wanted w JOIN products p ON p.id = w.id LEFT JOIN users u ON u.id = p.seller_id",
)
NAMES = Read(
    "names",
    (("name_key", "text"),),
    "SELECT p.name_key, p.id FROM wanted w JOIN products p"
    " ON p.name_key = w.name_key AND p.removed_us IS NULL",
)
MACHINES = Read("machines", _ID, "SELECT m.id, m.box_kind FROM wanted w JOIN machines m ON m.id = w.id")
COIN_BOXES = Read(
    "coin_boxes",
    _ID,
    "SELECT c.machine_id, c.value_cents, c.count FROM wanted w JOIN coin_boxes c ON c.machine_id = w.id"
    " ORDER BY c.machine_id, c.value_cents",
    lock="c",
)
_ACCOUNT = "SELECT a.id, a.kind, a.user_id, a.guest_id, a.machine_id FROM wanted w JOIN accounts a"
ACCOUNTS_OF = {
    column: Read(
        f"accounts_of_{column}",
        (("kind", "text"), (column, "bigint")),
        f"{_ACCOUNT} ON a.{column} = w.{column} AND a.kind = w.kind",
    )
    for column in ("user_id", "guest_id", "machine_id")
}
SHOP_ACCOUNTS = Read(
    "shop_accounts",
    (("kind", "text"),),
    f"{_ACCOUNT} ON a.kind = w.kind AND coalesce(a.user_id, a.guest_id, a.machine_id) IS NULL",
)
LOCK_ACCOUNTS = Read(
    "lock_accounts", _ID, "SELECT a.id FROM wanted w JOIN accounts a ON a.id = w.id ORDER BY a.id", lock="a"
)
LOCK_COINS = Read(
    "lock_coins",
    (("machine_id", "bigint"), ("value_cents", "bigint")),
    "SELECT c.value_cents FROM wanted w JOIN coin_boxes c"
    " ON c.machine_id = w.machine_id AND c.value_cents = w.value_cents"
    " ORDER BY c.machine_id, c.value_cents",
    lock="c",
)

NEW_ACCOUNTS = Insert(tables.accounts, ("kind", "user_id", "guest_id", "machine_id", "balance_cents"))
INSERTS: tuple[tuple[str, Insert], ...] = tuple(
    (table.name, Insert(table, row._fields))
    for table, row in (
        (tables.products, pages.ProductRow),
        (tables.shelves, pages.ShelfRow),
        (tables.orders, pages.OrderRow),
        (tables.order_lines, pages.OrderLineRow),
        (tables.refunds, pages.RefundRow),
        (tables.refund_lines, pages.RefundLineRow),
        (tables.transfers, pages.TransferRow),
        (tables.stock_movements, pages.StockMovementRow),
        (tables.coin_movements, pages.CoinMovementRow),
        (tables.idempotency, pages.IdempotencyRow),
    )
)
"""By the name of their list in `Changes`, each after the tables it refers to."""

RACED: dict[str, Callable[[Any], Any]] = {
    "products": lambda row: row.name_key,
    "idempotency": lambda row: (row.scope, row.key),
}
"""Rows that two tills may make at once: in one order, or each would wait for the other."""

SET_BALANCES = Update(tables.accounts, ("id",), ("balance_cents",))
ADD_CENTS = Update(tables.accounts, ("id",), ("balance_cents",), added=True)
SET_QUANTITIES = Update(tables.shelves, ("machine_id", "product_id"), ("quantity",))
SET_COINS = Update(tables.coin_boxes, ("machine_id", "value_cents"), ("count",))
ADD_COINS = Update(tables.coin_boxes, ("machine_id", "value_cents"), ("count",), added=True)
REVISE_PRODUCTS = Update(
    tables.products,
    ("id",),
    (
        "name",
        "name_key",
        "price_cents",
        "refundable",
        "tax_basis_points",
        "cost_cents",
        "image_id",
        "version",
    ),
)
PARK_NAMES = Update(tables.products, ("id",), ("name_key",))
REMOVE_PRODUCTS = Update(tables.products, ("id",), ("removed_us",))
SET_STATUSES = Update(tables.orders, ("id",), ("status",))
SET_REFUNDED = Update(tables.order_lines, ("order_id", "product_id"), ("refunded_quantity",))


@dataclass(slots=True)
class AccountIds:
    """Ids of accounts by what they are for. Accounts never go away, so what is known stays true.

    Wallets are read with every batch anyway: knowing all that ever came by would only fill the memory.
    """

    known: dict[AccountRef, int] = field(default_factory=dict)
    fresh: dict[AccountRef, int] = field(default_factory=dict)

    def keep(self) -> None:
        """The batch is durable: what it found or made may be relied on."""
        self.known.update(
            {ref: account_id for ref, account_id in self.fresh.items() if ref.kind is not AccountKind.WALLET}
        )
        self.fresh.clear()


def load(wanted: Wanted, account_ids: AccountIds) -> Generator[Step, Any, Page]:
    """The plan that reads and locks what is wanted; returns the page."""
    orders = (yield from _order_facts(wanted)) if wanted.orders else set()
    balances: dict[AccountRef, int] = {}
    for column, read in WALLETS.items():
        owners = {getattr(ref, column) for ref in wanted.wallets} - {None}
        for account_id, owner, balance_cents in (yield read, _ids(owners)) if owners else ():
            ref = wallet_of(owner) if column == "user_id" else AccountRef(AccountKind.WALLET, None, owner)
            balances[ref] = balance_cents
            account_ids.fresh[ref] = account_id
    records = {}
    if wanted.keys:
        for scope, key, fingerprint, kind, outcome in (yield RECORDS, list(wanted.keys)):
            records[scope, key] = Record(bytes(fingerprint), kind, outcome)
    # Taken after the wallets' locks, so that one wallet's instants and ids only ever grow.
    now_us, new_ids = yield Reserve(wanted.new_ids)
    page = Page(now_us=now_us, new_ids=new_ids, balances=balances, records=records)

    yield from _load_people(page, wanted)
    if orders:
        yield from _load_orders(page, orders)
    yield from _load_goods(page, wanted)
    if wanted.machines:
        yield from _load_machines(page, wanted)
    return page


def _order_facts(wanted: Wanted) -> Generator[Step, Any, set[int]]:
    """The orders that exist; what they touch becomes wanted.

    Who paid and what was sold never changes, so it may be read before the order is locked. An order that
    another till makes after this look stays unknown: its wallet would not be locked.
    """
    orders = set()
    for order_id, buyer_id, guest_id, machine_id, product_id in (yield ORDER_FACTS, _ids(wanted.orders)):
        orders.add(order_id)
        wanted.wallets.add(AccountRef(AccountKind.WALLET, buyer_id, guest_id))
        wanted.products.add(product_id)
        wanted.shelves.add((machine_id, product_id))
        wanted.machines.add(machine_id)
    return orders


def _load_people(page: Page, wanted: Wanted) -> Plan:
    if wanted.sessions:
        for row in (yield SESSIONS, _ids(wanted.sessions)):
            page.sessions[row[0]] = _session(row)
    if wanted.users:
        page.users = {user_id for (user_id,) in (yield USERS, _ids(wanted.users))}
    if wanted.client_refs:
        for buyer_id, client_ref, order_id in (yield CLIENT_REFS, list(wanted.client_refs)):
            page.client_refs[buyer_id, client_ref] = order_id


def _load_orders(page: Page, orders: set[int]) -> Plan:
    headers = yield ORDERS, _ids(orders)
    lines: dict[int, list[Line]] = {row[0]: [] for row in headers}
    for order_id, product_id, quantity, name, price, seller_id, refundable, *rest in (
        yield (
            ORDER_LINES,
            _ids(orders),
        )
    ):
        lines[order_id].append(Line(product_id, quantity, name, price, seller_id, bool(refundable), *rest))
    for order_id, buyer_id, guest_id, machine_id, status, client_ref, total, created_us in headers:
        page.orders[order_id] = Order(
            order_id,
            AccountRef(AccountKind.WALLET, buyer_id, guest_id),
            machine_id,
            OrderStatus(status),
            client_ref,
            total,
            tuple(lines[order_id]),
            created_us,
        )


def _load_goods(page: Page, wanted: Wanted) -> Plan:
    if wanted.changing:
        yield CHANGING, _ids(wanted.changing)
        wanted.products |= wanted.changing
        wanted.shelves.update((yield ALL_SHELVES, _ids(wanted.changing)))
    if wanted.shelves:
        for row in (yield SHELVES, sorted(wanted.shelves)):
            page.shelves[row[0], row[1]] = Shelf(*row)
    if wanted.products:
        # Read after the shelves are locked: a product taken off sale meanwhile must be seen so.
        for row in (yield PRODUCTS, _ids(wanted.products)):
            page.products[row[0]] = _product(row)
            if row[3] is not None:
                page.sellers[row[3]] = row[10]
    if wanted.names:
        page.names = dict((yield NAMES, [(name,) for name in wanted.names]))


def _load_machines(page: Page, wanted: Wanted) -> Plan:
    kinds = {row[0]: BoxKind(row[1]) for row in (yield MACHINES, _ids(wanted.machines))}
    counted = [machine_id for machine_id, kind in kinds.items() if kind is BoxKind.COUNTED]
    held: dict[int, dict[int, int]] = {machine_id: {} for machine_id in kinds}
    for machine_id, value, count in (yield COIN_BOXES, _ids(counted)) if counted else ():
        held[machine_id][value] = count
    page.boxes = {
        machine_id: CoinBox(machine_id, kind, held[machine_id]) for machine_id, kind in kinds.items()
    }


def store(page: Page, account_ids: AccountIds) -> Plan:
    """The plan that writes the page's changes: new rows, then new values, then what is only added."""
    changes = page.changes
    refs = {ref for row in changes.transfers for ref in (row.source_id, row.target_id)}
    ids = yield from _account_ids(refs, account_ids)
    new_products = {row.id for row in changes.products}
    if changes.unnamed - new_products:
        # The database looks at every row by itself: a name must be given up before another product takes it.
        yield PARK_NAMES, [(one, _parked(one)) for one in sorted(changes.unnamed - new_products)]
    for name, insert in INSERTS:
        rows = getattr(changes, name)
        if rows and name == "transfers":
            rows = [(*row[:2], ids[row[2]], ids[row[3]], *row[4:]) for row in rows]
        if rows and name == "products":
            rows = [
                row._replace(name_key=_parked(row.id)) if row.id in changes.unnamed else row for row in rows
            ]
        if name in RACED:
            rows = sorted(rows, key=RACED[name])
        if rows:
            yield insert, rows
    yield from _store_values(page, changes, ids)

    # Last, and in order: these rows are shared by every till, so they are held as briefly as can be.
    added_cents = sorted((ids[ref], cents) for ref, cents in changes.added_cents.items() if cents)
    if added_cents:
        yield LOCK_ACCOUNTS, [(account_id,) for account_id, _ in added_cents]
        yield ADD_CENTS, added_cents
    added_coins = sorted((*ref, count) for ref, count in changes.added_coins.items() if count)
    if added_coins:
        yield LOCK_COINS, [(machine_id, value) for machine_id, value, _ in added_coins]
        yield ADD_COINS, added_coins


def _store_values(page: Page, changes: Changes, ids: dict[AccountRef, int]) -> Plan:
    if changes.balances:
        yield SET_BALANCES, sorted((ids[ref], page.balances[ref]) for ref in changes.balances)
    if changes.stocked:
        yield SET_QUANTITIES, [(*ref, page.shelves[ref].quantity) for ref in sorted(changes.stocked)]
    if changes.boxes:
        yield (
            SET_COINS,
            [
                (machine_id, value, page.boxes[machine_id].held[value])
                for machine_id, value in sorted(changes.boxes)
            ],
        )
    if changes.removed:
        yield REMOVE_PRODUCTS, [(product_id, page.now_us) for product_id in sorted(changes.removed)]
    if changes.revised or changes.unnamed:
        products = [page.products[product_id] for product_id in sorted(changes.revised | changes.unnamed)]
        yield REVISE_PRODUCTS, [_revision(product) for product in products]
    if changes.refunded:
        orders = [page.orders[order_id] for order_id in sorted(changes.refunded)]
        yield SET_STATUSES, [(order.id, order.status.value) for order in orders]
        yield (
            SET_REFUNDED,
            [(order.id, line.product_id, line.refunded_quantity) for order in orders for line in order.lines],
        )


def _account_ids(
    refs: set[AccountRef], account_ids: AccountIds
) -> Generator[Step, Any, dict[AccountRef, int]]:
    """Ids of all these accounts; those that do not exist yet are made."""
    fresh = account_ids.fresh
    missing = sorted(
        (ref for ref in refs if ref not in account_ids.known and ref not in fresh),
        key=lambda ref: tuple(str(part) for part in ref),
    )
    if missing:
        # A wallet that was not there to be locked must be made here: had another till made it meanwhile, its
        # balance would not be the one decided on. Making it twice breaks on the key, which is Contended.
        yield from _look_up([ref for ref in missing if ref.kind is not AccountKind.WALLET], fresh)
        new = [(*ref, 0) for ref in missing if ref not in fresh]
        if new:
            yield NEW_ACCOUNTS, new
            yield from _look_up(missing, fresh)
    return {ref: account_ids.known.get(ref) or fresh[ref] for ref in refs}


def _look_up(refs: list[AccountRef], found: dict[AccountRef, int]) -> Plan:
    for column, read in ACCOUNTS_OF.items():
        keys = [(ref.kind, getattr(ref, column)) for ref in refs if getattr(ref, column) is not None]
        found.update(_refs((yield read, keys) if keys else ()))
    kinds = [(ref.kind,) for ref in refs if ref == AccountRef(ref.kind)]
    found.update(_refs((yield SHOP_ACCOUNTS, kinds) if kinds else ()))


def _refs(rows: Rows) -> Iterable[tuple[AccountRef, int]]:
    for account_id, kind, user_id, guest_id, machine_id in rows:
        yield AccountRef(AccountKind(kind), user_id, guest_id, machine_id), account_id


def _ids(ids: Iterable[int]) -> list[tuple[int]]:
    return [(one,) for one in sorted(ids)]


def _session(row: Any) -> Session:
    _, user_id, username, expires_us, ended_us, state, *flags = row
    return Session(
        actor=_actor(user_id, *map(bool, flags)),
        username=username,
        expires_us=expires_us,
        ended=ended_us is not None or state != UserState.ACTIVE.value,
    )


@cache
def _roles(*flags: bool) -> frozenset[Role]:
    return frozenset(role for role, held in zip(Role, flags, strict=True) if held)


def _actor(user_id: int, *flags: bool) -> Actor:
    return Actor(user_id=user_id, roles=_roles(*flags))


def _product(row: Any) -> Product:
    return Product(
        row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6], row[7], row[8] is None, row[9]
    )


def _parked(product_id: int) -> str:
    """A name key that no product can have: names hold no slash."""
    return f"/{product_id}"


def _revision(product: Product) -> tuple[object, ...]:
    return (
        product.id,
        product.name,
        name_key(product.name),
        product.price_cents,
        product.refundable,
        product.tax_basis_points,
        product.cost_cents,
        product.image_id,
        product.version,
    )
