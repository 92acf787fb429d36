"""Wallets: coins put in and paid out; and whose money and coins an actor may move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tuckshop.domain import limits, wallet
from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import AccountRef, Transfer, TransferKind
from tuckshop.domain.limits import LimitCounter, daily
from tuckshop.domain.machines import DEFAULT_MACHINE_ID, BoxKind, CoinBox, require_few
from tuckshop.domain.refusals import CoinsNotAttested, UnknownGuest, UnknownUser, UserNotPresent
from tuckshop.domain.users import Actor, Role
from tuckshop.domain.wallet import CoinFlow, CoinsPolicy
from tuckshop.till.callers import GuestCaller, MachineCaller, ScreenCaller, SessionCaller, user_of
from tuckshop.till.commands.base import (
    Command,
    LogSubject,
    Receipt,
    command,
    require_here,
    require_own_machine,
)
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import declare, move_coins, post, use, used
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
        if isinstance(self.caller, SessionCaller | GuestCaller | ScreenCaller):
            read_declared(need, self.machine_id, drawn=isinstance(self.caller, ScreenCaller))
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
        if is_declared(actor):
            _declare(work, self.machine_id, amount_cents)
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
    """A whole wallet in coins; of `coins_max` at the most, if that is said."""

    wallet: AccountRef
    machine_id: int = DEFAULT_MACHINE_ID
    coins_max: int | None = None

    def reads(self, need: ReadSet) -> None:
        """The wallet and the box, and how the money came into it."""
        need.wallet(self.wallet, self.caller)
        need.own_affair(self.caller, self.wallet.user_id or 0)
        need.machines.add(self.machine_id)
        read_payable(need, self.wallet, self.machine_id)
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
            payable_cents=payable_cents(work, actor, self.wallet, box),
        )
        require_few(moved.coins, self.coins_max)
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

    Of guests at a machine's own screen that is the machine's: see `domain.machines.CoinInput`.
    """
    if actor.machine_id is not None or actor.has(Role.CASHIER, Role.ADMIN):
        return
    rules = work.machines.rules.get(machine_id)
    if actor.screen_machine_id is not None and rules is not None and rules.draws_coins:
        return
    if actor.screen_machine_id is not None or work.policy.coins is CoinsPolicy.ATTESTED:
        raise CoinsNotAttested


def is_declared(actor: Actor) -> bool:
    """Whether coins that the actor puts in are their own word alone."""
    return actor.machine_id is None and not actor.has(Role.CASHIER, Role.ADMIN)


def read_declared(need: ReadSet, machine_id: int, *, drawn: bool = False) -> None:
    """What buyers have declared at a machine today, where they are believed: coins that are `drawn` too."""
    if drawn or need.policy.coins == CoinsPolicy.SELF:
        need.limits.add(_declared_at(machine_id))


def read_payable(need: ReadSet, ref: AccountRef, machine_id: int) -> None:
    """How the money came into a wallet that a machine is to pay, where buyers are believed.

    Guests may be at any machine with drawn coins, whatever the setting says.
    """
    if need.policy.coins == CoinsPolicy.SELF or ref.guest_id is not None:
        need.coin_flows.add((ref, machine_id))


def payable_cents(work: WorkingSet, actor: Actor, ref: AccountRef, box: CoinBox) -> int | None:
    """The most that the box pays of the wallet; None: all of it. Cashiers and admins see whom they pay."""
    if box.kind is not BoxKind.COUNTED or actor.has(Role.CASHIER, Role.ADMIN):
        return None
    flows = [*work.accounts.coin_flows.get(ref, ()), *_flows_of_batch(work, ref)]
    if work.policy.coins != CoinsPolicy.SELF and not any(flow.declared_cents for flow in flows):
        return None
    return wallet.payable_here_cents(flows, machine_id=box.machine_id)


def log_wallet(action: str, ref: AccountRef, work: WorkingSet) -> LogSubject:
    """A wallet's owner, and what it holds."""
    owner = f"guest:{ref.guest_id}" if ref.user_id is None else f"user:{ref.user_id}"
    return LogSubject(action, owner, {"balance_cents": work.accounts.balance_cents(ref)})


def _declared_at(machine_id: int) -> LimitCounter:
    return daily("declared-coins", f"machine:{machine_id}")


def _declare(work: WorkingSet, machine_id: int, amount_cents: int) -> None:
    """Counts coins as declared. Raises MachineCoinsCapReached."""
    counter = _declared_at(machine_id)
    wallet.require_within_machine_cap(
        machine_id=machine_id,
        amount_cents=amount_cents,
        declared_cents=used(work, counter),
        cap_cents=work.policy.coins_machine_daily_cap_cents,
        retry_seconds=counter.wait_seconds(work.now_us),
    )
    use(work, counter, amount_cents)
    declare(work, machine_id, amount_cents)


def _flows_of_batch(work: WorkingSet, ref: AccountRef) -> Iterator[CoinFlow]:
    """As `COIN_FLOWS` tells of what is written already; what this batch reversed is gone from that."""
    booked = {one.id: one for some in work.accounts.booked.values() for one in some}
    for row in work.changes.accounts.transfers:
        if row.reverses_id is None:
            moved = Transfer(TransferKind(row.kind), row.source, row.target, row.amount_cents)
            yield from _flows(work, ref, moved, row.machine_id, row.actor_id)
        else:
            known = booked[row.reverses_id]
            for flow in _flows(work, ref, known.transfer, known.machine_id, known.actor_id):
                yield CoinFlow(flow.machine_id, *(-cents for cents in flow[1:]))


def _flows(
    work: WorkingSet, ref: AccountRef, moved: Transfer, machine_id: int | None, actor_id: int | None
) -> Iterator[CoinFlow]:
    cents = moved.amount_cents
    if moved.source == ref and moved.kind is TransferKind.PAYOUT:
        yield CoinFlow(machine_id, paid_cents=cents)
    elif moved.target == ref and moved.kind is TransferKind.TOPUP:
        yield CoinFlow(machine_id, seen_cents=cents)
    elif moved.target == ref and moved.kind is TransferKind.DEPOSIT:
        # Of a guest nobody is the actor, nor of a machine that says so for one.
        is_own = actor_id == ref.user_id and _is_believed(work, machine_id)
        yield CoinFlow(machine_id, *((0, cents) if is_own else (cents, 0)))


def _is_believed(work: WorkingSet, machine_id: int | None) -> bool:
    """Whether buyers are believed there."""
    rules = work.machines.rules.get(machine_id or 0)
    is_drawn = rules is not None and rules.draws_coins
    return is_drawn or work.policy.coins is CoinsPolicy.SELF
