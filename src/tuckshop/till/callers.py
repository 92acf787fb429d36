"""Who asks something of the till: six kinds, each with what the till checks it by, and nothing else."""

from __future__ import annotations

import msgspec

from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.users import name_key


class SessionCaller(msgspec.Struct, frozen=True):
    """A user, by the session that is good at the instant of the command."""

    session_id: int
    user_id: int

    @property
    def scope(self) -> str:
        """The namespace of the caller's idempotency keys."""
        return f"user:{self.user_id}"


class MachineCaller(msgspec.Struct, frozen=True):
    """A machine, if its key is the one with this hash; for itself, or for the guest before it.

    `key_hash` None: a machine without a key, believed where `Policy.kiosk_open` says so.
    """

    machine_id: int
    key_hash: bytes | None
    guest_id: int | None = None

    @property
    def scope(self) -> str:
        """The namespace of the caller's idempotency keys; guests have one each, wherever they are."""
        return f"machine:{self.machine_id}" if self.guest_id is None else f"guest:{self.guest_id}"

    def serving(self, guest_id: int) -> MachineCaller:
        """The same machine, asking for this guest."""
        return MachineCaller(self.machine_id, self.key_hash, guest_id)


class GuestCaller(msgspec.Struct, frozen=True):
    """A guest in a browser, who was recognised before the till is asked."""

    guest_id: int

    @property
    def scope(self) -> str:
        """The namespace of the caller's idempotency keys."""
        return f"guest:{self.guest_id}"


class ScreenCaller(msgspec.Struct, frozen=True):
    """A guest before a machine's own screen, if the screen's credential is the one with this hash."""

    screen_id: int
    machine_id: int
    secret_hash: bytes
    guest_id: int

    @property
    def scope(self) -> str:
        """The namespace of the caller's idempotency keys."""
        return f"guest:{self.guest_id}"


class RegistrantCaller(msgspec.Struct, frozen=True):
    """Somebody without a log-in who wants to be called so; the name alone tells whose keys these are."""

    name_key: str

    @property
    def scope(self) -> str:
        """The namespace of the caller's idempotency keys."""
        return f"newcomer:{self.name_key}"  # Stored: it stays, whatever the class is called.

    @classmethod
    def named(cls, username: str) -> RegistrantCaller:
        """Who wants to be called so."""
        return cls(name_key(username))


class OperatorCaller(msgspec.Struct, frozen=True):
    """Whoever works at the command line."""

    @property
    def scope(self) -> str:
        """The namespace of the caller's idempotency keys."""
        return "operator"


Caller = SessionCaller | MachineCaller | ScreenCaller | GuestCaller | RegistrantCaller | OperatorCaller

OPERATOR = OperatorCaller()
OPEN_KIOSK = MachineCaller(DEFAULT_MACHINE_ID, None)
"""The first machine without its key, believed where `Policy.kiosk_open` says so."""


def user_of(caller: Caller) -> int | None:
    """Whose session it is that asks; None for every other kind."""
    return caller.user_id if isinstance(caller, SessionCaller) else None
