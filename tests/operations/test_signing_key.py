"""One secret for all nodes: the database knows its fingerprint, and nothing else about it."""

from __future__ import annotations

import asyncio

import pytest

from tests.shop import Shop
from tuckshop.app import create_app
from tuckshop.context import Shop as RunningShop
from tuckshop.identity.access_tokens import fingerprint
from tuckshop.operations import shop_state, signing_key
from tuckshop.settings import Settings, SettingsInvalid
from tuckshop.store.engine import opened_engine

OURS = Settings(secret="our secret, which is long enough!")
THEIRS = Settings(secret="their secret, which is long enough")


def test_a_fingerprint_says_nothing_of_the_secret() -> None:
    found = fingerprint(b"k" * 32)
    assert found == "289c0952939d19df04e0cf81360e0a27"  # Stored: another one would lock every node out.
    assert fingerprint(b"k" * 31 + b"l") != found


async def test_the_first_stores_it_and_others_are_compared(shop: Shop) -> None:
    assert await shop_state.key_fingerprint(shop.engine) is None
    assert await signing_key.check(shop.engine, THEIRS) is None
    ours = fingerprint(OURS.signing_secret())
    assert await signing_key.claim(shop.engine, OURS) == ours
    assert await signing_key.claim(shop.engine, OURS) is None
    before = await shop.books()
    for act in (signing_key.claim, signing_key.check):
        with pytest.raises(SettingsInvalid, match="Set TUCKSHOP_SECRET as on the first node"):
            await act(shop.engine, THEIRS)
    assert await shop.books() == before
    assert await shop_state.key_fingerprint(shop.engine) == ours


async def test_of_two_first_ones_at_once_the_database_takes_one(shop: Shop) -> None:
    both = [OURS, THEIRS] * 4
    answers = await asyncio.gather(
        *(signing_key.claim(shop.engine, given) for given in both), return_exceptions=True
    )
    known = await shop_state.key_fingerprint(shop.engine)
    assert [answer for answer in answers if isinstance(answer, str)] == [known]
    for given, answer in zip(both, answers, strict=True):
        is_other = fingerprint(given.signing_secret()) != known
        assert isinstance(answer, SettingsInvalid) is is_other


async def test_one_that_looked_before_the_other_stored_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = shop_state.key_fingerprint
    looks = 0

    async def late(engine: object) -> str | None:
        nonlocal looks
        looks += 1
        if looks > 1:
            return await look(shop.engine)
        assert await look(shop.engine) is None
        async with opened_engine(shop.url) as other:
            await signing_key.claim(other, OURS)
        return None

    monkeypatch.setattr(shop_state, "key_fingerprint", late)
    with pytest.raises(SettingsInvalid, match="not the shop's"):
        await signing_key.claim(shop.engine, THEIRS)
    assert await look(shop.engine) == fingerprint(OURS.signing_secret())


async def test_a_running_server_knows_that_the_key_was_replaced(open_for_business: RunningShop) -> None:
    shop = open_for_business
    assert await signing_key.is_current(shop)
    await signing_key.replace(shop.engine, secret=b"n" * 32, now_us=shop.clock())
    assert not await signing_key.is_current(shop)


@pytest.mark.parametrize("is_demo", [False, True])
async def test_every_worker_compares_it(shop: Shop, *, is_demo: bool) -> None:
    await signing_key.claim(shop.engine, OURS)
    await shop.execute("UPDATE shop SET is_demo = :demo", demo=is_demo)
    app = create_app(Settings(database_url=shop.url, secret=THEIRS.secret))
    sent: list[str] = []
    done = asyncio.Event()

    async def receive() -> dict[str, str]:
        if not sent:
            return {"type": "lifespan.startup"}
        done.set()
        return {"type": "lifespan.shutdown"}

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    try:
        await app({"type": "lifespan", "state": {}}, receive, send)  # type: ignore[arg-type]
    except SettingsInvalid:
        assert sent == ["lifespan.startup.failed"]
        assert not is_demo
    else:
        assert is_demo  # Its secret is another one at every start.
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
