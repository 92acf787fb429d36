"""Writing what a batch has changed, table by table. `script.store` has the order."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter, itemgetter
from typing import Any

from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.products import ATTRIBUTES, Product, suffixes
from tuckshop.domain.users import name_key
from tuckshop.store.skeletons import skeleton
from tuckshop.till.sql import closing, statements
from tuckshop.till.sql.steps import Insert, Rows, Script
from tuckshop.till.state.changes import Changes, ProductChanges
from tuckshop.till.state.working_set import WorkingSet

_attributes = attrgetter(*ATTRIBUTES)
_plan = attrgetter(*statements.PLAN_COLUMNS[1:])


def users(work: WorkingSet) -> Script:
    """Before the accounts that are theirs; who goes before who may take their name."""
    changes = work.changes.users
    if changes.closed:
        yield from closing.close(work)
    if changes.added:
        # Sorted, since two tills may make the same name at once.
        yield statements.NEW_USERS, sorted(changes.added, key=lambda row: row.username_key)
        yield (
            statements.NEW_USER_SKELETONS,
            sorted((row.id, skeleton(row.username)) for row in changes.added),
        )


def give_names_up(changes: ProductChanges) -> Script:
    """The database looks at every row by itself: what is unique must be given up before another takes it."""
    given_up = sorted(changes.renamed.keys() - {row.product.id for row in changes.added})
    if given_up:
        yield statements.PARK_NAMES, [(one, _parked(one), None) for one in given_up]
        yield (
            statements.OLD_SUFFIXES,
            [row for one in given_up for row in _suffixes(one, changes.renamed[one])],
        )


def new_rows(changes: Changes, account_ids: dict[AccountRef, int]) -> Iterator[tuple[Insert, Rows]]:
    """Each table after those that it refers to.

    Rows that two tills may make at once are sorted: each would wait for the other.
    """
    products, orders = changes.products, changes.orders
    yield statements.NEW_PRODUCTS, sorted(_product_rows(products), key=itemgetter(3))
    yield statements.NEW_SHELVES, products.shelves
    yield statements.NEW_ORDERS, orders.added
    yield statements.NEW_ORDER_LINES, [(row.order_id, row.position, *row.line) for row in orders.lines]
    yield statements.NEW_REFUNDS, orders.refunds
    yield statements.NEW_REFUND_LINES, orders.refund_lines
    yield (
        statements.NEW_TRANSFERS,
        [
            (account_ids[source], account_ids[target], *rest)
            for source, target, *rest in changes.accounts.transfers
        ],
    )
    yield statements.NEW_STOCK_MOVEMENTS, products.stock_movements
    yield statements.NEW_COIN_MOVEMENTS, changes.machines.coin_movements
    yield statements.NEW_OUTCOMES, sorted(changes.idempotency, key=lambda row: (row.scope, row.key))
    yield statements.NEW_LOG_LINES, changes.admin_log


def values(work: WorkingSet, account_ids: dict[AccountRef, int]) -> Script:
    """New values of rows that were loaded, and the day's sales."""
    changes = work.changes
    if changes.accounts.balances:
        balances = work.accounts.balances
        yield (
            statements.SET_BALANCES,
            sorted((account_ids[ref], balances[ref]) for ref in changes.accounts.balances),
        )
    yield from _shelf_values(work)
    if changes.machines.coins:
        boxes = work.machines.boxes
        yield (
            statements.SET_COINS,
            [(one, value, boxes[one].held[value]) for one, value in sorted(changes.machines.coins)],
        )
    if changes.limits:
        yield from _limit_values(work)
    yield from _revised_products(work)
    yield from _order_values(work)


def new_suffixes(work: WorkingSet) -> Script:
    """By what products on sale that got a name are found."""
    changes = work.changes.products
    named = changes.renamed.keys() | {row.product.id for row in changes.added}
    products = [work.products.by_id[one] for one in sorted(named)]
    rows = [row for one in products if one.on_sale for row in _suffixes(one.id, name_key(one.name))]
    if rows:
        yield statements.NEW_SUFFIXES, rows
    yield from _looks(work)


def _looks(work: WorkingSet) -> Script:
    """What products look like that got a name, and whether they wait for an admin."""
    changes = work.changes.products
    added = {row.product.id for row in changes.added}
    known = [(one,) for one in sorted(changes.looked_at - added)]
    if known:
        yield statements.OLD_PRODUCT_SKELETONS, known
        yield statements.NOT_WAITING, known
    products = [work.products.by_id[one] for one in sorted(changes.looked_at)]
    if products:
        yield statements.NEW_PRODUCT_SKELETONS, [(one.id, skeleton(one.name)) for one in products]
    waiting = [(one.id, work.now_us) for one in products if one.waiting and one.on_sale]
    if waiting:
        yield statements.WAITING, waiting


def _shelf_values(work: WorkingSet) -> Script:
    changes = work.changes.products
    if changes.quantities:
        shelves = work.products.shelves
        yield (
            statements.SET_QUANTITIES,
            [(*ref, shelves[ref].quantity) for ref in sorted(changes.quantities)],
        )
    if changes.plans:
        # Slots change hands: each is given up before another shelf takes it.
        refs = sorted(changes.plans)
        yield statements.PARK_SLOTS, [(*ref, None) for ref in refs]
        yield statements.SET_PLANS, [(*ref, *_plan(changes.plans[ref])) for ref in refs]


def _limit_values(work: WorkingSet) -> Script:
    used = work.limits.used
    for write, counters in (
        (statements.NEW_LIMIT_COUNTERS, work.changes.limits - work.limits.stored),
        (statements.SET_LIMIT_COUNTERS, work.changes.limits & work.limits.stored),
    ):
        if counters:
            yield write, sorted((one.name, one.starts_us(work.now_us), used[one]) for one in counters)


def _revised_products(work: WorkingSet) -> Script:
    changes = work.changes.products
    if changes.removed:
        yield statements.REMOVE_PRODUCTS, [(one, work.now_us) for one in sorted(changes.removed)]
    changed = sorted(changes.changed | changes.renamed.keys())
    if changed:
        yield (
            statements.REVISE_PRODUCTS,
            [
                (one.id, *_product_values(one, name_key(one.name)))
                for one in (work.products.by_id[changed_id] for changed_id in changed)
            ],
        )


def _order_values(work: WorkingSet) -> Script:
    changes = work.changes.orders
    if changes.changed:
        orders = [work.orders.by_id[one] for one in sorted(changes.changed)]
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
        sales = sorted(changes.sales.items())
        yield statements.ADD_SALES, [(work.day, *ref, *sums) for ref, sums in sales]


def _product_rows(changes: ProductChanges) -> Iterator[tuple[Any, ...]]:
    """What gives its name or barcode up in the same batch gets them when it is revised."""
    for added, created_us in changes.added:
        if added.id in changes.renamed:
            values = _product_values(added._replace(barcode=None), _parked(added.id))
        else:
            values = _product_values(added, name_key(added.name))
        yield added.id, added.seller_id, created_us, *values


def _product_values(product: Product, key: str) -> tuple[Any, ...]:
    return (key, product.category_key, product.version, *_attributes(product))


def _parked(product_id: int) -> str:
    """A name key that no product can have: names hold no slash."""
    return f"/{product_id}"


def _suffixes(product_id: int, key: str) -> list[tuple[str, int]]:
    return [(suffix, product_id) for suffix in suffixes(key)]
