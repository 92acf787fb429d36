"""Those who are about to become users."""

from __future__ import annotations

from tuckshop.domain.coins import Coins
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.users import Role, UserState
from tuckshop.till.callers import OPERATOR, RegistrantCaller
from tuckshop.till.commands.users import NewUser, Register


def register(
    name: str,
    email: str | None = None,
    *,
    coins: Coins | None = None,
    role: Role = Role.BUYER,
    machine_id: int = DEFAULT_MACHINE_ID,
) -> Register:
    """Somebody who registers; with a password that fits nothing."""
    new_user = NewUser(
        username=name, email=email, password_hash="no hash", roles=frozenset({role}), state=UserState.ACTIVE
    )
    return Register(RegistrantCaller.named(name), new_user, coins or {}, machine_id)


def first_admin(name: str) -> Register:
    """Somebody whom the operator makes the first admin."""
    user = NewUser(name, None, "no hash", frozenset({Role.ADMIN}), UserState.ACTIVE)
    return Register(OPERATOR, user, only_first=True)
