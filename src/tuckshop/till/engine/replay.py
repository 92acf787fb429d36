"""Idempotency: the answer that was given under a key, given again; and what was answered, kept."""

from __future__ import annotations

from typing import Any

import msgspec

from tuckshop.domain.refusals import KeyReused, Refusal, revive
from tuckshop.till import commands
from tuckshop.till.commands.base import RECEIPTS, Envelope, Outcome, Receipt
from tuckshop.till.state.rows import IdempotencyRow
from tuckshop.till.state.working_set import StoredOutcome, WorkingSet

__all__ = ["commands", "find", "keep"]  # Imported whole: every receipt is declared before one is read.


def find(envelope: Envelope, work: WorkingSet) -> Outcome | None:
    """What was answered under the key, None if nothing was. Raises KeyReused for another request."""
    if envelope.key is None:
        return None
    stored = work.outcomes.get((envelope.command.caller.scope, envelope.key))
    if stored is None:
        return None
    if stored.fingerprint != envelope.fingerprint:
        raise KeyReused(key=envelope.key)
    receipt = RECEIPTS.get(stored.kind)
    if receipt is None:
        return Outcome(revive(stored.kind, msgspec.json.decode(stored.outcome)), replayed=True)
    return Outcome(msgspec.json.decode(stored.outcome, type=receipt), replayed=True)


def keep(answer: Receipt | Refusal, envelope: Envelope, work: WorkingSet) -> None:
    """Keeps the answer under the key, if the envelope has one."""
    if envelope.key is None:
        return
    is_refusal = isinstance(answer, Refusal)
    facts: Any = answer.facts() if isinstance(answer, Refusal) else answer
    kind = type(answer).__name__ if isinstance(answer, Refusal) else _TAGS[type(answer)]
    outcome = _encode(facts).decode()
    scope = envelope.command.caller.scope
    work.outcomes[scope, envelope.key] = StoredOutcome(envelope.fingerprint, kind, outcome)
    work.changes.idempotency.append(
        IdempotencyRow(
            scope=scope,
            key=envelope.key,
            fingerprint=envelope.fingerprint,
            kind=kind,
            outcome=outcome,
            order_id=None if is_refusal else getattr(answer, "order_id", None),
            refund_id=None if is_refusal else getattr(answer, "refund_id", None),
            transfer_id=None if is_refusal else getattr(answer, "transfer_id", None),
            created_us=work.now_us,
        )
    )


_TAGS = {receipt: tag for tag, receipt in RECEIPTS.items()}
_encode = msgspec.json.Encoder().encode
