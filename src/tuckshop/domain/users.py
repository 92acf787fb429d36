"""People: who they are, what their names may be, and what each role may do."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from tuckshop.domain.field_problems import (
    CommonPassword,
    ForbiddenCharacters,
    NameAsPassword,
    NoRoles,
    NotAnEmail,
    ReservedName,
    RoleTwice,
    SpaceAtEnds,
    WrongLength,
)
from tuckshop.domain.refusals import InvalidField, RoleMissing, SecondFactorRequired

USERNAME_LENGTH_MAX = 64
HOUSE_NAME = "house"  # Who sells what belongs to no seller.
CLOSED_NAME = "closed user"  # What users are called who are gone, with their number.
FORMER_BUYERS = "former buyers"  # Whose orders are too old to tell whose they were.
# Letters, marks and signs by their category, but drawn as nothing: fillers, a joiner, blank Braille.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
EMAIL_LENGTH_MAX = 254  # RFC 5321, 4.5.3.1.3 less the angle brackets.
PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 1024  # Long enough for any passphrase, short enough to hash.


class Role(StrEnum):
    """What a user may do in the shop; one user may hold several."""

    BUYER = "buyer"
    SELLER = "seller"
    CASHIER = "cashier"
    ADMIN = "admin"


STAFF = frozenset({Role.CASHIER, Role.ADMIN})
"""Who serves others, for the shop."""


class UserState(StrEnum):
    """The status of a user. Only active users can log in."""

    PENDING = "pending"
    ACTIVE = "active"
    DISABLED = "disabled"
    CLOSED = "closed"


class Scope(StrEnum):
    """What an API token is allowed to do."""

    READ = "read"
    BUY = "buy"
    SELL = "sell"
    ADMIN = "admin"  # what cashiers and admins do


class RegistrationMode(StrEnum):
    """Who may become a user by registering."""

    OPEN = "open"
    APPROVE = "approve"  # an admin lets each one in
    CLOSED = "closed"


class SecondFactorMode(StrEnum):
    """Whether cashiers and admins need a code beside their password."""

    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as read with the books. `user_id` is None for the operator at the command line."""

    user_id: int | None
    roles: frozenset[Role]
    machine_id: int | None = None  # a machine that showed its key; no user, and no role
    guest_id: int | None = None  # a guest who asks for themselves; no user, and no role
    screen_machine_id: int | None = None  # the machine at whose own screen that guest stands
    serves_self: bool = False  # an admin whom nobody else could serve
    withheld: frozenset[Role] = frozenset()  # roles of staff, until there is a second factor

    def has(self, *roles: Role) -> bool:
        """Whether the actor holds any of the roles."""
        return not self.roles.isdisjoint(roles)

    @property
    def is_staff(self) -> bool:
        """Whether the actor serves others."""
        return not self.roles.isdisjoint(STAFF)

    def as_customer(self) -> Actor:
        """The same person, with no more rights than customers have."""
        return replace(self, roles=self.roles - STAFF)

    def require(self, *roles: Role) -> None:
        """Raises RoleMissing unless the actor holds one; SecondFactorRequired if one is withheld."""
        if self.roles.isdisjoint(roles):
            if not self.withheld.isdisjoint(roles):
                raise SecondFactorRequired
            raise RoleMissing(roles=tuple(str(role) for role in roles))


def with_second_factor(actor: Actor, *, has_one: bool, is_required: bool) -> Actor:
    """Who acts, without the roles of staff where those take a second factor and there is none."""
    if has_one or not is_required or not actor.is_staff:
        return actor
    return replace(actor, roles=actor.roles - STAFF, withheld=actor.roles & STAFF)


def roles_within(roles: frozenset[Role], scopes: frozenset[Scope]) -> frozenset[Role]:
    """What is left of the roles for a token that acts within the scopes; reading lends none."""
    lent = {Scope.BUY: {Role.BUYER}, Scope.SELL: {Role.SELLER}, Scope.ADMIN: {Role.CASHIER, Role.ADMIN}}
    return frozenset(role for role in roles if any(role in lent.get(scope, ()) for scope in scopes))


def check_roles(roles: Iterable[Role]) -> frozenset[Role]:
    """The roles as a set. Raises InvalidField for none, or one that is named twice."""
    named = list(roles)
    if not named:
        raise InvalidField(field="roles", problem=NoRoles())
    if len(set(named)) < len(named):
        raise InvalidField(field="roles", problem=RoleTwice())
    return frozenset(named)


def write_scopes(scopes: frozenset[Scope]) -> str:
    """The scopes as they are kept: in the order of the set, with a space between."""
    return " ".join(scope for scope in Scope if scope in scopes)


def read_scopes(kept: str) -> frozenset[Scope]:
    """What `write_scopes` wrote."""
    return frozenset(map(Scope, kept.split()))


OPERATOR = Actor(user_id=None, roles=frozenset({Role.ADMIN, Role.CASHIER}))
"""Whoever can run the command line owns the database anyway."""


def name_key(name: str) -> str:
    """What makes two names the same: case folding in NFC. The key of a key is the key itself.

    Folded decomposed (Unicode, D145), or a Greek iota subscript hides from the accents beside it.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def check_name(name: str, *, field: str, length_max: int) -> str:
    """The name in NFC.

    Raises:
        InvalidField: empty, too long, with space at an end, a slash, or what nobody can see.
    """
    name = unicodedata.normalize("NFC", name)
    if not name or len(name) > length_max:
        raise InvalidField(field=field, problem=WrongLength(1, length_max))
    if name != name.strip():
        raise InvalidField(field=field, problem=SpaceAtEnds())
    if "/" in name or any(
        char in _BLANK or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in name
    ):
        raise InvalidField(field=field, problem=ForbiddenCharacters())
    return name


def closed_name(user_id: int) -> str:
    """What a closed user is called wherever there was a name: `closed user 4`."""
    return f"{CLOSED_NAME} {user_id}"


def names_nobody(key: str) -> bool:
    """Whether a name's key, or its skeleton, reads like what closed users or former buyers are called.

    Letters and digits alone count: `Closed-User 4` reads the same.
    """
    letters = "".join(char for char in key if char.isalnum())
    return letters.startswith(CLOSED_NAME.replace(" ", "")) or letters == FORMER_BUYERS.replace(" ", "")


def check_username(username: str) -> str:
    """The user name in NFC.

    Raises:
        InvalidField: no name, or one that the shop itself uses: for its products, for users who are gone.
    """
    username = check_name(username, field="username", length_max=USERNAME_LENGTH_MAX)
    key = name_key(username)
    if key == HOUSE_NAME or names_nobody(key):
        raise InvalidField(field="username", problem=ReservedName())
    return username


def check_email(email: str) -> str:
    """The address in NFC; only its shape is checked, since only a letter sent proves more.

    Raises:
        InvalidField: not `local@domain`, too long, or with spaces or control characters.
    """
    email = check_name(email, field="email", length_max=EMAIL_LENGTH_MAX)
    local, _, domain = email.rpartition("@")
    if not (local and domain) or "@" in local or any(char.isspace() for char in email):
        raise InvalidField(field="email", problem=NotAnEmail())
    return email


def check_password(password: str, *, username: str, common: frozenset[str]) -> str:
    """The password itself; no composition rules (NIST SP 800-63B, 3.1.1.2).

    Raises:
        InvalidField: too short, too long, what everybody tries first, or nothing but the user's own name.
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise InvalidField(field="password", problem=WrongLength(PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX))
    folded = password.casefold()
    if folded in common:
        raise InvalidField(field="password", problem=CommonPassword())
    besides = folded.replace(username.casefold(), "")
    if besides != folded and not any(map(str.isalpha, besides)):
        raise InvalidField(field="password", problem=NameAsPassword())
    return password
