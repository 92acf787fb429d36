"""Whoever is in a shop and all that may happen there, each step in the shop and in the model at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sqlalchemy import text

from tests.shop import NOON_US, Shop, open_shop
from tests.till.histories import EMPTIED, reopened
from tests.till.model import CAP, COINS, CREDIT, CREDIT_HOURLY, TAB_LIMIT, Model, No
from tuckshop.domain.ledger import AccountRef, wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Change, Fulfil, Payment
from tuckshop.domain.refusals import KeyReused, Refusal, SessionEnded
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import OPERATOR, Caller, MachineCaller, SessionCaller, user_of
from tuckshop.till.commands.base import Command, Envelope, Outcome
from tuckshop.till.commands.imports import ChangeProducts
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import CancelOrder, Dispense, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund, RefundNewest
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import CloseWallet, PaySeller, ReverseTransfer, SendMoney, TopUp
from tuckshop.till.commands.users import CloseUser
from tuckshop.till.commands.wallet import Deposit, PayOut
from tuckshop.till.sql.account_ids import AccountIds

STATE = text(
    "SELECT kind, user_id, guest_id, machine_id, balance_cents FROM accounts"
    " UNION ALL SELECT 'coins', machine_id, value_cents, NULL, count FROM coin_boxes"
    " UNION ALL SELECT 'shelf', machine_id, product_id, NULL, quantity FROM shelves"
    " UNION ALL SELECT 'order', o.id, CASE WHEN o.status = 'placed' THEN 1 ELSE 0 END, NULL,"
    " sum((l.quantity - l.refunded_quantity) * l.price_cents)"
    " FROM orders o JOIN order_lines l ON l.order_id = o.id GROUP BY o.id, o.status"
)


@dataclass
class Stage:
    """One shop for all examples, everybody in it, and where its books begin anew."""

    shop: Shop
    people: dict[str, Caller]
    guests: tuple[AccountRef, AccountRef]
    hall: int

    async def clear(self) -> None:
        async with writing(self.shop.engine) as connection:
            for table in EMPTIED:
                await connection.execute(text(f"DELETE FROM {table}"))
            for table in ("coin_boxes SET count = 0", *reopened(self.people)):
                await connection.execute(text(f"UPDATE {table}"))
        self.shop.till._books._account_ids = AccountIds()  # type: ignore[attr-defined]
        self.shop.clock.now_us = NOON_US

    async def state(self) -> dict[tuple[Any, ...], int]:
        async with reading(self.shop.engine) as connection:
            rows = (await connection.execute(STATE)).all()
        return {tuple(ref): int(figure) for *ref, figure in rows if figure}


@asynccontextmanager
async def open_stage(url: str) -> AsyncIterator[Stage]:
    async with open_shop(
        url, coins=CoinsPolicy.SELF, tab_limit_cents=TAB_LIMIT, coins_daily_cap_cents=CAP
    ) as shop:
        roles = {
            "ada": (Role.BUYER,),
            "bob": (Role.BUYER,),
            "sam": (Role.SELLER,),
            "sue": (Role.SELLER, Role.BUYER),
            "cas": (Role.CASHIER,),
            # Staff with money of their own: what they do for others must not touch it.
            "kim": (Role.CASHIER, Role.BUYER),
            "root": (Role.ADMIN, Role.BUYER),
        }
        people: dict[str, Caller] = {name: await shop.person(name, *held) for name, held in roles.items()}
        hall = await shop.machine()
        people["hall"] = await shop.machine_key(hall)
        people["operator"] = OPERATOR
        ada = people["ada"]
        assert isinstance(ada, SessionCaller)
        await shop.log_in_at(hall, ada)
        await shop.execute(
            "UPDATE machines SET deposit_cents_max = :once, hourly_deposit_cents_max = :hourly"
            " WHERE id = :id",
            once=CREDIT,
            hourly=CREDIT_HOURLY,
            id=hall,
        )
        yield Stage(shop, people, (await shop.guest("door"), await shop.guest("ada")), hall)


class ShopMachine(RuleBasedStateMachine):
    """What may happen next. A seed a step: commands that are too simple never get past the first refusal."""

    stage: ClassVar[Stage]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.runner.run(self.stage.clear())
        self.people = self.stage.people
        ids = {name: user_of(caller) or 0 for name, caller in self.people.items()}
        roles = {"ada": "buyer", "bob": "buyer", "sam": "seller", "sue": "seller buyer"}
        roles |= {"cas": "cashier", "kim": "cashier buyer", "root": "admin buyer"}
        self.model = Model(
            {ids[name]: set(held.split()) for name, held in roles.items()},
            {1: False, self.stage.hall: True},
            now=NOON_US,
            present={(ids["ada"], self.stage.hall)},
        )
        self.answers: dict[tuple[str, str], tuple[bytes, object]] = {}
        self.sent: list[Envelope] = []
        self.made_by: dict[tuple[str, int], int | None] = {}
        self.dice = Random(0)
        self.first = 0

    def settle(self, command: Command, *, key: str | None = None) -> None:
        """The shop and the model, side by side."""
        self.send(Envelope(command, key, repr(command).encode()))

    def send(self, *envelopes: Envelope) -> None:
        """One batch, in this order."""
        outcomes = self.runner.run(self.stage.shop.till.execute_together(envelopes))
        for envelope, outcome in zip(envelopes, outcomes, strict=True):
            self.compare(envelope, outcome)
        assert self.runner.run(self.stage.state()) == self.model.balances(), envelopes

    def compare(self, envelope: Envelope, outcome: Outcome) -> None:
        command, key = envelope.command, envelope.key
        self.sent.append(envelope)
        known = None if key is None else self.answers.get((command.caller.scope, key))
        user_id = user_of(command.caller)
        gone = user_id is not None and user_id not in self.model.roles
        if gone or getattr(command.caller, "key_hash", None) == b"wrong":
            assert outcome.answer == SessionEnded()
        elif known is None:
            assert not outcome.replayed
            self.decide(command, outcome.answer)
            if key is not None:
                self.answers[command.caller.scope, key] = (envelope.fingerprint, outcome.answer)
        elif known[0] == envelope.fingerprint:
            assert (outcome.replayed, outcome.answer) == (True, known[1])
        else:
            assert outcome.answer == KeyReused(key=key or "")

    def decide(self, command: Command, answer: object) -> None:
        try:
            write = self.model.decide(command)
        except No:
            assert isinstance(answer, Refusal), (command, answer)
        else:
            assert not isinstance(answer, Refusal), (command, answer)
            write(answer)
            for name in ("order_id", "refund_id", "transfer_id"):
                if number := getattr(answer, name, None):
                    self.made_by.setdefault((name, number), user_of(command.caller))

    def act(self, *choices: Callable[[], Command]) -> None:
        """One of these; of staff with money of their own, mostly in one batch with what they do with that."""
        command = self.dice.choice(choices)()
        key = self.dice.choice((None, None, f"k{self.dice.randrange(8)}"))
        batch = [Envelope(command, key, repr(command).encode())]
        people = self.people["kim"], self.people["root"]
        if self.dice.random() < (0.8 if command.caller in people else 0.1):
            own = self._own_affair(command.caller if command.caller in people else self.dice.choice(people))
            batch.insert(self.dice.randrange(2), Envelope(own, None, repr(own).encode()))
        self.send(*batch)

    def _own_affair(self, by: Caller) -> Command:
        wallet = wallet_of(user_of(by) or 0)
        if self.dice.random() < 0.2:
            return Deposit(by, wallet, {self.dice.choice((5, 50)): 1})
        payment = self.dice.choice((Payment.WALLET, Payment.TAB, Payment.TAB))
        return PlaceOrder(by, wallet, self.lines(1), payment=payment)

    # --- Who and what

    def by(self, *right: str) -> Caller:
        """Mostly one of the right people; now and then anybody, or a machine with a wrong key."""
        if self.dice.random() < 0.1:
            liar = MachineCaller(self.stage.hall, b"wrong")
            return self.dice.choice((*self.people.values(), liar))
        return self.people[self.dice.choice(right)]

    def purse(self) -> tuple[Caller, AccountRef, int]:
        """Somebody at a wallet, and where: buyers at their own, machines at their guests', staff at any."""
        if self.dice.random() < 0.3:
            guest = self.dice.choice(self.stage.guests)
            caller = self.by("hall", "hall", "hall", "kim")
            if isinstance(caller, MachineCaller) and self.dice.random() < 0.8:
                caller = caller.serving(guest.guest_id or 0)
            return caller, guest, self.dice.choice((self.stage.hall,) * 4 + (1,))
        name = self.dice.choice(("ada", "ada", "bob", "sue", "kim"))
        wallet = wallet_of(user_of(self.people[name]) or 0)
        return self.by(name, name, name, "cas", "kim", "kim", "root"), wallet, self.machine()

    def machine(self) -> int:
        return self.dice.choice((*(1, self.stage.hall) * 10, 99))

    def product(self) -> int:
        on_sale = [product for product, goods in self.model.goods.items() if goods.on_sale]
        return self.dice.choice([*on_sale * 6, *self.model.goods, 10**9])

    def placed_id(self) -> int:
        placed = [order for order, sold in self.model.orders.items() if sold.placed]
        return self.dice.choice([*placed * 6, self.order_id()])

    def order_id(self) -> int:
        newest = sorted(self.model.orders)[-5:]
        return self.dice.choice([*newest * 4, 10**9])

    def some(self, *values: int) -> dict[int, int]:
        return {self.dice.choice(values): self.dice.choice((1, 1, 2, 3)) for _ in range(2)}

    def lines(self, machine: int) -> tuple[tuple[int, int], ...]:
        there = [product for (place, product), left in self.model.stock.items() if left and place == machine]
        known = [*there * 4, self.product()]
        kinds = self.dice.choice((1, 1, 2))
        chosen = {self.dice.choice(known): self.dice.choice((1, 1, 1, 2, 3)) for _ in range(kinds)}
        return tuple(chosen.items())

    def user(self, *names: str) -> int:
        return user_of(self.people[self.dice.choice(names)]) or 0

    # --- What happens

    @initialize(seed=st.integers(0, 2**32 - 1))
    def opens(self, seed: int) -> None:
        self.first = seed
        sam, sue, root = (self.people[name] for name in ("sam", "sue", "root"))
        self.settle(AddProduct(sam, "cola", 35, 12))
        self.settle(AddProduct(sue, "crisps", 50, 6, machine_id=self.stage.hall))
        self.settle(AddProduct(OPERATOR, "gum", 13, 13, False, for_house=True))
        cola, _, gum = self.model.goods
        self.settle(MoveStock(root, 1, self.stage.hall, cola, 3))
        self.settle(MoveStock(root, 1, self.stage.hall, gum, 3))
        self.settle(FillCoins(root, self.stage.hall, {5: 3, 20: 2, 50: 1}))
        own = (wallet_of(self.user(name)) for name in ("ada", "bob", "kim", "root"))
        for purse in (*self.stage.guests, *own):
            self.settle(Deposit(OPERATOR, purse, {100: 2}, self.stage.hall))
        for name in ("ada", "bob", "kim", "root"):
            by = self.people[name]
            lines = ((cola, 1), (gum, 1))
            tab = PlaceOrder(by, wallet_of(user_of(by) or 0), lines, payment=Payment.TAB, fulfil=Fulfil.NOW)
            self.settle(tab)

    @rule(seed=st.integers(0, 2**32 - 1))
    def something_happens(self, seed: int) -> None:
        """One rule for all: of many, Hypothesis leaves half out, and a pay-out needs all before it."""
        # Each step of its own: left alone, Hypothesis takes the same seed for several.
        self.dice = Random(f"{self.first} {seed} {len(self.sent)}")
        (happening,) = self.dice.choices(list(self.HAPPENINGS), list(self.HAPPENINGS.values()))
        happening(self)

    def buys(self) -> None:
        self.act(self._order)

    def buys_on_the_tab(self) -> None:
        self.act(self._order_on_tab)

    def _order(self) -> Command:
        caller, wallet, machine = self.purse()
        return PlaceOrder(
            caller,
            wallet,
            self.lines(machine),
            self.dice.choice((Change.KEEP, Change.KEEP, Change.KEEP, Change.RETURN)),
            self.dice.choice((None, None, None, f"r{self.dice.randrange(4)}")),
            machine,
            fulfil=self.dice.choice((None, None, None, Fulfil.NOW, Fulfil.LATER)),
        )

    def _order_on_tab(self) -> Command:
        caller, wallet, machine = self.purse()
        fulfil = self.dice.choice((None, Fulfil.NOW))
        return PlaceOrder(
            caller, wallet, self.lines(machine), machine_id=machine, payment=Payment.TAB, fulfil=fulfil
        )

    def gives_back(self) -> None:
        self.act(self._refund, self._refund, self._refund_newest)

    def _refund(self) -> Command:
        order = self.order_id()
        by = self._whose(order, "sam", "sue", "cas", "kim", "kim", "root", "root", "hall")
        return Refund(by, order, self._quantities(order), None, self.dice.random() < 0.2)

    def _whose(self, order: int, *others: str) -> Caller:
        """Mostly whose order it is: a guest's is the machine's."""
        sold = self.model.orders.get(order)
        if sold is None or self.dice.random() < 0.4:
            return self.by(*others)
        names = {user_of(caller): name for name, caller in self.people.items() if user_of(caller)}
        return self.by(names.get(sold.wallet.user_id, "hall"))

    def _quantities(self, order: int) -> dict[int, int] | None:
        if order not in self.model.orders or self.dice.random() < 0.4:
            return None
        lines = list(self.model.orders[order].lines)
        return {self.dice.choice(lines): self.dice.choice((1, 1, 2))}

    def _refund_newest(self) -> Command:
        caller, wallet, machine = self.purse()
        guests = [order for order in self.model.orders.values() if order.wallet.guest_id is not None]
        if not guests or self.dice.random() < 0.2:
            return RefundNewest(caller, wallet, self.product(), machine)
        order = self.dice.choice(guests)
        by = self.by("hall", "hall", "hall", "kim")
        return RefundNewest(by, order.wallet, self.dice.choice(list(order.lines)), order.machine)

    def hands_out_or_does_not(self) -> None:
        self.act(self._dispense, self._cancel, self._reduce)

    def _dispense(self) -> Command:
        by = self.by("sam", "sue", "cas", "kim", "root", "hall")
        return Dispense(by, self.placed_id(), self.dice.random() < 0.3)

    def _cancel(self) -> Command:
        order = self.placed_id()
        return CancelOrder(self._whose(order, "ada", "cas", "kim"), order)

    def _reduce(self) -> Command:
        order = self.placed_id()
        known = self.model.orders.get(order)
        kept = (
            {p: self.dice.choice((0, line.left, line.left, 1)) for p, line in known.lines.items()}
            if known
            else {}
        )
        return ReduceOrder(self._whose(order, "ada", "cas", "kim"), order, kept)

    def puts_coins_in(self) -> None:
        def deposit() -> Command:
            caller, wallet, machine = self.purse()
            return Deposit(caller, wallet, self.some(*COINS * 4, 7), machine)

        self.act(deposit)

    def takes_money(self) -> None:
        def pay_out() -> Command:
            return PayOut(*self.purse())

        def close() -> Command:
            _, wallet, _ = self.purse()
            return CloseWallet(self.by("root", "root", "ada"), wallet, None, self.dice.choice((None, 0, 65)))

        self.act(pay_out, close)

    def moves_money(self) -> None:
        def ref() -> str:
            return f"bank {self.dice.randrange(4)}"

        def send() -> Command:
            sender = self.dice.choice(("ada", "bob", "sue"))
            target = wallet_of(self.user("ada", "bob", "sam", "sue"))
            cents = self.dice.choice((0, 1, 20, 300))
            return SendMoney(self.by(sender), wallet_of(self.user(sender)), target, cents)

        def top_up() -> Command:
            _, wallet, _ = self.purse()
            return TopUp(self.by("root", "operator"), wallet, self.dice.choice((0, 7, 200)), ref())

        def settle_tab() -> Command:
            user, by = self.user("ada", "bob", "sue", "kim"), self.by("cas", "kim", "kim", "root", "operator")
            if self.dice.random() < 0.5:
                return SettleTab(by, user, coins=self.some(5, 50, 100), machine_id=self.machine())
            return SettleTab(by, user, amount_cents=self.dice.choice((0, 13, 35, 50)), external_ref=ref())

        self.act(send, top_up, settle_tab, settle_tab)

    def pays_a_seller(self) -> None:
        def pay() -> Command:
            cents = self.dice.choice((None, None, 0, 20, 35))
            ref = f"pay {self.dice.randrange(6)}"
            confirmed = self.dice.random() < 0.5
            by = self.by("root", "operator")
            return PaySeller(by, self.user("sam", "sue"), ref, cents, confirm_uncovered=confirmed)

        self.act(pay)

    def corrects_a_mistake(self) -> None:
        def reverse() -> Command:
            open_ones = [number for number, one in self.model.booked.items() if not one.is_reversed]
            number = self.dice.choice([*open_ones[-8:] * 6, *self.model.booked, 10**9])
            by = self.by("cas", "kim", "kim", "root", "root", "operator")
            reason = self.dice.choice((*("typed wrong",) * 6, " "))
            return ReverseTransfer(by, number, reason, owe=self.dice.random() < 0.6)

        self.act(reverse)

    def sees_to_the_coins(self) -> None:
        def carry() -> Command:
            kind = self.dice.choice((FillCoins, CollectCoins))
            return kind(self.by("cas", "root"), self.machine(), self.some(*COINS * 4, 7))

        def count() -> Command:
            machine = self.machine()
            there = {value: max(self.model.coins[machine, value], 0) for value in COINS}
            there[self.dice.choice(COINS)] = self.dice.choice((0, 1, 2))
            return CountCoins(self.by("cas", "root"), machine, there)

        self.act(carry, count)

    def sees_to_the_shelves(self) -> None:
        def plan() -> Command:
            plans = {self.product(): self.dice.choice((None, 7, 60)) for _ in range(2)}
            shelves = tuple(ShelfPlan(product, price_cents=price) for product, price in plans.items())
            return SetShelves(self.by("root", "operator"), self.machine(), shelves)

        def restock() -> Command:
            by, quantity = self.by("sam", "sue", "root"), self.dice.choice((0, 1, 5))
            return Restock(by, self.product(), quantity, machine_id=self.machine())

        def move() -> Command:
            by, quantity = self.by("sam", "sue", "root"), self.dice.choice((0, 1, 2))
            return MoveStock(by, self.machine(), self.machine(), self.product(), quantity)

        self.act(plan, restock, move)

    def sees_to_the_products(self) -> None:
        def name() -> str:
            return self.dice.choice(("cola", "crisps", "tea", "nuts"))

        def add() -> Command:
            house = self.dice.random() < 0.3
            by = self.by("root") if house else self.by("sam", "sue")
            price = self.dice.choice((0, 7, 35))
            return AddProduct(by, name(), price, 3, for_house=house, machine_id=self.machine())

        def change(by: Caller | None = None) -> ChangeProduct:
            return ChangeProduct(
                by or self.by("sam", "sue", "root"),
                self.product(),
                version=self.dice.choice((None, None, None, 1)),
                name=self.dice.choice((None, None, name())),
                price_cents=self.dice.choice((None, 0, 20, 35)),
                refundable=self.dice.choice((None, None, True, False)),
                stock=self.dice.choice((None, None, 4)),
                machine_id=self.machine(),
            )

        def remove() -> Command:
            return RemoveProduct(self.by("sam", "sue", "root"), self.product())

        def change_many() -> Command:
            by = self.by("root", "operator", "sam")
            return ChangeProducts(by, tuple(change(by) for _ in range(2)))

        self.act(add, change, change, change_many, remove)

    def leaves(self) -> None:
        def close() -> Command:
            name = self.dice.choice(("ada", "bob", "sam", "sue", "cas", "kim", "root"))
            return CloseUser(self.by(name, "root", "operator"), self.user(name))

        self.act(close)

    def asks_again(self) -> None:
        asked = [envelope for envelope in self.sent if envelope.key is not None]
        if asked:
            self.send(self.dice.choice(asked))

    def time_passes(self) -> None:
        self.stage.shop.clock.forward(60 * self.dice.choice((1, 6, 6, 60 * 24 + 1)))
        self.model.now = self.stage.shop.clock.now_us

    HAPPENINGS: ClassVar[dict[Callable[[ShopMachine], None], int]] = {
        buys: 8,
        buys_on_the_tab: 3,
        gives_back: 6,
        hands_out_or_does_not: 4,
        puts_coins_in: 3,
        takes_money: 2,
        moves_money: 4,
        pays_a_seller: 3,
        corrects_a_mistake: 3,
        sees_to_the_coins: 3,
        sees_to_the_shelves: 3,
        sees_to_the_products: 3,
        leaves: 1,
        asks_again: 3,
        time_passes: 3,
    }

    def teardown(self) -> None:
        self.runner.run(self.stage.shop.assert_clean())
        for transfer in self.runner.run(self.stage.shop.rows("transfers")):
            self.assert_made_by(transfer)

    def assert_made_by(self, transfer: dict[str, Any]) -> None:
        """Whoever asked for it, wherever its money came from or went."""
        for name in ("refund_id", "order_id", "id"):
            if number := transfer[name]:
                asked = ("transfer_id" if name == "id" else name, number)
                assert transfer["actor_id"] == self.made_by.get(asked, transfer["actor_id"]), transfer
                return
