"""One command at a time against the till's page: a receipt, or a refusal that changes nothing.

`wants` says what a command needs loaded; `settle` decides it. Each decision reads the page, lets the pure
domain functions refuse or answer, and only then writes to the page. So a refusal leaves no trace, and the
next command of the batch sees exactly what it would see had the batch been cut before it.
"""

from __future__ import annotations

from typing import Any, assert_never

import msgspec

from tuckshop.domain.orders import Payment
from tuckshop.domain.refusals import (
    KeyReused,
    Refusal,
    SessionEnded,
    Unauthenticated,
    revive,
)
from tuckshop.domain.users import OPERATOR, Actor
from tuckshop.till.callers import (
    Caller,
    GuestCaller,
    MachineCaller,
    OperatorCaller,
    RegistrantCaller,
    SessionCaller,
    user_of,
)
from tuckshop.till.commands import log as admin_log
from tuckshop.till.commands import machines, orders, refunds, registration, tabs, transfers, users, wallet
from tuckshop.till.commands import products as catalogue
from tuckshop.till.commands.base import (
    RECEIPTS,
    AddProduct,
    CancelOrder,
    ChangeGoods,
    ChangeProduct,
    CloseUser,
    CloseWallet,
    CollectCoins,
    Command,
    CountCoins,
    Deposit,
    Dispense,
    Envelope,
    FillCoins,
    MoveStock,
    Outcome,
    PayOut,
    PaySeller,
    PlaceOrder,
    Receipt,
    ReduceOrder,
    Refund,
    RefundNewest,
    Register,
    RemoveProduct,
    Restock,
    SendMoney,
    SetShelves,
    SettleTab,
    TopUp,
)
from tuckshop.till.policy import Policy
from tuckshop.till.state.working_set import (
    IdempotencyRow,
    Page,
    Record,
    Wanted,
)


def wants(envelope: Envelope, wanted: Wanted) -> None:
    """Adds to `wanted` what the command needs to know."""
    command = envelope.command
    caller = command.caller
    _want_caller(envelope, wanted)
    ref = getattr(command, "wallet", None)
    if ref is not None:
        wanted.wallets.add(ref)
        if ref.user_id is not None and ref.user_id != user_of(caller):
            wanted.users.add(ref.user_id)
        if ref.guest_id is not None:
            wanted.guests.add(ref.guest_id)
    machine_id = getattr(command, "machine_id", None)
    if machine_id is not None:
        wanted.machines.add(machine_id)
    match command:
        case PlaceOrder() | Deposit() | PayOut():
            _want_money(command, wanted)
        case Refund() | RefundNewest() | CancelOrder() | ReduceOrder() | Dispense():
            refunds.wants(command, wanted)
        case SettleTab():
            tabs.wants(command, wanted)
        case AddProduct() | ChangeProduct() | Restock() | RemoveProduct() | ChangeGoods():
            catalogue.wants(command, wanted)
        case SendMoney() | TopUp() | PaySeller() | CloseWallet():
            transfers.wants(command, wanted)
        case FillCoins() | CollectCoins() | CountCoins() | MoveStock() | SetShelves():
            machines.wants(command, wanted)
        case Register() | CloseUser():
            _want_people(command, wanted)
        case _:
            assert_never(command)


def _want_people(command: Register | CloseUser, wanted: Wanted) -> None:
    if isinstance(command, Register):
        registration.wants(command, wanted)
    else:
        users.wants(command, wanted)


def _want_caller(envelope: Envelope, wanted: Wanted) -> None:
    caller = envelope.command.caller
    if isinstance(caller, SessionCaller):
        wanted.sessions.add(caller.session_id)
    elif isinstance(caller, MachineCaller):
        wanted.machine_keys.add(caller.machine_id)
    if envelope.key is not None:
        wanted.keys.add((caller.scope, envelope.key))


def _want_money(command: PlaceOrder | Deposit | PayOut, wanted: Wanted) -> None:
    ids = wanted.new_ids
    match command:
        case PlaceOrder(machine_id=machine_id, lines=lines, wallet=ref):
            for product_id, _ in lines:
                wanted.products.add(product_id)
                wanted.shelves.add((machine_id, product_id))
            for name, _ in command.named:
                catalogue.want_named(name, machine_id, wanted)
            if command.client_ref is not None:
                wanted.client_refs.add((ref, command.client_ref))
            if command.payment is Payment.TAB and ref.user_id is not None:
                wanted.tabs.add(ref.user_id)
            ids["orders"] += 1
            ids["transfers"] += len(lines) + len(command.named) + 1
        case Deposit(wallet=ref):
            if ref.user_id is not None and ref.user_id == user_of(command.caller):
                wanted.declarers.add(ref.user_id)
            ids["transfers"] += 1
        case PayOut():
            ids["transfers"] += 1
        case _:
            assert_never(command)


def settle(envelope: Envelope, page: Page, policy: Policy) -> Outcome:
    """Decides one command, writes its effects to the page, and keeps the answer under its key."""
    command = envelope.command
    try:
        actor = _actor(command.caller, page, policy)
        if envelope.key is not None:
            record = page.records.get((command.caller.scope, envelope.key))
            if record is not None:
                return _replay(record, envelope)
        answer: Receipt | Refusal = admin_log.logged(
            command, actor, page, lambda: _decide(command, actor, page, policy)
        )
    except (Unauthenticated, KeyReused) as refusal:
        return Outcome(refusal)  # Says something of the credential or the key, not of the command.
    except Refusal as refusal:
        answer = refusal
    if envelope.key is not None:
        _keep(answer, envelope, page)
    return Outcome(answer)


def _actor(caller: Caller, page: Page, policy: Policy) -> Actor:
    """Who that is by now. Raises SessionEnded."""
    match caller:
        case SessionCaller():
            session = page.sessions.get(caller.session_id)
            if (
                session is None
                or session.ended
                or session.expires_us <= page.now_us
                or session.actor.user_id != caller.user_id
            ):
                raise SessionEnded
            return session.actor
        case MachineCaller():
            if not policy.is_machine(caller, page.machine_keys.get(caller.machine_id)):
                raise SessionEnded
            return Actor(user_id=None, roles=frozenset(), machine_id=caller.machine_id)
        case GuestCaller():
            return Actor(user_id=None, roles=frozenset(), guest_id=caller.guest_id)
        case RegistrantCaller():
            return Actor(user_id=None, roles=frozenset())
        case OperatorCaller():
            return OPERATOR
        case _:
            assert_never(caller)


def _decide(command: Command, actor: Actor, page: Page, policy: Policy) -> Receipt:
    if actor.machine_id is not None:
        machines.require_own(command, actor)
    match command:
        case Register():
            return registration.register(command, page, policy)
        case PlaceOrder():
            return orders.place(command, actor, page, policy)
        case Deposit():
            return wallet.deposit(command, actor, page, policy)
        case PayOut():
            return wallet.pay_out(command, actor, page, policy)
        case Refund() | RefundNewest() | CancelOrder() | ReduceOrder() | Dispense():
            return refunds.decide(command, actor, page, policy)
        case SettleTab():
            return tabs.settle(command, actor, page, policy)
        case AddProduct() | ChangeProduct() | Restock() | RemoveProduct() | ChangeGoods():
            return catalogue.decide(command, actor, page)
        case SendMoney() | TopUp() | PaySeller() | CloseWallet():
            return transfers.decide(command, actor, page, policy)
        case FillCoins() | CollectCoins() | CountCoins() | MoveStock() | SetShelves():
            return machines.decide(command, actor, page, policy)
        case CloseUser():
            return users.close(command, actor, page)
        case _:
            assert_never(command)


_encode = msgspec.json.Encoder().encode


def _replay(record: Record, envelope: Envelope) -> Outcome:
    if record.fingerprint != envelope.fingerprint:
        assert envelope.key is not None
        raise KeyReused(key=envelope.key)
    receipt = RECEIPTS.get(record.kind)
    if receipt is None:
        return Outcome(revive(record.kind, msgspec.json.decode(record.outcome)), replayed=True)
    return Outcome(msgspec.json.decode(record.outcome, type=receipt), replayed=True)


def _keep(answer: Receipt | Refusal, envelope: Envelope, page: Page) -> None:
    assert envelope.key is not None
    told: Any = answer.facts() if isinstance(answer, Refusal) else answer
    kind, outcome = type(answer).__name__, _encode(told).decode()
    scope = envelope.command.caller.scope
    page.records[scope, envelope.key] = Record(envelope.fingerprint, kind, outcome)
    order_id, refund_id, transfer_id = (
        (None, None, None)
        if isinstance(answer, Refusal)
        else (getattr(answer, name, None) for name in ("order_id", "refund_id", "transfer_id"))
    )
    page.changes.idempotency.append(
        IdempotencyRow(
            scope,
            envelope.key,
            envelope.fingerprint,
            kind,
            outcome,
            order_id,
            refund_id,
            transfer_id,
            page.now_us,
        )
    )
