"""Users: who registers, and who leaves."""

from __future__ import annotations

from typing import Any

import msgspec

from tuckshop.domain import transfers
from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import earnings_of, tab_of, wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import (
    EarningsOwed,
    EmailTaken,
    LastAdmin,
    NameTaken,
    NameTooSimilar,
    RegistrationClosed,
    StillHoldsValue,
    UnknownUser,
)
from tuckshop.domain.users import Actor, Role, UserState, closed_name, name_key
from tuckshop.store.skeletons import is_misleading, skeleton
from tuckshop.till.commands.base import Command, LogSubject, Receipt, Value, command
from tuckshop.till.commands.products import take_off_sale
from tuckshop.till.commands.wallet import Deposit, read_declared
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import post
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.rows import UserRow
from tuckshop.till.state.working_set import UserSnapshot, WorkingSet


class NewUser(Value, frozen=True):
    """Somebody who wants to be a user, as far as it can be checked without looking at the others."""

    username: str
    email: str | None
    password_hash: str
    roles: frozenset[Role]
    state: UserState

    def __repr__(self) -> str:
        """Without the hash: whatever writes a command down must not give that away."""
        return f"NewUser({self.username!r}, {self.email!r}, {sorted(self.roles)}, {self.state!r})"


@receipt("user.registered")
class Registered(Receipt, frozen=True):
    """The new user's id; `amount_cents` went into the wallet, with no transfer if it is 0."""

    user_id: int
    transfer_id: int | None
    amount_cents: int
    created_us: int


@receipt("user.closed")
class UserClosed(Receipt, frozen=True):
    """The user is gone; `amount_cents` was left in the wallet."""

    user_id: int
    amount_cents: int


@command("user.register")
class Register(Command, frozen=True):
    """A new user, who registers or whom the operator adds; and in the same stroke the coins that they bring.

    `only_first`: of the admins; once there has been one, nobody is.
    """

    user: NewUser
    coins: Coins = msgspec.field(default_factory=dict)
    machine_id: int = DEFAULT_MACHINE_ID
    only_first: bool = False

    def reads(self, need: ReadSet) -> None:
        """Whether the name and the address are taken."""
        if self.coins:
            need.machines.add(self.machine_id)
            read_declared(need, self.machine_id)
        need.first_admin |= self.only_first
        need.usernames.add(name_key(self.user.username))
        need.skeletons.add(skeleton(self.user.username))
        if self.user.email is not None:
            need.emails.add(name_key(self.user.email))
        need.new_ids["users"] += 1
        need.new_ids["transfers"] += bool(self.coins)

    def execute(self, actor: Actor, work: WorkingSet) -> Registered:
        """A user, and the coins that they say they have put in, as far as buyers are believed here."""
        user, users = self.user, work.users
        if self.only_first and users.has_admin:
            raise RegistrationClosed(role=Role.ADMIN.value)
        row = _row(user, work.new_id("users"), work.now_us)
        if row.username_key in users.usernames:
            raise NameTaken(name=user.username)
        looks = skeleton(user.username)
        if users.skeletons.get(looks) or is_misleading(user.username):
            raise NameTooSimilar(name=user.username)
        if user.email is not None and row.email_key in users.emails:
            raise EmailTaken(email=user.email)
        transfer_id, amount_cents = None, 0
        if self.coins:
            coins = Deposit(self.caller, wallet_of(row.id), self.coins, self.machine_id)
            deposited = coins.execute(Actor(row.id, user.roles), work)
            transfer_id, amount_cents = deposited.transfer_id, deposited.amount_cents
        users.usernames.add(row.username_key)
        users.skeletons[looks] = frozenset({row.id})
        if row.email_key is not None:
            users.emails.add(row.email_key)
        users.has_admin |= row.is_admin
        work.changes.users.added.append(row)
        return Registered(
            user_id=row.id, transfer_id=transfer_id, amount_cents=amount_cents, created_us=work.now_us
        )

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Whom the operator adds; those who register themselves leave no line."""
        if receipt is None:
            return LogSubject("user.add", "", None)
        user = self.user
        facts = _facts(user.username, user.roles, user.state)
        return LogSubject("user.add", f"user:{receipt.user_id}", facts)


@command("user.close")
class CloseUser(Command, frozen=True):
    """A user's end: the wallet's rest to what nobody claims, products off sale, sessions over, name free.

    What tells who that was is erased: see `till.sql.closing`.
    """

    user_id: int

    def reads(self, need: ReadSet) -> None:
        """All that is the user's, and the other admins."""
        need.closing_users.add(self.user_id)
        need.wallets.add(wallet_of(self.user_id))
        need.tabs.add(self.user_id)
        need.new_ids["transfers"] += 1

    def execute(self, actor: Actor, work: WorkingSet) -> UserClosed:
        """By the user, or by an admin."""
        if self.user_id != actor.user_id:
            actor.require(Role.ADMIN)
        snapshot = work.users.snapshots.get(self.user_id)
        if snapshot is None or snapshot.state is UserState.CLOSED:
            raise UnknownUser(user=self.user_id)
        self._require_settled(work)
        self._require_other_admin(snapshot, work)

        wallet, tab = wallet_of(self.user_id), tab_of(self.user_id)
        rest = transfers.close(wallet=wallet, balance_cents=work.accounts.balance_cents(wallet))
        if rest is not None:
            post(work, rest, actor, machine_id=None)
        # Made even if there never was any: whoever is about to make one must run into this and look again.
        for ref in (wallet, tab):
            work.accounts.balances.setdefault(ref, 0)
            work.changes.accounts.balances.add(ref)
        for product in [one for one in work.products.by_id.values() if one.seller_id == self.user_id]:
            if product.on_sale:
                take_off_sale(work, product, actor)
        self._forget(snapshot, work)
        address_hash = work.policy.address_hash
        work.changes.users.closed[self.user_id] = (
            None if snapshot.email is None or address_hash is None else address_hash(name_key(snapshot.email))
        )
        return UserClosed(user_id=self.user_id, amount_cents=0 if rest is None else rest.amount_cents)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Somebody else's account. Without the name, which is erased."""
        if self.user_id == actor.user_id:
            return None
        snapshot = work.users.snapshots.get(self.user_id)
        facts = None
        if snapshot is not None:
            facts = {
                "roles": [role for role in Role if role in snapshot.roles],
                "state": snapshot.state,
                "balance_cents": work.accounts.balance_cents(wallet_of(self.user_id)),
            }
        return LogSubject(self.tag, f"user:{self.user_id}", facts)

    def _require_settled(self, work: WorkingSet) -> None:
        accounts, products = work.accounts, work.products
        added_cents = work.changes.accounts.added_cents.get(earnings_of(self.user_id), 0)
        earned_cents = accounts.closing_earnings.get(self.user_id, 0) + added_cents
        owed_cents = accounts.owed_cents(wallet_of(self.user_id))
        stock = sum(
            shelf.quantity
            for shelf in products.shelves.values()
            if (product := products.by_id.get(shelf.product_id)) is not None
            and product.seller_id == self.user_id
        )
        if earned_cents < 0:
            raise EarningsOwed(owed_cents=-earned_cents)
        if earned_cents or owed_cents or stock:
            raise StillHoldsValue(earned_cents=earned_cents, owed_cents=owed_cents, stock=stock)

    def _require_other_admin(self, snapshot: UserSnapshot, work: WorkingSet) -> None:
        others = (one for user_id, one in work.users.snapshots.items() if user_id != self.user_id)
        if Role.ADMIN in snapshot.roles and not any(
            one.state is UserState.ACTIVE and Role.ADMIN in one.roles for one in others
        ):
            raise LastAdmin

    def _forget(self, snapshot: UserSnapshot, work: WorkingSet) -> None:
        """For the commands that follow in the batch, the user is as gone as after it."""
        user_id, users = self.user_id, work.users
        users.snapshots[user_id] = snapshot._replace(
            state=UserState.CLOSED, username=closed_name(user_id), email=None
        )
        users.usernames.discard(name_key(snapshot.username))
        looks = skeleton(snapshot.username)
        users.skeletons[looks] = users.skeletons.get(looks, frozenset()) - {user_id}
        if snapshot.email is not None:
            users.emails.discard(name_key(snapshot.email))
        users.open.discard(user_id)
        users.closed.add(user_id)
        users.buyers.discard(user_id)
        work.products.open_sellers.pop(user_id, None)
        work.accounts.payees.pop(user_id, None)
        for session_id, session in users.sessions.items():
            if session.actor.user_id == user_id:
                users.sessions[session_id] = session._replace(ended=True)


def _facts(username: str, roles: frozenset[Role], state: UserState) -> dict[str, Any]:
    return {"username": username, "roles": [role for role in Role if role in roles], "state": state}


def _row(user: NewUser, user_id: int, now_us: int) -> UserRow:
    return UserRow(
        id=user_id,
        username=user.username,
        username_key=name_key(user.username),
        email=user.email,
        email_key=None if user.email is None else name_key(user.email),
        password_hash=user.password_hash,
        state=user.state.value,
        is_buyer=Role.BUYER in user.roles,
        is_seller=Role.SELLER in user.roles,
        is_cashier=Role.CASHIER in user.roles,
        is_admin=Role.ADMIN in user.roles,
        created_us=now_us,
    )
