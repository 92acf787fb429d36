"""Tabs: what was bought on account, paid."""

from __future__ import annotations

from typing import Any

from tuckshop.domain import tabs
from tuckshop.domain.coins import Coins
from tuckshop.domain.ledger import TransferKind, wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import UnknownUser
from tuckshop.domain.users import Actor, Role
from tuckshop.till.commands.base import Command, LogSubject, Receipt, command
from tuckshop.till.commands.transfers import fresh_ref, post_with_ref
from tuckshop.till.state.forms import receipt
from tuckshop.till.state.posting import move_coins, post
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


@receipt("tab.settled")
class TabSettled(Receipt, frozen=True):
    """`amount_cents` came off the tab, which now owes `owed_cents`; the wallet holds `balance_cents`."""

    transfer_id: int
    amount_cents: int
    owed_cents: int
    balance_cents: int
    created_us: int


@command("tab.settle")
class SettleTab(Command, frozen=True):
    """A tab paid: in coins at a machine, or with an amount that came to the bank under a reference."""

    user_id: int
    coins: Coins | None = None
    amount_cents: int | None = None
    external_ref: str | None = None
    machine_id: int = DEFAULT_MACHINE_ID

    def reads(self, need: ReadSet) -> None:
        """The user's wallet and tab, the box, and whether the reference was used."""
        need.machines.add(self.machine_id)
        need.wallets.add(wallet_of(self.user_id))
        need.tabs.add(self.user_id)
        need.users.add(self.user_id)
        need.own_affair(self.caller, self.user_id)
        if self.external_ref is not None:
            need.external_ref(TransferKind.SETTLEMENT, self.external_ref)
        need.new_ids["transfers"] += 2

    def execute(self, actor: Actor, work: WorkingSet) -> TabSettled:
        """What was bought on account, paid."""
        actor.require(Role.CASHIER, Role.ADMIN)
        if self.user_id not in work.users.open:
            raise UnknownUser(user=self.user_id)
        wallet = wallet_of(self.user_id)
        settle = self._by_bank if self.coins is None else self._in_coins
        transfer_id, amount_cents = settle(actor, work)
        return TabSettled(
            transfer_id=transfer_id,
            amount_cents=amount_cents,
            owed_cents=work.accounts.owed_cents(wallet),
            balance_cents=work.accounts.balance_cents(wallet),
            created_us=work.now_us,
        )

    def serves(self, work: WorkingSet) -> int | None:
        """Whose tab it is."""
        return self.user_id

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject:
        """Every settlement."""
        wallet = wallet_of(self.user_id)
        facts = {
            "owed_cents": work.accounts.owed_cents(wallet),
            "balance_cents": work.accounts.balance_cents(wallet),
        }
        return LogSubject(self.tag, f"user:{self.user_id}", facts)

    def _in_coins(self, actor: Actor, work: WorkingSet) -> tuple[int, int]:
        wallet = wallet_of(self.user_id)
        box = work.machines.box(self.machine_id)
        settled = tabs.settle_in_coins(
            user_id=self.user_id,
            owed_cents=work.accounts.owed_cents(wallet),
            balance_cents=work.accounts.balance_cents(wallet),
            coins=self.coins or {},
            box=box,
            accepted=work.policy.currency.accepted_cents,
        )
        deposited, paid = settled.transfers
        deposit_id = post(work, deposited, actor, machine_id=self.machine_id)
        transfer_id = post(work, paid, actor, machine_id=None)  # The coins alone were at the machine.
        move_coins(work, box, settled.coins, 1, transfer_id=deposit_id, actor=actor)
        return transfer_id, settled.amount_cents

    def _by_bank(self, actor: Actor, work: WorkingSet) -> tuple[int, int]:
        owed_cents = work.accounts.owed_cents(wallet_of(self.user_id))
        external_ref = fresh_ref(work, TransferKind.SETTLEMENT, self.external_ref or "")
        settled = tabs.settle_by_bank(
            user_id=self.user_id, owed_cents=owed_cents, amount_cents=self.amount_cents or 0
        )
        (transfer,) = settled.transfers
        transfer_id = post_with_ref(work, transfer, actor, external_ref=external_ref, reason=None)
        return transfer_id, settled.amount_cents
