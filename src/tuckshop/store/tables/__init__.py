"""The tables, with every invariant that a database can hold as a constraint.

Amounts are minor units (`_cents`), times are microseconds since 1970 UTC (`_us`), the same on both
databases. Only the till writes accounts, transfers, products, shelves, coins and orders.
"""

from sqlalchemy import Sequence

from tuckshop.store.tables.base import TILL_IDS, metadata
from tuckshop.store.tables.ledger import accounts, denominations, transfers
from tuckshop.store.tables.machine import (
    coin_boxes,
    coin_movements,
    declared_coins,
    machines,
    screens,
    shelves,
    stock_movements,
)
from tuckshop.store.tables.order import order_lines, orders, refund_lines, refund_requests, refunds, sales
from tuckshop.store.tables.product import (
    images,
    product_skeletons,
    product_suffixes,
    products,
    waiting_products,
)
from tuckshop.store.tables.shop_state import (
    admin_log,
    alerts,
    audits,
    backups,
    counters,
    idempotency,
    limit_counters,
    shop,
    uploads,
)
from tuckshop.store.tables.user import (
    api_tokens,
    external_identities,
    guests,
    invitations,
    login_tries,
    recovery_codes,
    second_factors,
    seller_quotas,
    sessions,
    user_skeletons,
    users,
)

__all__ = [
    "TILL_IDS",
    "accounts",
    "admin_log",
    "alerts",
    "api_tokens",
    "audits",
    "backups",
    "coin_boxes",
    "coin_movements",
    "counters",
    "declared_coins",
    "denominations",
    "external_identities",
    "guests",
    "idempotency",
    "images",
    "invitations",
    "limit_counters",
    "login_tries",
    "machines",
    "metadata",
    "order_lines",
    "orders",
    "product_skeletons",
    "product_suffixes",
    "products",
    "recovery_codes",
    "refund_lines",
    "refund_requests",
    "refunds",
    "sales",
    "screens",
    "second_factors",
    "seller_quotas",
    "sequences",
    "sessions",
    "shelves",
    "shop",
    "stock_movements",
    "transfers",
    "uploads",
    "user_skeletons",
    "users",
    "waiting_products",
]

sequences = tuple(Sequence(f"{name}_id_seq", metadata=metadata) for name in TILL_IDS)
