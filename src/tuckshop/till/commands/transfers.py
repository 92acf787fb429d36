"""Money between accounts: sent, topped up, paid to sellers, left behind."""

from __future__ import annotations

from typing import Any

from tuckshop.domain import transfers
from tuckshop.domain.ledger import AccountKind, AccountRef, Transfer, TransferKind, wallet_of
from tuckshop.domain.refusals import (
    AlreadyReversed,
    ExternalRefTaken,
    NotOwner,
    UnknownTransfer,
    UnknownUser,
    WalletTouched,
)
from tuckshop.domain.users import Actor, Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.store.admin_log import Facts
from tuckshop.till.commands import payables
from tuckshop.till.commands.base import Command, LogSubject, Receipt, command
from tuckshop.till.commands.wallet import log_wallet, require_wallet
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import declare, declared_cents, move_coins, post
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
        need.own_affair(self.caller, self.wallet.user_id or 0)
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

    def serves(self, work: WorkingSet) -> int | None:
        """Whose wallet it is."""
        return self.wallet.user_id

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every top-up."""
        return log_wallet(self.tag, self.wallet, work)


@command("earnings.payout")
class PaySeller(Command, frozen=True):
    """Earnings paid to their seller by the bank, all that is payable unless less is named.

    `confirm_uncovered`: even more than the shop has seen, where buyers declare their own coins.
    """

    seller_id: int
    external_ref: str
    amount_cents: int | None = None
    reason: str | None = None
    confirm_uncovered: bool = False

    def reads(self, need: ReadSet) -> None:
        """The seller's earnings with all that is held back, and whether the reference was used."""
        need.payees.add(self.seller_id)
        need.coverage = True
        need.own_affair(self.caller, self.seller_id)
        need.external_ref(TransferKind.EARNINGS_PAYOUT, self.external_ref)
        need.new_ids["transfers"] += 1

    def execute(self, actor: Actor, work: WorkingSet) -> SellerPaid:
        """Earnings to their seller: what is dispensed, paid for, past being refunded and old enough."""
        actor.require(Role.ADMIN)
        if self.seller_id not in work.accounts.payees:
            raise UnknownUser(user=self.seller_id)
        external_ref = fresh_ref(work, TransferKind.EARNINGS_PAYOUT, self.external_ref)
        balance_cents = payables.balance_cents(work, self.seller_id)
        payable_cents = max(balance_cents - payables.held_back_cents(work, self.seller_id), 0)
        transfer = transfers.pay_seller(
            seller_id=self.seller_id,
            balance_cents=balance_cents,
            payable_cents=payable_cents,
            amount_cents=self.amount_cents,
        )
        if _is_declared_anywhere(work) and not self.confirm_uncovered:
            transfers.require_covered(amount_cents=transfer.amount_cents, covered_cents=_covered_cents(work))
        transfer_id = post_with_ref(work, transfer, actor, external_ref=external_ref, reason=self.reason)
        paid = transfer.amount_cents
        return SellerPaid(
            transfer_id=transfer_id,
            amount_cents=paid,
            balance_cents=balance_cents - paid,
            payable_cents=payable_cents - paid,
            created_us=work.now_us,
        )

    def serves(self, work: WorkingSet) -> int | None:
        """Whose earnings they are."""
        return self.seller_id

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every pay-out."""
        known = self.seller_id in work.accounts.payees
        facts: Facts = {"balance_cents": payables.balance_cents(work, self.seller_id) if known else 0}
        if self.confirm_uncovered:
            facts["confirm_uncovered"] = True
        return LogSubject(self.tag, f"user:{self.seller_id}", facts)


@receipt("transfer.reversed")
class TransferReversed(Receipt, frozen=True):
    """What was taken back of a transfer of this `kind`; of a settlement in coins, both transfers.

    `coins` went into the box (above 0) or are to be taken out of it (below 0). `charged_cents` went on the
    tab. `balance_cents` is the wallet's and `owed_cents` the tab's, None where the transfer was no user's.
    """

    transfer_id: int
    reverses_id: int
    kind: str
    amount_cents: int
    charged_cents: int
    balance_cents: int | None
    owed_cents: int | None
    coins: dict[int, int]
    created_us: int


@command("transfer.reverse")
class ReverseTransfer(Command, frozen=True):
    """A transfer that was a mistake, taken back. `owe`: what the wallet lacks goes on its owner's tab."""

    transfer_id: int
    reason: str
    owe: bool = False

    def reads(self, need: ReadSet) -> None:
        """The transfer with all that it moved, and its twin if it settled a tab in coins."""
        need.own_affair(self.caller)
        need.reversing.add(self.transfer_id)
        need.new_ids["transfers"] += 3  # Two that are reversed, and what goes on the tab.

    def execute(self, actor: Actor, work: WorkingSet) -> TransferReversed:
        """By those who may book such a transfer."""
        actor.require(Role.CASHIER, Role.ADMIN)
        reason = transfers.check_reason(self.reason)
        accounts = work.accounts
        booked = accounts.booked.get(self.transfer_id)
        if booked is None:
            raise UnknownTransfer(transfer=self.transfer_id)
        for one in booked:
            transfers.require_right(actor, one)
            if one.id in accounts.reversals:
                raise AlreadyReversed(transfer=one.id, reversal=accounts.reversals[one.id])
        owner = transfers.owner_of(booked[0])
        if owner.user_id is not None and owner.user_id not in work.users.open:
            raise UnknownUser(user=owner.user_id)
        machine_id = booked[0].machine_id
        box = None if machine_id is None else work.machines.box(machine_id)
        balance_cents = self._balance_cents(owner, work) or 0
        back = transfers.reverse(booked, balance_cents=balance_cents, box=box, owe=self.owe)
        if back.charge is not None:
            post(work, back.charge, actor, machine_id=None, reason=reason)
        coins: dict[int, int] = {}
        for one, transfer in back.reversals:
            transfer_id = post(
                work, transfer, actor, machine_id=one.machine_id, reason=reason, reverses_id=one.id
            )
            accounts.reversals[one.id] = transfer_id
            if box is not None and one.coins:
                coins = {value: -count for value, count in one.coins.items()}
                move_coins(work, box, coins, 1, transfer_id=transfer_id, actor=actor, reason=reason)
            if box is not None and one.declared:
                # What nobody counted meanwhile was never there.
                left = declared_cents(work, box.machine_id)
                declare(work, box.machine_id, -min(left, transfer.amount_cents))
        (named,) = (one for one in booked if one.id == self.transfer_id)
        return TransferReversed(
            transfer_id=accounts.reversals[named.id],
            reverses_id=named.id,
            kind=named.transfer.kind,
            amount_cents=named.transfer.amount_cents,
            charged_cents=0 if back.charge is None else back.charge.amount_cents,
            balance_cents=self._balance_cents(owner, work),
            owed_cents=None if owner.user_id is None else accounts.owed_cents(wallet_of(owner.user_id)),
            coins=coins,
            created_us=work.now_us,
        )

    def serves(self, work: WorkingSet) -> int | None:
        """Whose money moves back."""
        booked = work.accounts.booked.get(self.transfer_id)
        if booked is None or booked[0].transfer.kind not in transfers.REVERSIBLE:
            return None
        return transfers.owner_of(booked[0]).user_id

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every reversal, with what the owner has and owes."""
        facts: dict[str, Any] = {"reversal": None if receipt is None else receipt.transfer_id}
        booked = work.accounts.booked.get(self.transfer_id)
        if booked is not None and booked[0].transfer.kind in transfers.REVERSIBLE:
            owner = transfers.owner_of(booked[0])
            if owner.user_id is not None:
                facts["owed_cents"] = work.accounts.owed_cents(wallet_of(owner.user_id))
            facts["balance_cents"] = self._balance_cents(owner, work)
        if receipt is not None:
            facts["reason"] = self.reason
        return LogSubject(self.tag, f"transfer:{self.transfer_id}", facts)

    def _balance_cents(self, owner: AccountRef, work: WorkingSet) -> int | None:
        return work.accounts.balance_cents(owner) if owner.kind is AccountKind.WALLET else None


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


def _is_declared_anywhere(work: WorkingSet) -> bool:
    """Whether buyers are believed, or somebody before a machine that draws its coins ever was.

    A count ends no look at this: what it has found missing was declared, and may be a seller's by now.
    """
    is_drawn = bool(work.accounts.declared_at or work.changes.machines.added_declared)
    return is_drawn or work.policy.coins is CoinsPolicy.SELF


def _covered_cents(work: WorkingSet) -> int:
    """What is in coin boxes and at the bank by now, without what was only declared."""
    changes = work.changes
    places = AccountKind.COIN_BOX, AccountKind.BANK
    there = sum(-cents for ref, cents in changes.accounts.added_cents.items() if ref.kind in places)
    return work.accounts.covered_cents + there - sum(changes.machines.added_declared.values())


def _moved(transfer_id: int, transfer: Transfer, wallet: AccountRef, work: WorkingSet) -> MoneyMoved:
    return MoneyMoved(
        transfer_id=transfer_id,
        amount_cents=transfer.amount_cents,
        balance_cents=work.accounts.balances[wallet],
        created_us=work.now_us,
    )
