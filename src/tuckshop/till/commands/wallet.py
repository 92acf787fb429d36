"""Deposits and pay-outs, decided on the page; and whose money and coins a caller may move.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from tuckshop.domain import wallet
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.orders import MICROSECONDS
from tuckshop.domain.refunds import DAY_SECONDS
from tuckshop.domain.refusals import (
    CoinsNotAttested,
    UnknownGuest,
    UnknownUser,
)
from tuckshop.domain.users import Actor, Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.till.commands.base import (
    CoinsDeposited,
    Deposit,
    PaidOut,
    PayOut,
)
from tuckshop.till.policy import Policy
from tuckshop.till.state.posting import box_of, move_coins, post
from tuckshop.till.state.working_set import (
    Page,
)


def deposit(command: Deposit, actor: Actor, page: Page, policy: Policy) -> CoinsDeposited:
    """Coins into a machine and their worth into a wallet."""
    require_wallet(actor, command.wallet, page)
    require_coins(actor, policy)
    is_owner = actor.user_id is not None and actor.user_id == command.wallet.user_id
    box = box_of(page, command.machine_id)
    moved = wallet.deposit(
        wallet=command.wallet,
        balance_cents=page.balances.get(command.wallet, 0),
        coins=command.coins,
        box=box,
        accepted=policy.currency.accepted_cents,
    )
    amount_cents = moved.transfer.amount_cents
    if is_owner and not actor.has(Role.CASHIER, Role.ADMIN):
        wallet.require_within_cap(
            amount_cents=amount_cents,
            declared_cents=_declared_today(page, actor.user_id or 0),
            cap_cents=policy.coins_daily_cap_cents,
        )
    if actor.guest_id is not None:
        # A guest is whoever comes with a new name, so what counts is not a day: it is what the wallet holds.
        held_cents = page.balances.get(command.wallet, 0)
        cap_cents = policy.coins_daily_cap_cents
        wallet.require_within_cap(amount_cents=amount_cents, declared_cents=held_cents, cap_cents=cap_cents)
    transfer_id = post(page, moved.transfer, actor, machine_id=command.machine_id)
    move_coins(page, box, moved.coins, 1, transfer_id, actor)
    if is_owner:
        page.declared.setdefault(actor.user_id or 0, []).append((page.now_us, amount_cents))
    return CoinsDeposited(transfer_id, moved.transfer.amount_cents, moved.balance_cents, page.now_us)


def pay_out(command: PayOut, actor: Actor, page: Page, policy: Policy) -> PaidOut:
    """A whole wallet in coins."""
    require_wallet(actor, command.wallet, page)
    require_coins(actor, policy)
    box = box_of(page, command.machine_id)
    moved = wallet.pay_out(
        wallet=command.wallet,
        balance_cents=page.balances.get(command.wallet, 0),
        box=box,
        values=policy.currency.paid_out_cents,
    )
    transfer_id = post(page, moved.transfer, actor, machine_id=command.machine_id)
    move_coins(page, box, moved.coins, -1, transfer_id, actor)
    return PaidOut(
        transfer_id, moved.transfer.amount_cents, moved.balance_cents, dict(moved.coins), page.now_us
    )


def _declared_today(page: Page, user_id: int) -> int:
    since_us = page.now_us - DAY_SECONDS * MICROSECONDS
    return sum(cents for made_us, cents in page.declared.get(user_id, ()) if made_us > since_us)


def require_wallet(actor: Actor, ref: AccountRef, page: Page) -> None:
    """One's own wallet; cashiers, admins and machines serve anybody's, guests' too."""
    if ref.user_id is not None and ref.user_id == actor.user_id:
        actor.require(Role.BUYER)
        return
    is_own = ref.guest_id is not None and ref.guest_id == actor.guest_id
    if actor.machine_id is None and not is_own:
        actor.require(Role.CASHIER, Role.ADMIN)
    if ref.user_id is not None and ref.user_id not in page.users:
        raise UnknownUser(user=ref.user_id)
    if ref.guest_id is not None and ref.guest_id not in page.guests:
        raise UnknownGuest(guest=str(ref.guest_id))


def require_coins(actor: Actor, policy: Policy) -> None:
    """Cashiers, admins and machines have seen them; others are believed where the setting says so."""
    if actor.machine_id is not None or actor.has(Role.CASHIER, Role.ADMIN):
        return
    if policy.coins is CoinsPolicy.ATTESTED:
        raise CoinsNotAttested
