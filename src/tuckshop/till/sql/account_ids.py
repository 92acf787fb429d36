"""Ids of accounts, by what they are for; accounts that a batch is the first to use are made."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from tuckshop.domain.ledger import AccountKind, AccountRef
from tuckshop.till.sql import statements
from tuckshop.till.sql.steps import Rows, Script, Step
from tuckshop.till.state.working_set import LOCKED_KINDS


@dataclass(slots=True)
class AccountIds:
    """Accounts never go away, so what is known stays true.

    Wallets and tabs are read with every batch anyway: knowing all that ever came by would only fill memory.
    """

    known: dict[AccountRef, int] = field(default_factory=dict)
    fresh: dict[AccountRef, int] = field(default_factory=dict)

    def keep(self) -> None:
        """The batch is durable: what it found or made may be relied on."""
        self.known.update(
            {ref: account_id for ref, account_id in self.fresh.items() if ref.kind not in LOCKED_KINDS}
        )
        self.fresh.clear()

    def find_or_make(self, refs: set[AccountRef]) -> Generator[Step, Any, dict[AccountRef, int]]:
        """Ids of all these accounts; those that do not exist yet are made."""
        fresh = self.fresh
        missing = sorted(
            (ref for ref in refs if ref not in self.known and ref not in fresh),
            key=lambda ref: tuple(str(part) for part in ref),
        )
        if missing:
            # A wallet that was not there to be locked must be made here: had another till made it meanwhile,
            # its balance would not be the one decided on. Making it twice breaks on the key, which is
            # Contended.
            yield from _look_up([ref for ref in missing if ref.kind not in LOCKED_KINDS], fresh)
            new = [(*ref, 0) for ref in missing if ref not in fresh]
            if new:
                yield statements.NEW_ACCOUNTS, new
                yield from _look_up(missing, fresh)
        return {ref: self.known.get(ref) or fresh[ref] for ref in refs}


def _look_up(refs: list[AccountRef], found: dict[AccountRef, int]) -> Script:
    for column, read in statements.ACCOUNTS_OF.items():
        keys = [(ref.kind, getattr(ref, column)) for ref in refs if getattr(ref, column) is not None]
        found.update(_refs((yield read, keys) if keys else ()))
    kinds = [(ref.kind,) for ref in refs if ref == AccountRef(ref.kind)]
    found.update(_refs((yield statements.SHOP_ACCOUNTS, kinds) if kinds else ()))


def _refs(rows: Rows) -> Iterable[tuple[AccountRef, int]]:
    for account_id, kind, user_id, guest_id, machine_id in rows:
        yield AccountRef(AccountKind(kind), user_id, guest_id, machine_id), account_id
