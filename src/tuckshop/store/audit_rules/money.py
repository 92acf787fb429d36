"""Balances, coin boxes, and the transfers between them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Text, and_, false, func, literal_column, not_, or_, select

from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.transfers import REVERSIBLE
from tuckshop.store import tables
from tuckshop.store.audit_rules.joins import account, is_
from tuckshop.store.audit_rules.rule import Rule, count, differing, recorded, wide, witness

_accounts = tables.accounts.c
_boxes = tables.coin_boxes.c
_coins = tables.coin_movements.c
_orders = tables.orders.c
_transfers = tables.transfers.c

_EVERYTHING = literal_column("'all'", Text).label("accounts")
_is_box = _accounts.kind == is_(AccountKind.COIN_BOX)
_coins_cents = wide(_coins.value_cents) * _coins.count


def balances() -> Rule:
    return Rule(
        "every balance equals the sum of its transfers",
        count(tables.accounts, tables.transfers),
        differing(
            ("account_id",),
            recorded(_accounts.balance_cents, _accounts.id, of=tables.accounts),
            witness(_transfers.amount_cents, _transfers.target_id, of=tables.transfers),
            witness(-_transfers.amount_cents, _transfers.source_id, of=tables.transfers),
        ),
    )


def zero_sum() -> Rule:
    return Rule(
        "all balances add up to zero",
        count(tables.accounts),
        differing(
            ("accounts",),
            recorded(_accounts.balance_cents, _EVERYTHING, of=tables.accounts),
        ),
    )


def coin_boxes() -> Rule:
    return Rule(
        "every coin box equals the sum of its coin movements",
        count(tables.coin_boxes, tables.coin_movements),
        differing(
            ("machine_id", "value_cents"),
            recorded(_boxes.count, _boxes.machine_id, _boxes.value_cents, of=tables.coin_boxes),
            witness(_coins.count, _coins.machine_id, _coins.value_cents, of=tables.coin_movements),
        ),
    )


def coin_box_accounts() -> Rule:
    return Rule(
        "every coin box has the value of its account",
        count(tables.coin_boxes),
        differing(
            ("machine_id",),
            # Debit-normal: a box that holds 3.00 has the balance -300.
            recorded(-_accounts.balance_cents, _accounts.machine_id, of=tables.accounts).where(_is_box),
            witness(wide(_boxes.value_cents) * _boxes.count, _boxes.machine_id, of=tables.coin_boxes),
        ),
    )


def coins_of_transfers() -> Rule:
    return Rule(
        "every transfer to or from a coin box has matching coins",
        count(tables.coin_movements, tables.transfers),
        differing(
            ("transfer_id", "machine_id"),
            recorded(
                _transfers.amount_cents,
                _transfers.id,
                _accounts.machine_id,
                of=account(_transfers.source_id),
            ).where(_is_box),
            recorded(
                -_transfers.amount_cents,
                _transfers.id,
                _accounts.machine_id,
                of=account(_transfers.target_id),
            ).where(_is_box),
            witness(_coins_cents, _coins.transfer_id, _coins.machine_id, of=tables.coin_movements),
        ),
    )


def ends_of_transfers() -> Rule:
    return Rule(
        "every transfer has the accounts and the machine of its kind",
        count(tables.transfers),
        _stray_transfers(),
    )


def reversals() -> Rule:
    return Rule(
        "every reversal takes one transfer back, to the cent",
        count(tables.transfers),
        _strange_reversals(),
    )


def coins_of_reversals() -> Rule:
    back, named = tables.transfers.alias("back"), ("transfer_id", "value_cents")
    return Rule(
        "every reversal moves the coins that it takes back",
        count(tables.coin_movements),
        differing(
            named,
            recorded(
                -_coins.count,
                back.c.reverses_id,
                _coins.value_cents,
                of=tables.coin_movements.join(back, back.c.id == _coins.transfer_id),
            ).where(back.c.reverses_id.is_not(None)),
            witness(
                _coins.count,
                _coins.transfer_id,
                _coins.value_cents,
                of=tables.coin_movements.join(back, back.c.reverses_id == _coins.transfer_id),
            ).where(back.c.reverses_id.is_not(None)),
        ),
    )


def _strange_reversals() -> Select[Any]:
    """Reversals that are not the other way round of what they name, or of what nobody may reverse."""
    was = tables.transfers.alias("was")
    same = and_(
        _transfers.kind == is_(TransferKind.REVERSAL),
        was.c.kind.in_([is_(kind) for kind in REVERSIBLE]),
        was.c.source_id == _transfers.target_id,
        was.c.target_id == _transfers.source_id,
        was.c.amount_cents == _transfers.amount_cents,
        was.c.machine_id.is_not_distinct_from(_transfers.machine_id),
    )
    return (
        select(_transfers.id.label("transfer_id"), _transfers.reverses_id, _transfers.amount_cents)
        .select_from(tables.transfers.outerjoin(was, was.c.id == _transfers.reverses_id))
        .where(
            or_(_transfers.reverses_id.is_not(None), _transfers.kind == is_(TransferKind.REVERSAL)),
            not_(func.coalesce(same, false())),
        )
    )


def _stray_transfers() -> Select[Any]:
    """Transfers between other accounts than their kind says, or on another machine than theirs."""
    source, target = tables.accounts.alias("source"), tables.accounts.alias("target")
    wallet, box = is_(AccountKind.WALLET), is_(AccountKind.COIN_BOX)
    ends = {
        TransferKind.DEPOSIT: and_(source.c.kind == box, target.c.kind == wallet),
        TransferKind.PAYOUT: and_(source.c.kind == wallet, target.c.kind == box),
    }
    ends[TransferKind.SETTLEMENT] = and_(
        target.c.kind == is_(AccountKind.TAB),
        or_(
            and_(source.c.kind == wallet, source.c.user_id == target.c.user_id),
            and_(source.c.kind == is_(AccountKind.BANK), _transfers.external_ref.is_not(None)),
        ),
    )
    ends[TransferKind.CHARGE] = and_(
        source.c.kind == is_(AccountKind.TAB), target.c.kind == wallet, source.c.user_id == target.c.user_id
    )
    plain = {
        TransferKind.TRANSFER: (AccountKind.WALLET, AccountKind.WALLET),
        TransferKind.TOPUP: (AccountKind.BANK, AccountKind.WALLET),
        TransferKind.EARNINGS_PAYOUT: (AccountKind.EARNINGS, AccountKind.BANK),
        TransferKind.CLOSE: (AccountKind.WALLET, AccountKind.UNCLAIMED),
        TransferKind.FILL: (AccountKind.COIN_BOX, AccountKind.BANK),
        TransferKind.COLLECT: (AccountKind.BANK, AccountKind.COIN_BOX),
        TransferKind.OVER: (AccountKind.COIN_BOX, AccountKind.OVER_SHORT),
        TransferKind.SHORT: (AccountKind.OVER_SHORT, AccountKind.COIN_BOX),
    }
    for kind, (giver, taker) in plain.items():
        ends[kind] = and_(source.c.kind == is_(giver), target.c.kind == is_(taker))
    machines = source.c.machine_id, target.c.machine_id, _orders.machine_id
    nowhere = and_(*(its.is_(None) for its in machines), _transfers.machine_id.is_not(None))
    stray = [
        nowhere,
        *(and_(_transfers.kind == is_(kind), not_(right)) for kind, right in ends.items()),
        *(and_(its.is_not(None), its.is_distinct_from(_transfers.machine_id)) for its in machines),
    ]
    return (
        select(_transfers.id.label("transfer_id"), _transfers.kind, _transfers.machine_id)
        .select_from(
            tables.transfers.join(source, source.c.id == _transfers.source_id)
            .join(target, target.c.id == _transfers.target_id)
            .outerjoin(tables.orders, _orders.id == _transfers.order_id)
        )
        .where(or_(*stray))
    )
