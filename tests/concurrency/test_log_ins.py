"""Passwords tried in parallel at two servers on one database: they count together."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests import server
from tests.limits import HANG_SECONDS
from tests.server import Servers
from tests.wire import HOST
from tuckshop.identity.login_throttle import PAIR, USER

pytestmark = pytest.mark.postgres

PASSWORD = "correct horse"
AT_ONCE = 50
TRUSTING = {"TUCKSHOP_TRUSTED_PROXIES": "127.0.0.1"}
HOME, ABROAD = "192.0.2.7", "203.0.113.9"


async def _log_in(client: httpx.AsyncClient, address: str, password: str = PASSWORD) -> int:
    headers = {"X-Forwarded-For": address}
    body = {"username": "ada", "password": password}
    return (await client.post("/v1/auth/login", json=body, headers=headers)).status_code


async def _attacked(
    servers: Servers, address_of: Callable[[int], str], *, then: tuple[str, ...]
) -> tuple[Counter[int], list[int], int]:
    """What 50 wrong passwords at each server at once were answered, and then the right one from elsewhere.
    At last, for how many more a bucket had room meanwhile: the servers' clock does not stand still.

    A 401 is a password that was looked at; 429 and 503 come before that.
    """
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=f"http://{HOST}:{port}",
                    timeout=HANG_SECONDS,
                    limits=httpx.Limits(max_connections=AT_ONCE),
                )
            )
            for port in servers.ports
        ]
        body = {"username": "ada", "password": PASSWORD, "roles": ["buyer"]}
        assert (await clients[0].post("/v1/users", json=body)).status_code == 201
        assert await _log_in(clients[0], HOME) == 200
        tries = [
            _log_in(client, address_of(number), f"wrong horse {number}")
            for number in range(AT_ONCE)
            for client in clients
        ]
        begun = time.monotonic()
        answers = Counter(await asyncio.gather(*tries))
        meanwhile = int(time.monotonic() - begun) // PAIR.seconds + 1
        return answers, [await _log_in(client, address) for address in then for client in clients], meanwhile


def _from_one(_: int) -> str:
    return ABROAD


def _from_many(number: int) -> str:
    return f"198.51.{number}.1"


def test_two_servers_look_at_no_more_passwords_than_one(postgres_url: str, tmp_path: Path) -> None:
    with server.serving(postgres_url, tmp_path, count=2, settings=TRUSTING) as servers:
        answers, then, meanwhile = asyncio.run(
            _attacked(servers, _from_one, then=(ABROAD, "198.51.100.1", HOME))
        )
    assert set(answers) == {401, 429}, answers
    assert PAIR.attempts <= answers[401] <= PAIR.attempts + meanwhile
    assert answers.total() == 2 * AT_ONCE
    # The owner comes in from anywhere but the attacker's own address.
    assert then == [429, 429, 200, 200, 200, 200]


def test_a_hundred_tries_from_fifty_networks_do_not_keep_the_owner_out(
    postgres_url: str, tmp_path: Path
) -> None:
    with server.serving(postgres_url, tmp_path, count=2, settings=TRUSTING) as servers:
        answers, then, meanwhile = asyncio.run(_attacked(servers, _from_many, then=(HOME,)))
    assert USER.attempts <= answers[401] <= USER.attempts + meanwhile, answers
    assert answers.total() == 2 * AT_ONCE
    assert then == [200, 200]


def test_finds_servers_that_count_apart(postgres_url: str, tmp_path: Path) -> None:
    with server.serving(postgres_url, tmp_path, count=2, bug="counted-apart", settings=TRUSTING) as servers:
        answers, *_ = asyncio.run(_attacked(servers, _from_one, then=()))
    assert answers[401] == 2 * PAIR.attempts
