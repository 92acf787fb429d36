"""What the till asks of a database, said once for both.

`load` and `store` are written as plans: generators that yield statements and are sent the rows. They fix
the order in which rows are locked: wallets by ascending account id, tabs likewise, idempotency records,
users to close or to keep from it, client references, orders, products to change, shelves, counted coin
boxes; and, last of all, the rows that many sales share and no rule reads. A books class runs the plans
inside one transaction on its driver.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from tuckshop.domain.ledger import AccountKind, AccountRef, tab_of, wallet_of
from tuckshop.domain.machines import BoxKind, CoinBox, ShelfPlan
from tuckshop.domain.orders import MICROSECONDS, Line, Order, OrderStatus, Payment
from tuckshop.domain.products import Product, Shelf, suffixes
from tuckshop.domain.refunds import DAY_SECONDS
from tuckshop.domain.users import Actor, Role, UserState, name_key, read_scopes, roles_within
from tuckshop.till.sql import statements
from tuckshop.till.sql.statements import Plan, Reserve, Rows, Step
from tuckshop.till.state.working_set import (
    LOCKED_KINDS,
    Changes,
    IdempotencyRow,
    Page,
    Session,
    Standing,
    Wanted,
)

_ID_MAX = 2**63 - 1


class Unavailable(Exception):
    """The books cannot be reached just now; nothing was written. Try again in a while."""


class OutcomeUnknown(Exception):
    """Whether the batch was written could not be found out in time. Ask again with the same key."""


class Contended(Exception):
    """Another till was faster on a row, or `on_key`; nothing was written. Worth another try at once."""

    def __init__(self, told: str = "", *, on_key: bool = False) -> None:
        super().__init__(told)
        self.on_key = on_key


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


@dataclass(slots=True)
class AccountIds:
    """Ids of accounts by what they are for. Accounts never go away, so what is known stays true.

    Wallets and tabs are read with every batch anyway: knowing all that ever came by would only fill memory.
    """

    known: dict[AccountRef, int] = field(default_factory=dict)
    fresh: dict[AccountRef, int] = field(default_factory=dict)

    def keep(self) -> None:
        """The batch is durable: what it found or made may be relied on."""
        self.known.update(
            {ref: account_id for ref, account_id in self.fresh.items() if ref.kind not in LOCKED_KINDS}
        )
        self.fresh.clear()


def load(wanted: Wanted, account_ids: AccountIds) -> Generator[Step, Any, Page]:
    """The plan that reads and locks what is wanted; returns the page."""
    orders = (yield from _order_facts(wanted, wanted.orders)) if wanted.orders else set()
    balances: dict[AccountRef, int] = {}
    for column, read in statements.WALLETS.items():
        owners = {getattr(ref, column) for ref in wanted.wallets} - {None}
        for account_id, owner, balance_cents in (yield read, _ids(owners)) if owners else ():
            ref = wallet_of(owner) if column == "user_id" else AccountRef(AccountKind.WALLET, None, owner)
            balances[ref] = balance_cents
            account_ids.fresh[ref] = account_id
    if wanted.newest:
        orders |= yield from _newest_orders(wanted)
    if wanted.tabs:
        for account_id, user_id, balance_cents in (yield statements.TABS, _ids(wanted.tabs)):
            balances[tab_of(user_id)] = balance_cents
            account_ids.fresh[tab_of(user_id)] = account_id
    records = {}
    if wanted.keys:
        for row in (yield statements.RECORDS, list(wanted.keys)):
            record = IdempotencyRow(*row)
            records[record.scope, record.key] = record
    # Taken after the wallets' locks, so that one wallet's instants and ids only ever grow.
    now_us, new_ids = yield Reserve(wanted.new_ids)
    page = Page(
        now_us=now_us, day=wanted.days.of(now_us), new_ids=new_ids, balances=balances, records=records
    )

    yield from _load_people(page, wanted)
    yield from _load_taken(page, wanted)
    yield from _load_lately(page, wanted)
    if orders:
        yield from _load_orders(page, orders)
    yield from _load_goods(page, wanted)
    if wanted.machines:
        yield from _load_machines(page, wanted)
    return page


def _newest_orders(wanted: Wanted) -> Generator[Step, Any, set[int]]:
    """As many of a guest's newest orders as pieces are to come back, beside those that are named.

    Looked for once the guest's wallet is locked, which each purchase and each way back locks first.
    """
    found: set[int] = set()
    left = dict(wanted.newest)
    before = dict.fromkeys(left, _ID_MAX)
    while left:
        for guest_id, machine_id, product_id, order_id in (
            yield statements.NEWEST, [(*ref, before[ref]) for ref in sorted(left)]
        ):
            ref = (guest_id, machine_id, product_id)
            left[ref] -= order_id not in wanted.orders
            if order_id is None or not left[ref]:
                del left[ref]
            if order_id is not None:
                found.add(order_id)
                before[ref] = order_id
    return (yield from _order_facts(wanted, found)) if found else found


def _order_facts(wanted: Wanted, named: Iterable[int]) -> Generator[Step, Any, set[int]]:
    """The orders that exist; what they touch becomes wanted.

    Who paid and what was sold never changes, so it may be read before the order is locked. An order that
    another till makes after this look stays unknown: its wallet would not be locked.
    """
    orders = set()
    for order_id, buyer_id, guest_id, machine_id, payment, product_id in (
        yield statements.ORDER_FACTS, _ids(named)
    ):
        orders.add(order_id)
        wanted.new_ids["transfers"] += wanted.orders[order_id]
        wallet = AccountRef(AccountKind.WALLET, buyer_id, guest_id)
        wanted.wallets.add(wallet)
        if guest_id is not None:
            wanted.refunders.add(wallet)
        if buyer_id is not None:
            wanted.users.add(buyer_id)  # Who is gone gets no money back.
        if payment == Payment.TAB:
            wanted.tabs.add(buyer_id)
        wanted.products.add(product_id)
        wanted.shelves.add((machine_id, product_id))
        wanted.machines.add(machine_id)
    return orders


def _hold_users(page: Page, wanted: Wanted) -> Plan:
    held = wanted.held | wanted.closing
    if wanted.closing:
        # All admins, in one order with the rest: of two who close each other, one must find the other gone.
        held |= {row[0] for row in (yield statements.ADMINS, _ids(wanted.closing))}
    for user_id, username, email, state, *flags in (yield statements.HELD, _ids(held)):
        roles = _roles(*map(bool, flags))
        page.standings[user_id] = Standing(username, email, UserState(state), roles)
    if wanted.closing:
        for user_id, session_id in (yield statements.LOG_INS, _ids(wanted.closing)):
            page.log_ins.setdefault(user_id, []).append(session_id)
        wanted.changing.update(row[0] for row in (yield statements.PRODUCTS_OF, _ids(wanted.closing)))


def _load_people(page: Page, wanted: Wanted) -> Plan:
    if wanted.held or wanted.closing:
        # Before sessions are read: whoever waited here must see that theirs has ended.
        yield from _hold_users(page, wanted)
    if wanted.sessions:
        for row in (yield statements.SESSIONS, _ids(wanted.sessions)):
            page.sessions[row[0]] = _session(row)
    if wanted.users:
        for user_id, is_buyer in (yield statements.USERS, _ids(wanted.users)):
            page.users.add(user_id)
            if is_buyer:
                page.buyers.add(user_id)
        page.gone |= wanted.users - page.users
    if wanted.guests:
        page.guests = {guest_id for (guest_id,) in (yield statements.GUESTS, _ids(wanted.guests))}
    if wanted.machine_keys:
        page.machine_keys = dict((yield statements.MACHINE_KEYS, _ids(wanted.machine_keys)))
    yield from _load_sellers(page, wanted)
    if wanted.client_refs:
        for owner, read in statements.CLIENT_REFS.items():
            refs = {(getattr(wallet, owner), ref): wallet for wallet, ref in wanted.client_refs}
            keys = [key for key in refs if key[0] is not None]
            for owner_id, client_ref, order_id in (yield read, keys) if keys else ():
                page.client_refs[refs[owner_id, client_ref], client_ref] = order_id


def _load_taken(page: Page, wanted: Wanted) -> Plan:
    """What nobody else may register as."""
    # Addresses first: whoever another till has just registered is then told of by name, never by the other.
    if wanted.emails:
        page.emails = {row[0] for row in (yield statements.EMAILS, _texts(wanted.emails))}
    if wanted.usernames:
        page.usernames = {row[0] for row in (yield statements.USERNAMES, _texts(wanted.usernames))}


def _load_sellers(page: Page, wanted: Wanted) -> Plan:
    if wanted.sellers:
        page.open_sellers = dict((yield statements.SELLERS, _ids(wanted.sellers)))
    if wanted.payees:
        yield from _load_payees(page, wanted)


def _load_lately(page: Page, wanted: Wanted) -> Plan:
    """What counts towards limits by the day. Read after the wallets or tabs are locked, which make it wait
    for whoever else is at the same."""
    since_us = page.now_us - DAY_SECONDS * MICROSECONDS
    if wanted.tabs:
        page.tab_limits = dict((yield statements.TAB_LIMITS, _ids(wanted.tabs)))
    if wanted.refunders:
        for owner, read in statements.RECENT_REFUNDS.items():
            refunders = {getattr(ref, owner): ref for ref in wanted.refunders}
            refunders.pop(None, None)
            for owner_id, created_us in (
                (yield read, [(one, since_us) for one in sorted(refunders)]) if refunders else ()
            ):
                page.refunded_us.setdefault(refunders[owner_id], []).append(created_us)
    if wanted.declarers:
        for user_id, created_us, amount_cents in (
            yield statements.RECENT_DEPOSITS, [(one, since_us) for one in sorted(wanted.declarers)]
        ):
            page.declared.setdefault(user_id, []).append((created_us, amount_cents))
    if wanted.external_refs:
        for kind, external_ref, transfer_id in (yield statements.EXTERNAL_REFS, sorted(wanted.external_refs)):
            page.external_refs[kind, external_ref] = transfer_id


def _load_payees(page: Page, wanted: Wanted) -> Plan:
    """Sellers are locked instead of their earnings, which every sale adds to: one pay-out at a time.

    What is added to or taken from the earnings after this look might as well have come after the pay-out.
    """
    for (seller_id,) in (yield statements.PAYEES, _ids(wanted.payees)):
        page.earnings[seller_id] = 0
    if not page.earnings:
        return
    since_us = page.now_us - wanted.refund_window_us
    back_us = statements.CLOCK_SECONDS_BACK_MAX * MICROSECONDS
    ((after_id,),) = yield statements.OLDER, [(since_us - back_us,)]
    lines: dict[int, dict[int, Line]] = {}
    headers = {}
    for seller_id, cents, *sale in (
        yield statements.EARNINGS, [(one, since_us, after_id) for one in sorted(page.earnings)]
    ):
        page.earnings[seller_id] = cents
        order_id, buyer_id, *_ = sale
        if order_id is None:
            continue
        headers[order_id] = sale[:10]
        if sale[10] is not None:
            page.owed_cents[buyer_id] = sale[10]
        # Once for every seller to be paid.
        lines.setdefault(order_id, {})[sale[11]] = _line(sale[11:])
    for order_id, header in headers.items():
        page.held_back[order_id] = _order(header, lines[order_id].values())


def _load_orders(page: Page, orders: set[int]) -> Plan:
    headers = yield statements.ORDERS, _ids(orders)
    lines: dict[int, list[Line]] = {row[0]: [] for row in headers}
    for order_id, *line in (yield statements.ORDER_LINES, _ids(orders)):
        lines[order_id].append(_line(line))
    for header in headers:
        page.orders[header[0]] = _order(header, lines[header[0]])


def _load_goods(page: Page, wanted: Wanted) -> Plan:
    if wanted.changing:
        yield statements.CHANGING, _ids(wanted.changing)
        wanted.products |= wanted.changing
        wanted.shelves.update((yield statements.ALL_SHELVES, _ids(wanted.changing)))
    if wanted.named:
        yield from _find_named(wanted)
    if wanted.stands:
        wanted.shelves.update((yield statements.SHELVES_OF, _ids(wanted.stands)))
    if wanted.shelves:
        for row in (yield statements.SHELVES, sorted(wanted.shelves)):
            page.shelves[row[0], row[1]] = Shelf(*row)
    # Read after the shelves are locked: a plan made meanwhile must be seen.
    for machine_id, *plan in (yield statements.PLANS, _ids(wanted.stands)) if wanted.stands else ():
        page.plans[machine_id, plan[0]] = ShelfPlan(*plan)
    if wanted.products:
        # Read after the shelves are locked: a product taken off sale meanwhile must be seen so.
        for row in (yield statements.PRODUCTS, _ids(wanted.products)):
            page.products[row[0]] = _product(row)
            if row[3] is not None:
                page.sellers[row[3]] = row[10]
    if wanted.closing:
        # After the shelves are locked: what was sold from them shows in the earnings.
        page.earned = dict((yield statements.EARNED, _ids(wanted.closing)))
    if wanted.names:
        # Read after the locks: who bears a name by now. Where it is another than was looked for above, the
        # name was given away meanwhile, and nobody bears it who is loaded.
        page.names = dict((yield statements.NAMES, [(name,) for name in wanted.names]))


def _find_named(wanted: Wanted) -> Plan:
    """Who bears the names of what is to be bought becomes wanted; looked at again once it is locked."""
    ids = dict((yield statements.NAMES, _texts({key for _, key in wanted.named})))
    for machine_id, key in wanted.named:
        if key in ids:
            wanted.products.add(ids[key])
            wanted.shelves.add((machine_id, ids[key]))


def _load_machines(page: Page, wanted: Wanted) -> Plan:
    kinds = {row[0]: BoxKind(row[1]) for row in (yield statements.MACHINES, _ids(wanted.machines))}
    counted = [
        machine_id
        for machine_id, kind in kinds.items()
        if kind is BoxKind.COUNTED or machine_id in wanted.counting
    ]
    held: dict[int, dict[int, int]] = {machine_id: {} for machine_id in kinds}
    for machine_id, value, count in (yield statements.COIN_BOXES, _ids(counted)) if counted else ():
        held[machine_id][value] = count
    page.boxes = {
        machine_id: CoinBox(machine_id, kind, held[machine_id]) for machine_id, kind in kinds.items()
    }


def store(page: Page, account_ids: AccountIds) -> Plan:
    """The plan that writes the page's changes: new rows, then new values, then what is only added."""
    changes = page.changes
    if changes.closed or changes.users:
        yield from _store_people(page, changes)
    refs = {ref for row in changes.transfers for ref in (row.source_id, row.target_id)} | changes.balances
    ids = yield from _account_ids(refs, account_ids)
    new_products = {row.id for row in changes.products}
    if changes.unnamed.keys() - new_products:
        # The database looks at every row by itself: a name must be given up before another product takes it.
        given_up = sorted(changes.unnamed.keys() - new_products)
        yield statements.PARK_NAMES, [(one, _parked(one)) for one in given_up]
        yield (
            statements.OLD_SUFFIXES,
            [row for one in given_up for row in _suffixes(one, changes.unnamed[one])],
        )
    for name, insert in statements.INSERTS:
        rows = getattr(changes, name)
        if rows and name == "transfers":
            rows = [(*row[:2], ids[row[2]], ids[row[3]], *row[4:]) for row in rows]
        if rows and name == "products":
            rows = [
                row._replace(name_key=_parked(row.id)) if row.id in changes.unnamed else row for row in rows
            ]
        if name in statements.RACED:
            rows = sorted(rows, key=statements.RACED[name])
        if rows:
            yield insert, rows
    yield from _store_values(page, changes, ids)
    named = [page.products[one] for one in sorted(changes.unnamed.keys() | new_products)]
    found_by = [row for one in named if one.on_sale for row in _suffixes(one.id, name_key(one.name))]
    if found_by:
        yield statements.NEW_SUFFIXES, found_by

    # Last, and in order: these rows are shared by every till, so they are held as briefly as can be.
    # Coins first: whoever counts a drawer has locked them from the start.
    added_coins = sorted((*ref, count) for ref, count in changes.added_coins.items() if count)
    if added_coins:
        yield statements.ADD_COINS, added_coins
    added_cents = sorted((ids[ref], cents) for ref, cents in changes.added_cents.items() if cents)
    if added_cents:
        yield statements.ADD_CENTS, added_cents


def _store_people(page: Page, changes: Changes) -> Plan:
    """Before the accounts that are theirs; who goes before who may take their name."""
    if changes.closed:
        closed = sorted(changes.closed)
        yield statements.CLOSE_USERS, [(one, UserState.CLOSED.value, page.now_us) for one in closed]
        ended = sorted(session_id for one in closed for session_id in page.log_ins.get(one, ()))
        if ended:
            yield statements.END_SESSIONS, [(session_id, page.now_us) for session_id in ended]
    if changes.users:
        # Sorted, since two tills may make the same name at once.
        yield statements.NEW_USERS, sorted(changes.users, key=lambda row: row.username_key)


def _store_values(page: Page, changes: Changes, ids: dict[AccountRef, int]) -> Plan:
    if changes.balances:
        yield statements.SET_BALANCES, sorted((ids[ref], page.balances[ref]) for ref in changes.balances)
    if changes.stocked:
        yield (
            statements.SET_QUANTITIES,
            [(*ref, page.shelves[ref].quantity) for ref in sorted(changes.stocked)],
        )
    if changes.plans:
        # Slots change hands: each is given up before another shelf takes it.
        refs = sorted(changes.plans)
        yield statements.PARK_SLOTS, [(*ref, None) for ref in refs]
        yield statements.SET_PLANS, [(*ref, *_standing(changes.plans[ref])) for ref in refs]
    if changes.boxes:
        yield (
            statements.SET_COINS,
            [
                (machine_id, value, page.boxes[machine_id].held[value])
                for machine_id, value in sorted(changes.boxes)
            ],
        )
    if changes.removed:
        yield (
            statements.REMOVE_PRODUCTS,
            [(product_id, page.now_us) for product_id in sorted(changes.removed)],
        )
    if changes.revised or changes.unnamed:
        products = [
            page.products[product_id] for product_id in sorted(changes.revised | changes.unnamed.keys())
        ]
        yield statements.REVISE_PRODUCTS, [_revision(product) for product in products]
    if changes.reordered:
        orders = [page.orders[order_id] for order_id in sorted(changes.reordered)]
        yield (
            statements.SET_STATUSES,
            [(order.id, order.status.value, order.fulfilled_us) for order in orders],
        )
        yield (
            statements.SET_REFUNDED,
            [(order.id, line.product_id, line.refunded_quantity) for order in orders for line in order.lines],
        )
    if changes.sales:
        # Not among the rows that are shared: whoever sells or takes back has locked the shelf.
        yield (
            statements.ADD_SALES,
            [
                (
                    page.day,
                    *ref,
                    added.sold_quantity,
                    added.sold_cents,
                    added.refunded_quantity,
                    added.refunded_cents,
                )
                for ref, added in sorted(changes.sales.items(), key=lambda item: item[0])
            ],
        )


def _standing(plan: ShelfPlan) -> tuple[object, ...]:
    return (plan.slot, plan.capacity, plan.par_level, plan.price_cents)


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
        yield from _look_up([ref for ref in missing if ref.kind not in LOCKED_KINDS], fresh)
        new = [(*ref, 0) for ref in missing if ref not in fresh]
        if new:
            yield statements.NEW_ACCOUNTS, new
            yield from _look_up(missing, fresh)
    return {ref: account_ids.known.get(ref) or fresh[ref] for ref in refs}


def _look_up(refs: list[AccountRef], found: dict[AccountRef, int]) -> Plan:
    for column, read in statements.ACCOUNTS_OF.items():
        keys = [(ref.kind, getattr(ref, column)) for ref in refs if getattr(ref, column) is not None]
        found.update(_refs((yield read, keys) if keys else ()))
    kinds = [(ref.kind,) for ref in refs if ref == AccountRef(ref.kind)]
    found.update(_refs((yield statements.SHOP_ACCOUNTS, kinds) if kinds else ()))


def _refs(rows: Rows) -> Iterable[tuple[AccountRef, int]]:
    for account_id, kind, user_id, guest_id, machine_id in rows:
        yield AccountRef(AccountKind(kind), user_id, guest_id, machine_id), account_id


def _ids(ids: Iterable[int]) -> list[tuple[int]]:
    return [(one,) for one in sorted(ids)]


def _texts(texts: Iterable[str]) -> list[tuple[str]]:
    return [(one,) for one in sorted(texts)]


def _session(row: Any) -> Session:
    _, user_id, username, expires_us, ended_us, state, scopes, *flags = row
    actor = _actor(user_id, *map(bool, flags))
    if scopes is not None:
        actor = Actor(user_id, roles_within(actor.roles, read_scopes(scopes)))
    return Session(
        actor=actor,
        username=username,
        expires_us=expires_us,
        ended=ended_us is not None or state != UserState.ACTIVE.value,
    )


@cache
def _roles(*flags: bool) -> frozenset[Role]:
    return frozenset(role for role, held in zip(Role, flags, strict=True) if held)


def _actor(user_id: int, *flags: bool) -> Actor:
    return Actor(user_id=user_id, roles=_roles(*flags))


def _order(row: Any, lines: Iterable[Line]) -> Order:
    order_id, buyer_id, guest_id, machine_id, status, client_ref, total, created_us, payment, fulfilled_us = (
        row
    )
    return Order(
        order_id,
        AccountRef(AccountKind.WALLET, buyer_id, guest_id),
        machine_id,
        OrderStatus(status),
        client_ref,
        total,
        tuple(lines),
        created_us,
        Payment(payment),
        fulfilled_us,
    )


def _line(row: Any) -> Line:
    product_id, quantity, name, price_cents, seller_id, refundable, *rest = row
    return Line(product_id, quantity, name, price_cents, seller_id, bool(refundable), *rest)


def _product(row: Any) -> Product:
    return Product(
        row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6], row[7], row[8] is None, row[9]
    )


def _parked(product_id: int) -> str:
    """A name key that no product can have: names hold no slash."""
    return f"/{product_id}"


def _suffixes(product_id: int, key: str) -> list[tuple[str, int]]:
    return [(suffix, product_id) for suffix in suffixes(key)]


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
