"""How long a log-in takes tells nobody whether a name is known, or why it was refused."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import pytest
from sqlalchemy import event

from tuckshop.context import Shop
from tuckshop.domain.refusals import BadCredentials
from tuckshop.domain.users import Role, UserState
from tuckshop.identity import browser_sessions as opaque
from tuckshop.identity import login_throttle as tries
from tuckshop.identity import registration, sessions
from tuckshop.identity import roles as standing

PASSWORD = "correct horse"
ROUNDS = 50  # Of four kinds: 200 tries.
SECONDS_MAX = 0.002
KINDS = {
    "wrong password": ("ada", "wrong horse"),
    "unknown": ("nobody", PASSWORD),
    "disabled, right password": ("dis", PASSWORD),
    "disabled, wrong password": ("dis", "wrong horse"),
}


@pytest.fixture
async def shop(slow_hashes: None, open_for_business: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name in ("PAIR", "USER", "NETWORK"):
        monkeypatch.setattr(tries, name, tries.Limit(10_000, 60))
    monkeypatch.setattr(tries, "DELAY_SECONDS", 0.0)
    for name in ("ada", "dis"):
        made = await registration.add(
            open_for_business, username=name, email=None, password=PASSWORD, roles=[Role.BUYER]
        )
        if name == "dis":
            state = UserState.DISABLED
            await standing.change(open_for_business, user_id=made.id, state=state, actor_id=None)
    return open_for_business


async def measured(
    shop: Shop, log_in: Callable[..., Awaitable[object]], *, rounds: int = ROUNDS
) -> dict[str, float]:
    """The median of each kind, tried in turns.

    In seconds of the processor, of all threads: what else this machine does is no part of the answer, and
    what takes time without any, statements and hashes, is counted by the other test.
    """
    spent: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind, (name, password) in KINDS.items():
            begun = time.process_time()
            with pytest.raises(BadCredentials):
                await log_in(shop, username=name, password=password, address="192.0.2.7")
            spent[kind].append(time.process_time() - begun)
    return {kind: median(seconds) for kind, seconds in spent.items()}


def spread(medians: dict[str, float]) -> float:
    return max(medians.values()) - min(medians.values())


@pytest.mark.uncounted
@pytest.mark.parametrize("log_in", [sessions.log_in, opaque.log_in], ids=["tokens", "cookie"])
async def test_takes_alike_for_known_unknown_and_disabled_users(
    shop: Shop, log_in: Callable[..., Awaitable[object]]
) -> None:
    medians = await measured(shop, log_in)
    assert spread(medians) <= SECONDS_MAX, medians


@pytest.mark.uncounted
async def test_finds_a_hash_that_unknown_names_are_spared(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = shop.passwords.fits

    async def hasty(password: str, kept: str | None) -> bool:
        return kept is not None and await fits(password, kept)

    monkeypatch.setattr(shop.passwords, "fits", hasty)
    assert spread(await measured(shop, sessions.log_in, rounds=10)) > SECONDS_MAX


async def test_asks_and_hashes_alike(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    passwords: Any = shop.passwords
    verify: Callable[[str, str], bool] = passwords._verify

    def verified(kept: str, password: str) -> bool:
        steps.append("hash")
        return verify(kept, password)

    def asked(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        steps.append(statement)

    monkeypatch.setattr(shop.passwords, "_verify", verified)
    event.listen(shop.engine.sync_engine, "before_cursor_execute", asked)
    taken = {}
    for kind, (name, password) in KINDS.items():
        for _ in range(2):  # The first of a name makes its count.
            steps.clear()
            with pytest.raises(BadCredentials):
                await sessions.log_in(shop, username=name, password=password, address="192.0.2.7")
        taken[kind] = tuple(steps)
    event.remove(shop.engine.sync_engine, "before_cursor_execute", asked)
    (alike,) = set(taken.values())
    assert alike.count("hash") == 1
    assert len(alike) > 3
