"""Contracts of older systems, each served as its clients know it, over the same services as /v1.

A dialect translates and nothing else. Each is a module of its own, known to the others by nothing but its
line below, and can be deleted together with that line.
"""

NAMES = (
    "simple-payment",
    "vending-challenge",
    "kiosk",
    "app-demo",
    "shop",
)
