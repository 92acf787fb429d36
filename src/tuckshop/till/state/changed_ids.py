"""What a batch has changed, by id: for those who watch. Whoever wants to know more reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tuckshop.domain.ledger import AccountKind
from tuckshop.till.state.working_set import Page, ShelfRef

CHANNEL = "tuckshop_news"
_WORD = re.compile(r"[a-z][0-9]+(\.[0-9]+)*", re.ASCII)
PAYLOAD_BYTES_MAX = 7_900  # PostgreSQL takes less than 8000.


@dataclass(slots=True)
class News:
    """Ids of what may have changed since somebody looked; too much rather than too little."""

    shelves: set[ShelfRef] = field(default_factory=set)
    products: set[int] = field(default_factory=set)
    wallets: set[int] = field(default_factory=set)  # by user
    orders: set[tuple[int, int]] = field(default_factory=set)  # (order, buyer)

    def add(self, other: News) -> None:
        """Takes in what another batch has changed."""
        self.shelves |= other.shelves
        self.products |= other.products
        self.wallets |= other.wallets
        self.orders |= other.orders

    def __len__(self) -> int:
        return len(self.shelves) + len(self.products) + len(self.wallets) + len(self.orders)


def of(page: Page) -> News:
    """What the page's batch has changed."""
    changes = page.changes
    return News(
        shelves={
            *changes.stocked,
            *changes.plans,
            *((row.machine_id, row.product_id) for row in changes.shelves),
        },
        products={*(row.id for row in changes.products), *changes.revised, *changes.removed},
        wallets={
            ref.user_id
            for ref in changes.balances
            if ref.kind is AccountKind.WALLET and ref.user_id is not None
        },
        orders={
            *((row.id, row.buyer_id) for row in changes.orders if row.buyer_id is not None),
            # An order is only loaded for a command that may change it.
            *(
                (order.id, order.wallet.user_id)
                for order in page.orders.values()
                if order.wallet.user_id is not None
            ),
        },
    )


def written(news: News) -> list[str]:
    """As payloads of NOTIFY: nearly always one."""
    payloads, payload, size = [], list[str](), 0
    for word in _words(news):
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


def read(payload: str) -> News:
    """What `written` wrote. Raises UnknownForm for anything else."""
    news = News()
    for word in payload.split():
        if not _WORD.fullmatch(word):
            raise UnknownForm(word)
        first, *rest = (int(number) for number in word[1:].split("."))
        match word[0], rest:
            case "s", [product_id]:
                news.shelves.add((first, product_id))
            case "p", []:
                news.products.add(first)
            case "w", []:
                news.wallets.add(first)
            case "o", [buyer_id]:
                news.orders.add((first, buyer_id))
            case _:
                raise UnknownForm(word)
    return news


def _words(news: News) -> Iterator[str]:
    yield from (f"s{machine_id}.{product_id}" for machine_id, product_id in news.shelves)
    yield from (f"p{product_id}" for product_id in news.products)
    yield from (f"w{user_id}" for user_id in news.wallets)
    yield from (f"o{order_id}.{buyer_id}" for order_id, buyer_id in news.orders)
