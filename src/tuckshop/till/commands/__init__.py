"""What can be asked of the till, one module for each noun.

For each command its value, its receipt, what it reads, how it is decided and what the log says of it stand
together. All are imported with the package, so that every stored tag is known to whoever reads one.
"""

from tuckshop.till.commands import (
    approvals,
    imports,
    machines,
    orders,
    products,
    refunds,
    tabs,
    transfers,
    users,
    wallet,
)

__all__ = [
    "approvals",
    "imports",
    "machines",
    "orders",
    "products",
    "refunds",
    "tabs",
    "transfers",
    "users",
    "wallet",
]
