"""What can be asked of the till, and what it answers: plain frozen values.

A command says what is wanted and who asks; the till alone decides. Every answer is a receipt below or a
refusal of `domain.refusals`. Receipts hold all that any interface shows, since a replayed idempotency
key must give the same answer again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.machines import DEFAULT_MACHINE_ID, ShelfPlan
from tuckshop.domain.orders import Change, Fulfil, OrderStatus, Payment
from tuckshop.domain.refusals import Refusal
from tuckshop.domain.users import Role, UserState
from tuckshop.till.callers import Caller


class _Value(msgspec.Struct, frozen=True):
    """As a frozen dataclass, and made and written down in a tenth of the time."""


class Deposit(_Value, frozen=True):
    """Coins were put into a machine for a wallet."""

    caller: Caller
    wallet: AccountRef
    coins: Coins
    machine_id: int = DEFAULT_MACHINE_ID


class PayOut(_Value, frozen=True):
    """A whole wallet in coins."""

    caller: Caller
    wallet: AccountRef
    machine_id: int = DEFAULT_MACHINE_ID


class Newcomer(_Value, frozen=True):
    """Somebody who wants to be a user, as far as it can be checked without looking at the others."""

    username: str
    email: str | None
    password_hash: str
    roles: frozenset[Role]
    state: UserState

    def __repr__(self) -> str:
        """Without the hash: whatever writes a command down must not give that away."""
        return f"Newcomer({self.username!r}, {self.email!r}, {sorted(self.roles)}, {self.state!r})"


class Register(_Value, frozen=True):
    """A new user; and in the same stroke the coins that a buyer brings along."""

    caller: Caller
    newcomer: Newcomer
    coins: Coins = {}
    machine_id: int = DEFAULT_MACHINE_ID


class PlaceOrder(_Value, frozen=True):
    """Pieces of products, each named once, from one machine, paid from one wallet or its owner's tab.

    `named`: more lines, by name: of the product that bears it when the sale is decided.

    `fulfil` None: at once what a wallet pays for, later what goes on a tab.
    """

    caller: Caller
    wallet: AccountRef
    lines: tuple[tuple[int, int], ...]
    change: Change = Change.KEEP
    client_ref: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID
    payment: Payment = Payment.WALLET
    fulfil: Fulfil | None = None
    named: tuple[tuple[str, int], ...] = ()


class CancelOrder(_Value, frozen=True):
    """An order called off before anything was handed out."""

    caller: Caller
    order_id: int
    reason: str | None = None


class ReduceOrder(_Value, frozen=True):
    """An order made smaller before anything was handed out; `quantities` is all that is still wanted."""

    caller: Caller
    order_id: int
    quantities: Mapping[int, int]
    reason: str | None = None


class Dispense(_Value, frozen=True):
    """An order was handed out; or that has `failed`, and its pieces and money go back."""

    caller: Caller
    order_id: int
    failed: bool = False
    reason: str | None = None


class Refund(_Value, frozen=True):
    """Pieces of an order back; `quantities` by product, None for all that is left."""

    caller: Caller
    order_id: int
    quantities: Mapping[int, int] | None = None
    reason: str | None = None
    write_off: bool = False


class RefundNewest(_Value, frozen=True):
    """One piece of a product back, of the newest order of a guest at a machine that has one left."""

    caller: Caller
    wallet: AccountRef
    product_id: int
    machine_id: int = DEFAULT_MACHINE_ID
    reason: str | None = None


class SettleTab(_Value, frozen=True):
    """A tab paid: in coins at a machine, or with an amount that came to the bank under a reference."""

    caller: Caller
    user_id: int
    coins: Coins | None = None
    amount_cents: int | None = None
    external_ref: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID


class SendMoney(_Value, frozen=True):
    """Money from one's own wallet to another buyer's."""

    caller: Caller
    wallet: AccountRef
    target: AccountRef
    amount_cents: int
    reason: str | None = None


class TopUp(_Value, frozen=True):
    """Money that came to the bank, into a wallet; `external_ref` is the bank's, used once."""

    caller: Caller
    wallet: AccountRef
    amount_cents: int
    external_ref: str
    reason: str | None = None


class PaySeller(_Value, frozen=True):
    """Earnings paid to their seller by the bank, all that is payable unless less is named."""

    caller: Caller
    seller_id: int
    external_ref: str
    amount_cents: int | None = None
    reason: str | None = None


class CloseWallet(_Value, frozen=True):
    """The rest of a wallet to what nobody claims; `balance_cents`: only if it is just this."""

    caller: Caller
    wallet: AccountRef
    reason: str | None = None
    balance_cents: int | None = None


class CloseUser(_Value, frozen=True):
    """A user's end: the wallet's rest to what nobody claims, products off sale, sessions over, name free."""

    caller: Caller
    user_id: int


class FillCoins(_Value, frozen=True):
    """Coins from the bank into a machine."""

    caller: Caller
    machine_id: int
    coins: Coins
    reason: str | None = None


class CollectCoins(_Value, frozen=True):
    """Coins out of a machine to the bank."""

    caller: Caller
    machine_id: int
    coins: Coins
    reason: str | None = None


class CountCoins(_Value, frozen=True):
    """What somebody counted in a machine, every coin named; the books follow."""

    caller: Caller
    machine_id: int
    counted: Coins
    reason: str | None = None


class MoveStock(_Value, frozen=True):
    """Pieces of a product from one machine to another."""

    caller: Caller
    machine_id: int
    target_id: int
    product_id: int
    quantity: int
    reason: str | None = None


class SetShelves(_Value, frozen=True):
    """How a machine's shelves are to stand; those not named lose slot, capacity, par level and price.

    `seen`: only if these shelves are still planned so.
    """

    caller: Caller
    machine_id: int
    plans: tuple[ShelfPlan, ...]
    seen: tuple[ShelfPlan, ...] = ()


class AddProduct(_Value, frozen=True):
    """A new product of the caller's (`for_house`: of the shop itself) with its first stock.

    `seller_id`: the product is this seller's; admins add products for others.
    """

    caller: Caller
    name: str
    price_cents: int
    stock: int
    refundable: bool = True
    tax_basis_points: int = 0
    cost_cents: int = 0
    image_id: int | None = None
    for_house: bool = False
    machine_id: int = DEFAULT_MACHINE_ID
    seller_id: int | None = None


class ChangeProduct(_Value, frozen=True):
    """New attributes, and stock to a target as a correction; None leaves a thing as it is.

    `version`: change only if the product still is at this attribute version.
    """

    caller: Caller
    product_id: int
    version: int | None = None
    name: str | None = None
    price_cents: int | None = None
    refundable: bool | None = None
    tax_basis_points: int | None = None
    cost_cents: int | None = None
    image_id: int | None = None
    stock: int | None = None
    reason: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID
    without_image: bool = False


class Restock(_Value, frozen=True):
    """More pieces onto a shelf."""

    caller: Caller
    product_id: int
    quantity: int
    reason: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID


class RemoveProduct(_Value, frozen=True):
    """A product off sale; what its shelves hold is corrected to none, and its name is free again."""

    caller: Caller
    product_id: int
    version: int | None = None


class ChangeGoods(_Value, frozen=True):
    """Products added and changed together, in this order: all of them or none.

    Raises:
        ValueError: built with a step in somebody else's name.
    """

    caller: Caller
    steps: tuple[AddProduct | ChangeProduct, ...]

    def __post_init__(self) -> None:
        if any(step.caller != self.caller for step in self.steps):
            raise ValueError("every step is the caller's own")


Command = (
    Register
    | Deposit
    | PayOut
    | SendMoney
    | TopUp
    | PaySeller
    | CloseWallet
    | CloseUser
    | FillCoins
    | CollectCoins
    | CountCoins
    | MoveStock
    | SetShelves
    | PlaceOrder
    | CancelOrder
    | ReduceOrder
    | Dispense
    | Refund
    | RefundNewest
    | SettleTab
    | AddProduct
    | ChangeProduct
    | Restock
    | RemoveProduct
    | ChangeGoods
)


class CoinsDeposited(_Value, frozen=True):
    """`amount_cents` went in; the wallet now holds `balance_cents`."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    created_us: int


class PaidOut(_Value, frozen=True):
    """`coins` came out, largest first; `balance_cents` could not be paid in coins and is still there."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    coins: dict[int, int]
    created_us: int


class Registered(_Value, frozen=True):
    """The new user's id; `amount_cents` went into the wallet, with no transfer if it is 0."""

    user_id: int
    transfer_id: int | None
    amount_cents: int
    created_us: int


class MoneyMoved(_Value, frozen=True):
    """`amount_cents` was sent or topped up; the wallet named in the command now holds `balance_cents`."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    created_us: int


class SellerPaid(_Value, frozen=True):
    """`amount_cents` was paid; the earnings are `balance_cents` now, of which `payable_cents` are payable."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    payable_cents: int
    created_us: int


class WalletClosed(_Value, frozen=True):
    """What the wallet still held; it is empty now. `unclaimed_id`: the transfer, if there was anything."""

    unclaimed_id: int | None
    amount_cents: int
    created_us: int


class UserClosed(_Value, frozen=True):
    """The user is gone; `amount_cents` was left in the wallet."""

    user_id: int
    amount_cents: int


class BoxMoved(_Value, frozen=True):
    """`coins` went into or out of the machine's box."""

    transfer_id: int
    machine_id: int
    amount_cents: int
    coins: dict[int, int]
    created_us: int


class CoinsCounted(_Value, frozen=True):
    """What the books expected and what was counted, by coin; below 0: `over_short_cents` are missing."""

    machine_id: int
    expected: dict[int, int]
    counted: dict[int, int]
    over_short_cents: int
    created_us: int


class StockMoved(_Value, frozen=True):
    """Pieces moved; `stock` is left on the machine, `target_stock` is on the other."""

    product_id: int
    machine_id: int
    stock: int
    target_id: int
    target_stock: int


class ShelfStands(_Value, frozen=True):
    """A shelf as it stands. `price_cents` None: the product's own."""

    product_id: int
    name: str
    quantity: int
    slot: str | None
    capacity: int | None
    par_level: int | None
    price_cents: int | None


class ShelvesSet(_Value, frozen=True):
    """The shelves that were named, as they stand now."""

    machine_id: int
    shelves: tuple[ShelfStands, ...]


class SoldLine(_Value, frozen=True):
    """A line of an order as sold."""

    product_id: int
    name: str
    quantity: int
    price_cents: int
    refunded_quantity: int = 0


class OrderPlaced(_Value, frozen=True):
    """The order, the wallet's balance afterwards, and the coins that came back with it.

    `owed_cents` is on the tab afterwards; None where it did not pay.
    """

    order_id: int
    client_ref: str | None
    status: OrderStatus
    payment: Payment
    machine_id: int
    lines: tuple[SoldLine, ...]
    total_cents: int
    balance_cents: int
    change: dict[int, int]
    created_us: int
    owed_cents: int | None = None


class OrderChanged(_Value, frozen=True):
    """The order as it stands after it was cancelled, reduced or handed out."""

    order_id: int
    client_ref: str | None
    status: OrderStatus
    payment: Payment
    machine_id: int
    lines: tuple[SoldLine, ...]
    total_cents: int
    created_us: int


class TabSettled(_Value, frozen=True):
    """`amount_cents` came off the tab, which now owes `owed_cents`; the wallet holds `balance_cents`."""

    transfer_id: int
    amount_cents: int
    owed_cents: int
    balance_cents: int
    created_us: int


class Refunded(_Value, frozen=True):
    """What went back. `balance_cents` is the buyer's, told to the buyer, cashiers and admins alone."""

    refund_id: int
    order_id: int
    status: str
    quantities: dict[int, int]
    amount_cents: int
    balance_cents: int | None
    created_us: int


class ProductStands(_Value, frozen=True):
    """A product as it stands after the command; `stock` on the command's machine."""

    product_id: int
    name: str
    price_cents: int
    stock: int
    seller_id: int | None
    seller: str | None
    refundable: bool
    tax_basis_points: int
    cost_cents: int
    image_id: int | None
    version: int


class ProductRemoved(_Value, frozen=True):
    """The product is off sale."""

    product_id: int


class GoodsChanged(_Value, frozen=True):
    """How many products were added, and how many others were named."""

    added: int
    changed: int


Receipt = (
    Registered
    | CoinsDeposited
    | PaidOut
    | MoneyMoved
    | SellerPaid
    | WalletClosed
    | UserClosed
    | BoxMoved
    | CoinsCounted
    | StockMoved
    | ShelvesSet
    | OrderPlaced
    | OrderChanged
    | Refunded
    | ProductStands
    | ProductRemoved
    | GoodsChanged
    | TabSettled
)

RECEIPTS: dict[str, type[Receipt]] = {receipt.__name__: receipt for receipt in get_args(Receipt)}
"""By the name under which an idempotency record keeps one."""


class Envelope(_Value, frozen=True):
    """A command on its way to the till. With a key, the same fingerprint is answered as before."""

    command: Command
    key: str | None = None
    fingerprint: bytes = b""


class Outcome(_Value, frozen=True):
    """What became of a command; `replayed` when an earlier one with its key had the effect."""

    answer: Receipt | Refusal
    replayed: bool = False

    def receipt(self) -> Receipt:
        """The receipt. Raises the refusal instead, if that was the answer."""
        if isinstance(self.answer, Refusal):
            raise self.answer
        return self.answer
