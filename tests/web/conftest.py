"""The pages behind a real server, and browsers without scripts before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.limits import HANG_SECONDS
from tests.web.browsing import Browser
from tuckshop.domain.refunds import UndoMode
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import registration

NewBrowser = Callable[[], Browser]
PASSWORD = "correct horse"


async def joined(api: Api, username: str, *roles: Role, password: str = PASSWORD) -> int:
    """Somebody with these roles (a buyer, if none are named), logged in nowhere; their id."""
    user = await registration.add(
        api.running, username=username, email=None, password=password, roles=roles or (Role.BUYER,)
    )
    return user.id


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """A shop that takes its guests' word for coins, and what they would give back by themselves."""
    async with serving(database_url, coins=CoinsPolicy.SELF, machine_undo=UndoMode.CONTRACT) as served:
        await served.shop.draw_coins()
        yield served


@asynccontextmanager
async def browsers(api: Api) -> AsyncIterator[NewBrowser]:
    """Makes browsers of their own, before this shop."""
    async with AsyncExitStack() as stack:

        def make() -> Browser:
            client = httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{api.port}",
                follow_redirects=True,
                timeout=HANG_SECONDS,
                verify=False,  # As in tests/api/conftest.py.
                headers={"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"},
            )
            stack.push_async_callback(client.aclose)
            return Browser(client)

        yield make


@pytest.fixture
async def new_browser(api: Api) -> AsyncIterator[NewBrowser]:
    """Makes browsers of their own."""
    async with browsers(api) as make:
        yield make


@pytest.fixture
def guest(new_browser: NewBrowser) -> Browser:
    """Somebody who has never been here."""
    return new_browser()
