"""Reads the transfers that are to be reversed, with all that they moved."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tuckshop.domain import transfers
from tuckshop.domain.ledger import AccountKind, AccountRef, Transfer, TransferKind
from tuckshop.domain.transfers import Booked
from tuckshop.till.sql.loading import ids
from tuckshop.till.sql.statements import ID
from tuckshop.till.sql.steps import Read, Script, Step
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

_BOOKED = Read(
    "booked",
    ID,
    "SELECT t.id, t.kind, t.amount_cents, t.machine_id, t.actor_id,"
    # Of a guest nobody knows any more who said so: what was declared stays to be counted.
    " t.kind = 'deposit' AND NOT t.for_self AND t.actor_id = g.user_id,"
    " s.kind, s.user_id, s.guest_id, s.machine_id, g.kind, g.user_id, g.guest_id, g.machine_id"
    " FROM wanted w JOIN transfers t ON t.id = w.id"
    " JOIN accounts s ON s.id = t.source_id JOIN accounts g ON g.id = t.target_id",
)
# Who settles a tab in coins books two transfers, one right after the other: coins into the wallet, and from
# there onto the tab. Ids of one wallet's transfers grow as they are booked.
_TWINS = Read(
    "twins",
    ID,
    "SELECT t.id, n.id FROM wanted w JOIN transfers t ON t.id = w.id AND t.kind = 'deposit'"
    " JOIN transfers n ON n.kind = 'settlement'"
    " AND n.id = (SELECT min(o.id) FROM transfers o WHERE o.source_id = t.target_id AND o.id > t.id)"
    " AND t.id = (SELECT max(i.id) FROM transfers i"
    " WHERE i.target_id = t.target_id AND i.kind = 'deposit' AND i.id < n.id)"
    " UNION ALL SELECT t.id, (SELECT max(i.id) FROM transfers i"
    " WHERE i.target_id = t.source_id AND i.kind = 'deposit' AND i.id < t.id)"
    " FROM wanted w JOIN transfers t ON t.id = w.id AND t.kind = 'settlement' AND t.external_ref IS NULL",
)
_COINS_MOVED = Read(
    "coins_moved",
    ID,
    "SELECT c.transfer_id, c.value_cents, c.count FROM wanted w JOIN coin_movements c"
    " ON c.transfer_id = w.id ORDER BY c.transfer_id, c.value_cents DESC",
)
_REVERSALS = Read(
    "reversals",
    ID,
    "SELECT r.reverses_id, r.id FROM wanted w JOIN transfers r"
    " ON r.reverses_id = w.id AND r.reverses_id IS NOT NULL",
)


def booked(need: ReadSet) -> Generator[Step, Any, dict[int, tuple[Booked, ...]]]:
    """The transfers to be reversed that exist, each with its twin, oldest first; what they moved is needed.

    Transfers never change, so they may be read before anything is locked. One that is booked meanwhile, by
    this batch or by another till, stays unknown: nobody has been told its number yet.
    """
    twins = dict((yield _TWINS, ids(need.reversing)))
    every = ids(need.reversing | set(twins.values()))
    coins: dict[int, dict[int, int]] = {}
    for transfer_id, value, count in (yield _COINS_MOVED, every):
        coins.setdefault(transfer_id, {})[value] = count
    found = {}
    for transfer_id, kind, cents, machine_id, actor_id, declared, *ends in (yield _BOOKED, every):
        source, target = _account(*ends[:4]), _account(*ends[4:])
        transfer = Transfer(TransferKind(kind), source, target, cents)
        moved = coins.get(transfer_id, {})
        found[transfer_id] = Booked(transfer_id, transfer, machine_id, moved, actor_id, bool(declared))
        if transfer.kind in transfers.REVERSIBLE:
            _need_ends(need, found[transfer_id])
    return {
        one: tuple(found[each] for each in sorted({one, twins.get(one, one)}))
        for one in need.reversing & found.keys()
    }


def reversals(work: WorkingSet, booked: dict[int, tuple[Booked, ...]]) -> Script:
    """What was reversed by now. Read after the wallets, tabs and sellers are locked, which make it wait for
    whoever else is at the same."""
    if not booked:
        return
    work.accounts.booked = booked
    every = {each.id for some in booked.values() for each in some}
    work.accounts.reversals = dict((yield _REVERSALS, ids(every)))


def _account(kind: str, *owners: int | None) -> AccountRef:
    return AccountRef(AccountKind(kind), *owners)


def _need_ends(need: ReadSet, booked: Booked) -> None:
    """Who had the money, the box, and for wallets of users the tab that may have to bear the rest."""
    for ref in (booked.transfer.source, booked.transfer.target):
        match ref.kind:
            case AccountKind.WALLET:
                need.wallets.add(ref)
            case AccountKind.EARNINGS if ref.user_id is not None:
                need.locked_users.add(ref.user_id)  # Who is being closed has no earnings, and gets none.
            case AccountKind.COIN_BOX if ref.machine_id is not None:
                need.machines.add(ref.machine_id)
                if booked.declared:
                    need.counted_machines.add(ref.machine_id)
        if ref.user_id is not None:
            need.users.add(ref.user_id)
            need.tabs.add(ref.user_id)
