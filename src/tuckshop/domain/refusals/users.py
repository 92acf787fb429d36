"""Who is asking, what they may do, and what users cannot have."""

from __future__ import annotations

from typing import Literal

from tuckshop.domain.refusals.base import Conflict, Forbidden, Throttled, Unauthenticated

Thing = Literal["account", "machine", "product", "report", "wallet"]
"""What can belong to somebody."""


class BadCredentials(Unauthenticated, code="bad-credentials"):
    """Name and password do not belong together; says no more, on purpose."""


class SessionEnded(Unauthenticated, code="session-ended"):
    """The session behind the token is over, expired or unknown, or its user is not active."""


class CredentialReused(Unauthenticated, code="credential-reused"):
    """A refresh token was used a second time: its whole session has been ended."""


class RoleMissing(Forbidden, code="role-missing"):
    """The act needs one of `roles`."""

    roles: tuple[str, ...]


class NotOwner(Forbidden, code="not-owner"):
    """The thing belongs to another user."""

    thing: Thing


class ScopeMissing(Forbidden, code="scope-missing"):
    """The API token has none of `scopes`, one of which this needs."""

    scopes: tuple[str, ...]


class LogInNeeded(Forbidden, code="log-in-needed"):
    """An API token came where only a person who has logged in may act."""


class CoinsNotAttested(Forbidden, code="coins-not-attested"):
    """Nobody trusted has seen these coins: a machine's key, a cashier or an admin must say so."""


class RegistrationClosed(Forbidden, code="registration-closed"):
    """This role cannot be taken by registering."""

    role: str


class TooManyTries(Throttled, code="too-many-tries"):
    """Too many log-ins of this name, or from this address."""


class TooManyRegistrations(Throttled, code="too-many-registrations"):
    """More than this many from one network within an hour."""

    registrations_max: int


class TooManyStreams(Throttled, code="too-many-streams"):
    """One address watches events on this many connections already; closing one makes room at once."""

    streams_max: int


class NameTaken(Conflict, code="name-taken"):
    """Another user, product on sale, or machine has this name (case and accents' spelling aside)."""

    name: str


class NameTooSimilar(Conflict, code="name-too-similar"):
    """The name looks like that of another user, or one word of it mixes Latin with Cyrillic or Greek."""

    name: str


class EmailTaken(Conflict, code="email-taken"):
    """Another user has this email address."""

    email: str


class StillHoldsValue(Conflict, code="still-holds-value"):
    """Earnings, a tab or stock must be settled before this user can be closed."""

    earned_cents: int
    owed_cents: int
    stock: int


class TooManyTokens(Conflict, code="too-many-tokens"):
    """The user has as many API tokens as anybody may."""

    count_max: int


class LastAdmin(Conflict, code="last-admin"):
    """The shop's last active admin stays."""


class SellerNotInvited(Forbidden, code="seller-not-invited"):
    """Sellers sell at this machine by an admin's invitation, and this one has none."""

    machine: int


class ConfirmationRequired(Forbidden, code="confirmation-required"):
    """The log-in, or the last confirmation by the password, is more than `fresh_seconds` old."""

    fresh_seconds: int


class SelfService(Forbidden, code="self-service"):
    """Cashiers and admins do not serve themselves; `act` is the command's tag."""

    act: str


class SecondFactorNeeded(Unauthenticated, code="second-factor-needed"):
    """The password fits; this user's log-ins take a code of the app as well."""


class SecondFactorWrong(Unauthenticated, code="second-factor-wrong"):
    """The code is none, is too old, or was used before."""


class SecondFactorRequired(Forbidden, code="second-factor-required"):
    """In this shop staff log in with a second factor: the user must set one up, and not turn it off."""


class SecondFactorOn(Conflict, code="second-factor-on"):
    """There is one already."""


class SecondFactorOff(Conflict, code="second-factor-off"):
    """There is none, or nothing was begun."""
