"""One command at a time against the till's working set: a receipt, or a refusal that changes nothing.

Each command reads the working set, lets the pure domain functions refuse or answer, and only then writes to
it. So a refusal leaves no trace, and the next command of the batch sees exactly what it would see had the
batch been cut before it.
"""

from __future__ import annotations

from typing import assert_never

from tuckshop.domain.refusals import KeyReused, RecordUnreadable, Refusal, SessionEnded, Unauthenticated
from tuckshop.domain.users import OPERATOR, Actor
from tuckshop.till.callers import (
    Caller,
    GuestCaller,
    MachineCaller,
    OperatorCaller,
    RegistrantCaller,
    ScreenCaller,
    SessionCaller,
)
from tuckshop.till.commands.base import Envelope, Outcome, Receipt, execute_served
from tuckshop.till.engine import replay
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet


def reads(envelope: Envelope, need: ReadSet) -> None:
    """Adds what the command, its caller and its key need to know."""
    caller = envelope.command.caller
    if isinstance(caller, SessionCaller):
        need.sessions.add(caller.session_id)
    elif isinstance(caller, MachineCaller):
        need.machine_keys.add(caller.machine_id)
    elif isinstance(caller, ScreenCaller):
        need.screens.add(caller.screen_id)
    if envelope.key is not None:
        need.keys.add((caller.scope, envelope.key))
    envelope.command.reads(need)


def execute(envelope: Envelope, work: WorkingSet) -> Outcome:
    """Decides one command, writes its effects to the working set, and keeps the answer under its key."""
    command = envelope.command
    try:
        actor = _actor(command.caller, work)
        stored = replay.find(envelope, work)
        if stored is not None:
            return stored
        if actor.machine_id is not None:
            command.require_machine(actor)
        answer: Receipt | Refusal = execute_served(command, actor, work)
    except (Unauthenticated, KeyReused, RecordUnreadable) as refusal:
        return Outcome(refusal)  # Says something of the credential or the key, not of the command.
    except Refusal as refusal:
        answer = refusal
    replay.keep(answer, envelope, work)
    return Outcome(answer)


def _actor(caller: Caller, work: WorkingSet) -> Actor:
    """Who that is by now. Raises SessionEnded."""
    match caller:
        case SessionCaller():
            session = work.users.sessions.get(caller.session_id)
            if (
                session is None
                or session.ended
                or session.expires_us <= work.now_us
                or session.actor.user_id != caller.user_id
            ):
                raise SessionEnded
            return session.actor
        case MachineCaller():
            if not work.policy.is_machine(caller, work.machines.keys.get(caller.machine_id)):
                raise SessionEnded
            return Actor(user_id=None, roles=frozenset(), machine_id=caller.machine_id)
        case ScreenCaller():
            if work.machines.screens.get(caller.screen_id) != (caller.machine_id, caller.secret_hash):
                raise SessionEnded
            return Actor(None, frozenset(), guest_id=caller.guest_id, screen_machine_id=caller.machine_id)
        case GuestCaller():
            return Actor(user_id=None, roles=frozenset(), guest_id=caller.guest_id)
        case RegistrantCaller():
            return Actor(user_id=None, roles=frozenset())
        case OperatorCaller():
            return OPERATOR
        case _:
            assert_never(caller)
