"""Idempotency: the answer that was given under a key, given again; and what was answered, kept."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, get_type_hints

import structlog

from tuckshop.domain.days import MICROSECONDS
from tuckshop.domain.refusals import KeyReused, RecordUnreadable, Refusal
from tuckshop.store.forms import form_of
from tuckshop.till import commands
from tuckshop.till.commands.base import Command, Envelope, Outcome, Receipt
from tuckshop.till.state import forms
from tuckshop.till.state.rows import IdempotencyRow
from tuckshop.till.state.working_set import WorkingSet

__all__ = ["commands", "find", "keep"]  # Imported whole: every receipt is declared before one is read.

log = structlog.get_logger(__name__)


def find(envelope: Envelope, work: WorkingSet) -> Outcome | None:
    """What was answered under the key, None if nothing was.

    Raises:
        KeyReused: to another request.
        RecordUnreadable: in a form that this release does not know.
    """
    if envelope.key is None:
        return None
    stored = work.outcomes.get((envelope.command.caller.scope, envelope.key))
    if stored is None:
        return None
    if stored.fingerprint != envelope.fingerprint:
        raise KeyReused(key=envelope.key)
    try:
        answer = forms.read(stored.kind, stored.outcome)
        if not isinstance(answer, Refusal | _receipt(type(envelope.command))):
            # A release in which the request led to another command: nobody could show this answer here.
            raise forms.Unreadable(form_of(stored.kind))
        return Outcome(answer, replayed=True)
    except forms.Unreadable as unreadable:
        log.warning("idempotency.unreadable", form=unreadable.form.tag, version=unreadable.form.version)
        recorded_at = datetime.fromtimestamp(stored.created_us / MICROSECONDS, UTC)
        raise RecordUnreadable(
            key=envelope.key,
            form=unreadable.form.tag,
            form_version=unreadable.form.version,
            recorded_at=recorded_at.isoformat().replace("+00:00", "Z"),
            order=stored.order_id,
            refund=stored.refund_id,
            transfer=stored.transfer_id,
        ) from unreadable


def keep(answer: Receipt | Refusal, envelope: Envelope, work: WorkingSet) -> None:
    """Keeps the answer under the key, if the envelope has one."""
    if envelope.key is None:
        return
    kind, outcome = forms.written(answer)
    scope = envelope.command.caller.scope
    row = IdempotencyRow(
        scope=scope,
        key=envelope.key,
        fingerprint=envelope.fingerprint,
        kind=kind,
        outcome=outcome,
        created_us=work.now_us,
        **_pointers(answer),
    )
    work.outcomes[scope, envelope.key] = row
    work.changes.idempotency.append(row)


@cache
def _receipt(command: type[Command]) -> Any:
    """What the command answers when it is not refused."""
    return get_type_hints(command.execute)["return"]


def _pointers(answer: Receipt | Refusal) -> dict[str, int | None]:
    """The rows that came of it. A refusal may name one too, but has made none."""
    made = None if isinstance(answer, Refusal) else answer
    return {name: getattr(made, name, None) for name in ("order_id", "refund_id", "transfer_id")}
