"""Who is in the coalition, and what they put in, or only say that they do."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from secrets import token_urlsafe
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from tests.coalition.doors import APP_DEMO, KIOSK, PAGES, SIMPLE, V1, VENDING, Doors, Guest
from tests.coalition.purse import Purse, Stated
from tests.coalition.stage import (
    ADA_CENTS,
    COUNTED,
    CREDIT_CENTS,
    DECLARED_CENTS,
    EXPOSURE_CENTS,
    FILLED_CENTS,
    FIRST,
    HALL,
    TAB_CENTS,
    YARD,
    Member,
    Product,
    Stage,
)
from tests.web.browsing import Browser, Page
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.wallet import CoinsPolicy

MACHINES = (FIRST, HALL, YARD)
NAMES = ("badger", "cormorant", "dormouse", "egret", "ferret", "goshawk", "hedgehog", "ibis", "jackdaw")


@dataclass
class Order:
    """What one of the coalition has ordered, and how many pieces of it have not come back."""

    id: int
    owner: Member | Guest
    product: Product
    cents_each: int
    left: int
    on_tab: bool
    is_placed: bool
    ordered_us: int
    reference: str | None = None


class Strangers(RuleBasedStateMachine):
    """Members with names and guests without, and honest staff, who see their coins."""

    stage: ClassVar[Stage]
    runner: ClassVar[asyncio.Runner]
    came_about: ClassVar[set[str]]  # What there was of, in any example.

    def __init__(self) -> None:
        super().__init__()
        self.dice = Random(0)
        self.members: list[Member] = []
        self.guests: list[Guest] = []
        self.products: list[Product] = list(self.stage.house)
        self.orders: list[Order] = []
        self.names = list(NAMES)
        self.refs = 0
        self.funds: Counter[str] = Counter()
        self.seen: list[tuple[Page, Product]] = []
        self.ada = replace(self.stage.ada, tokens={}, browser=None)
        is_self = self.stage.mode is CoinsPolicy.SELF
        self.purse = Purse(
            Stated(
                believes_all=is_self,
                drawn=frozenset({HALL}),
                declared_cents=DECLARED_CENTS,
                keyed=frozenset({YARD}),
                credit_cents=CREDIT_CENTS,
                undo=UndoMode.BOUNDED if is_self else UndoMode.OFF,
                tab_cents=TAB_CENTS if is_self else 0,
                exposure_cents=EXPOSURE_CENTS if is_self else 0,
            )
        )
        self.runner.run(self.begin())

    # --- The scene

    async def begin(self) -> None:
        """A few strangers have met, one of whom has put two coins in, and two of whom sell something."""
        await self.stage.begin()
        self.doors = Doors(self.stage, self.stage.client())
        # What Ada's bank has sent is the shop's, and so is what lies in the changers.
        self.purse.boxes.update(dict.fromkeys(COUNTED, FILLED_CENTS))
        self.purse.bank = ADA_CENTS - self.purse.boxes.total()
        for name, door, roles in (
            ("otter", V1, {"buyer"}),
            ("heron", V1, {"buyer", "seller"}),
            ("lynx", VENDING, {"buyer"}),
        ):
            member = await self.doors.register(name, door, frozenset(roles))
            assert member is not None
            self.members.append(member)
        for machine in (FIRST, HALL):
            await self.add_product(self.members[1], machine, cents=200, refundable=False)
        for name, machine in (("hall", HALL), ("yard", YARD)):
            self.guests.append(Guest(name, machine, self.stage.browser(screen_of=machine), screen=True))
        await self.insert_for(self.members[0], FIRST, 200)

    @property
    def standing(self) -> list[Member]:
        """Members who have not closed their accounts."""
        return [member for member in self.members if not member.is_gone]

    def one(self, role: str = "buyer") -> Member:
        """A member with this role."""
        return self.dice.choice([member for member in self.standing if role in member.roles])

    def buyer(self, cents: int) -> Member:
        """A member who seems to have so much, mostly."""
        able = [one for one in self.standing if "buyer" in one.roles and self.funds[one.name] >= cents]
        return self.dice.choice(able) if able and self.dice.random() < 0.9 else self.one()

    def guest(self, cents: int, *, at_page: bool) -> Guest | None:
        """The same of a guest before a page, or of one whom the holder of a key has made up."""
        fit = [one for one in self.guests if (one.browser is not None) == at_page]
        able = [one for one in fit if self.funds[one.name] >= cents]
        return self.dice.choice(able or fit) if fit else None

    def has(self, role: str) -> bool:
        """Whether there is one."""
        return any(role in member.roles for member in self.standing)

    def ref(self) -> str:
        """A new one, as a bank has them."""
        self.refs += 1
        return f"bank {self.refs}"

    # --- Who they are

    async def register(self) -> None:
        """Another stranger; whoever asks simple-payment is believed some coins, where buyers are."""
        if not self.names:
            return
        door = self.dice.choice((V1, APP_DEMO, SIMPLE, VENDING, PAGES))
        roles = frozenset(self.dice.choice((("buyer",), ("buyer", "seller"))) if door == V1 else ("buyer",))
        cents = self.dice.choice((0, 300, 600)) if door == SIMPLE else 0
        member = await self.doors.register(self.names.pop(), door, roles, cents)
        if member is None:
            return
        self.members.append(member)
        if cents:
            self.declared(member, FIRST, cents)

    async def meet(self) -> None:
        """Another guest, in a browser of one's own before a machine's page, or one whom a kiosk names."""
        machine = self.dice.choice(MACHINES)
        name = f"guest {len(self.guests)}"
        if self.dice.random() < 0.4:
            self.guests.append(Guest(name, YARD))
            return
        screen = machine != FIRST and self.dice.random() < 0.7
        browser = self.stage.browser(screen_of=machine if screen else None)
        self.guests.append(Guest(name, machine, browser, screen))

    async def close(self) -> None:
        """A member leaves."""
        member = self.dice.choice(self.standing)
        if len(self.standing) > 3:
            answer = await self.doors.by(member, "DELETE", "/v1/users/me")
            member.is_gone = answer.status_code in (200, 204)

    # --- What they put in

    async def insert(self) -> None:
        """Real coins: at the counter, or into the acceptor of the hall."""
        cents = self.dice.choice((50, 100))
        if self.dice.random() < 0.5 or not self.has("buyer"):
            guest = self.dice.choice(self.guests)
            if guest.browser is None:
                body = {"guest": guest.name, "coins": {str(cents): 1}}
                answer = await self.doors.by_key(HALL, "POST", "/v1/wallet/deposits", body)
                if answer.status_code == 201:
                    self.purse.insert(guest.name, HALL, cents)
                    self.funds[guest.name] += cents
                return
        await self.insert_for(self.one(), self.dice.choice((FIRST, HALL)), cents)

    async def insert_for(self, member: Member, machine: int, cents: int) -> None:
        """Coins for a member, which a cashier has counted, or the acceptor of the machine."""
        body = {"user": member.id, "coins": {"50": cents // 50}, "machine": machine}
        if machine == FIRST:
            answer = await self.doors.by_staff("cas", "POST", "/v1/wallet/deposits", body)
        else:
            await self.doors.reach(member, machine)
            answer = await self.doors.by_key(machine, "POST", "/v1/wallet/deposits", body)
        if answer.status_code == 201:
            self.purse.insert(member.name, machine, cents)
            self.funds[member.name] += cents

    async def send_to_bank(self) -> None:
        """A bank transfer of a member, which an admin enters."""
        member = self.one()
        body = {"user": member.id, "amount": 100, "external_ref": self.ref()}
        answer = await self.doors.by_staff("root", "POST", "/v1/topups", body)
        if answer.status_code == 201:
            self.purse.send(member.name, 100)
            self.funds[member.name] += 100

    # --- What they only say

    async def declare(self) -> None:
        """Coins that nobody has put in: at every door that may believe it."""
        cents, member = self.dice.choice((50, 200, 400, 400)), self.one()
        machine = FIRST
        match self.dice.randrange(6):
            case 0 | 1:
                machine = self.dice.choice((FIRST, *MACHINES))
                body = {"coins": {"50": cents // 50}, "machine": machine}
                answer = await self.doors.by(member, "POST", "/v1/wallet/deposits", body)
            case 2:
                body = {"coins": [50] * (cents // 50)}
                answer = await self.doors.by(member, "POST", f"{VENDING}/api/v1/wallet/deposit", body)
            case 3:
                cents = 100
                answer = await self.doors.by(
                    member, "PATCH", f"{SIMPLE}/api/buyer/deposit", {"deposit": cents}
                )
            case _:
                await self.tap_coins()
                return
        if answer.status_code in (200, 201):
            self.declared(member, machine, cents)

    def declared(self, who: Member | Guest, machine: int, cents: int) -> None:
        """Somebody was believed."""
        at_screen = isinstance(who, Guest) and who.screen
        self.purse.declare(who.name, machine, cents, now_us=self.stage.clock(), at_screen=at_screen)
        self.funds[who.name] += cents

    async def tap_coins(self) -> None:
        """Drawn coins, on a page that shows them or not: of a guest, or of a member in a browser."""
        who: Member | Guest = self.dice.choice([one for one in self.guests if one.browser is not None])
        browser, machine = who.browser, HALL
        if isinstance(who, Guest):
            machine = who.machine
        if self.dice.random() < 0.2:
            who, machine = self.one(), HALL
            browser = await self.doors.browser_of(who)
        assert browser is not None
        for _ in range(self.dice.choice((1, 3))):
            at_page = isinstance(who, Member)
            added = await self.press(browser, machine, "coins", at_page=at_page, coin="100")
            if added > 0:
                self.declared(who, machine, added)

    async def press(
        self, browser: Browser, machine: int, action: str, *, at_page: bool = False, **fields: str
    ) -> int:
        """Presses a button of a machine's page, whether it is there or not: by how much the credit rose.

        `at_page`: the page is loaded first, since other doors may have changed the credit.
        """
        if at_page or not browser.page.named("form"):
            await browser.open(f"/m/{machine}")
        before = credit(browser)
        given = {"key": token_urlsafe(16), "pick": "", "category": "", "change": ""}
        answer = await browser.post(f"/m/{machine}/{action}", given | fields)
        assert answer.status_code < 500, answer.text
        browser.look(answer)
        return credit(browser) - before if browser.page.texts.get("credit") else 0

    async def use_key(self) -> None:
        """Coins that the holder of the yard's key says somebody has put in: as many as it may, and more."""
        cents = self.dice.choice((100, 400, 10_000))
        guests = [guest for guest in self.guests if guest.browser is None]
        if guests and self.dice.random() < 0.6:
            who: Member | Guest = self.dice.choice(guests)
            path, body = f"{KIOSK}/api/v1/users/0/add_balance", {"user_name": who.name, "amount": cents}
        else:
            who = self.one()
            if self.dice.random() < 0.7:
                await self.doors.reach(who, YARD)
            path, body = "/v1/wallet/deposits", {"user": who.id, "coins": {"100": cents // 100}}
        answer = await self.doors.by_key(YARD, "POST", path, body)
        if answer.status_code in (200, 201):
            self.purse.credit(who.name, YARD, cents, now_us=self.stage.clock())
            self.funds[who.name] += cents

    # --- What they sell

    async def add_product(self, seller: Member, machine: int, *, cents: int, refundable: bool) -> None:
        """Something new of a member's, of which there are some in the machine."""
        name = f"{seller.name} {len(self.products)}"
        body = {"name": name, "price": cents, "stock": 30, "refundable": refundable, "machine": machine}
        answer = await self.doors.by(seller, "POST", "/v1/products", body)
        if answer.status_code == 201:
            made = Product(answer.json()["id"], name, cents, refundable, machine, seller.name)
            self.products.append(made)


def credit(browser: Browser) -> int:
    """What the machine's display says that there is, in cents."""
    return int(re.sub(r"\D", "", browser.page.texts.get("credit", "")) or 0)
