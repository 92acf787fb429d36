"""Places of sale, their shelves and their coin boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from tuckshop.domain.coins import (
    Coins,
    Supply,
    check_inserted,
    fewest,
    largest_payable_cents,
    sums,
    total_cents,
)
from tuckshop.domain.field_problems import (
    AboveCapacity,
    AmountOutOfRange,
    CoinCountOutOfRange,
    CoinNotCounted,
    OutOfRange,
    ProductTwice,
    SlotTwice,
    TooLarge,
)
from tuckshop.domain.ledger import BANK, OVER_SHORT, Transfer, TransferKind, coin_box_of
from tuckshop.domain.money import BALANCE_CENTS_MAX, check_price
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.domain.refusals import ChangeUnpayable, CoinNotAccepted, CoinsMissing, InvalidField
from tuckshop.domain.users import check_name

DEFAULT_MACHINE_ID = 1  # A fresh shop has this one; calls that name no machine mean it.
MACHINE_NAME_LENGTH_MAX = 64
SLOT_LENGTH_MAX = 16
SHELVES_MAX = 500  # Several times what the largest machine has; a body of 64 KB holds as many.
LOW_PIECES = 3  # So few, and somebody who wants two may find one: low, where nobody has planned otherwise.
DEPOSIT_CENTS_MAX = 5_000  # More than a pocket of coins at once is no buyer.
HOURLY_DEPOSIT_CENTS_MAX = 20_000  # A full pocket every quarter of an hour.
COUNTED_MAX = 1_000_000  # Of one coin: a ton and more.


class BoxKind(StrEnum):
    """Whether a machine pays only with the coins it holds (`counted`) or always (`unlimited`)."""

    UNLIMITED = "unlimited"  # a cashier's drawer: every coin recorded, may run below zero
    COUNTED = "counted"  # a changer: pays only with coins it holds


class CoinInput(StrEnum):
    """How our own pages take coins at a machine."""

    NONE = "none"  # not at all: an acceptor with the machine's key reports them, or a cashier
    DRAWN = "drawn"  # honour system: whoever stands there taps drawn coins, and is believed


class FulfilMode(StrEnum):
    """When what wallets pay for is dispensed at a machine."""

    NOW = "now"
    LATER = "later"
    EITHER = "either"  # as the order says; at once where it says nothing


class MachineRules(NamedTuple):
    """What an admin allows at a machine. The limits are for coins that are credited with its key."""

    coin_input: CoinInput = CoinInput.NONE
    fulfil: FulfilMode = FulfilMode.NOW
    deposit_cents_max: int = DEPOSIT_CENTS_MAX
    hourly_deposit_cents_max: int = HOURLY_DEPOSIT_CENTS_MAX

    @property
    def draws_coins(self) -> bool:
        """Whether the machine's own screen shows coins to tap, and whoever taps them is believed."""
        return self.coin_input is CoinInput.DRAWN


class CoinBox(NamedTuple):
    """A machine's coins. `held` is read for a counted box, and for one that is being counted; else it lacks
    what the box held before."""

    machine_id: int
    kind: BoxKind
    held: Mapping[int, int]

    def supply(self, values: tuple[int, ...]) -> Supply:
        """How many of each of these values the box can pay."""
        if self.kind is BoxKind.UNLIMITED:
            return dict.fromkeys(values)
        return {value: self.held.get(value, 0) for value in values}


class BoxMoved(NamedTuple):
    """A transfer into or out of a coin box, and the coins that it is made of."""

    transfer: Transfer
    coins: Coins


class Counted(NamedTuple):
    """What a count has found beside what the books say; and what puts them right, where they differ."""

    expected: dict[int, int]
    counted: dict[int, int]
    over: BoxMoved | None
    short: BoxMoved | None

    @property
    def over_short_cents(self) -> int:
        """Above 0: more was there than the books say. Below 0: less."""
        return total_cents(self.counted) - total_cents(self.expected)


@dataclass(frozen=True, slots=True)
class ShelfPlan:
    """How a shelf is to stand: where, how full at most and at best, and at what price of its own."""

    product_id: int
    slot: str | None = None
    capacity: int | None = None
    par_level: int | None = None
    price_cents: int | None = None


def check_machine_name(name: str) -> str:
    """The name in NFC. Raises InvalidField."""
    return check_name(name, field="name", length_max=MACHINE_NAME_LENGTH_MAX)


def check_limit(cents: int, *, field: str) -> int:
    """The limit itself. Raises InvalidField for less than 1, or more than any wallet holds."""
    if not 1 <= cents <= BALANCE_CENTS_MAX:
        raise InvalidField(field=field, problem=AmountOutOfRange(1, BALANCE_CENTS_MAX))
    return cents


def check_plans(plans: Sequence[ShelfPlan]) -> tuple[ShelfPlan, ...]:
    """The plans, their slots in NFC.

    Raises:
        InvalidField: too many, a product or a slot twice, a figure outside its limits, or a par level that
            does not fit the shelf.
    """
    if len(plans) > SHELVES_MAX:
        raise InvalidField(field="shelves", problem=TooLarge(SHELVES_MAX))
    checked = tuple(_check_plan(plan) for plan in plans)
    slots = [plan.slot for plan in checked if plan.slot is not None]
    if len({plan.product_id for plan in checked}) < len(checked):
        raise InvalidField(field="shelves", problem=ProductTwice())
    if len(set(slots)) < len(slots):
        raise InvalidField(field="slot", problem=SlotTwice())
    return checked


def _check_plan(plan: ShelfPlan) -> ShelfPlan:
    slot = plan.slot
    if slot is not None:
        slot = check_name(slot, field="slot", length_max=SLOT_LENGTH_MAX)
    for field, figure, least in (("capacity", plan.capacity, 1), ("par_level", plan.par_level, 0)):
        if figure is not None and not least <= figure <= QUANTITY_MAX:
            raise InvalidField(field=field, problem=OutOfRange(least, QUANTITY_MAX))
    if plan.capacity is not None and (plan.par_level or 0) > plan.capacity:
        raise InvalidField(field="par_level", problem=AboveCapacity())
    if plan.price_cents is not None:
        check_price(plan.price_cents)
    return ShelfPlan(plan.product_id, slot, plan.capacity, plan.par_level, plan.price_cents)


def fill_below(par_level: int | None) -> int:
    """A shelf with fewer pieces than these is low, wherever anybody is told so, and is to be filled.

    That is its par level, if it has one: 0 is a shelf that may stay empty.
    """
    return LOW_PIECES + 1 if par_level is None else par_level


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


def require_few(coins: Coins, coins_max: int | None) -> None:
    """Raises ChangeUnpayable for more coins than whoever asks can take, or list; None: any number."""
    if coins_max is not None and sum(coins.values()) > coins_max:
        raise ChangeUnpayable(change_cents=total_cents(coins))


def takes_exact_money_only(box: CoinBox, *, values: tuple[int, ...]) -> bool:
    """Whether the box lacks coins for some change below its largest coin, which any other box could pay."""
    below = max(values)
    return sums(box.supply(values), below_cents=below) != sums(dict.fromkeys(values), below_cents=below)


def fill(box: CoinBox, coins: Coins, *, known: tuple[int, ...]) -> BoxMoved:
    """Coins from the bank into the box.

    Raises:
        CoinNotAccepted, InvalidField: see `coins.check_inserted`.
    """
    coins = check_inserted(coins, accepted=known)
    return BoxMoved(Transfer(TransferKind.FILL, coin_box_of(box.machine_id), BANK, total_cents(coins)), coins)


def collect(box: CoinBox, coins: Coins, *, known: tuple[int, ...]) -> BoxMoved:
    """Coins out of the box to the bank. From an unlimited box any: its cashier may have changed money.

    Raises:
        CoinNotAccepted, InvalidField: see `coins.check_inserted`.
        CoinsMissing: a counted box holds fewer.
    """
    coins = check_inserted(coins, accepted=known)
    require_held(box, coins)
    return BoxMoved(
        Transfer(TransferKind.COLLECT, BANK, coin_box_of(box.machine_id), total_cents(coins)), coins
    )


def require_held(box: CoinBox, coins: Coins) -> None:
    """Raises CoinsMissing if a counted box holds fewer than these."""
    supply = box.supply(tuple(coins))
    for value, count in coins.items():
        available = supply[value]
        if available is not None and count > available:
            raise CoinsMissing(value_cents=value, available=available)


def count(box: CoinBox, counted: Coins, *, known: tuple[int, ...]) -> Counted:
    """What was found in the box, every value named; the books follow it.

    Coins too many and coins too few are two transfers, since a coin of 50 that lies there for five of 10 is
    worth nothing, and is a difference all the same.

    Raises:
        CoinNotAccepted: a value that the currency does not have.
        InvalidField: a value that is not named, or a number outside 0..COUNTED_MAX.
    """
    for value, pieces in counted.items():
        if value not in known:
            raise CoinNotAccepted(value_cents=value, accepted=known)
        if not 0 <= pieces <= COUNTED_MAX:
            raise InvalidField(field="counted", problem=CoinCountOutOfRange(value, COUNTED_MAX))
    for value in known:
        if value not in counted:
            # Or a forgotten line would book a whole tube as stolen.
            raise InvalidField(field="counted", problem=CoinNotCounted(value))
    values = sorted(known, reverse=True)
    expected = {value: box.held.get(value, 0) for value in values}
    differences = {value: counted[value] - expected[value] for value in values}
    more = {value: pieces for value, pieces in differences.items() if pieces > 0}
    fewer = {value: -pieces for value, pieces in differences.items() if pieces < 0}
    account = coin_box_of(box.machine_id)
    return Counted(
        expected,
        {value: counted[value] for value in values},
        BoxMoved(Transfer(TransferKind.OVER, account, OVER_SHORT, total_cents(more)), more) if more else None,
        BoxMoved(Transfer(TransferKind.SHORT, OVER_SHORT, account, total_cents(fewer)), fewer)
        if fewer
        else None,
    )
