"""Users who have been closed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Text, and_, literal_column, or_, select

from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.users import UserState
from tuckshop.store import tables
from tuckshop.store.audit_rules.joins import is_
from tuckshop.store.audit_rules.rule import Rule, count

_accounts = tables.accounts.c
_products = tables.products.c
_users = tables.users.c


def closed_users() -> Rule:
    return Rule(
        "no closed user owes money or has products on sale",
        count(tables.users),
        _left_behind(),
    )


def _left_behind() -> Select[Any]:
    """Closed users with a tab, or a product on sale."""
    tab = and_(_accounts.user_id == _users.id, _accounts.kind == is_(AccountKind.TAB))
    products = and_(_products.seller_id == _users.id, _products.removed_us.is_(None))
    return (
        select(_users.id.label("user_id"), _accounts.balance_cents, _products.id.label("product_id"))
        .select_from(tables.users.outerjoin(tables.accounts, tab).outerjoin(tables.products, products))
        .where(
            _users.state == literal_column(f"'{UserState.CLOSED}'", Text),
            or_(_accounts.balance_cents != 0, _products.id.is_not(None)),
        )
    )
