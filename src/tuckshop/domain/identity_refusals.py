"""Refusals of who somebody is, and may act as. The tree of all stands in `refusals`."""

from __future__ import annotations

from tuckshop.domain.refusal import Conflict, Forbidden, Unauthenticated, Unknown


class BadCredentials(Unauthenticated, code="bad-credentials"):
    """Name and password do not belong together; says no more, on purpose."""


class SecondFactorNeeded(Unauthenticated, code="second-factor-needed"):
    """The password fits; this user's log-ins take a code of the app as well."""


class SecondFactorWrong(Unauthenticated, code="second-factor-wrong"):
    """The code is none, is too old, or was used before."""


class SessionEnded(Unauthenticated, code="session-ended"):
    """The session behind the token is over, expired or unknown, or its user is not active."""


class CredentialReused(Unauthenticated, code="credential-reused"):
    """A refresh token was used a second time: its whole session has been ended."""


class ScopeMissing(Forbidden, code="scope-missing"):
    """The API token has none of `scopes`, one of which this needs."""

    scopes: tuple[str, ...]


class LogInNeeded(Forbidden, code="log-in-needed"):
    """An API token came where only a person who has logged in may act."""


class ConfirmationRequired(Forbidden, code="confirmation-required"):
    """The log-in, or the last confirmation by the password, is more than `fresh_seconds` old."""

    fresh_seconds: int


class SecondFactorRequired(Forbidden, code="second-factor-required"):
    """In this shop staff log in with a second factor: the user must set one up, and not turn it off."""


class SelfService(Forbidden, code="self-service"):
    """Cashiers and admins do not serve themselves; `act` is the command's tag."""

    act: str


class SecondFactorOn(Conflict, code="second-factor-on"):
    """There is one already."""


class SecondFactorOff(Conflict, code="second-factor-off"):
    """There is none, or nothing was begun."""


class UnknownSession(Unknown, code="unknown-session"):
    """No session with this id belongs to the caller."""

    session: int


class UnknownToken(Unknown, code="unknown-token"):
    """No API token with this id belongs to the caller."""

    token: int


class TooManyTokens(Conflict, code="too-many-tokens"):
    """The user has as many API tokens as anybody may."""

    count_max: int
