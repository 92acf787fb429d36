"""What is still known of users who are closed: a hash of their address, for KEPT_DAYS.

Whoever has the address can ask whether its owner was here before; the hash does not tell the address, and
nobody makes it without the shop's secret. With another secret nobody is found any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuckshop.context import Tokens

KEPT_DAYS = 365  # Long enough for a payout that is still open when a seller comes back.


def address_hash(tokens: Tokens, email_key: str) -> bytes:
    """What is kept of the address with this key (`domain.users.name_key`)."""
    return tokens.seal(b"closed-address\0" + email_key.encode())
