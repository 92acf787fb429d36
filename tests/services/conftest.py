"""The running shop that the services work on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shop import Clock
from tests.shop import Shop as Books
from tuckshop.context import Shop
from tuckshop.operations.startup import open_shop
from tuckshop.settings import Settings


@pytest.fixture
def clock() -> Clock:
    """The time in the shop."""
    return Clock()


@pytest.fixture
async def open_for_business(database_url: str, clock: Clock) -> AsyncIterator[Shop]:
    """A new shop as the server opens it."""
    settings = Settings(database_url=database_url, secret="a secret for tests, long enough to sign with")
    async with open_shop(settings, clock=clock) as shop:
        yield shop


@pytest.fixture
def running(shop: Books) -> Shop:
    """As much of the running shop as looking things up needs."""
    return Shop(
        engine=shop.engine,
        till=shop.till,
        tokens=None,  # type: ignore[arg-type]
        passwords=None,  # type: ignore[arg-type]
        clock=shop.clock,
    )
