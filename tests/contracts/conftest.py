"""Clients of the older contracts, over a real socket: mounted and at the root, with and without a slash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.contracts.documents import check_answer
from tests.limits import HANG_SECONDS
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy

WAYS = {
    "mounted": (False, ""),
    "mounted, slash": (False, "/"),
    "root": (True, ""),
    "root, slash": (True, "/"),
}


@dataclass
class Client:
    """Somebody who speaks one contract. `header`: how the credential is sent."""

    api: Api
    client: httpx.AsyncClient
    dialect: str
    prefix: str
    slash: str
    header: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """One request, `path` as the contract writes it but for the slash at its end."""
        path, mark, query = path.partition("?")
        headers = {**self.header, **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        address = f"{self.prefix}{path.rstrip('/')}{self.slash}{mark}{query}"
        answer = await self.client.request(method, address, headers=headers, **more)
        check_answer(answer, dialect=self.dialect, prefix=self.prefix)
        return answer

    async def says(self, method: str, path: str, body: Any = None, *, status: int, **more: Any) -> Any:
        """The answer's JSON, None for none, once its status is the one expected."""
        answer = await self.call(method, path, body, **more)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def bearing(self, **header: str) -> Client:
        """The same client with another credential."""
        return Client(self.api, self.client, self.dialect, self.prefix, self.slash, header)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[bool, str]:
    """Whether the contract stands at the root, and what its paths end with."""
    found: tuple[bool, str] = WAYS[request.param]
    return found


@asynccontextmanager
async def speaking(
    url: str, dialect: str, way: tuple[bool, str] = (False, ""), *, root: bool = True, **settings: Any
) -> AsyncIterator[Client]:
    """A shop that serves the dialect, with an admin called root; `root`: who is not there already."""
    at_root, slash = way
    given = {
        "dialects": dialect,
        "root_dialect": dialect if at_root else "",
        "coins": CoinsPolicy.SELF,
        "tab_limit_cents": 10_000,
        **settings,
    }
    async with serving(url, **given) as api:
        if root:
            await api.shop.person("root", Role.ADMIN)
        base_url = api.client.base_url
        async with httpx.AsyncClient(base_url=base_url, timeout=HANG_SECONDS, verify=False) as client:
            yield Client(api, client, dialect, "" if at_root else f"/dialects/{dialect}", slash)
        await api.shop.assert_clean()
