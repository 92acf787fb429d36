"""All that can be asked of the till, one module per noun, which declares its commands and receipts.

Imported whole, so that every stored tag is known to whoever reads one.
"""

from tuckshop.till.commands import (
    machines,
    orders,
    products,
    refunds,
    tabs,
    transfers,
    users,
    wallet,
)

__all__ = ["machines", "orders", "products", "refunds", "tabs", "transfers", "users", "wallet"]
