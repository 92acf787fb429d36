"""What every command has in common, and how one is declared.

A command says what is wanted and who asks; the till alone decides. It stands in the module of its noun, with
all that it is: its fields, its receipt, what it reads, how it is decided, and what the admin log says of it.
Every answer is a receipt or a refusal of `domain.refusals`. Receipts hold all that any interface shows, since
a replayed idempotency key must give the same answer again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, TypeVar

import msgspec

from tuckshop.domain.refusals import (
    CoinsCapReached,
    CoinsDeclaredElsewhere,
    CoinsNotAttested,
    MachineCoinsCapReached,
    NotOwner,
    NotRefundable,
    RefundNotCovered,
    RefundsExhausted,
    RefundWindowOver,
    Refusal,
    RoleMissing,
    SelfService,
    UndoAtCounter,
)
from tuckshop.domain.users import Actor, Role
from tuckshop.store import admin_log
from tuckshop.store.admin_log import Facts
from tuckshop.till.callers import Caller
from tuckshop.till.state.read_set import ReadSet
from tuckshop.till.state.working_set import WorkingSet

C = TypeVar("C", bound="Command")


class Value(msgspec.Struct, frozen=True):
    """As a frozen dataclass, and made and written down in a tenth of the time."""


class Receipt(Value, frozen=True):
    """What a command has done. Declared with `state.forms.receipt`, under a tag that never changes."""


class LogSubject(NamedTuple):
    """What an act of the office is called and is about, and how that stands; None: it is not there."""

    action: str
    name: str
    facts: Facts | None
    only_changes: bool = False  # A form sent as it came leaves no line.


class Command(Value, frozen=True):
    """Something asked of the till. Declared with `@command`."""

    tag: ClassVar[str]
    """Never changes: the admin log keeps it."""

    caller: Caller

    def reads(self, need: ReadSet) -> None:
        """Adds what the command needs to know, and how many new ids."""
        raise NotImplementedError

    def execute(self, actor: Actor, work: WorkingSet) -> Receipt:
        """Decides the command, and writes its effects to the working set.

        Raises:
            Refusal: of the rules; the working set is as it was.
        """
        raise NotImplementedError

    def require_machine(self, actor: Actor) -> None:
        """Raises what refuses a machine that asks. Its key is good for little: nothing, unless said here."""
        raise RoleMissing(roles=tuple(Role))

    def serves(self, work: WorkingSet) -> int | None:
        """The user whose own money or order it is, whom staff serve: see `execute_served`."""
        return None

    def log_line(self, actor: Actor, work: WorkingSet, receipt: Any = None) -> LogSubject | None:
        """What the admin log tells of it: asked before (no receipt) and after it is done.

        None for what people do with their own, and for what is a record by itself, such as sales. Asked for
        cashiers, admins and the operator alone.
        """
        return None


COMMANDS: dict[str, type[Command]] = {}
"""By tag."""


def command(tag: str) -> Callable[[type[C]], type[C]]:
    """Declares a command. Raises ValueError for a tag that is taken."""

    def declare(cls: type[C]) -> type[C]:
        if COMMANDS.setdefault(tag, cls) is not cls:
            raise ValueError(f"{tag} is another command's")
        cls.tag = tag
        return cls

    return declare


def require_own_machine(actor: Actor, machine_id: int) -> None:
    """Raises NotOwner unless the machine that asks speaks of itself."""
    if machine_id != actor.machine_id:
        raise NotOwner(thing="machine")


def require_here(actor: Actor, machine_id: int) -> None:
    """Raises NotOwner for a guest at the screen of another machine."""
    if actor.screen_machine_id not in (None, machine_id):
        raise NotOwner(thing="machine")


_STAFF_MAY = (
    CoinsCapReached,
    CoinsDeclaredElsewhere,
    CoinsNotAttested,
    MachineCoinsCapReached,
    NotRefundable,
    RefundNotCovered,
    RefundWindowOver,
    RefundsExhausted,
    RoleMissing,
    UndoAtCounter,
)
"""What customers are refused and staff are not."""


def execute_served(command: Command, actor: Actor, work: WorkingSet) -> Receipt:
    """Executes the command. With their own money and orders staff are customers.

    What takes a cashier or an admin, another one does for them; an admin alone where there is no other, and
    then the log and the transfers say so.

    Raises:
        SelfService: there is another one.
        Refusal: of the command's rules.
    """
    if not actor.is_staff or actor.user_id is None or command.serves(work) != actor.user_id:
        return execute_logged(command, actor, work)
    try:
        return command.execute(actor.as_customer(), work)
    except _STAFF_MAY as refusal:
        if actor.user_id not in work.users.only_staff:
            raise SelfService(act=command.tag) from refusal
    return execute_logged(command, replace(actor, serves_self=True), work)


def execute_logged(command: Command, actor: Actor, work: WorkingSet) -> Receipt:
    """Executes the command; an act of the office leaves a line, with what it changes or not at all."""
    before = command.log_line(actor, work) if actor.is_staff else None
    receipt = command.execute(actor, work)
    if before is None:
        return receipt
    after = command.log_line(actor, work, receipt)
    if after is None or (after.only_changes and after == before):
        return receipt
    facts = after.facts
    if actor.serves_self:
        facts = {**(facts or {}), "for_self": True}
    work.changes.admin_log.append(
        admin_log.line(
            action=after.action,
            subject=after.name,
            before=before.facts,
            after=facts,
            actor_id=actor.user_id,
            now_us=work.now_us,
        )
    )
    return receipt


class Envelope(Value, frozen=True):
    """A command on its way to the till. With a key, the same fingerprint is answered as before."""

    command: Command
    key: str | None = None
    fingerprint: bytes = b""


class Outcome(Value, frozen=True):
    """What became of a command; `replayed` when an earlier one with its key had the effect."""

    answer: Receipt | Refusal
    replayed: bool = False

    def receipt(self) -> Receipt:
        """The receipt. Raises the refusal instead, if that was the answer."""
        if isinstance(self.answer, Refusal):
            raise self.answer
        return self.answer
