"""What a batch has changed, by id: for those who watch. Whoever wants to know more reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tuckshop.domain.ledger import AccountKind
from tuckshop.till.state.read_set import ShelfRef
from tuckshop.till.state.working_set import WorkingSet

CHANNEL = "tuckshop_news"
_WORD = re.compile(r"[a-z][0-9]{1,19}(\.[0-9]{1,19})*", re.ASCII)
PAYLOAD_BYTES_MAX = 7_900  # PostgreSQL takes less than 8000.


@dataclass(slots=True)
class ChangedIds:
    """Ids of what may have changed since somebody looked; too much rather than too little."""

    shelves: set[ShelfRef] = field(default_factory=set)
    products: set[int] = field(default_factory=set)
    wallets: set[int] = field(default_factory=set)  # by user
    orders: set[tuple[int, int]] = field(default_factory=set)  # (order, buyer)

    def add(self, other: ChangedIds) -> None:
        """Takes in what another batch has changed."""
        self.shelves |= other.shelves
        self.products |= other.products
        self.wallets |= other.wallets
        self.orders |= other.orders

    def __len__(self) -> int:
        return len(self.shelves) + len(self.products) + len(self.wallets) + len(self.orders)


def of(work: WorkingSet) -> ChangedIds:
    """What the working set's batch has changed."""
    changes = work.changes
    products, orders = changes.products, changes.orders
    return ChangedIds(
        shelves={
            *products.quantities,
            *products.plans,
            *((row.machine_id, row.product_id) for row in products.shelves),
        },
        products={
            *(row.product.id for row in products.added),
            *products.changed,
            *products.removed,
            *products.looked_at,
        },
        wallets={
            ref.user_id
            for ref in changes.accounts.balances
            if ref.kind is AccountKind.WALLET and ref.user_id is not None
        },
        orders={
            *((row.id, row.buyer_id) for row in orders.added if row.buyer_id is not None),
            # An order is only loaded for a command that may change it.
            *(
                (order.id, order.wallet.user_id)
                for order in work.orders.by_id.values()
                if order.wallet.user_id is not None
            ),
        },
    )


def written(changed: ChangedIds) -> list[str]:
    """As payloads of NOTIFY: nearly always one."""
    payloads, payload, size = [], list[str](), 0
    for word in _words(changed):
        if size + len(word) + 1 > PAYLOAD_BYTES_MAX:
            payloads.append(" ".join(payload))
            payload, size = [], 0
        payload.append(word)
        size += len(word) + 1
    return [*payloads, " ".join(payload)] if payload else payloads


class UnknownForm(ValueError):
    """A word of a payload that this release does not know; `tag` is the letter that it begins with."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.tag = word[0]


def read(payload: str) -> ChangedIds:
    """What `written` wrote. Raises UnknownForm for anything else."""
    changed = ChangedIds()
    for word in payload.split():
        if not _WORD.fullmatch(word):
            raise UnknownForm(word)
        first, *rest = (int(number) for number in word[1:].split("."))
        match word[0], rest:
            case "s", [product_id]:
                changed.shelves.add((first, product_id))
            case "p", []:
                changed.products.add(first)
            case "w", []:
                changed.wallets.add(first)
            case "o", [buyer_id]:
                changed.orders.add((first, buyer_id))
            case _:
                raise UnknownForm(word)
    return changed


def _words(changed: ChangedIds) -> Iterator[str]:
    yield from (f"s{machine_id}.{product_id}" for machine_id, product_id in changed.shelves)
    yield from (f"p{product_id}" for product_id in changed.products)
    yield from (f"w{user_id}" for user_id in changed.wallets)
    yield from (f"o{order_id}.{buyer_id}" for order_id, buyer_id in changed.orders)
