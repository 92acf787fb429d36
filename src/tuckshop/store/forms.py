"""What a stored form is called: a tag that never changes, and the version of its fields.

docs/stored-forms.md lists every form, and says how one may change.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

REFUSAL = "refusal."
"""What the tags of refusals begin with; the refusal's code follows."""

FORMER_RECEIPTS = {
    "Registered": "user.registered",
    "CoinsDeposited": "wallet.deposited",
    "PaidOut": "wallet.paid_out",
    "MoneyMoved": "money.moved",
    "SellerPaid": "seller.paid",
    "WalletClosed": "wallet.closed",
    "UserClosed": "user.closed",
    "BoxMoved": "coin_box.moved",
    "CoinsCounted": "coin_box.counted",
    "StockMoved": "stock.moved",
    "ShelvesSet": "shelves.set",
    "OrderPlaced": "order.placed",
    "OrderChanged": "order.changed",
    "Refunded": "order.refunded",
    "ProductStands": "product.saved",
    "ProductRemoved": "product.removed",
    "GoodsChanged": "products.changed",
    "TabSettled": "tab.settled",
}
"""The names that receipts had before revision 0012, when they had no version. A process of that time may
write some while the upgrade is under way, and a backup may hold them."""

_KIND = re.compile(r"([a-z][a-z0-9._-]*)/([1-9][0-9]{0,8})")
_FORMER_REFUSAL = re.compile(r"([A-Z][a-z]+)+")


class Form(NamedTuple):
    """A tag and its version; version 0: what is stored is called in a way that nobody knows."""

    tag: str
    version: int = 1

    @property
    def kind(self) -> str:
        """The form as it is written beside what is stored in it."""
        return f"{self.tag}/{self.version}"


@lru_cache(maxsize=1_024)
def form_of(kind: str) -> Form:
    """The form that `Form.kind` wrote, or a release before revision 0012."""
    if written := _KIND.fullmatch(kind):
        return Form(written[1], int(written[2]))
    if kind in FORMER_RECEIPTS:
        return Form(FORMER_RECEIPTS[kind])
    if _FORMER_REFUSAL.fullmatch(kind):
        return Form(REFUSAL + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower())
    return Form(kind, 0)
