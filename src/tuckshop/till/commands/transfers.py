"""Money between accounts: sent, topped up, paid to sellers, left behind."""

from __future__ import annotations

from typing import Any

from tuckshop.domain import payables, transfers
from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.ledger import AccountRef, Transfer, TransferKind, earnings_of, tab_of
from tuckshop.domain.refusals import ExternalRefTaken, NotOwner, UnknownUser, WalletTouched
from tuckshop.domain.users import Actor, Role
from tuckshop.till.commands.base import Command, LogSubject, Receipt, command
from tuckshop.till.commands.wallet import log_wallet, require_wallet
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import post
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


@receipt("money.moved")
class MoneyMoved(Receipt, frozen=True):
    """`amount_cents` was sent or topped up; the wallet named in the command now holds `balance_cents`."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    created_us: int


@receipt("seller.paid")
class SellerPaid(Receipt, frozen=True):
    """`amount_cents` was paid; the earnings are `balance_cents` now, of which `payable_cents` are payable."""

    transfer_id: int
    amount_cents: int
    balance_cents: int
    payable_cents: int
    created_us: int


@receipt("wallet.closed")
class WalletClosed(Receipt, frozen=True):
    """What the wallet still held; it is empty now. `unclaimed_id`: the transfer, if there was anything."""

    unclaimed_id: int | None
    amount_cents: int
    created_us: int


@command("wallet.send")
class SendMoney(Command, frozen=True):
    """Money from one's own wallet to another buyer's."""

    wallet: AccountRef
    target: AccountRef
    amount_cents: int
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """Both wallets."""
        need.wallet(self.wallet, self.caller)
        need.wallets.add(self.target)
        if self.target.user_id is not None:
            need.users.add(self.target.user_id)
        need.new_ids["transfers"] += 1

    def execute(self, actor: Actor, work: WorkingSet) -> MoneyMoved:
        """From one's own wallet alone: not even a cashier sends other people's money."""
        actor.require(Role.BUYER)
        if self.wallet.user_id != actor.user_id:  # Who has a role is a user: no guest's wallet is theirs.
            raise NotOwner(thing="wallet")
        if self.target.user_id not in work.users.buyers:
            raise UnknownUser(user=self.target.user_id or 0)
        transfer = transfers.send(
            source=self.wallet,
            target=self.target,
            amount_cents=self.amount_cents,
            source_cents=work.accounts.balance_cents(self.wallet),
            target_cents=work.accounts.balance_cents(self.target),
        )
        transfer_id = post(work, transfer, actor, machine_id=None, reason=self.reason)
        return _moved(transfer_id, transfer, self.wallet, work)


@command("wallet.topup")
class TopUp(Command, frozen=True):
    """Money that came to the bank, into a wallet; `external_ref` is the bank's, used once."""

    wallet: AccountRef
    amount_cents: int
    external_ref: str
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The wallet, and whether the reference was used."""
        need.wallet(self.wallet, self.caller)
        need.external_ref(TransferKind.TOPUP, self.external_ref)
        need.new_ids["transfers"] += 1

    def execute(self, actor: Actor, work: WorkingSet) -> MoneyMoved:
        """From the bank into anybody's wallet; by admins, who see its statement."""
        actor.require(Role.ADMIN)
        require_wallet(actor, self.wallet, work)
        external_ref = fresh_ref(work, TransferKind.TOPUP, self.external_ref)
        transfer = transfers.top_up(
            wallet=self.wallet,
            balance_cents=work.accounts.balance_cents(self.wallet),
            amount_cents=self.amount_cents,
        )
        transfer_id = post_with_ref(work, transfer, actor, external_ref=external_ref, reason=self.reason)
        return _moved(transfer_id, transfer, self.wallet, work)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every top-up."""
        return log_wallet(self.tag, self.wallet, work)


@command("earnings.payout")
class PaySeller(Command, frozen=True):
    """Earnings paid to their seller by the bank, all that is payable unless less is named."""

    seller_id: int
    external_ref: str
    amount_cents: int | None = None
    reason: str | None = None

    def reads(self, need: ReadSet) -> None:
        """The seller's earnings with all that is held back, and whether the reference was used."""
        need.payees.add(self.seller_id)
        need.external_ref(TransferKind.EARNINGS_PAYOUT, self.external_ref)
        need.new_ids["transfers"] += 1

    def execute(self, actor: Actor, work: WorkingSet) -> SellerPaid:
        """Earnings to their seller: no more than is dispensed, paid for and past being refunded."""
        actor.require(Role.ADMIN)
        if self.seller_id not in work.accounts.earnings:
            raise UnknownUser(user=self.seller_id)
        external_ref = fresh_ref(work, TransferKind.EARNINGS_PAYOUT, self.external_ref)
        balance_cents = self._balance_cents(work)
        payable_cents = max(balance_cents - self._held_back_cents(work), 0)
        transfer = transfers.pay_seller(
            seller_id=self.seller_id,
            balance_cents=balance_cents,
            payable_cents=payable_cents,
            amount_cents=self.amount_cents,
        )
        transfer_id = post_with_ref(work, transfer, actor, external_ref=external_ref, reason=self.reason)
        paid = transfer.amount_cents
        return SellerPaid(
            transfer_id=transfer_id,
            amount_cents=paid,
            balance_cents=balance_cents - paid,
            payable_cents=payable_cents - paid,
            created_us=work.now_us,
        )

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every pay-out."""
        facts = {"balance_cents": self._balance_cents(work)}
        return LogSubject(self.tag, f"user:{self.seller_id}", facts)

    def _balance_cents(self, work: WorkingSet) -> int:
        added_cents = work.changes.accounts.added_cents.get(earnings_of(self.seller_id), 0)
        return work.accounts.earnings.get(self.seller_id, 0) + added_cents

    def _held_back_cents(self, work: WorkingSet) -> int:
        # What this batch has seen more of goes by that. What was paid when the tab was loaded stays so: a tab
        # grows by newer orders alone, and what is refunded comes off the tab first.
        orders = work.orders.held_back | work.orders.by_id
        owed_cents = dict(work.orders.held_back_owed_cents)
        for order in orders.values():
            buyer_id = order.wallet.user_id
            if buyer_id is not None and tab_of(buyer_id) in work.accounts.balances:
                owed_cents[buyer_id] = work.accounts.owed_cents(order.wallet)
        since_us = work.now_us - work.policy.refund_window_seconds * MICROSECONDS
        held_back = payables.held_back_cents(orders, owed_cents=owed_cents, since_us=since_us)
        return held_back[self.seller_id]


@command("wallet.close")
class CloseWallet(Command, frozen=True):
    """The rest of a wallet to what nobody claims; `balance_cents`: only if it is just this."""

    wallet: AccountRef
    reason: str | None = None
    balance_cents: int | None = None

    def reads(self, need: ReadSet) -> None:
        """The wallet."""
        need.wallet(self.wallet, self.caller)
        need.new_ids["transfers"] += 1

    def execute(self, actor: Actor, work: WorkingSet) -> WalletClosed:
        """What is left in a wallet that nobody will use any more."""
        if not self._is_own(actor):
            actor.require(Role.ADMIN)
            require_wallet(actor, self.wallet, work)
        balance_cents = work.accounts.balance_cents(self.wallet)
        if self.balance_cents is not None and self.balance_cents != balance_cents:
            raise WalletTouched(balance_cents=balance_cents)
        transfer = transfers.close(wallet=self.wallet, balance_cents=balance_cents)
        transfer_id = None
        if transfer is not None:
            transfer_id = post(work, transfer, actor, machine_id=None, reason=self.reason)
        amount_cents = 0 if transfer is None else transfer.amount_cents
        return WalletClosed(unclaimed_id=transfer_id, amount_cents=amount_cents, created_us=work.now_us)

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """Somebody else's wallet."""
        return None if self._is_own(actor) else log_wallet(self.tag, self.wallet, work)

    def _is_own(self, actor: Actor) -> bool:
        return self.wallet.user_id is not None and self.wallet.user_id == actor.user_id


def fresh_ref(work: WorkingSet, kind: TransferKind, external_ref: str) -> str:
    """The reference itself, which moves money once. Raises InvalidField, ExternalRefTaken."""
    external_ref = transfers.check_external_ref(external_ref)
    known = work.accounts.external_refs.get((kind.value, transfers.ref_key(external_ref)))
    if known is not None:
        raise ExternalRefTaken(external_ref=external_ref, transfer=known)
    return external_ref


def post_with_ref(
    work: WorkingSet, transfer: Transfer, actor: Actor, *, external_ref: str, reason: str | None
) -> int:
    """Writes a transfer under a fresh reference; the transfer's id."""
    transfer_id = post(work, transfer, actor, machine_id=None, reason=reason, external_ref=external_ref)
    work.accounts.external_refs[transfer.kind.value, transfers.ref_key(external_ref)] = transfer_id
    return transfer_id


def _moved(transfer_id: int, transfer: Transfer, wallet: AccountRef, work: WorkingSet) -> MoneyMoved:
    return MoneyMoved(
        transfer_id=transfer_id,
        amount_cents=transfer.amount_cents,
        balance_cents=work.accounts.balances[wallet],
        created_us=work.now_us,
    )
