"""The rules of the books: whatever moved is written down twice, and the two must agree.

What has no second witness (list prices, costs, tax rates, limits) is left to the tables' constraints,
which are tried again in case they were ever switched off.
"""

from __future__ import annotations

from functools import cache

from tuckshop.store.audit_rules import idempotency, money, orders, refunds, sales, schema, stock, users
from tuckshop.store.audit_rules.rule import Rule

_RULES = (
    money.balances,
    money.zero_sum,
    money.coin_boxes,
    money.coin_box_accounts,
    money.coins_of_transfers,
    money.ends_of_transfers,
    money.reversals,
    money.coins_of_reversals,
    stock.shelves,
    stock.moves,
    orders.totals,
    orders.payments,
    orders.sellers_share,
    orders.pieces_sold,
    refunds.amounts,
    refunds.returned_to_buyers,
    refunds.taken_back_from_sellers,
    refunds.owed_for_orders,
    refunds.pieces_counted,
    refunds.pieces_returned,
    users.closed_users,
    sales.daily_sums,
    sales.sellers_of_lines,
    sales.statuses,
    idempotency.records,
    schema.ids_sqlite,
    schema.ids_postgresql,
    schema.references,
    schema.limits,
)


@cache  # They take long to write down, and few processes ask.
def rules() -> tuple[Rule, ...]:
    """What always holds, if the books are right."""
    return tuple(rule() for rule in _RULES)
