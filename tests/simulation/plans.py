"""What the clients of a history ask for: a plan is drawn from a seed, a command when it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.simulation.stage import ORDERS, PRODUCTS, Stage
from tests.till.registering import register
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Change, Fulfil, Payment
from tuckshop.till.callers import OPERATOR, Caller, SessionCaller
from tuckshop.till.commands.base import Command, Envelope
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import CancelOrder, Dispense, OrderPlaced, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, ProductRecord, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund, RefundNewest
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
from tuckshop.till.commands.users import CloseUser, Register
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit, PaidOut, PayOut

STEPS_MIN, STEPS_MAX = 6, 16
WEIGHTS = {
    "order": 26,
    "refund": 12,
    "undo": 9,
    "settle_tab": 7,
    "reverse": 6,
    "deposit": 8,
    "pay_out": 4,
    "product_command": 14,
    "add_product": 5,
    "money": 9,
    "pay_seller": 4,
    "coins": 6,
    "shelves": 9,
    "guest": 8,
    "register": 5,
    "close_user": 4,
}
"""Kinds of commands, and how often each is asked for."""

MEETINGS = {
    ("settle_tab",): 1,
    ("close_user",): 2,
    ("add_product", "close_user"): 4,
    ("pay_seller",): 1,
    ("product_command", "shelves"): 3,
    ("order", "product_command"): 2,
    ("shelves",): 1,
    ("coins", "pay_out"): 1,
    ("guest",): 1,
}
"""Kinds that want the same rows, and how often they are all that a plan asks for.

By chance alone, some would meet once in a thousand histories.
"""


@dataclass(frozen=True)
class Step:
    """One command of one client; its `seed` says which, given what is known when it is sent."""

    client: int
    seed: int
    key: str | None


@dataclass(frozen=True)
class Plan:
    """A history before it happens.

    `trouble`: at one in so many statements something fails, 0 for never. `kinds`: what is asked for; few of
    them, so that the same rows are wanted by many.
    """

    seed: int
    tills: int
    trouble: int
    kinds: frozenset[str]
    steps: tuple[Step, ...]


def plan_of(seed: int) -> Plan:
    """The plan with this number."""
    dice = Random(seed)
    (meeting,) = dice.choices([*MEETINGS, None], [*MEETINGS.values(), sum(MEETINGS.values()) // 3])
    clients = dice.randint(2, 5) if meeting is None else 5
    steps = tuple(
        Step(
            dice.randrange(clients),
            dice.randrange(2**32),
            dice.choice((None, f"key {place}", f"key {place}", "key")),
        )
        for place in range(dice.randint(STEPS_MIN, STEPS_MAX))
    )
    kinds = frozenset(dice.sample(sorted(WEIGHTS), dice.choice((1, 2, 3, 4, len(WEIGHTS)))))
    tills = dice.choice((1, 2, 2, 2, 3, 3))
    if meeting is not None:
        kinds, tills = frozenset(meeting), max(tills, 2)
    return Plan(seed, tills, dice.choice((0, 0, 60, 150)), kinds, steps)


@dataclass
class Known:
    """What has come of the commands so far."""

    orders: list[int] = field(default_factory=lambda: list(ORDERS))
    products: list[int] = field(default_factory=lambda: list(PRODUCTS))
    transfers: list[int] = field(default_factory=lambda: [1, 2, 999])  # of the stage, and none

    def learn(self, answer: object) -> None:
        """Numbers of what is there now."""
        if isinstance(answer, OrderPlaced) and answer.order_id not in self.orders:
            self.orders.append(answer.order_id)
        elif isinstance(answer, ProductRecord) and answer.product_id not in self.products:
            self.products.append(answer.product_id)
        elif isinstance(answer, CoinsDeposited | PaidOut | TabSettled | MoneyMoved | SellerPaid):
            self.transfers.append(answer.transfer_id)


def envelope_of(step: Step, plan: Plan, stage: Stage, known: Known) -> Envelope:
    """The command of a step."""
    command = _Dice(step, stage, known).command(plan.kinds)
    return Envelope(command, step.key, repr(command).encode())


class _Dice:
    """One command by chance."""

    def __init__(self, step: Step, stage: Stage, known: Known) -> None:
        self.random = Random(step.seed)
        self.people = stage.people
        self.guests = stage.guests
        self.known = known

    def command(self, kinds: frozenset[str]) -> Command:
        names = sorted(kinds)
        (name,) = self.random.choices(names, [WEIGHTS[one] for one in names])
        command: Command = getattr(self, name)()
        return command

    def order(self) -> PlaceOrder:
        buyer = self.buyer()
        lines = {self.product(): self.random.choice((1, 1, 2)) for _ in range(self.random.choice((1, 1, 2)))}
        return PlaceOrder(
            self.somebody(buyer),
            wallet_of(buyer.user_id),
            tuple(lines.items()),
            self.random.choice((Change.KEEP, Change.KEEP, Change.RETURN)),
            self.random.choice((None, None, None, "ref 1")),
            machine_id=self.random.choice((1, 1, 1, 2)),
            payment=Payment.TAB
            if buyer is self.people.tom
            else self.random.choice((Payment.WALLET, Payment.WALLET, Payment.WALLET, Payment.TAB)),
            fulfil=self.random.choice((None, None, Fulfil.NOW, Fulfil.LATER)),
            named=((self.name(), 1),) if self.once_in(8) else (),
        )

    def refund(self) -> Refund:
        quantities = self.random.choice((None, None, {self.product(): 1}))
        caller = self.random.choice(
            (self.people.cashier, self.people.admin, self.people.ada, self.people.bob)
        )
        return Refund(caller, self.order_id(), quantities, self.reason(), self.once_in(4))

    def undo(self) -> CancelOrder | ReduceOrder | Dispense:
        caller, order_id = self.random.choice((self.people.admin, self.people.bob)), self.order_id()
        match self.random.randrange(4):
            case 0:
                return CancelOrder(caller, order_id, self.reason())
            case 1:
                return ReduceOrder(caller, order_id, {self.product(): self.random.randint(0, 1)})
            case _:
                return Dispense(self.people.admin, order_id, self.once_in(3))

    def settle_tab(self) -> SettleTab:
        user_id = self.random.choice((self.people.tom, self.people.tom, self.people.bob)).user_id
        caller = self.somebody(self.people.cashier)
        if self.once_in(2):
            return SettleTab(caller, user_id, coins={self.random.choice((5, 20, 50)): 1})
        return SettleTab(
            caller, user_id, amount_cents=self.random.choice((1, 13)), external_ref=self.bank_ref()
        )

    def reverse(self) -> ReverseTransfer:
        caller = self.somebody(self.random.choice((OPERATOR, self.people.cashier, self.people.admin)))
        return ReverseTransfer(caller, self.random.choice(self.known.transfers), "typed", self.once_in(2))

    def deposit(self) -> Deposit:
        buyer = self.buyer()
        caller = self.somebody(self.random.choice((buyer, self.people.cashier)))
        return Deposit(caller, wallet_of(buyer.user_id), {self.random.choice((5, 20, 50)): 1}, self.machine())

    def pay_out(self) -> PayOut:
        buyer = self.buyer()
        return PayOut(self.somebody(buyer), wallet_of(buyer.user_id), self.machine())

    def add_product(self) -> AddProduct:
        people = self.people
        caller = self.somebody(self.random.choice((OPERATOR, OPERATOR, people.sid, people.sue)))
        sid = people.sid.user_id  # Who may be leaving.
        owned = self.random.choice((sid, sid, sid, people.sam.user_id, None))
        return AddProduct(
            caller,
            self.random.choice((self.name(), f"new {self.random.randrange(9)}")),
            self.random.choice((7, 20)),
            self.random.randint(0, 2),
            for_house=caller is OPERATOR and owned is None,
            seller_id=owned if caller is OPERATOR else None,
            barcode=self.random.choice((None, "12345678")),
        )

    def product_command(self) -> ChangeProduct | Restock | RemoveProduct:
        caller = self.somebody(self.random.choice((OPERATOR, self.people.sam, self.people.sue)))
        match self.random.randrange(9):
            case 0 | 1 | 2 | 3:
                return ChangeProduct(
                    caller,
                    self.product(),
                    self.random.choice((None, None, 1, 2)),
                    name=self.random.choice((None, self.name())),
                    price_cents=self.random.choice((None, 7, 20)),
                    stock=self.random.choice((None, None, 0, 2)),
                    machine_id=self.machine(),
                )
            case 4:
                return RemoveProduct(caller, self.product())
            case _:
                return Restock(caller, self.product(), self.random.randint(1, 2), machine_id=self.machine())

    def money(self) -> SendMoney | TopUp | CloseWallet:
        buyer, other = self.buyer(), self.buyer()
        admin = self.random.choice((OPERATOR, self.people.admin))
        cents = self.random.choice((1, 20))
        match self.random.randrange(4):
            case 0 | 1:
                return SendMoney(
                    self.somebody(buyer), wallet_of(buyer.user_id), wallet_of(other.user_id), cents
                )
            case 2:
                return TopUp(admin, wallet_of(buyer.user_id), cents, self.bank_ref())
            case _:
                return CloseWallet(self.somebody(buyer), wallet_of(buyer.user_id))

    def pay_seller(self) -> PaySeller:
        seller_id = self.random.choice((self.people.sam, self.people.sam, self.people.sue)).user_id
        cents = self.random.choice((None, 20, 20))
        return PaySeller(self.random.choice((OPERATOR, self.people.admin)), seller_id, self.bank_ref(), cents)

    def coins(self) -> FillCoins | CollectCoins | CountCoins:
        cashier, machine = self.somebody(self.people.cashier), self.machine()
        some = {self.random.choice((5, 20, 50)): 1}
        counted = {value: self.random.randrange(3) for value in (5, 10, 20, 50, 100)}
        return self.random.choice(
            (
                FillCoins(cashier, machine, some),
                CollectCoins(cashier, machine, some),
                CountCoins(cashier, machine, counted, self.reason()),
            )
        )

    def shelves(self) -> MoveStock | SetShelves:
        if self.once_in(3):
            there, back = self.random.choice(((1, 2), (1, 2), (2, 1)))
            return MoveStock(self.somebody(OPERATOR), there, back, self.product(), 1)
        products = self.random.sample((1, 1, 2, 2, 3), self.random.choice((1, 1, 2)))
        plans = {product: self.random.choice((None, "A", "B")) for product in products}
        return SetShelves(
            OPERATOR,
            self.random.choice((1, 2, 2, 3, 3)),
            tuple(ShelfPlan(one, slot, None, None, 7) for one, slot in plans.items()),
        )

    def guest(self) -> Deposit | PayOut | PlaceOrder | RefundNewest:
        ref: AccountRef = self.random.choice(self.guests)
        served = self.people.hall.serving(ref.guest_id or 0)
        match self.random.randrange(6):
            case 0 | 1:
                return Deposit(served, ref, {50: 1}, 2)
            case 2 | 3:
                return PlaceOrder(served, ref, ((self.product(), 1),), machine_id=2)
            case 4:
                return RefundNewest(served, ref, self.product(), 2)
            case _:
                return PayOut(served, ref, 2)

    def register(self) -> Register:
        name = self.random.choice(("dan", "Dan", "eve"))
        email = self.random.choice((None, "dan@example.org"))
        return register(name, email, coins=self.random.choice((None, {50: 1})))

    def close_user(self) -> CloseUser:
        people = self.people
        others = people.tom, people.bob, people.admin, people.ruth
        who = self.random.choice((people.sid, self.random.choice(others)))
        return CloseUser(self.random.choice((who, people.admin, people.ruth)), who.user_id)

    # --- Who and what

    def buyer(self) -> SessionCaller:
        people = self.people
        return self.random.choice((people.ada, people.ada, people.bob, people.tom, people.tom, people.cleo))

    def somebody(self, right: Caller) -> Caller:
        """Mostly the right one."""
        return self.random.choice(self.people) if self.once_in(16) else right

    def product(self) -> int:
        return self.random.choice((1, 1, 1, 2, *self.known.products))

    def order_id(self) -> int:
        return self.random.choice((2, 4, *self.known.orders, *self.known.orders[-2:]))

    def machine(self) -> int:
        return self.random.choice((1, 1, 2))

    def name(self) -> str:
        return self.random.choice(("cola", "tea", "Tea", "nuts"))

    def bank_ref(self) -> str:
        return self.random.choice(("bank 1", "bank 2", "bank 3"))

    def reason(self) -> str | None:
        return self.random.choice((None, "warm"))

    def once_in(self, times: int) -> bool:
        return self.random.randrange(times) == 0
