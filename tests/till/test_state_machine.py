"""R10: any history of all commands, by everybody, any earlier key asked again, goes as in a small model."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.till.shop_machine import ShopMachine, open_stage
from tuckshop.domain import refunds
from tuckshop.domain.ledger import AccountKind, AccountRef, Transfer, TransferKind
from tuckshop.domain.users import Actor
from tuckshop.till.commands import orders, reversal, tabs, transfers, users, wallet
from tuckshop.till.engine import replay
from tuckshop.till.state import posting
from tuckshop.till.state.working_set import WorkingSet

PROOF = bool(os.environ.get("TUCKSHOP_PROOF"))
EXAMPLES, STEPS = (500, 50) if PROOF else (50, 30)
EXAMPLES_MAX = 1_000  # Of the rarest planted bugs; most are found among the first.
SAMPLE = ("what is given back goes to the cashier", "what others buy is paid by the cashier")


def play(url: str, *, phases: tuple[Phase, ...] = tuple(Phase), examples: int = EXAMPLES) -> None:
    """Raises on the first difference between the shop and the model."""
    with asyncio.Runner() as runner:
        context = open_stage(url)
        stage = runner.run(context.__aenter__())
        here = type("Here", (ShopMachine,), {"stage": stage, "runner": runner})
        try:
            run_state_machine_as_test(
                here,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    phases=phases,
                    print_blob=True,
                ),
            )
        finally:
            runner.run(context.__aexit__(None, None, None))


@pytest.mark.proof
def test_the_shop_does_what_the_model_says(database_url: str) -> None:
    play(database_url)


def test_control_a_key_that_is_not_kept(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "keep", lambda *_: None)
    with pytest.raises(AssertionError):
        play(sqlite_url, phases=(Phase.generate,))


DIVERTED = {
    "what is given back goes to the cashier": (TransferKind.REFUND, "target", AccountKind.WALLET),
    "what is given back comes off the cashier's tab": (TransferKind.REFUND, "target", AccountKind.TAB),
    "what is put in for others goes to the cashier": (TransferKind.DEPOSIT, "target", AccountKind.WALLET),
    "what others buy is paid by the cashier": (TransferKind.SALE, "source", AccountKind.WALLET),
    "what others buy goes on the cashier's tab": (TransferKind.SALE, "source", AccountKind.TAB),
    "what others are paid is the cashier's": (TransferKind.PAYOUT, "source", AccountKind.WALLET),
    "what others settle comes off the cashier's tab": (TransferKind.SETTLEMENT, "target", AccountKind.TAB),
    "what the bank sent goes to the admin": (TransferKind.TOPUP, "target", AccountKind.WALLET),
    "what is taken out again for others is the cashier's": (
        TransferKind.REVERSAL,
        "source",
        AccountKind.WALLET,
    ),
    "what others get back goes to the cashier": (TransferKind.REVERSAL, "target", AccountKind.WALLET),
    "what others do not owe any more is the cashier's": (TransferKind.CHARGE, "source", AccountKind.TAB),
    "what nobody claims is the admin's": (TransferKind.CLOSE, "source", AccountKind.WALLET),
}
"""Whose money comes from, or goes to, an account of whoever acts for them. The books add up all the same."""


def divert(monkeypatch: pytest.MonkeyPatch, kind: TransferKind, side: str, to: AccountKind) -> None:
    """Only where that account happens to be in the same batch, and has what is taken."""
    real = posting.post

    def post(work: WorkingSet, transfer: Transfer, actor: Actor, **more: Any) -> int:
        own, given = AccountRef(to, actor.user_id), getattr(transfer, side)
        held = work.accounts.balances.get(own)
        takes = (side == "source") is (to is AccountKind.WALLET)
        has = held is not None and (not takes or abs(held) >= transfer.amount_cents)
        if (
            transfer.kind is kind
            and given.kind is to
            and has
            and own not in (transfer.source, transfer.target)
        ):
            source = own if side == "source" else transfer.source
            target = own if side == "target" else transfer.target
            transfer = dataclasses.replace(transfer, source=source, target=target)
        return real(work, transfer, actor, **more)

    for module in (orders, reversal, tabs, transfers, users, wallet):
        monkeypatch.setattr(module, "post", post)


@pytest.mark.parametrize("name", DIVERTED if PROOF else SAMPLE)
@pytest.mark.proof
def test_control_money_of_the_wrong_account(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    divert(monkeypatch, *DIVERTED[name])
    with pytest.raises(AssertionError):
        play(sqlite_url, phases=(Phase.generate,), examples=EXAMPLES_MAX)


def test_control_what_was_bought_on_a_tab_goes_back_to_the_wallet(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def into_the_wallet(order: Any, takings: Any, _: object) -> list[Transfer]:
        return [Transfer(TransferKind.REFUND, ref, order.wallet, cents) for ref, cents in takings.items()]

    monkeypatch.setattr(refunds, "_pay_back", into_the_wallet)
    with pytest.raises(AssertionError):
        play(sqlite_url, phases=(Phase.generate,))
