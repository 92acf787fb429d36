"""The running shop that every use-case works on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tuckshop.domain.money import Currency
from tuckshop.domain.sign_on import ExternalUser, GroupRoles
from tuckshop.domain.users import Scope
from tuckshop.store.engine import DatabaseAway, reading
from tuckshop.store.health import Health
from tuckshop.store.ids_behind import IdsBehind
from tuckshop.store.redis_server import Notes
from tuckshop.store.replica import Replica
from tuckshop.telemetry import Alerts, Meter
from tuckshop.till.callers import SessionCaller
from tuckshop.till.engine.queue import Till

# Interfaces never touch the store; this much of it they answer for.
__all__ = [
    "DatabaseAway",
    "Directory",
    "IdsBehind",
    "KnownToken",
    "Passwords",
    "Provider",
    "Refreshing",
    "Shop",
    "SignOn",
    "SignOnAway",
    "SignOnBegun",
    "SignOnRefused",
    "Tokens",
]

KNOWN_TOKENS_MAX = 10_000  # Opaque tokens that need not be looked up again; some 3 MB.


class Passwords(Protocol):
    """Hashing and checking passwords, never on the event loop."""

    async def hash(self, password: str) -> str:
        """The hash to keep."""

    async def fits(self, password: str, hashed: str | None) -> bool:
        """Whether it is the password; as long for a user whom nobody knows (None)."""

    def close(self) -> None:
        """Ends the threads that hash."""


class Refreshing(NamedTuple):
    """What a refresh token says."""

    caller: SessionCaller
    generation: int


class Tokens(Protocol):
    """Signed tokens: making them and reading them."""

    @property
    def fingerprint(self) -> str:
        """Of the secret that signs them."""

    def access(self, caller: SessionCaller, *, audience: str = ...) -> str:
        """A token for calls to this interface."""

    def refresh(self, caller: SessionCaller, *, generation: int, audience: str = ...) -> str:
        """A token for new tokens."""

    def caller(self, token: str, *, audience: str = ...) -> SessionCaller:
        """Whose access token this is. Raises SessionEnded for any that is not good here and now."""

    def refreshing(self, token: str, *, audience: str = ...) -> Refreshing:
        """What a refresh token says. Raises SessionEnded for any that is not good here and now."""

    def seal(self, signed: bytes) -> bytes:
        """A hash that nobody computes without the shop's secret."""

    def encrypt(self, plain: bytes) -> str:
        """What nobody reads without the shop's secret."""

    def decrypt(self, kept: str) -> bytes:
        """What was encrypted. Raises ValueError for what this shop's secret has not encrypted."""


class SignOnAway(Exception):
    """A service that lets users in does not answer, or not so that anybody can log in. Nothing was done."""


class SignOnRefused(Exception):
    """A service has let nobody in, or what came from it proves nothing."""


class SignOnBegun(NamedTuple):
    """Where the browser goes, and what must come back; `verifier` stays secret from the browser's user."""

    url: str
    state: str
    nonce: str
    verifier: str


class Directory(Protocol):
    """A service that is asked with name and password."""

    @property
    def issuer(self) -> str:
        """What its users are kept under."""

    async def find(self, *, username: str, password: str) -> ExternalUser | None:
        """Who has this name and password there; None for nobody. Raises SignOnAway."""

    def close(self) -> None:
        """Ends its threads."""


class Provider(Protocol):
    """A service to which browsers are sent."""

    @property
    def name(self) -> str:
        """What the button says."""

    async def begin(self) -> SignOnBegun:
        """A new log-in there. Raises SignOnAway."""

    async def finish(self, *, code: str, nonce: str, verifier: str) -> ExternalUser:
        """Whom it has let in with this code. Raises SignOnAway, SignOnRefused."""


class SignOn(NamedTuple):
    """The outside services that let users in, and what their groups are here."""

    directory: Directory | None = None
    provider: Provider | None = None
    roles: GroupRoles = GroupRoles()


class KnownToken(NamedTuple):
    """What an opaque token stands for, which never changes; no scopes for a log-in, which has all rights."""

    caller: SessionCaller
    scopes: frozenset[Scope]
    audience: str


@dataclass(frozen=True, slots=True)
class Shop:
    """Database, till and keys of one shop. `clock` gives microseconds since 1970, UTC."""

    engine: AsyncEngine
    till: Till
    tokens: Tokens
    passwords: Passwords
    clock: Callable[[], int]
    meter: Meter = field(default_factory=Meter)
    alerts: Alerts = field(default_factory=Alerts)
    sign_on: SignOn = field(default_factory=SignOn)
    notes: Notes | None = None  # shared with other processes; nothing depends on them
    health: Health = field(default_factory=Health)
    known_tokens: dict[bytes, KnownToken] = field(default_factory=dict)  # opaque ones, by their hash
    staff_reads: dict[tuple[int | None, str], int] = field(default_factory=dict)  # when a line was left
    replica: Replica | None = None
    guest_ids: dict[str, int] = field(default_factory=dict)  # by the key of their names, which never change

    def remember_token(self, digest: bytes, known: KnownToken) -> None:
        """Keeps what an opaque token stands for; it need not be looked up again."""
        if len(self.known_tokens) >= KNOWN_TOKENS_MAX:
            self.known_tokens.clear()
        self.known_tokens[digest] = known

    def reading_late(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """One transaction for what may be a moment old: lists for buyers, reports, exports.

        Never for what money is decided by, nor for what its reader may just have written.
        """
        return reading(self.engine) if self.replica is None else self.replica.reading()

    @property
    def currency(self) -> Currency:
        """The shop's one currency."""
        return self.till.policy.currency
