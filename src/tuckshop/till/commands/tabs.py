"""Settling tabs, decided on the page.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from tuckshop.domain import tabs
from tuckshop.domain.ledger import TransferKind, wallet_of
from tuckshop.domain.refusals import UnknownUser
from tuckshop.domain.users import Actor, Role
from tuckshop.till.commands.base import SettleTab, TabSettled
from tuckshop.till.commands.orders import owed_cents
from tuckshop.till.commands.transfers import fresh_ref, post_with_ref
from tuckshop.till.policy import Policy
from tuckshop.till.state.posting import box_of, move_coins, post
from tuckshop.till.state.working_set import Page, Wanted


def wants(command: SettleTab, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know."""
    wanted.wallets.add(wallet_of(command.user_id))
    wanted.tabs.add(command.user_id)
    wanted.users.add(command.user_id)
    if command.external_ref is not None:
        wanted.external_refs.add((TransferKind.SETTLEMENT.value, command.external_ref))
    wanted.new_ids["transfers"] += 2


def settle(command: SettleTab, actor: Actor, page: Page, policy: Policy) -> TabSettled:
    """What was bought on account, paid."""
    actor.require(Role.CASHIER, Role.ADMIN)
    if command.user_id not in page.users and command.user_id != actor.user_id:
        raise UnknownUser(user=command.user_id)
    wallet = wallet_of(command.user_id)
    owed, balance = owed_cents(page, wallet), page.balances.get(wallet, 0)
    if command.coins is not None:
        box = box_of(page, command.machine_id)
        settled = tabs.settle_in_coins(
            user_id=command.user_id,
            owed_cents=owed,
            balance_cents=balance,
            coins=command.coins,
            box=box,
            accepted=policy.currency.accepted_cents,
        )
        deposited, paid = settled.transfers
        deposit_id = post(page, deposited, actor, machine_id=command.machine_id)
        transfer_id = post(page, paid, actor, machine_id=None)  # The coins alone were at the machine.
        move_coins(page, box, settled.coins, 1, deposit_id, actor)
    else:
        external_ref = fresh_ref(page, TransferKind.SETTLEMENT, command.external_ref or "")
        settled = tabs.settle_by_bank(
            user_id=command.user_id, owed_cents=owed, amount_cents=command.amount_cents or 0
        )
        (transfer,) = settled.transfers
        transfer_id = post_with_ref(page, transfer, actor, external_ref, reason=None)
    return TabSettled(
        transfer_id=transfer_id,
        amount_cents=settled.amount_cents,
        owed_cents=owed_cents(page, wallet),
        balance_cents=page.balances.get(wallet, 0),
        created_us=page.now_us,
    )
