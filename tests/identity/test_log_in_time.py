"""What a refused log-in does tells nobody whether a name is known, or why it was refused.

Counted, not timed: the statements that the database is asked, and the password checks with their cost. How
long those take beside each other, `python -m bench.log_in_times` measures.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import event

from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import browser_sessions, login_throttle, registration, roles, sessions

PASSWORD = "correct horse"
KINDS = {
    "wrong password": ("ada", "wrong horse"),
    "unknown": ("nobody", PASSWORD),
    "disabled, right password": ("dis", PASSWORD),
    "disabled, wrong password": ("dis", "wrong horse"),
}

LogIn = Callable[..., Awaitable[object]]


class Check(NamedTuple):
    """A password against a hash, by all that says how long it takes."""

    memory_kib: int
    passes: int
    lanes: int
    hash_bytes: int

    @classmethod
    def against(cls, kept: str) -> Check:
        it = extract_parameters(kept)
        return cls(it.memory_cost, it.time_cost, it.parallelism, it.hash_len)


Steps = tuple[str | Check, ...]


@pytest.fixture
async def shop(open_for_business: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(login_throttle, "DELAY_SECONDS", 0.0)
    for name in ("ada", "dis"):
        made = await registration.add(
            open_for_business, username=name, email=None, password=PASSWORD, roles=[Role.BUYER]
        )
        if name == "dis":
            state = UserState.DISABLED
            await roles.change(open_for_business, user_id=made.id, state=state, actor_id=None)
    return open_for_business


async def steps_of(shop: Shop, log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> dict[str, Steps]:
    """The statements and the password checks of each kind, in their order."""
    steps: list[str | Check] = []
    verify = PasswordHasher.verify

    def verified(hasher: PasswordHasher, kept: str, password: str) -> bool:
        steps.append(Check.against(kept))
        return verify(hasher, kept, password)

    def asked(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        steps.append(statement)

    taken = {}
    with monkeypatch.context() as patched:
        patched.setattr(PasswordHasher, "verify", verified)
        event.listen(shop.engine.sync_engine, "before_cursor_execute", asked)
        for kind, (name, password) in KINDS.items():
            for _ in range(2):  # The first of a name makes its count.
                steps.clear()
                with pytest.raises(BadCredentials):
                    await log_in(shop, username=name, password=password, address="192.0.2.7")
            taken[kind] = tuple(steps)
        event.remove(shop.engine.sync_engine, "before_cursor_execute", asked)
    return taken


def checks(steps: Steps) -> list[Check]:
    return [step for step in steps if isinstance(step, Check)]


@pytest.mark.parametrize("log_in", [sessions.log_in, browser_sessions.log_in], ids=["tokens", "cookie"])
async def test_known_unknown_and_disabled_users_cost_the_same(
    shop: Shop, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = await steps_of(shop, log_in, monkeypatch)

    (alike,) = set(taken.values())
    (cost,) = checks(alike)
    assert cost == Check.against(await shop.passwords.hash(PASSWORD))
    assert len(alike) > 3


async def test_a_check_that_unknown_names_are_spared_is_seen(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = shop.passwords.fits

    async def hasty(password: str, kept: str | None) -> bool:
        return kept is not None and await fits(password, kept)

    monkeypatch.setattr(shop.passwords, "fits", hasty)
    taken = await steps_of(shop, sessions.log_in, monkeypatch)
    assert {kind for kind, steps in taken.items() if not checks(steps)} == {"unknown"}


async def test_a_check_of_another_cost_is_seen(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    costly = PasswordHasher(memory_cost=8, time_cost=2, parallelism=1).hash("nobody's password")
    monkeypatch.setattr(shop.passwords, "_dummy", costly)
    taken = await steps_of(shop, sessions.log_in, monkeypatch)
    assert {kind for kind, steps in taken.items() if checks(steps)[0].passes == 2} == {"unknown"}
    assert len(set(taken.values())) == 2
