"""Boundaries of who is let in: sessions, tokens, and how often somebody may try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from tests.boundaries.scene import DAY_US, Asked, Scene, outcome
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.users import OPERATOR, Scope
from tuckshop.identity import api_tokens, confirmation, login_throttle, screens, sessions
from tuckshop.identity.login_throttle import PAIR
from tuckshop.queries import events
from tuckshop.queries import screens as screen_queries
from tuckshop.store import tables
from tuckshop.store.engine import reading, writing
from tuckshop.till.callers import SessionCaller
from tuckshop.till.commands.wallet import Deposit
from tuckshop.web.account import log_in

Ask = Callable[[Scene, SessionCaller], Awaitable[object]]


def session(ask: Ask) -> Callable[[Scene], Awaitable[Asked]]:
    """Asks at the end of a session."""

    async def probe(scene: Scene) -> Asked:
        ada = await scene.shop.buyer()
        ends_us = scene.later(3_600)
        await scene.shop.execute(
            "UPDATE sessions SET expires_us = :ends_us WHERE id = :id", ends_us=ends_us, id=ada.session_id
        )
        return Asked(ends_us, lambda: ask(scene, ada))

    return probe


async def looks(scene: Scene, ada: SessionCaller) -> str:
    return await outcome(sessions.actor(scene.running, caller=ada))


async def acts(scene: Scene, ada: SessionCaller) -> str:
    return await outcome(scene.shop.do(Deposit(ada, wallet_of(ada.user_id), {5: 1})))


async def is_listed(scene: Scene, ada: SessionCaller) -> int:
    return len(await sessions.page(scene.running, user_id=ada.user_id or 0, before_id=None, limit=9))


async def hears_events(scene: Scene, ada: SessionCaller) -> bool:
    live = await events._live(scene.shop.engine, [ada.session_id], scene.clock())
    return ada.session_id in live


class _Asking(NamedTuple):
    """As much of a request as is asked."""

    shop: Any


async def second_step(scene: Scene) -> Asked:
    ends_us = scene.later(300)
    kept = msgspec.json.encode(log_in._Shown("ada", "correct horse", ends_us))
    sealed = scene.running.tokens.encrypt(kept)

    async def ask() -> bool:
        asking: Any = _Asking(scene.running)
        return log_in._opened(asking, sealed) is not None

    return Asked(ends_us, ask)


async def fresh_log_in(scene: Scene) -> Asked:
    ada = await scene.shop.buyer()
    return Asked(scene.later(600), lambda: outcome(confirmation.require(scene.running, caller=ada)))


async def token_is_listed(scene: Scene) -> Asked:
    user_id = (await scene.shop.buyer()).user_id or 0
    await api_tokens.make(scene.running, user_id=user_id, name="one", scopes=[Scope.READ], days=1)

    async def ask() -> int:
        return len(await api_tokens.page(scene.running, user_id=user_id, before_id=None, limit=9))

    return Asked(scene.clock.now_us + DAY_US, ask)


async def token_counts(scene: Scene) -> Asked:
    """Whether another token is one too many. Those that are made here live on."""
    user_id = (await scene.shop.buyer()).user_id or 0

    async def make(days: int) -> str:
        return await outcome(
            api_tokens.make(scene.running, user_id=user_id, name="one", scopes=[Scope.READ], days=days)
        )

    for days in (1, 1, *[2] * (api_tokens.TOKENS_MAX - 2)):
        assert await make(days) == "done"
    assert await make(2) == "TooManyTokens"
    return Asked(scene.clock.now_us + DAY_US, lambda: make(2))


async def token_days(scene: Scene) -> Asked:
    """Whether a token is made for a day, and for the most days; both later by a day a microsecond."""
    user_id, begun_us = (await scene.shop.buyer()).user_id or 0, scene.later(1)

    async def make(days: int) -> str:
        return await outcome(
            api_tokens.make(scene.running, user_id=user_id, name="one", scopes=[Scope.READ], days=days)
        )

    async def ask() -> tuple[str, str]:
        more = scene.clock() - begun_us
        return await make(1 + more), await make(api_tokens.DAYS_MAX + more)

    return Asked(begun_us, ask)


async def session_that_ends(scene: Scene) -> Asked:
    """Whether the database takes a session that ends at this instant."""
    user_id = (await scene.shop.buyer()).user_id
    begins_us = scene.later(3_600)

    async def ask() -> str:
        row = {"user_id": user_id, "generation": 1, "created_us": begins_us, "expires_us": scene.clock()}
        try:
            async with writing(scene.shop.engine) as connection:
                await connection.execute(insert(tables.sessions).values(row))
        except IntegrityError:
            return "refused"
        return "taken"

    return Asked(begins_us, ask)


# --- Tries to log in. Of each name in turn, since to ask is to try


async def try_again(scene: Scene) -> Asked:
    """A name that has had all of its tries, once one of them is forgotten."""
    names = ["ada", "bob", "eve"]
    for name in names:
        for _ in range(PAIR.attempts):
            await _begin(scene, name)
        assert await outcome(_begin(scene, name)) == "TooManyTries"
    return Asked(scene.later(PAIR.seconds), lambda: outcome(_begin(scene, names.pop())))


async def dry_count(scene: Scene) -> Asked:
    """For how many microseconds more one try is remembered, with the one before it."""
    names = ["ada", "bob", "eve"]
    for name in names:
        await _begin(scene, name)

    async def ask() -> int:
        name = names.pop()
        before = await _remembered_us(scene)
        await _begin(scene, name)
        (changed,) = Counter(await _remembered_us(scene)) - Counter(before)
        return changed - scene.clock()

    return Asked(scene.later(PAIR.seconds), ask)


async def failed_try(scene: Scene) -> Asked:
    await _begin(scene, "ada")
    return Asked(scene.later(PAIR.seconds), lambda: _told(scene, "failed"))


async def shut_out(scene: Scene) -> Asked:
    for _ in range(PAIR.attempts):
        await _begin(scene, "ada")
    return Asked(scene.later(PAIR.seconds), lambda: _told(scene, "shut_out"))


async def old_try(scene: Scene) -> Asked:
    await _begin(scene, "ada")

    async def ask() -> bool:
        await login_throttle.forget_old(scene.running)
        return bool(await _remembered_us(scene))

    return Asked(scene.later(PAIR.seconds), ask)


async def _begin(scene: Scene, name: str) -> None:
    await login_throttle.begin(scene.running, username=name, address="192.0.2.7")


async def _told(scene: Scene, figure: str) -> int:
    async with reading(scene.shop.engine) as connection:
        remembered = await login_throttle.remembered(connection, now_us=scene.clock())
    return int(getattr(remembered, figure))


async def _remembered_us(scene: Scene) -> list[int]:
    """Until when the counts by name and address last."""
    return [row["full_us"] for row in await scene.shop.rows("login_tries") if row["key"][:1] == b"p"]


async def pairing_code(scene: Scene) -> Asked:
    """Whether a code pairs a browser, and how many of its machine's screens are listed before."""
    codes = [await scene.shop.pairing_code(1) for _ in range(3)]

    async def ask() -> tuple[str, int]:
        listed = await screen_queries.of_machine(scene.running, actor=OPERATOR, machine_id=1)
        waiting = [one for one in listed if one.paired_us is None]
        told = await outcome(screens.pair(scene.running, code=codes.pop(), address=None))
        return told, int(bool(waiting))

    return Asked(scene.later(600), ask)
