"""Guests' money that nobody asks for: from when on it is listed."""

from __future__ import annotations

import pytest

from tests.shop import Shop
from tuckshop.context import Shop as RunningShop
from tuckshop.domain.days import DAY_SECONDS
from tuckshop.domain.users import OPERATOR as OFFICE
from tuckshop.queries import guests
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.wallet import Deposit, PayOut

DAYS = 30


@pytest.mark.parametrize(("microseconds", "names"), [(-1, []), (0, ["ada"]), (1, ["ada"])])
async def test_is_unclaimed_once_nothing_has_moved_it_for_so_many_days(
    shop: Shop, running: RunningShop, microseconds: int, names: list[str]
) -> None:
    ada, bob = await shop.guest("ada"), await shop.guest("bob")
    await shop.do(Deposit(OPERATOR, ada, {50: 1}))
    await shop.do(Deposit(OPERATOR, bob, {50: 1}))
    await shop.do(PayOut(OPERATOR, bob))  # Nothing is left of that.
    shop.clock.now_us += DAYS * DAY_SECONDS * 1_000_000 + microseconds
    found = await guests.unclaimed(running, actor=OFFICE, days=DAYS)
    assert [one.name for one in found] == names
