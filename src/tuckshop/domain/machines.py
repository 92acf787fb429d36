"""Places of sale and their coin boxes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain.coins import Supply, fewest, largest_payable_cents, total_cents
from tuckshop.domain.refusals import ChangeUnpayable

DEFAULT_MACHINE_ID = 1  # A fresh shop has this one; calls that name no machine mean it.
MACHINE_NAME_LENGTH_MAX = 64


class BoxKind(StrEnum):
    """Whether a machine knows how many coins it holds before it promises any."""

    UNLIMITED = "unlimited"  # a cashier's drawer: every coin recorded, may run below zero
    COUNTED = "counted"  # a changer: pays only with coins it holds


class CoinBox(NamedTuple):
    """A machine's coins. `held` is read for a counted box alone; nothing depends on an unlimited one's."""

    machine_id: int
    kind: BoxKind
    held: Mapping[int, int]

    def supply(self, values: tuple[int, ...]) -> Supply:
        """How many of each of these values the box can pay."""
        if self.kind is BoxKind.UNLIMITED:
            return dict.fromkeys(values)
        return {value: self.held.get(value, 0) for value in values}


def pay(box: CoinBox, amount_cents: int, *, values: tuple[int, ...]) -> dict[int, int]:
    """The coins to pay for `amount_cents`, largest first; what no coin of the currency can make is left out.

    Raises:
        ChangeUnpayable: the box lacks the coins; nothing is paid in part.
    """
    payable_cents = largest_payable_cents(amount_cents, values)
    coins = fewest(payable_cents, box.supply(values))
    if coins is None:
        raise ChangeUnpayable(change_cents=payable_cents)
    assert total_cents(coins) == payable_cents
    return coins
