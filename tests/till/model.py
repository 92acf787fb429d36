"""The shop once more, small and slow: what each command should do, told in sums instead of books.

It says in whose account every cent is, and shares no rule with the code that it checks. A decision is to
refuse (`No`) or to let happen; what happens then is written down with the ids and coins of the real answer,
once those are found to be possible.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.domain.test_coins import fewest_by_table
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.orders import Change, Fulfil, Payment
from tuckshop.till.callers import Caller, MachineCaller, user_of
from tuckshop.till.commands.base import Command
from tuckshop.till.commands.imports import ChangeProducts, ProductsChanged
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import (
    CancelOrder,
    Dispense,
    OrderChanged,
    OrderPlaced,
    PlaceOrder,
    ReduceOrder,
)
from tuckshop.till.commands.products import AddProduct, ChangeProduct, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund, Refunded, RefundNewest
from tuckshop.till.commands.tabs import SettleTab, TabSettled
from tuckshop.till.commands.transfers import (
    CloseWallet,
    MoneyMoved,
    PaySeller,
    ReverseTransfer,
    SellerPaid,
    SendMoney,
    TopUp,
)
from tuckshop.till.commands.users import CloseUser, Register, UserClosed
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

STAFF = frozenset({"cashier", "admin"})
COINS = (5, 10, 20, 50, 100)
DAY = 86_400_000_000
WINDOW = 300_000_000
HOUR = 3_600_000_000
TAB_LIMIT, CAP = 400, 600
CREDIT, CREDIT_HOURLY = 150, 400  # What a machine's key is good for.

Write = Callable[[Any], None]


class No(Exception):
    """The command is to be refused."""


def need(condition: object) -> None:
    if not condition:
        raise No


def worth(coins: Mapping[int, int]) -> int:
    return sum(value * count for value, count in coins.items())


@dataclass
class Piece:
    """A line of an order."""

    quantity: int
    price: int
    seller: int | None
    refundable: bool
    back: int = 0

    @property
    def left(self) -> int:
        return self.quantity - self.back


@dataclass
class Sold:
    """An order; `done`: when it was handed out."""

    wallet: AccountRef
    machine: int
    tab: bool
    placed: bool
    made: int
    done: int | None
    lines: dict[int, Piece]

    @property
    def left_cents(self) -> int:
        return sum(line.left * line.price for line in self.lines.values())


@dataclass
class Inventory:
    """A product."""

    name: str
    price: int
    seller: int | None
    refundable: bool
    version: int = 1
    on_sale: bool = True


@dataclass
class Booked:
    """Money that moved, and can move back. Above 0: into the wallet, onto what is owed or earned, into boxes.

    `by_admin`: cashiers do not take it back. `seen`, `put_in`, `paid`: what the books count it as.
    """

    user: int | None
    by_admin: bool = False
    wallet: AccountRef | None = None
    cents: int = 0
    owed: int = 0
    earned: int = 0
    bank: int = 0
    machine: int = 0
    coins: Mapping[int, int] = field(default_factory=dict)
    seen: int = 0
    put_in: int = 0
    paid: int = 0
    uncounted: int = 0
    is_reversed: bool = False


@dataclass
class Model:
    """All that the shop has and owes. `roles` by user, `boxes` True where every coin counts."""

    roles: dict[int, set[str]]
    boxes: dict[int, bool]
    now: int = 0
    present: set[tuple[int, int]] = field(default_factory=set)  # user, machine
    wallets: Counter[AccountRef] = field(default_factory=Counter)
    owed: Counter[int] = field(default_factory=Counter)
    earned: Counter[int | None] = field(default_factory=Counter)
    shop: Counter[str] = field(default_factory=Counter)  # bank, over and short, unclaimed
    coins: Counter[tuple[int, int]] = field(default_factory=Counter)
    credited: Counter[tuple[int, int]] = field(default_factory=Counter)  # machine, hour
    stock: Counter[tuple[int, int]] = field(default_factory=Counter)
    own_prices: dict[tuple[int, int], int | None] = field(default_factory=dict)
    goods: dict[int, Inventory] = field(default_factory=dict)
    orders: dict[int, Sold] = field(default_factory=dict)
    refs: set[tuple[Any, ...]] = field(default_factory=set)
    given_back: list[tuple[int, AccountRef]] = field(default_factory=list)
    declared: list[tuple[int, int, int]] = field(default_factory=list)
    uncounted: Counter[int] = field(default_factory=Counter)  # by machine, what buyers alone have seen
    seen: Counter[AccountRef] = field(default_factory=Counter)  # what the office or the bank has put in
    # (wallet, machine): what the owner has put in there, and what was paid
    put_in: Counter[tuple[AccountRef, int]] = field(default_factory=Counter)
    paid: Counter[tuple[AccountRef, int]] = field(default_factory=Counter)
    booked: dict[int, Booked] = field(default_factory=dict)  # by the number of the transfer

    def decide(self, command: Command) -> Write:
        """What to write down once the command has happened. Raises No if it must not.

        Of their own money staff are customers, but for an admin whom nobody else could serve.
        """
        me = user_of(command.caller)
        if me is None or not self.roles.get(me, set()) & STAFF or self._served(command) != me:
            return self._decide(command)
        try:
            with self._as_customer(me):
                write = self._decide(command)
        except No:
            if "admin" not in self.roles[me] or any(
                held & STAFF for one, held in self.roles.items() if one != me
            ):
                raise
            return self._decide(command)

        def write_as_customer(answer: Any) -> None:
            with self._as_customer(me):
                write(answer)

        return write_as_customer

    @contextmanager
    def _as_customer(self, user: int) -> Iterator[None]:
        held = self.roles[user]
        self.roles[user] = held - STAFF
        try:
            yield
        finally:
            self.roles[user] = held

    def _served(self, command: Command) -> int | None:
        """Whose own money or order it is."""
        match command:
            case PlaceOrder():
                return command.wallet.user_id if command.change is Change.RETURN else None
            case CancelOrder() | ReduceOrder() | Refund() | Dispense():
                order = self.orders.get(command.order_id)
                asks = not isinstance(command, Dispense) or command.failed
                return order.wallet.user_id if order is not None and asks else None
            case SettleTab():
                return command.user_id
            case PaySeller():
                return command.seller_id
            case Deposit() | PayOut() | TopUp():
                return command.wallet.user_id
            case ReverseTransfer():
                booked = self.booked.get(command.transfer_id)
                return None if booked is None else booked.user
            case _:
                return None

    def _decide(self, command: Command) -> Write:  # noqa: C901  # a line a command
        caller = command.caller
        if _machine_of(caller) is not None:
            self._own_machine(command)
        match command:
            case Deposit():
                return self._deposit(command)
            case PayOut():
                return self._pay_out(command)
            case PlaceOrder():
                return self._place(command)
            case CancelOrder() | ReduceOrder() | Dispense():
                return self._before_handing_out(command)
            case Refund():
                return self._refund(command, command.order_id, command.quantities, command.write_off)
            case RefundNewest():
                return self._refund_newest(command)
            case SettleTab():
                return self._settle_tab(command)
            case SendMoney() | TopUp() | CloseWallet():
                return self._money(command)
            case PaySeller():
                return self._pay_seller(command)
            case ReverseTransfer():
                return self._reverse(command)
            case FillCoins() | CollectCoins() | CountCoins():
                return self._box(command)
            case MoveStock() | SetShelves():
                return self._shelves(command)
            case AddProduct() | ChangeProduct() | Restock() | RemoveProduct():
                return self._catalogue(command)
            case ChangeProducts():
                return self._changes(command)
            case Register():
                raise AssertionError("everybody is there from the start")
            case CloseUser():
                return self._close_user(command)
            case _:
                raise AssertionError(f"the model does not know {command.tag}")

    def balances(self) -> dict[tuple[Any, ...], int]:
        """Every balance, shelf and coin that is not zero, as the books keep them."""
        told: dict[tuple[Any, ...], int] = {}
        for wallet, cents in self.wallets.items():
            told["wallet", wallet.user_id, wallet.guest_id, None] = cents
        for user, cents in self.owed.items():
            told["tab", user, None, None] = -cents
        for seller, cents in self.earned.items():
            told["house" if seller is None else "earnings", seller, None, None] = cents
        for name, cents in self.shop.items():
            told[name, None, None, None] = cents
        for machine in self.boxes:
            told["coin_box", None, None, machine] = -worth(
                {value: self.coins[machine, value] for value in COINS}
            )
        told |= {("coins", *ref, None): count for ref, count in self.coins.items()}
        told |= {("shelf", *ref, None): quantity for ref, quantity in self.stock.items()}
        for order_id, order in self.orders.items():
            told["order", order_id, int(order.placed), None] = order.left_cents
        return {name: figure for name, figure in told.items() if figure}

    # --- Who may

    def is_staff(self, caller: Caller, *roles: str) -> bool:
        """Cashier or admin, or those named; whoever sits at the command line is both."""
        if _machine_of(caller) is not None:
            return False
        held = {"cashier", "admin"} if user_of(caller) is None else self.roles[user_of(caller) or 0]
        return bool(held & set(roles or ("cashier", "admin")))

    def _own_machine(self, command: Command) -> None:
        served = isinstance(command, Deposit | PayOut | PlaceOrder | Dispense | Refund | RefundNewest)
        need(served)
        here = getattr(command, "machine_id", 0) == _machine_of(command.caller)
        need(here or isinstance(command, Refund | Dispense))
        need(not isinstance(command, PlaceOrder) or command.wallet.guest_id)

    def _may_use(self, caller: Caller, wallet: AccountRef) -> None:
        need(wallet.user_id is None or wallet.user_id in self.roles)
        if user_of(caller) is not None and user_of(caller) == wallet.user_id:
            need("buyer" in self.roles[user_of(caller) or 0])
        else:
            machine = _machine_of(caller)
            need(machine is not None or self.is_staff(caller))
            need(machine is None or wallet.guest_id or (wallet.user_id, machine) in self.present)

    # --- Coins and wallets

    def _deposit(self, command: Deposit) -> Write:
        caller, wallet = command.caller, command.wallet
        self._may_use(caller, wallet)
        need(set(command.coins) <= set(COINS) and command.machine_id in self.boxes)
        cents = worth(command.coins)
        owner = user_of(caller) if user_of(caller) == wallet.user_id else None
        if owner is not None and not self.is_staff(caller):
            today = sum(amount for at, who, amount in self.declared if who == owner and at > self.now - DAY)
            need(today + cents <= CAP)
        hour = (command.machine_id, self.now // HOUR)
        is_machine = _machine_of(caller) is not None
        need(not is_machine or (cents <= CREDIT and self.credited[hour] + cents <= CREDIT_HOURLY))

        def write(answer: CoinsDeposited) -> None:
            self.credited[hour] += cents if is_machine else 0
            is_own = user_of(caller) == wallet.user_id
            self._book(
                answer.transfer_id,
                Booked(
                    wallet.user_id,
                    wallet=wallet,
                    cents=cents,
                    machine=command.machine_id,
                    coins=command.coins,
                    put_in=cents if is_own else 0,
                    seen=0 if is_own else cents,
                    uncounted=cents if owner is not None and not self.is_staff(caller) else 0,
                ),
            )
            if owner is not None:
                self.declared.append((self.now, owner, cents))

        return write

    def _pay_out(self, command: PayOut) -> Write:
        self._may_use(command.caller, command.wallet)
        need(command.machine_id in self.boxes)
        cents = self._payable_of(command, self.wallets[command.wallet]) // 5 * 5
        need(cents)
        check = self._payable(command.machine_id, cents)

        def write(answer: PaidOut) -> None:
            check(answer.coins)
            out = {value: -count for value, count in answer.coins.items()}
            wallet, machine = command.wallet, command.machine_id
            self._book(
                answer.transfer_id,
                Booked(wallet.user_id, wallet=wallet, cents=-cents, machine=machine, coins=out, paid=cents),
            )

        return write

    def _book(self, number: int, booked: Booked) -> None:
        """Money that staff can take back, as it moves."""
        self.booked[number] = booked
        self._move(booked, 1)

    def _move(self, booked: Booked, sign: int) -> None:
        user, machine = booked.user or 0, booked.machine
        self._put(machine, booked.coins, sign)
        self.owed[user] += sign * booked.owed
        self.earned[user] += sign * booked.earned
        self.shop["bank"] += sign * booked.bank
        if booked.wallet is not None:
            self.wallets[booked.wallet] += sign * booked.cents
            self.seen[booked.wallet] += sign * booked.seen
            self.put_in[booked.wallet, machine] += sign * booked.put_in
            self.paid[booked.wallet, machine] += sign * booked.paid
        left = self.uncounted[machine]
        self.uncounted[machine] += booked.uncounted if sign > 0 else -min(left, booked.uncounted)

    def _payable_of(self, command: PayOut | PlaceOrder, cents: int) -> int:
        """A box whose coins count pays what was put in there, or what others than the owner have seen."""
        machine, wallet = command.machine_id, command.wallet
        if not self.boxes[machine] or self.is_staff(command.caller):
            return cents
        least = self.seen[wallet] + self.put_in[wallet, machine] - self.paid[wallet, machine]
        for other in self.boxes.keys() - {machine}:
            least -= max(self.paid[wallet, other] - self.put_in[wallet, other], 0)
        return min(cents, max(least, 0))

    def _payable(self, machine: int, cents: int) -> Callable[[Mapping[int, int]], None]:
        counted = self.boxes[machine]
        supply = {value: max(self.coins[machine, value], 0) if counted else None for value in COINS}
        least = fewest_by_table(cents, supply)[cents]
        need(least is not None)

        def check(coins: Mapping[int, int]) -> None:
            assert worth(coins) == cents
            assert sum(coins.values()) == least
            assert not counted or all(count <= self.coins[machine, v] for v, count in coins.items())

        return check

    def _put(self, machine: int, coins: Mapping[int, int], sign: int = 1) -> None:
        for value, count in coins.items():
            self.coins[machine, value] += sign * count

    # --- Orders

    def _place(self, command: PlaceOrder) -> Write:
        wallet, machine = command.wallet, command.machine_id
        self._may_use(command.caller, wallet)
        ref = ("order", wallet, command.client_ref)
        need(machine in self.boxes and ref not in self.refs)
        lines: dict[int, Piece] = {}
        for product, quantity in command.lines:
            goods = self.goods.get(product)
            need(goods is not None and goods.on_sale and 1 <= quantity <= self.stock[machine, product])
            assert goods is not None
            price = self.own_prices.get((machine, product)) or goods.price
            lines[product] = Piece(quantity, price, goods.seller, goods.refundable)
        total = sum(line.quantity * line.price for line in lines.values())
        tab = command.payment is Payment.TAB
        buyer = wallet.user_id
        if tab:
            need(buyer is not None and command.change is Change.KEEP)
            need(self.owed[buyer or 0] + total <= TAB_LIMIT)
        else:
            need(total <= self.wallets[wallet])
        keeps = tab or command.change is Change.KEEP
        back = 0 if keeps else self._payable_of(command, self.wallets[wallet] - total) // 5 * 5
        check = self._payable(machine, back)
        later = command.fulfil is Fulfil.LATER or (command.fulfil is None and tab)
        waiting = [one for one in self.orders.values() if one.wallet == wallet and one.placed and not one.tab]
        pieces = sum(line.left for one in waiting for line in one.lines.values())
        pieces += sum(line.quantity for line in lines.values())
        need(tab or not later or pieces <= 20)

        def write(answer: OrderPlaced) -> None:
            check(answer.change)
            assert answer.total_cents == total
            self._put(machine, answer.change, -1)
            self.paid[wallet, machine] += back
            done = None if later else self.now
            self.orders[answer.order_id] = Sold(wallet, machine, tab, later, self.now, done, lines)
            if command.client_ref is not None:
                self.refs.add(ref)
            if tab:
                self.owed[buyer or 0] += total
            else:
                self.wallets[wallet] -= total + back
            for product, line in lines.items():
                self.stock[machine, product] -= line.quantity
                self.earned[line.seller] += line.quantity * line.price

        return write

    def _rights(self, caller: Caller, order: Sold, lines: list[Piece]) -> set[str]:
        rights = set()
        if self.is_staff(caller):
            rights.add("staff")
        sells = lines and all(line.seller == user_of(caller) for line in lines)
        if user_of(caller) is not None and sells and "seller" in self.roles[user_of(caller) or 0]:
            rights.add("seller")
        own = user_of(caller) is not None and order.wallet.user_id == user_of(caller)
        own = own and "buyer" in self.roles[user_of(caller) or 0]
        guests = order.wallet.guest_id is not None and _machine_of(caller) == order.machine
        if own or guests:
            rights.add("buyer")
        need(rights)
        return rights

    def _before_handing_out(self, command: CancelOrder | ReduceOrder | Dispense) -> Write:
        order = self.orders.get(command.order_id)
        need(order is not None)
        assert order is not None
        if _machine_of(command.caller) is not None:
            need(order.machine == _machine_of(command.caller))
            rights = {"machine"}
        else:
            rights = self._rights(command.caller, order, list(order.lines.values()))
            need(rights & ({"staff", "seller"} if isinstance(command, Dispense) else {"staff", "buyer"}))
        need(order.placed)
        back = {product: line.left for product, line in order.lines.items()}
        whole = True
        if isinstance(command, ReduceOrder):
            need(all(quantity <= back.get(p, 0) for p, quantity in command.quantities.items()))
            back = {p: left - command.quantities.get(p, 0) for p, left in back.items()}
            whole = all(back[p] == line.left for p, line in order.lines.items())
        counts = any(back.values()) and not order.tab and not isinstance(command, Dispense)
        if counts and rights == {"buyer"}:
            need(all(line.refundable for p, line in order.lines.items() if back[p] or whole))
            need(self.now - order.made <= WINDOW and self._given_back_today(order) < 3)

        def write(_: OrderChanged) -> None:
            if counts and user_of(command.caller) == order.wallet.user_id:
                self.given_back.append((self.now, order.wallet))
            if isinstance(command, Dispense) and not command.failed:
                order.placed, order.done = False, self.now
                return
            order.placed = not whole
            self._take_back(order, back)

        return write

    def _refund(
        self, command: Refund | RefundNewest, order_id: int, quantities: Any, write_off: bool
    ) -> Write:
        caller, order = command.caller, self.orders.get(order_id)
        need(order is not None)
        assert order is not None
        if quantities is None:
            quantities = {product: line.left for product, line in order.lines.items() if line.left}
        chosen = [order.lines[p] for p in quantities or order.lines if p in order.lines]
        rights = self._rights(caller, order, chosen)
        need(not order.placed and quantities)
        seller = user_of(caller) if "seller" in rights and "staff" not in rights else None
        need(all(0 < q <= (order.lines[p].left if p in order.lines else 0) for p, q in quantities.items()))
        today = self._given_back_today(order)
        if rights == {"buyer"}:
            need(not write_off and all(line.refundable for line in chosen))
            need(order.done is not None and self.now - order.done <= WINDOW and today < 3)
        need(seller is None or self._is_covered(order, quantities, seller))

        def write(_: Refunded) -> None:
            self._take_back(order, quantities, write_off=write_off)
            if user_of(caller) == order.wallet.user_id:
                self.given_back.append((self.now, order.wallet))

        return write

    def _given_back_today(self, order: Sold) -> int:
        return sum(who == order.wallet and at > self.now - DAY for at, who in self.given_back)

    def _is_covered(self, order: Sold, quantities: Mapping[int, int], seller: int) -> bool:
        """Whether the seller has as much beyond what others may still take back, or do not pay."""
        after = copy.deepcopy(self)
        same = next(one for number, one in after.orders.items() if self.orders[number] is order)
        after._take_back(same, quantities)
        return after.earned[seller] >= after.held_back(seller)

    def _refund_newest(self, command: RefundNewest) -> Write:
        need(_machine_of(command.caller) is not None or self.is_staff(command.caller))
        need(command.wallet.guest_id)
        for order_id in sorted(self.orders, reverse=True):
            order = self.orders[order_id]
            line = order.lines.get(command.product_id)
            here = order.wallet == command.wallet and order.machine == command.machine_id
            if here and not order.placed and line is not None and line.left:
                return self._refund(command, order_id, {command.product_id: 1}, False)
        raise No

    def _unpaid(self, order: Sold) -> int:
        """What is owed for the order itself: settlements pay the oldest first."""
        newer = (one for one in reversed(self.orders.values()) if one.tab and one.wallet == order.wallet)
        owed = self.owed[order.wallet.user_id or 0] if order.tab else 0
        for one in newer:
            if one is order:
                break
            owed -= one.left_cents
        return min(max(owed, 0), order.left_cents)

    def _take_back(self, order: Sold, quantities: Mapping[int, int], *, write_off: bool = False) -> None:
        unpaid = self._unpaid(order)
        for product, quantity in quantities.items():
            line = order.lines[product]
            line.back += quantity
            cents = quantity * line.price
            self.earned[line.seller] -= cents
            off_tab = min(cents, unpaid)
            unpaid -= off_tab
            self.owed[order.wallet.user_id or 0] -= off_tab
            self.wallets[order.wallet] += cents - off_tab
            if not write_off and self.goods[product].on_sale:
                self.stock[order.machine, product] += quantity
        if order.wallet.user_id is not None and order.wallet.user_id not in self.roles:
            self.shop["unclaimed"] += self.wallets.pop(order.wallet, 0)  # Closed meanwhile.

    # --- Money without goods

    def _settle_tab(self, command: SettleTab) -> Write:
        need(self.is_staff(command.caller) and command.user_id in self.roles)
        user, wallet = command.user_id, wallet_of(command.user_id)
        owed = self.owed[user]
        if command.coins is not None:
            need(set(command.coins) <= set(COINS) and command.machine_id in self.boxes and owed)
            cents, ref = worth(command.coins), None
        else:
            cents, ref = command.amount_cents or 0, ("settlement", command.external_ref)
            need(ref not in self.refs and 1 <= cents <= owed)

        def write(answer: TabSettled) -> None:
            off = -min(cents, owed)
            if ref is not None:
                self.refs.add(ref)
                self._book(answer.transfer_id, Booked(user, owed=off, bank=-cents))
                return
            is_own = user_of(command.caller) == user
            self._book(
                answer.transfer_id,
                Booked(
                    user,
                    wallet=wallet,
                    cents=cents + off,
                    owed=off,
                    machine=command.machine_id,
                    coins=command.coins or {},
                    put_in=cents if is_own else 0,
                    seen=0 if is_own else cents,
                ),
            )

        return write

    def _money(self, command: SendMoney | TopUp | CloseWallet) -> Write:
        caller, wallet = command.caller, command.wallet
        own = user_of(caller) is not None and user_of(caller) == wallet.user_id
        held = self.wallets[wallet]
        need(wallet.user_id is None or wallet.user_id in self.roles)
        match command:
            case SendMoney(target=target, amount_cents=cents):
                need(own and "buyer" in self.roles[user_of(caller) or 0])
                need("buyer" in self.roles.get(target.user_id or 0, ()) and target != wallet)
                need(1 <= cents <= held)
            case TopUp(amount_cents=cents, external_ref=ref):
                need(self.is_staff(caller, "admin"))
                if own:
                    need("buyer" in self.roles[user_of(caller) or 0])
                need(("topup", ref) not in self.refs and cents >= 1)
            case CloseWallet(balance_cents=expected):
                need(own or self.is_staff(caller, "admin"))
                need(expected is None or expected == held)

        def write(answer: Any) -> None:
            match command:
                case SendMoney(target=target, amount_cents=cents):
                    self.wallets[wallet] -= cents
                    self.wallets[target] += cents
                case TopUp(amount_cents=cents, external_ref=ref):
                    assert isinstance(answer, MoneyMoved)
                    self.refs.add(("topup", ref))
                    into = Booked(
                        wallet.user_id, by_admin=True, wallet=wallet, cents=cents, bank=-cents, seen=cents
                    )
                    self._book(answer.transfer_id, into)
                case CloseWallet():
                    self.shop["unclaimed"] += held
                    self.wallets[wallet] = 0

        return write

    def payable(self, seller: int) -> int:
        """What of the earnings is handed out, past its window, and paid for."""
        return max(self.earned[seller] - self.held_back(seller), 0)

    def held_back(self, seller: int) -> int:
        """What is to be handed out, may come back, or is owed."""
        held_back = 0
        newer: Counter[int] = Counter()
        for order_id in sorted(self.orders, reverse=True):
            order = self.orders[order_id]
            buyer = order.wallet.user_id or 0
            unsettled = order.tab and newer[buyer] < self.owed[buyer]
            newer[buyer] += order.left_cents if order.tab else 0
            recent = order.done is not None and order.done >= self.now - WINDOW
            for line in order.lines.values():
                if line.seller == seller and (order.placed or unsettled or (recent and line.refundable)):
                    held_back += line.left * line.price
        return held_back

    def _pay_seller(self, command: PaySeller) -> Write:
        ref = ("pay", command.external_ref)
        need(self.is_staff(command.caller, "admin") and ref not in self.refs)
        need(command.seller_id in self.roles)
        payable = self.payable(command.seller_id)
        need(command.amount_cents is None or command.amount_cents >= 1)
        cents = command.amount_cents or payable
        need(1 <= cents <= payable)
        there = sum(value * count for (_, value), count in self.coins.items()) - self.shop["bank"]
        need(command.confirm_uncovered or cents <= there - self.uncounted.total())

        def write(answer: SellerPaid) -> None:
            assert answer.payable_cents == payable - cents
            self.refs.add(ref)
            out = Booked(command.seller_id, by_admin=True, earned=-cents, bank=cents)
            self._book(answer.transfer_id, out)

        return write

    def _reverse(self, command: ReverseTransfer) -> Write:
        booked = self.booked.get(command.transfer_id)
        need(self.is_staff(command.caller) and booked is not None and command.reason.strip())
        assert booked is not None
        need(not booked.is_reversed and (booked.user is None or booked.user in self.roles))
        need(not booked.by_admin or self.is_staff(command.caller, "admin"))
        held = self.wallets[booked.wallet] if booked.wallet is not None else 0
        lacks = max(booked.cents - held, 0)
        need(not lacks or (command.owe and booked.user is not None))
        if self.boxes.get(booked.machine):
            need(all(count <= max(self.coins[booked.machine, v], 0) for v, count in booked.coins.items()))

        def write(_: object) -> None:
            booked.is_reversed = True
            self._move(booked, -1)
            if lacks and booked.wallet is not None:
                self.wallets[booked.wallet] += lacks
                self.owed[booked.user or 0] += lacks

        return write

    def _close_user(self, command: CloseUser) -> Write:
        user, wallet = command.user_id, wallet_of(command.user_id)
        need(user_of(command.caller) == user or self.is_staff(command.caller, "admin"))
        need(user in self.roles and not self.earned[user] and not self.owed[user])
        own = [product for product, goods in self.goods.items() if goods.on_sale and goods.seller == user]
        need(not any(left for (_, product), left in self.stock.items() if product in own))
        need(any("admin" in held for other, held in self.roles.items() if other != user))

        def write(answer: UserClosed) -> None:
            assert answer.amount_cents == self.wallets[wallet]
            self.shop["unclaimed"] += self.wallets[wallet]
            self.wallets[wallet] = 0
            for product in own:
                self.goods[product].on_sale = False
            del self.roles[user]

        return write

    # --- Machines

    def _box(self, command: FillCoins | CollectCoins | CountCoins) -> Write:
        need(self.is_staff(command.caller) and command.machine_id in self.boxes)
        machine = command.machine_id
        named = command.counted if isinstance(command, CountCoins) else command.coins
        need(set(named) <= set(COINS))
        if isinstance(command, CollectCoins) and self.boxes[machine]:
            need(all(count <= self.coins[machine, value] for value, count in named.items()))

        def write(_: object) -> None:
            if isinstance(command, CountCoins):
                for value in COINS:
                    self.shop["over_short"] += (named[value] - self.coins[machine, value]) * value
                    self.coins[machine, value] = named[value]
                self.uncounted[machine] = 0
                return
            if isinstance(command, CollectCoins):
                self.uncounted[machine] -= min(self.uncounted[machine], worth(named))
            sign = 1 if isinstance(command, FillCoins) else -1
            self._put(machine, named, sign)
            self.shop["bank"] += sign * worth(named)

        return write

    def _shelves(self, command: MoveStock | SetShelves) -> Write:
        if isinstance(command, SetShelves):
            need(self.is_staff(command.caller, "admin") and command.machine_id in self.boxes)
            need(all(p.product_id in self.goods and self.goods[p.product_id].on_sale for p in command.plans))
        else:
            self._own_goods(command.caller, command.product_id)
            need(command.machine_id in self.boxes and command.target_id in self.boxes)
            need(command.machine_id != command.target_id)
            need(1 <= command.quantity <= self.stock[command.machine_id, command.product_id])

        def write(_: object) -> None:
            if isinstance(command, SetShelves):
                for machine, product in list(self.own_prices):
                    if machine == command.machine_id:
                        del self.own_prices[machine, product]
                for plan in command.plans:
                    self.own_prices[command.machine_id, plan.product_id] = plan.price_cents
                return
            self.stock[command.machine_id, command.product_id] -= command.quantity
            self.stock[command.target_id, command.product_id] += command.quantity

        return write

    # --- Products

    def _own_goods(self, caller: Caller, product: int) -> Inventory:
        goods = self.goods.get(product)
        need(goods is not None and goods.on_sale)
        assert goods is not None
        if not self.is_staff(caller, "admin"):
            need(user_of(caller) is not None and goods.seller == user_of(caller))
            need("seller" in self.roles[user_of(caller) or 0])
        return goods

    def _is_free(self, name: str, *, besides: Inventory | None = None) -> bool:
        return not any(g.on_sale and g.name == name for g in self.goods.values() if g is not besides)

    def _catalogue(self, command: AddProduct | ChangeProduct | Restock | RemoveProduct) -> Write:
        match command:
            case AddProduct():
                house = command.for_house
                need(self.is_staff(command.caller, *(("admin",) if house else ("seller",))))
                need(command.machine_id in self.boxes and command.price_cents >= 1)
                need(self._is_free(command.name))
                seller = None if house else user_of(command.caller)
                return lambda answer: self._add(command, seller, answer.product_id)
            case ChangeProduct():
                goods = self._own_goods(command.caller, command.product_id)
                need(command.machine_id in self.boxes)
                need(command.version in (None, goods.version))
                need(command.price_cents is None or command.price_cents >= 1)
                need(command.name is None or self._is_free(command.name, besides=goods))
                return lambda _: self._change(command, goods)
            case Restock():
                self._own_goods(command.caller, command.product_id)
                need(command.quantity >= 1 and command.machine_id in self.boxes)
                shelf = (command.machine_id, command.product_id)
                return lambda _: self.stock.update({shelf: command.quantity})
            case RemoveProduct():
                goods = self._own_goods(command.caller, command.product_id)
                need(command.version in (None, goods.version))
                return lambda _: self._remove(command.product_id, goods)
            case _:
                raise AssertionError(f"the model does not know {command.tag}")

    def _changes(self, command: ChangeProducts) -> Write:
        """One after the other, on a copy: each step sees what the last has done."""
        trial = copy.deepcopy(self)
        for step in command.steps:
            assert isinstance(step, ChangeProduct)  # Who adds by lists is told no ids.
            trial.decide(step)(None)

        def write(_: ProductsChanged) -> None:
            self.goods, self.stock = trial.goods, trial.stock

        return write

    def _add(self, command: AddProduct, seller: int | None, product: int) -> None:
        self.goods[product] = Inventory(command.name, command.price_cents, seller, command.refundable)
        self.stock[command.machine_id, product] = command.stock

    def _change(self, command: ChangeProduct, goods: Inventory) -> None:
        before = (goods.name, goods.price, goods.refundable)
        goods.name = command.name or goods.name
        goods.price = command.price_cents or goods.price
        goods.refundable = goods.refundable if command.refundable is None else command.refundable
        goods.version += before != (goods.name, goods.price, goods.refundable)
        if command.stock is not None:
            self.stock[command.machine_id, command.product_id] = command.stock

    def _remove(self, product: int, goods: Inventory) -> None:
        goods.on_sale = False
        for shelf in self.stock:
            if shelf[1] == product:
                self.stock[shelf] = 0


def _machine_of(caller: Caller) -> int | None:
    return caller.machine_id if isinstance(caller, MachineCaller) else None
