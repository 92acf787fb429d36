"""Random histories of a small shop, settled in any cut on one database and compared.

Every command has ids of its own (`made`), wherever the history is cut, so that the books of two runs can be
compared as they are, and a command can name what another one makes, before or after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.shop import NOON_US, Clock, open_books, open_shop
from tests.till import registering
from tuckshop.domain.ledger import AccountKind, AccountRef, wallet_of
from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.money import EURO
from tuckshop.domain.orders import Change, Fulfil, Payment
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import OPERATOR, Caller, GuestCaller, MachineCaller, SessionCaller
from tuckshop.till.commands.base import Command, Envelope, Outcome
from tuckshop.till.commands.imports import ChangeProducts
from tuckshop.till.commands.machines import CollectCoins, CountCoins, FillCoins, MoveStock, SetShelves
from tuckshop.till.commands.orders import CancelOrder, Dispense, PlaceOrder, ReduceOrder
from tuckshop.till.commands.products import AddProduct, ChangeProduct, RemoveProduct, Restock
from tuckshop.till.commands.refunds import Refund, RefundNewest
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import CloseWallet, PaySeller, ReverseTransfer, SendMoney, TopUp
from tuckshop.till.commands.users import CloseUser, Register
from tuckshop.till.commands.wallet import Deposit, PayOut
from tuckshop.till.engine.execute import execute, reads
from tuckshop.till.policy import Policy
from tuckshop.till.sql.account_ids import AccountIds
from tuckshop.till.sql.postgres import PostgresBooks
from tuckshop.till.sql.sqlite import SqliteBooks
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

Execute = Callable[[Envelope, WorkingSet], Outcome]
Books = dict[str, list[tuple[Any, ...]]]

# Long enough for the sale, refund and removal of one product; short enough to read when it fails.
LENGTH_MIN, LENGTH_MAX = 12, 30
STEP_US = 60_000_000  # A minute between two commands: buyers' refunds come too late after five.

# Column by column, without what may differ: ids that the database gives, and the instant that a removal
# shares with its batch. Accounts are told by what they are for.
_ACCOUNT = "a.kind, a.user_id, a.guest_id, a.machine_id"
_SNAPSHOT = {
    "limit_counters": "SELECT name, starts_us, used FROM limit_counters ORDER BY name, starts_us",
    "products": "SELECT id, name, name_key, price_cents, seller_id, refundable, tax_basis_points, cost_cents,"
    " version, created_us, removed_us IS NULL FROM products ORDER BY id",
    "product_suffixes": "SELECT suffix, product_id FROM product_suffixes ORDER BY product_id, suffix",
    "product_skeletons": "SELECT skeleton, product_id FROM product_skeletons ORDER BY product_id",
    "waiting_products": "SELECT product_id, created_us FROM waiting_products ORDER BY product_id",
    "user_skeletons": "SELECT skeleton, user_id FROM user_skeletons ORDER BY user_id",
    "shelves": "SELECT machine_id, product_id, quantity, slot, capacity, par_level, price_cents"
    " FROM shelves ORDER BY machine_id, product_id",
    "orders": "SELECT id, buyer_id, guest_id, machine_id, payment, status, client_ref, total_cents,"
    " created_us, fulfilled_us, day FROM orders ORDER BY id",
    "order_lines": "SELECT * FROM order_lines ORDER BY order_id, product_id",
    "refunds": "SELECT * FROM refunds ORDER BY id",
    "refund_lines": "SELECT * FROM refund_lines ORDER BY refund_id, product_id",
    "sales": "SELECT * FROM sales ORDER BY day, machine_id, product_id",
    "accounts": f"SELECT {_ACCOUNT}, balance_cents FROM accounts a ORDER BY 1, 2, 3, 4",
    "transfers": f"SELECT t.id, t.kind, {_ACCOUNT}, {_ACCOUNT.replace('a.', 'b.')}, t.amount_cents,"
    " t.order_id, t.refund_id, t.actor_id, t.machine_id, t.reason, t.external_ref, t.reverses_id,"
    " t.created_us FROM transfers t"
    " JOIN accounts a ON a.id = t.source_id JOIN accounts b ON b.id = t.target_id ORDER BY t.id",
    "stock_movements": "SELECT machine_id, product_id, quantity, kind, order_id, refund_id, actor_id, reason,"
    " created_us FROM stock_movements ORDER BY id",
    "coin_boxes": "SELECT machine_id, value_cents, count FROM coin_boxes ORDER BY machine_id, value_cents",
    "coin_movements": "SELECT machine_id, value_cents, count, transfer_id, actor_id, created_us"
    " FROM coin_movements ORDER BY id",
    "declared_coins": "SELECT machine_id, cents FROM declared_coins WHERE cents <> 0 ORDER BY machine_id",
    "admin_log": "SELECT actor_id, action, subject, before, after, created_us FROM admin_log ORDER BY id",
    "users": "SELECT id, username, username_key, email, email_key, password_hash, state, is_buyer, is_seller,"
    " is_cashier, is_admin, created_us, closed_us IS NULL FROM users ORDER BY id",
    "idempotency": "SELECT scope, key, fingerprint, kind, outcome, order_id, refund_id, transfer_id,"
    " created_us FROM idempotency ORDER BY scope, key",
}
EMPTIED = (
    "limit_counters",
    "idempotency",
    "coin_movements",
    "stock_movements",
    "transfers",
    "refund_lines",
    "refunds",
    "order_lines",
    "orders",
    "sales",
    "shelves",
    "product_suffixes",
    "product_skeletons",
    "waiting_products",
    "products",
    "accounts",
    "admin_log",
    "declared_coins",
)


def reopened(people: Mapping[str, object]) -> tuple[str, str]:
    """What brings those back who were closed, under their names; and all their sessions."""
    names = {one.user_id: name for name, one in people.items() if isinstance(one, SessionCaller)}
    cases = " ".join(f"WHEN {user_id} THEN '{name}'" for user_id, name in names.items())
    name = f"CASE id {cases} ELSE username END"
    as_before = f"closed_us = NULL, username = {name}, username_key = {name}, password_hash = '!'"
    return f"users SET state = 'active', {as_before}", "sessions SET ended_us = NULL"


class People(NamedTuple):
    """Who takes part. `gone` has logged out, `liar` is Bob with Ada's session, `kiosk` a machine."""

    ada: SessionCaller
    bob: SessionCaller
    cleo: SessionCaller
    sam: SessionCaller
    sue: SessionCaller
    cashier: SessionCaller
    admin: SessionCaller
    gone: SessionCaller
    liar: SessionCaller
    kiosk: MachineCaller


@dataclass(frozen=True)
class History:
    """Commands in their order, where a random cut parts them, and the shop's settings."""

    envelopes: tuple[Envelope, ...]
    cuts: tuple[int, ...]
    coins: CoinsPolicy
    counted: bool


def made(place: int) -> int:
    """The first id of whatever the command at this place makes."""
    return (place + 1) * 1000


def prelude(people: People) -> tuple[Envelope, ...]:
    """Three products, few of each, and a little money. Cleo has no wallet yet."""
    commands: tuple[Command, ...] = (
        AddProduct(people.sam, "cola", 35, 3),
        AddProduct(people.sue, "crisps", 50, 2, tax_basis_points=700, cost_cents=20),
        AddProduct(OPERATOR, "gum", 13, 4, refundable=False, for_house=True),
        Deposit(OPERATOR, _wallet(people.ada), {50: 4, 5: 4}),
        Deposit(OPERATOR, _wallet(people.bob), {20: 3, 50: 3}),
    )
    return tuple(Envelope(command, key=f"prelude {place}") for place, command in enumerate(commands))


PRELUDE_LENGTH = 5


@st.composite
def histories(draw: st.DrawFn, people: People) -> History:
    """Any history: all kinds of commands, right, wrong, replayed, and about what is not there yet."""
    # A seed a step: left to itself, Hypothesis prefers commands too simple to get past the first refusal.
    seeds = draw(st.lists(st.integers(0, 2**32 - 1), min_size=LENGTH_MIN, max_size=LENGTH_MAX))
    envelopes = list(prelude(people))
    for seed in seeds:
        envelopes.append(_Dice(seed, people, envelopes, len(seeds)).envelope())
    places = st.integers(PRELUDE_LENGTH + 1, len(envelopes) - 1)
    cuts = draw(st.sets(places, max_size=5))
    return History(
        tuple(envelopes),
        tuple(sorted(cuts)),
        draw(st.sampled_from((CoinsPolicy.SELF, CoinsPolicy.SELF, CoinsPolicy.ATTESTED))),
        draw(st.booleans()),
    )


class _Dice:
    """One random step, given those before it."""

    def __init__(self, seed: int, people: People, before: list[Envelope], length: int) -> None:
        self.random = Random(seed * 1000 + len(before))
        self.people = people
        self.before = before
        self.last_place = PRELUDE_LENGTH + length

    def envelope(self) -> Envelope:
        if self.once_in(7):
            return self.random.choice(self.before)  # Asked again.
        command = self.random.choices(
            (
                self.order,
                self.refund,
                self.undo,
                self.settle_tab,
                self.reverse,
                self.deposit,
                self.pay_out,
                self.add_product,
                self.change_product,
                self.change_goods,
                self.restock,
                self.remove_product,
                self.money,
                self.coins,
                self.move_stock,
                self.set_shelves,
                self.guest,
                self.register,
                self.close_user,
            ),
            (28, 14, 12, 4, 4, 8, 2, 4, 6, 3, 8, 1, 6, 5, 3, 2, 14, 4, 2),
        )[0]()
        key = self.random.choice((None, None, f"key {self.random.randrange(12)}"))
        return Envelope(command, key, repr(command).encode())

    def order(self) -> PlaceOrder:
        buyer = self.buyer()
        lines = {
            self.product(): self.random.choice((1, 1, 2)) for _ in range(self.random.choice((1, 1, 2, 3)))
        }
        return PlaceOrder(
            self.somebody(buyer),
            _wallet(buyer),
            tuple(lines.items()),
            self.random.choice((Change.KEEP, Change.KEEP, Change.KEEP, Change.RETURN)),
            self.random.choice((None, None, "ref 1", "ref 2")),
            payment=self.random.choice((Payment.WALLET, Payment.WALLET, Payment.TAB)),
            fulfil=self.random.choice((None, None, Fulfil.NOW, Fulfil.LATER)),
            named=((self.name(), 1),) if self.once_in(6) else (),
        )

    def refund(self) -> Refund:
        """Of an order asked for before; now and then of one guessed."""
        place, order = self.placed()
        if order is None or self.once_in(6):
            return Refund(self.somebody(self.buyer()), made(self.random.randrange(self.last_place)))
        some = dict(self.random.sample(order.lines, 1))
        sue = self.people.sue
        caller = self.random.choice((order.caller, self.people.cashier, self.people.sam, sue))
        quantities = self.random.choice((None, some, {made(1): 1}))
        return Refund(caller, made(place), quantities, self.reason(), self.once_in(4))

    def undo(self) -> CancelOrder | ReduceOrder | Dispense:
        """Of an order that mostly is still to be handed out."""
        place, order = self.placed(later=True)
        if order is None:
            return CancelOrder(self.somebody(self.buyer()), made(self.random.randrange(self.last_place)))
        caller = self.somebody(self.random.choice((order.caller, self.people.cashier)))
        match self.random.randrange(4):
            case 0:
                return CancelOrder(caller, made(place), self.reason())
            case 1:
                kept = {product: self.random.randint(0, quantity) for product, quantity in order.lines}
                return ReduceOrder(caller, made(place), kept, self.reason())
            case _:
                seller = self.random.choice((self.people.sam, self.people.admin))
                return Dispense(seller, made(place), self.once_in(3))

    def placed(self, *, later: bool = False) -> tuple[int, PlaceOrder | None]:
        """Where an order was asked for, and which."""
        found = [
            (place, e.command)
            for place, e in enumerate(self.before)
            if isinstance(e.command, PlaceOrder)
            and e not in self.before[:place]
            and not (later and e.command.fulfil is Fulfil.NOW)
        ]
        return self.random.choice(found) if found else (0, None)

    def settle_tab(self) -> SettleTab:
        user_id = self.buyer().user_id or 0
        caller = self.somebody(self.people.cashier)
        if self.once_in(2):
            return SettleTab(caller, user_id, coins={self.random.choice((5, 20, 50)): 1})
        return SettleTab(
            caller,
            user_id,
            amount_cents=self.random.choice((1, 13, 35)),
            external_ref=self.random.choice(("bank 1", "bank 2", "bank 3")),
        )

    def reverse(self) -> ReverseTransfer:
        """Of the prelude, since nobody knows the number of a transfer before it is booked; or of nothing."""
        wrong = self.random.choice((made(3), made(3), made(4), made(0) - 1))
        caller = self.somebody(self.random.choice((self.people.cashier, self.people.admin)))
        return ReverseTransfer(caller, wrong, self.random.choice(("typed", "typed", "")), self.once_in(2))

    def deposit(self) -> Deposit:
        coins = {self.random.choice((5, 20, 50)): self.random.randint(1, 2)}
        if self.once_in(6):
            coins = {7: 1}
        buyer = self.buyer()
        return Deposit(self.somebody(self.random.choice((buyer, OPERATOR))), _wallet(buyer), coins)

    def guest(self) -> Deposit | PayOut | PlaceOrder | RefundNewest:
        """Somebody without a log-in, at the machine or by themselves, or a cashier for them."""
        ref = AccountRef(AccountKind.WALLET, None, self.random.choice((1, 1, 2, 3)))
        guest_id = ref.guest_id or 0
        served = self.people.kiosk.serving(guest_id)
        right: Caller = self.random.choice((served, served, GuestCaller(guest_id), self.people.cashier))
        caller, product = self.somebody(right), self.product()
        match self.random.randrange(6):
            case 0 | 1:
                return Deposit(caller, ref, {self.random.choice((20, 50)): 1})
            case 2 | 3:
                client_ref = self.random.choice((None, None, "g1"))
                return PlaceOrder(caller, ref, ((product, 1),), client_ref=client_ref)
            case 4:
                return RefundNewest(caller, ref, product)
            case _:
                return PayOut(caller, ref)

    def register(self) -> Register:
        """Few names and addresses, so that some are taken; Ada's is."""
        name = self.random.choice(("ada", "Dan", "dan", "eve"))
        email = self.random.choice((None, "dan@example.org", "Dan@example.org"))
        coins = self.random.choice(({}, {}, {50: 1}, {100: 2}, {7: 1}))
        role = self.random.choice((Role.BUYER, Role.BUYER, Role.SELLER))
        return registering.register(name, email, role=role, coins=coins)

    def pay_out(self) -> PayOut:
        buyer = self.buyer()
        return PayOut(self.somebody(self.random.choice((buyer, self.people.cashier))), _wallet(buyer))

    def money(self) -> SendMoney | TopUp | PaySeller | CloseWallet:
        """Without coins; a reference now and then a second time."""
        buyer, other = self.buyer(), self.buyer()
        admin = self.somebody(self.random.choice((OPERATOR, self.people.admin)))
        cents = self.random.choice((0, 1, 20, 35))
        ref = f"bank {self.random.randrange(4)}"
        seller_id = self.random.choice((self.people.sam, self.people.sue)).user_id or 0
        return self.random.choice(
            (
                SendMoney(self.somebody(buyer), _wallet(buyer), _wallet(other), cents, self.reason()),
                TopUp(admin, _wallet(buyer), cents, ref),
                PaySeller(admin, seller_id, ref, self.random.choice((None, None, 1, 20))),
                CloseWallet(self.somebody(self.random.choice((buyer, OPERATOR))), _wallet(buyer)),
            )
        )

    def coins(self) -> FillCoins | CollectCoins | CountCoins:
        cashier = self.somebody(self.random.choice((OPERATOR, self.people.cashier)))
        some = {self.random.choice((5, 20, 50)): self.random.randint(1, 2)}
        counted = {value: self.random.choice((0, 0, 1, 2)) for value in (5, 10, 20, 50, 100)}
        return self.random.choice(
            (
                FillCoins(cashier, 1, some, self.reason()),
                CollectCoins(cashier, 1, some),
                CountCoins(cashier, 1, counted, self.reason()),
            )
        )

    def close_user(self) -> CloseUser:
        """Not Ada and Sam, or little would be left to happen."""
        people = self.people
        leaver = self.random.choice((people.bob, people.cleo, people.sue, people.admin, people.cashier))
        caller = self.somebody(self.random.choice((leaver, people.admin)))
        return CloseUser(caller, leaver.user_id)

    def move_stock(self) -> MoveStock:
        return MoveStock(self.seller(), self.machine(), self.machine(), self.product(), 1, self.reason())

    def set_shelves(self) -> SetShelves:
        plans = {self.product(): self.random.choice((None, "A", "B")) for _ in range(2)}
        return SetShelves(
            self.somebody(OPERATOR),
            self.machine(),
            tuple(
                ShelfPlan(one, slot, self.random.choice((None, 3)), None, 7) for one, slot in plans.items()
            ),
        )

    def add_product(self) -> AddProduct:
        seller: Caller = self.random.choice((self.people.sam, self.people.sue, OPERATOR))
        return AddProduct(
            self.somebody(seller),
            self.name(),
            self.price(),
            self.random.randint(0, 3),
            for_house=seller is OPERATOR,
        )

    def change_goods(self) -> ChangeProducts:
        """A few products at once, of which one may be refused; by admins for sellers, too."""
        caller = self.seller()
        steps: list[AddProduct | ChangeProduct] = [replace(self.change_product(), caller=caller)]
        if caller is OPERATOR:
            for_whom = self.random.choice((self.people.sam, self.people.sue, self.people.ada)).user_id
            steps.append(replace(self.add_product(), caller=caller, for_house=False, seller_id=for_whom))
        steps.append(replace(self.change_product(), caller=caller))
        return ChangeProducts(caller, tuple(steps))

    def change_product(self) -> ChangeProduct:
        return ChangeProduct(
            self.seller(),
            self.product(),
            version=self.random.choice((None, None, None, 1, 2)),
            name=self.random.choice((None, self.name())),
            price_cents=self.random.choice((None, self.price())),
            refundable=self.random.choice((None, None, True, False)),
            stock=self.random.choice((None, None, 0, 1, 4)),
            reason=self.reason(),
            machine_id=self.machine(),
        )

    def restock(self) -> Restock:
        return Restock(
            self.seller(), self.product(), self.random.randint(0, 2), self.reason(), machine_id=self.machine()
        )

    def remove_product(self) -> RemoveProduct:
        return RemoveProduct(self.seller(), self.product(), self.random.choice((None, None, 1)))

    def once_in(self, times: int) -> bool:
        return self.random.randrange(times) == 0

    def buyer(self) -> SessionCaller:
        return self.random.choice((self.people.ada, self.people.bob, self.people.bob, self.people.cleo))

    def seller(self) -> Caller:
        return self.somebody(self.random.choice((self.people.sam, self.people.sue, OPERATOR, OPERATOR)))

    def somebody(self, right: Caller) -> Caller:
        """Mostly the right one."""
        return self.random.choice(self.people) if self.once_in(10) else right

    def product(self) -> int:
        """Mostly one that is there; at times one that another command makes, or nobody."""
        if self.once_in(15):
            return made(self.random.randrange(self.last_place))
        there = [place for place, e in enumerate(self.before) if isinstance(e.command, AddProduct)]
        return made(self.random.choice((0, 1, 2, *there)))

    def name(self) -> str:
        return self.random.choice(("cola", "Cola", "crisps", "gum", "tea", "nuts", " tea"))

    def price(self) -> int:
        return self.random.choice((1, 7, 13, 20, 35, 0))

    def reason(self) -> str | None:
        return self.random.choice((None, "warm"))

    def machine(self) -> int:
        return self.random.choice((1, 1, 1, 1, 2, 3))


def _wallet(caller: SessionCaller) -> AccountRef:
    assert caller.user_id is not None
    return wallet_of(caller.user_id)


@dataclass
class Bench:
    """One database on which histories are settled, one after the other, each from the same start."""

    books: SqliteBooks | PostgresBooks
    people: People

    async def run(
        self, history: History, cuts: Sequence[int], *, execute: Execute = execute
    ) -> tuple[list[Outcome], Books]:
        """The answers, and the books afterwards. `cuts`: where a new batch begins."""
        await self._reset(counted=history.counted)
        # Limits that a history reaches now and then.
        policy = Policy(
            currency=EURO,
            coins=history.coins,
            tab_limit_cents=120,
            tabs_for=TabsFor.EVERYBODY,
            tab_exposure_cents=160,
            coins_daily_cap_cents=150,
            coins_machine_daily_cap_cents=300,
            payout_delay_days=0,  # But for Sue, see `open_bench`.
            guest_undo=UndoMode.BOUNDED,
            user_undo=UndoMode.BOUNDED,
        )
        edges = [0, PRELUDE_LENGTH, *cuts, len(history.envelopes)]
        answers: list[Outcome] = []
        for start, stop in pairwise(edges):
            if start < stop:
                answers += await self._execute_batch(history.envelopes[start:stop], start, policy, execute)
        return answers, await self.snapshot()

    async def _execute_batch(
        self, envelopes: Sequence[Envelope], start: int, policy: Policy, execute: Execute
    ) -> list[Outcome]:
        need = ReadSet(policy)
        for envelope in envelopes:
            reads(envelope, need)
        answers: list[Outcome] = []

        def decide(work: WorkingSet) -> None:
            answers.clear()
            loaded_us = work.now_us
            for place, envelope in enumerate(envelopes, start):
                # Its own, as many as it may want: a refund wants one for each line, once its order is known.
                work.new_ids = {name: iter(range(made(place), made(place + 1))) for name in work.new_ids}
                work.now_us = NOON_US + place * STEP_US
                answers.append(execute(envelope, work))
            work.now_us = loaded_us  # By which counters were loaded, and are stored.

        await self.books.transact(need, decide)
        return answers

    async def snapshot(self) -> Books:
        """All that the till writes."""
        return {name: await self._rows(sql) for name, sql in _SNAPSHOT.items()}

    async def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        if isinstance(self.books, SqliteBooks):
            assert self.books._connection is not None
            return self.books._connection.execute(sql).fetchall()
        assert self.books._connection is not None
        return [tuple(row) for row in await self.books._connection.fetch(sql)]

    async def _reset(self, *, counted: bool) -> None:
        kind = "counted" if counted else "unlimited"
        # Bob's session, which is Ada's, is no name.
        people = {name: one for name, one in self.people._asdict().items() if name != "liar"}
        script = "".join(
            (
                "BEGIN;",
                *(f"DELETE FROM {table};" for table in EMPTIED),
                "UPDATE coin_boxes SET count = 0;",
                f"DELETE FROM user_skeletons WHERE user_id >= {made(0)};",
                f"DELETE FROM users WHERE id >= {made(0)};",
                *(f"UPDATE {table};" for table in reopened(people)),
                f"UPDATE sessions SET ended_us = {NOON_US} WHERE id = {self.people.gone.session_id};",
                f"UPDATE machines SET box_kind = '{kind}';",
                "COMMIT;",
            )
        )
        if isinstance(self.books, SqliteBooks):
            assert self.books._connection is not None
            self.books._connection.executescript(script)
        else:
            connection = await self.books._connected()
            await connection.execute(script)
        self.books._account_ids = AccountIds()


@asynccontextmanager
async def open_bench(url: str) -> AsyncIterator[Bench]:
    """A bench on an empty shop, with its people."""
    async with open_shop(url) as shop:
        ada = await shop.person("ada", Role.BUYER)
        bob = await shop.person("bob", Role.BUYER)
        people = People(
            ada,
            bob,
            await shop.person("cleo", Role.BUYER),
            await shop.person("sam", Role.SELLER),
            await shop.person("sue", Role.SELLER, Role.BUYER),
            await shop.person("cashier", Role.CASHIER),
            await shop.person("admin", Role.ADMIN),
            await shop.person("gone", Role.BUYER, Role.SELLER),
            SessionCaller(ada.session_id, bob.user_id),
            await shop.machine_key(1),
        )
        await shop.log_in_at(1, ada)
        await shop.execute("UPDATE machines SET hourly_deposit_cents_max = 200 WHERE id = 1")
        for name in ("door", "gate"):
            await shop.guest(name)
        await shop.execute(
            "UPDATE sessions SET ended_us = :now WHERE id = :id", now=NOON_US, id=people.gone.session_id
        )
        await shop.execute("UPDATE users SET payout_delay_days = 1 WHERE username = 'sue'")
        await shop.execute(
            "INSERT INTO machines (name, name_key, timezone, box_kind, created_us)"
            " VALUES ('cellar', 'cellar', 'UTC', 'unlimited', 1)"
        )
    books = open_books(url, Clock())
    assert isinstance(books, SqliteBooks | PostgresBooks)
    await books.transact(ReadSet(Policy(currency=EURO)), lambda work: None)  # Connects.
    try:
        yield Bench(books, people)
    finally:
        await books.close()


def assert_balanced(books: Books) -> None:
    """What the audit proves in full, for a few rows: nothing came from nowhere, nothing went."""
    moved: dict[Any, int] = defaultdict(int)
    for row in books["transfers"]:
        moved[row[2:6]] -= row[10]
        moved[row[6:10]] += row[10]
    held = {row[:4]: row[4] for row in books["accounts"]}
    assert {ref: cents for ref, cents in held.items() if cents or ref in moved} == dict(moved)
    assert sum(moved.values()) == 0
    stock: dict[Any, int] = defaultdict(int)
    for machine_id, product_id, quantity, *_ in books["stock_movements"]:
        stock[machine_id, product_id] += quantity
    assert {row[:2]: row[2] for row in books["shelves"] if row[2]} == {k: v for k, v in stock.items() if v}
    coins: dict[Any, int] = defaultdict(int)
    for machine_id, value_cents, count, *_ in books["coin_movements"]:
        coins[machine_id, value_cents] += count
    assert {row[:2]: row[2] for row in books["coin_boxes"] if row[2]} == {k: v for k, v in coins.items() if v}
    coins_cents = -sum(cents for kind, *_, cents in books["accounts"] if kind == "coin_box")
    assert coins_cents == sum(value * count for (_, value), count in coins.items())
