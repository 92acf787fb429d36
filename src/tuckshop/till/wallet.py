"""Deposits and pay-outs, decided on the page; and whose money and coins a caller may move.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from tuckshop.domain import wallet
from tuckshop.domain.accounts import Actor, Role
from tuckshop.domain.ledger import AccountRef
from tuckshop.domain.refusals import (
    CoinsNotAttested,
    UnknownUser,
)
from tuckshop.till.commands import (
    CoinsDeposited,
    Deposit,
    PaidOut,
    PayOut,
)
from tuckshop.till.page import (
    Page,
)
from tuckshop.till.policy import CoinsPolicy, Policy
from tuckshop.till.posting import box_of, move_coins, post


def deposit(command: Deposit, actor: Actor, page: Page, policy: Policy) -> CoinsDeposited:
    """Coins into a machine and their worth into a wallet."""
    require_wallet(actor, command.wallet, page)
    require_coins(actor, policy)
    box = box_of(page, command.machine_id)
    moved = wallet.deposit(
        wallet=command.wallet,
        balance_cents=page.balances.get(command.wallet, 0),
        coins=command.coins,
        box=box,
        accepted=policy.currency.accepted_cents,
    )
    transfer_id = post(page, moved.transfer, actor, machine_id=command.machine_id)
    move_coins(page, box, moved.coins, 1, transfer_id, actor)
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


def require_wallet(actor: Actor, ref: AccountRef, page: Page) -> None:
    """A buyer's own wallet; cashiers and admins serve anybody's."""
    if ref.user_id is not None and ref.user_id == actor.user_id:
        actor.require(Role.BUYER)
        return
    actor.require(Role.CASHIER, Role.ADMIN)
    if ref.user_id is not None and ref.user_id not in page.users:
        raise UnknownUser(user=ref.user_id)


def require_coins(actor: Actor, policy: Policy) -> None:
    if policy.coins is CoinsPolicy.ATTESTED and not actor.has(Role.CASHIER, Role.ADMIN):
        raise CoinsNotAttested
