"""Guests are rows once money came, and not before; tests/api/test_guests.py has what machines do for them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.refusals import UnknownGuest
from tuckshop.identity import guests
from tuckshop.identity.guests import UNUSED_SECONDS
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.wallet import Deposit, PayOut


async def known(running: RunningShop, name: str, *, make: bool = False) -> int:
    return await guests.known(running, name=name, make=make)


async def test_nobody_is_made_by_being_looked_for(shop: Shop, running: RunningShop) -> None:
    for _ in range(3):
        with pytest.raises(UnknownGuest):
            await known(running, "door")
    assert await shop.rows("guests") == []


async def test_guests_to_whom_no_money_came_go_after_a_day(shop: Shop, running: RunningShop) -> None:
    ids = [await known(running, f"door {number}", make=True) for number in range(6)]
    await shop.do(Deposit(OPERATOR, guests.wallet_of(ids[1]), {100: 1}))
    await shop.do(Deposit(OPERATOR, guests.wallet_of(ids[2]), {100: 1}))
    await shop.do(PayOut(OPERATOR, guests.wallet_of(ids[2])))
    assert await guests.forget_unused(running) == 0
    shop.clock.forward(UNUSED_SECONDS + 1)
    late = await known(running, "late", make=True)
    assert await guests.forget_unused(running) == 4
    # Who has or had money is in the books for ever.
    assert [row["id"] for row in await shop.rows("guests")] == [ids[1], ids[2], late]
    assert await guests.forget_unused(running) == 0
    await shop.assert_clean()


async def test_an_id_is_never_given_twice(shop: Shop, running: RunningShop) -> None:
    """The keys of what was asked for one guest must not be another's."""
    seen = set()
    for number in range(4):
        seen.add(await known(running, f"door {number}", make=True))
        shop.clock.forward(2 * UNUSED_SECONDS)
        await guests.forget_unused(running)
    assert len(seen) == 4


async def test_who_comes_back_after_being_forgotten_is_new(shop: Shop, running: RunningShop) -> None:
    for name in ("door", "other"):
        await known(running, name, make=True)
        assert await known(running, name)  # Looked up again, and not by heart: it may be gone tomorrow.
    shop.clock.forward(UNUSED_SECONDS + 1)
    assert await guests.forget_unused(running) == 1
    with pytest.raises(UnknownGuest):
        await known(running, "door")
    again = await known(running, "DOOR", make=True)
    await shop.do(Deposit(OPERATOR, guests.wallet_of(again), {100: 1}))
    assert await known(running, "door") == again
    assert running.guest_ids == {"door": again}


async def test_money_that_comes_while_a_guest_is_forgotten_is_never_lost(
    shop: Shop, running: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either it came first and the guest stays, or it is refused: the same to whoever counts both."""
    monkeypatch.setattr(guests, "CHUNK", 3)
    ids = [await known(running, f"door {number}", make=True) for number in range(20)]
    shop.clock.forward(UNUSED_SECONDS + 1)
    deposits = [shop.do(Deposit(OPERATOR, guests.wallet_of(guest_id), {100: 1})) for guest_id in ids]
    answers: list[Any] = await asyncio.gather(
        *deposits[:10], guests.forget_unused(running), *deposits[10:], return_exceptions=True
    )
    forgotten = answers.pop(10)
    assert isinstance(forgotten, int), forgotten
    refused = [answer for answer in answers if isinstance(answer, UnknownGuest)]
    assert all(
        isinstance(answer, UnknownGuest) or not isinstance(answer, BaseException) for answer in answers
    )
    rows = {row["id"] for row in await shop.rows("guests")}
    paid = {row["guest_id"] for row in await shop.rows("accounts") if row["guest_id"] is not None}
    assert len(paid) == 20 - len(refused)
    assert paid <= rows
    await shop.assert_clean()
