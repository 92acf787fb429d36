"""Money between accounts, decided on the page: sent, topped up, paid to sellers, left behind.

Each function raises the refusals of its rules, and then has left the page as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from tuckshop.domain import transfers
from tuckshop.domain.ledger import Transfer, TransferKind, earnings_of, tab_of
from tuckshop.domain.orders import MICROSECONDS, Order, OrderStatus, Payment
from tuckshop.domain.refusals import ExternalRefTaken, NotOwner, UnknownUser, WalletTouched
from tuckshop.domain.users import Actor, Role
from tuckshop.till.commands.base import (
    CloseWallet,
    MoneyMoved,
    PaySeller,
    SellerPaid,
    SendMoney,
    TopUp,
    WalletClosed,
)
from tuckshop.till.commands.wallet import require_wallet
from tuckshop.till.policy import Policy
from tuckshop.till.state.posting import post
from tuckshop.till.state.working_set import Page, Wanted

MoneyCommand = SendMoney | TopUp | PaySeller | CloseWallet


def wants(command: MoneyCommand, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know, besides its wallet."""
    wanted.new_ids["transfers"] += 1
    match command:
        case SendMoney(target=target):
            wanted.wallets.add(target)
            if target.user_id is not None:
                wanted.users.add(target.user_id)
        case TopUp(external_ref=external_ref):
            wanted.external_refs.add((TransferKind.TOPUP.value, external_ref))
        case PaySeller(seller_id=seller_id, external_ref=external_ref):
            wanted.payees.add(seller_id)
            wanted.external_refs.add((TransferKind.EARNINGS_PAYOUT.value, external_ref))
        case CloseWallet():
            pass
        case _:
            assert_never(command)


def decide(
    command: MoneyCommand, actor: Actor, page: Page, policy: Policy
) -> MoneyMoved | SellerPaid | WalletClosed:
    """What becomes of the command."""
    match command:
        case SendMoney():
            return send(command, actor, page)
        case TopUp():
            return top_up(command, actor, page)
        case PaySeller():
            return pay_seller(command, actor, page, policy)
        case CloseWallet():
            return close(command, actor, page)
        case _:
            assert_never(command)


def send(command: SendMoney, actor: Actor, page: Page) -> MoneyMoved:
    """From one's own wallet alone: not even a cashier sends other people's money."""
    actor.require(Role.BUYER)
    if command.wallet.user_id is None or command.wallet.user_id != actor.user_id:
        raise NotOwner(thing="wallet")
    target_id = command.target.user_id
    if target_id is None or target_id not in page.buyers:
        raise UnknownUser(user=target_id or 0)
    transfer = transfers.send(
        source=command.wallet,
        target=command.target,
        amount_cents=command.amount_cents,
        source_cents=page.balances.get(command.wallet, 0),
        target_cents=page.balances.get(command.target, 0),
    )
    transfer_id = post(page, transfer, actor, machine_id=None, reason=command.reason)
    return MoneyMoved(transfer_id, transfer.amount_cents, page.balances[command.wallet], page.now_us)


def top_up(command: TopUp, actor: Actor, page: Page) -> MoneyMoved:
    """From the bank into anybody's wallet; by admins, who see its statement."""
    actor.require(Role.ADMIN)
    require_wallet(actor, command.wallet, page)
    external_ref = fresh_ref(page, TransferKind.TOPUP, command.external_ref)
    transfer = transfers.top_up(
        wallet=command.wallet,
        balance_cents=page.balances.get(command.wallet, 0),
        amount_cents=command.amount_cents,
    )
    transfer_id = post_with_ref(page, transfer, actor, external_ref, command.reason)
    return MoneyMoved(transfer_id, transfer.amount_cents, page.balances[command.wallet], page.now_us)


def pay_seller(command: PaySeller, actor: Actor, page: Page, policy: Policy) -> SellerPaid:
    """Earnings to their seller: no more than is handed out, paid for and past being given back."""
    actor.require(Role.ADMIN)
    seller_id = command.seller_id
    if seller_id not in page.earnings:
        raise UnknownUser(user=seller_id)
    external_ref = fresh_ref(page, TransferKind.EARNINGS_PAYOUT, command.external_ref)
    earnings = earnings_of(seller_id)
    balance_cents = page.earnings[seller_id] + page.changes.added_cents.get(earnings, 0)
    payable_cents = max(balance_cents - _held_back_cents(page, seller_id, policy), 0)
    transfer = transfers.pay_seller(
        seller_id=seller_id,
        balance_cents=balance_cents,
        payable_cents=payable_cents,
        amount_cents=command.amount_cents,
    )
    transfer_id = post_with_ref(page, transfer, actor, external_ref, command.reason)
    paid = transfer.amount_cents
    return SellerPaid(transfer_id, paid, balance_cents - paid, payable_cents - paid, page.now_us)


def close(command: CloseWallet, actor: Actor, page: Page) -> WalletClosed:
    """What is left in a wallet that nobody will use any more."""
    if command.wallet.user_id is None or command.wallet.user_id != actor.user_id:
        actor.require(Role.ADMIN)
        require_wallet(actor, command.wallet, page)
    balance_cents = page.balances.get(command.wallet, 0)
    if command.balance_cents is not None and command.balance_cents != balance_cents:
        raise WalletTouched(balance_cents=balance_cents)
    transfer = transfers.close(wallet=command.wallet, balance_cents=balance_cents)
    if transfer is None:
        return WalletClosed(None, 0, page.now_us)
    transfer_id = post(page, transfer, actor, machine_id=None, reason=command.reason)
    return WalletClosed(transfer_id, transfer.amount_cents, page.now_us)


def _held_back_cents(page: Page, seller_id: int, policy: Policy) -> int:
    """What is still to be handed out, may be given back, or is owed on a tab; `services.wallet` tells the
    seller the same."""
    since_us = page.now_us - policy.refund_window_seconds * MICROSECONDS
    known = page.held_back | page.orders  # What this batch has seen more of goes by that.
    unsettled = _unsettled(page, known)
    cents = 0
    for order in known.values():
        whole = order.status is OrderStatus.PLACED or order.id in unsettled
        recent = order.fulfilled_us is not None and order.fulfilled_us >= since_us
        cents += sum(
            line.price_cents * line.left
            for line in order.lines
            if line.seller_id == seller_id and (whole or (recent and line.refundable))
        )
    return cents


def _unsettled(page: Page, known: Mapping[int, Order]) -> set[int]:
    """Orders of which a cent is owed: the newest of each tab.

    What was settled when the page was loaded stays so: a tab grows by newer orders alone, and what comes
    back comes off the tab first.
    """
    unsettled = set()
    newer_cents: dict[int, int] = {}
    for order_id in sorted(known, reverse=True):
        order = known[order_id]
        buyer_id = order.wallet.user_id
        if order.payment is not Payment.TAB or buyer_id is None:
            continue
        owed_cents = -page.balances.get(tab_of(buyer_id), -page.owed_cents.get(buyer_id, 0))
        newer = newer_cents.get(buyer_id, 0)
        if newer < owed_cents:
            unsettled.add(order_id)
        newer_cents[buyer_id] = newer + sum(line.price_cents * line.left for line in order.lines)
    return unsettled


def fresh_ref(page: Page, kind: TransferKind, external_ref: str) -> str:
    """The reference itself, which moves money once. Raises InvalidField, ExternalRefTaken."""
    external_ref = transfers.check_external_ref(external_ref)
    known = page.external_refs.get((kind.value, external_ref))
    if known is not None:
        raise ExternalRefTaken(external_ref=external_ref, transfer=known)
    return external_ref


def post_with_ref(page: Page, transfer: Transfer, actor: Actor, external_ref: str, reason: str | None) -> int:
    """Writes a transfer under a fresh reference; the transfer's id."""
    transfer_id = post(page, transfer, actor, machine_id=None, reason=reason, external_ref=external_ref)
    page.external_refs[transfer.kind.value, external_ref] = transfer_id
    return transfer_id
