"""Wallets: coins put in and paid out; and whose money and coins an actor may move."""

from __future__ import annotations

from typing import Any

from tuckshop.domain import limits, wallet
from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.machines import DEFAULT_MACHINE_ID, CoinInput
from tuckshop.domain.refusals import CoinsNotAttested, UnknownGuest, UnknownUser, UserNotPresent
from tuckshop.domain.users import Actor, Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.callers import MachineCaller, user_of
from tuckshop.till.commands.base import (
    Command,
    LogSubject,
    Receipt,
    command,
    require_here,
    require_own_machine,
)
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import move_coins, post, use, used
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import Deposited, WorkingSet


@receipt("wallet.deposited")
class CoinsDeposited(Receipt, frozen=True):
    """`amount_cents` went in; the wallet now holds `balance_cents`."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    created_us: int


@receipt("wallet.paid_out")
class PaidOut(Receipt, frozen=True):
    """`coins` came out, largest first; `balance_cents` could not be paid in coins and is still there."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    coins: dict[int, int]
    created_us: int


@command("wallet.deposit")
class Deposit(Command, frozen=True):
    """Coins were put into a machine for a wallet."""

    wallet: AccountRef
    coins: Coins
    machine_id: int = DEFAULT_MACHINE_ID

    def reads(self, need: ReadSet) -> None:
        """The wallet, the box, and what the owner has declared within a day."""
        need.wallet(self.wallet, self.caller)
        need.own_affair(self.caller, self.wallet.user_id or 0)
        need.machines.add(self.machine_id)
        owner_id = self.wallet.user_id
        if owner_id is not None and owner_id == user_of(self.caller):
            need.depositors.add(owner_id)
        if isinstance(self.caller, MachineCaller):
            need.limits.add(limits.machine_deposits(self.machine_id))
        need.new_ids["transfers"] += 1

    def require_machine(self, actor: Actor) -> None:
        """Its own coins."""
        require_own_machine(actor, self.machine_id)

    def execute(self, actor: Actor, work: WorkingSet) -> CoinsDeposited:
        """Coins into a machine and their worth into a wallet."""
        require_here(actor, self.machine_id)
        require_wallet(actor, self.wallet, work)
        require_coins(actor, work, self.machine_id)
        box = work.machines.box(self.machine_id)
        credited = limits.machine_deposits(self.machine_id)
        balance_cents = work.accounts.balance_cents(self.wallet)
        moved = wallet.deposit(
            wallet=self.wallet,
            balance_cents=balance_cents,
            coins=self.coins,
            box=box,
            accepted=work.policy.currency.accepted_cents,
        )
        amount_cents = moved.transfer.amount_cents
        owner_id = actor.user_id if actor.user_id == self.wallet.user_id else None
        cap_cents = work.policy.coins_daily_cap_cents
        if owner_id is not None and not actor.has(Role.CASHIER, Role.ADMIN):
            declared_cents = sum(one.amount_cents for one in work.accounts.deposited.get(owner_id, ()))
            wallet.require_within_cap(
                amount_cents=amount_cents, declared_cents=declared_cents, cap_cents=cap_cents
            )
        if actor.guest_id is not None:
            # A guest is whoever comes with a new name, so what counts is what the wallet holds, and no day.
            wallet.require_within_cap(
                amount_cents=amount_cents, declared_cents=balance_cents, cap_cents=cap_cents
            )
        if actor.machine_id is not None:
            wallet.require_within_machine(
                amount_cents=amount_cents,
                credited_cents=used(work, credited),
                rules=work.machines.rules[self.machine_id],
                wait_seconds=credited.wait_seconds(work.now_us),
            )
            use(work, credited, amount_cents)
        transfer_id = post(work, moved.transfer, actor, machine_id=self.machine_id)
        move_coins(work, box, moved.coins, 1, transfer_id=transfer_id, actor=actor)
        if owner_id is not None:
            deposited = work.accounts.deposited
            deposited[owner_id] = (*deposited.get(owner_id, ()), Deposited(work.now_us, amount_cents))
        return CoinsDeposited(
            transfer_id=transfer_id,
            amount_cents=amount_cents,
            balance_cents=moved.balance_cents,
            created_us=work.now_us,
        )

    def serves(self, work: WorkingSet) -> int | None:
        """Coins that somebody must have seen."""
        return self.wallet.user_id

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every deposit that the office takes."""
        return log_wallet(self.tag, self.wallet, work)


@command("wallet.payout")
class PayOut(Command, frozen=True):
    """A whole wallet in coins."""

    wallet: AccountRef
    machine_id: int = DEFAULT_MACHINE_ID

    def reads(self, need: ReadSet) -> None:
        """The wallet and the box."""
        need.wallet(self.wallet, self.caller)
        need.own_affair(self.caller, self.wallet.user_id or 0)
        need.machines.add(self.machine_id)
        need.new_ids["transfers"] += 1

    def require_machine(self, actor: Actor) -> None:
        """Its own coins."""
        require_own_machine(actor, self.machine_id)

    def execute(self, actor: Actor, work: WorkingSet) -> PaidOut:
        """A whole wallet in coins."""
        require_here(actor, self.machine_id)
        require_wallet(actor, self.wallet, work)
        require_coins(actor, work, self.machine_id)
        box = work.machines.box(self.machine_id)
        moved = wallet.pay_out(
            wallet=self.wallet,
            balance_cents=work.accounts.balance_cents(self.wallet),
            box=box,
            values=work.policy.currency.paid_out_cents,
        )
        transfer_id = post(work, moved.transfer, actor, machine_id=self.machine_id)
        move_coins(work, box, moved.coins, -1, transfer_id=transfer_id, actor=actor)
        return PaidOut(
            transfer_id=transfer_id,
            amount_cents=moved.transfer.amount_cents,
            balance_cents=moved.balance_cents,
            coins=dict(moved.coins),
            created_us=work.now_us,
        )

    def serves(self, work: WorkingSet) -> int | None:
        """Coins that somebody must have seen."""
        return self.wallet.user_id

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every pay-out that the office makes."""
        return log_wallet(self.tag, self.wallet, work)


def require_wallet(actor: Actor, ref: AccountRef, work: WorkingSet) -> None:
    """One's own wallet. Cashiers and admins serve anybody's; machines guests' and of who logged in there."""
    if ref.user_id is not None and ref.user_id == actor.user_id:
        actor.require(Role.BUYER)
        return
    is_own = ref.guest_id is not None and ref.guest_id == actor.guest_id
    if actor.machine_id is None and not is_own:
        actor.require(Role.CASHIER, Role.ADMIN)
    if ref.user_id is not None:
        if actor.machine_id is not None and (ref.user_id, actor.machine_id) not in work.users.present:
            raise UserNotPresent(user=ref.user_id)
        if ref.user_id not in work.users.open:
            raise UnknownUser(user=ref.user_id)
    if ref.guest_id is not None and ref.guest_id not in work.users.guests:
        raise UnknownGuest(guest=str(ref.guest_id))


def require_coins(actor: Actor, work: WorkingSet, machine_id: int) -> None:
    """Cashiers, admins and machines have seen them; others are believed where a setting says so.

    Of guests at a machine's own screen that is the machine's: see `CoinInput`.
    """
    if actor.machine_id is not None or actor.has(Role.CASHIER, Role.ADMIN):
        return
    rules = work.machines.rules.get(machine_id)
    if actor.screen_machine_id is not None and rules is not None and rules.coin_input is CoinInput.DRAWN:
        return
    if actor.screen_machine_id is not None or work.policy.coins is CoinsPolicy.ATTESTED:
        raise CoinsNotAttested


def log_wallet(action: str, ref: AccountRef, work: WorkingSet) -> LogSubject:
    """A wallet's owner, and what it holds."""
    owner = f"guest:{ref.guest_id}" if ref.user_id is None else f"user:{ref.user_id}"
    return LogSubject(action, owner, {"balance_cents": work.accounts.balance_cents(ref)})
