"""The transaction script of a batch, written once for both databases.

`load` and `store` are generators that yield statements and are sent the rows; a books class runs them inside
one transaction on its driver. They fix the order in which rows are locked, each kind by ascending id:

1. wallets of users, wallets of guests, tabs;
2. users to close or to keep from it, guests, sellers who get more products or pieces, sellers to pay;
3. the shop itself: for its first admin, for names that look alike, where sellers are paid by what it has, and
   for tabs of those whom no admin has approved;
4. products to change, machines to be planned, shelves, counters that limit, counted coin boxes;
5. last of all, the rows that many sales share and no rule reads: coins and cents that are only added.

Users are locked in three passes: two batches that each add a product for one seller and pay another can wait
for each other. PostgreSQL then ends one of them, and the till tries that one again.

Orders are not locked: whoever changes one has locked the wallet or tab that paid for it, which is always
there. Idempotency records and client references are not locked: of two that are written at once, the unique
key refuses one. On SQLite a batch has the whole database to itself.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tuckshop.domain.ledger import AccountKind, AccountRef, tab_of, wallet_of
from tuckshop.till.sql import loading, reversals, sellers, statements, storing
from tuckshop.till.sql.account_ids import AccountIds
from tuckshop.till.sql.loading import ids
from tuckshop.till.sql.steps import Reserve, Script, Step
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.rows import IdempotencyRow
from tuckshop.till.state.working_set import WorkingSet


def load(need: ReadSet, account_ids: AccountIds) -> Generator[Step, Any, WorkingSet]:
    """Reads and locks what is needed; returns the working set."""
    orders = (yield from loading.order_facts(need, need.orders)) if need.orders else set()
    booked = (yield from reversals.booked(need)) if need.reversing else {}
    balances: dict[AccountRef, int] = {}
    for column, read in statements.WALLETS.items():
        owners = {getattr(ref, column) for ref in need.wallets} - {None}
        for account_id, owner, balance_cents in (yield read, ids(owners)) if owners else ():
            ref = wallet_of(owner) if column == "user_id" else AccountRef(AccountKind.WALLET, None, owner)
            balances[ref] = balance_cents
            account_ids.fresh[ref] = account_id
    if need.newest_orders:
        orders |= yield from loading.newest_orders(need)
    if need.tabs:
        for account_id, user_id, balance_cents in (yield statements.TABS, ids(need.tabs)):
            balances[tab_of(user_id)] = balance_cents
            account_ids.fresh[tab_of(user_id)] = account_id
    outcomes = {}
    if need.keys:
        for row in (yield statements.OUTCOMES, list(need.keys)):
            stored = IdempotencyRow._make(row)
            outcomes[stored.scope, stored.key] = stored
    # Taken after the wallets' locks, so that one wallet's instants and ids only ever grow.
    now_us, new_ids = yield Reserve(need.new_ids)
    work = WorkingSet(
        policy=need.policy,
        now_us=now_us,
        day=need.policy.days.of(now_us),
        new_ids=new_ids,
        outcomes=outcomes,
    )
    work.accounts.balances = balances

    yield from sellers.named(need)
    yield from loading.users(work, need)
    yield from sellers.quotas(work, need)
    yield from loading.names_taken(work, need)
    yield from loading.coverage(work, need)
    yield from loading.tabs(work, need)
    yield from loading.daily_limits(work, need)
    yield from reversals.reversals(work, booked)
    if orders:
        yield from loading.orders(work, need, orders)
    yield from loading.products(work, need)
    yield from sellers.pictures(work, need)
    if need.limits:
        yield from loading.counters(work, need)
    if need.machines:
        yield from loading.machines(work, need)
    return work


def store(work: WorkingSet, account_ids: AccountIds) -> Script:
    """Writes what changed: new rows, then new values, then what is only added."""
    changes = work.changes
    if changes.users.any():
        yield from storing.users(work)
    transfers = changes.accounts.transfers
    refs = {ref for row in transfers for ref in (row.source, row.target)} | changes.accounts.balances
    found = yield from account_ids.find_or_make(refs)
    yield from storing.give_names_up(changes.products)
    for insert, rows in storing.new_rows(changes, found):
        if rows:
            yield insert, rows
    yield from storing.values(work, found)
    yield from storing.new_suffixes(work)

    # Last, and in order: these rows are shared by every till, so they are held as briefly as can be.
    # Coins first: whoever counts a drawer has locked them from the start.
    added_coins = sorted((*ref, count) for ref, count in changes.machines.added_coins.items() if count)
    if added_coins:
        yield statements.ADD_COINS, added_coins
    declared = sorted(changes.machines.added_declared.items())
    if declared:
        yield statements.ADD_DECLARED, declared
    added_cents = sorted((found[ref], cents) for ref, cents in changes.accounts.added_cents.items() if cents)
    if added_cents:
        yield statements.ADD_CENTS, added_cents
