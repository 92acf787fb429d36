"""A shop behind the shipped nginx: streams, pictures, true addresses, and a node that is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.api.conftest import serving
from tests.api.test_events import Watcher
from tests.concurrency.scenes import Stage, staged
from tests.crash.kills import Client, books_faults, seeded
from tests.edge.nginx import Edge, serving_edge
from tests.limits import HANG_SECONDS
from tests.wire import Line, Lost
from tools.loopback import HOST, free_port
from tuckshop.domain.users import Role
from tuckshop.operations import pictures

pytestmark = pytest.mark.more

FAST = {"zone=tuckshop_rest:10m         rate=100r/s": "zone=tuckshop_rest:10m rate=100000r/s"}
BEFORE_THE_KILL = 40
AFTER_THE_KILL = 5  # Of each client.


async def test_events_come_as_they_happen(sqlite_url: str, tmp_path: Path) -> None:
    async with serving(sqlite_url, trusted_proxies=HOST) as api:
        ada = await api.shop.buyer("ada", cents=500)
        cola = await api.shop.product("cola", price_cents=150, stock=10)
        with serving_edge(tmp_path, nodes=[api.port]) as edge:
            reader, writer = await asyncio.open_connection(
                HOST, edge.port, ssl=edge.trust(), server_hostname=HOST
            )
            writer.write(b"GET /v1/events HTTP/1.1\r\nHost: shop\r\n\r\n")
            watcher = Watcher(reader)
            await watcher.begin()
            await watcher.until("hello")
            async with edge.client() as client:
                for stock in (9, 8):
                    order = {"lines": [{"product": cola.product_id, "quantity": 1}]}
                    headers = {"Authorization": f"Bearer {api.token(ada)}"}
                    assert (await client.post("/v1/orders", json=order, headers=headers)).status_code == 201
                    await watcher.until("stock", stock=stock)  # The stream goes on meanwhile.
            writer.close()


async def test_nobody_tries_passwords_under_forged_addresses(sqlite_url: str, tmp_path: Path) -> None:
    async with serving(sqlite_url, trusted_proxies=HOST) as api:
        await api.registered("ada")
        with serving_edge(tmp_path, nodes=[api.port]) as edge:

            async def statuses(client: object) -> list[int]:
                return [
                    (
                        await client.post(  # type: ignore[attr-defined]
                            "/v1/auth/login",
                            json={"username": "ada", "password": "wrong horse"},
                            headers={"X-Forwarded-For": f"203.0.{number}.9"},
                        )
                    ).status_code
                    for number in range(14)
                ]

            async with edge.client() as client:
                assert await statuses(client) == [401] * 10 + [429] * 4
            # The same sent past the edge: whoever may reach the shop itself can call themselves anything.
            assert await statuses(api.client) == [401] * 14


async def test_pictures_pass_and_larger_files_do_not(sqlite_url: str, tmp_path: Path) -> None:
    noise = BytesIO()
    Image.frombytes("RGB", (1_000, 1_000), random.Random(7).randbytes(3_000_000)).save(noise, "PNG")
    picture = noise.getvalue()
    assert len(picture) > 3_000_000
    async with serving(sqlite_url, trusted_proxies=HOST) as api:
        sam = await api.shop.person("sam", Role.SELLER)
        cola = await api.shop.product("cola", price_cents=150, stock=10, seller=sam)
        with serving_edge(tmp_path, nodes=[api.port]) as edge:
            headers = {"Authorization": f"Bearer {api.token(sam)}", "Content-Type": "image/png"}
            at = f"/v1/products/{cola.product_id}/image"
            async with edge.client(headers=headers) as client:
                assert (await client.put(at, content=picture)).status_code == 200
                for size in (pictures.UPLOAD_BYTES_MAX + 1, 2 * pictures.UPLOAD_BYTES_MAX):
                    refused = await client.put(at, content=b"x" * size)  # The shop's answer, and nginx's own.
                    assert refused.status_code == 413
                    assert refused.json()["type"] == "urn:tuckshop:problem:body-too-large"


@dataclass
class Purchases:
    """What clients saw. `failed`: how often each was answered with an error, or not at all."""

    made: int = 0
    failed: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    is_killed: bool = False


@pytest.mark.postgres
def test_when_a_node_is_killed_only_what_it_was_doing_fails(
    postgres_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    port = free_port(range(10_000, 20_000))
    settings = {"TUCKSHOP_TRUSTED_PROXIES": HOST, "TUCKSHOP_PUBLIC_URL": f"https://{HOST}:{port}"}
    with (
        staged(postgres_url, tmp_path, count=2, settings=settings) as stage,
        serving_edge(tmp_path, nodes=stage.servers.ports, port=port, changes=FAST) as edge,
    ):
        seen = asyncio.run(_kill_one(stage, edge))

    record_property("figures", f"{seen.made} purchases, {sum(seen.failed)} in flight failed")
    assert seen.faults == []
    assert max(seen.failed) <= 1  # Each is answered at the second time.


async def _kill_one(stage: Stage, edge: Edge) -> Purchases:
    clients, seen = await seeded(stage), Purchases()
    buying = [asyncio.create_task(_buy(stage, edge, client, seen)) for client in clients]
    async with asyncio.timeout(HANG_SECONDS):
        await seen.enough.wait()
    os.killpg(stage.servers.groups[0], signal.SIGKILL)
    seen.is_killed = True
    async with asyncio.timeout(HANG_SECONDS):
        seen.failed = list(await asyncio.gather(*buying))
    seen.faults += await books_faults(stage, clients)
    seen.faults += await stage.audited()
    return seen


async def _buy(stage: Stage, edge: Edge, client: Client, seen: Purchases) -> int:
    """Buys until the node is dead and some time after; how often that failed."""
    failed, left = 0, AFTER_THE_KILL
    line: Line | None = None
    while left:
        if line is None:
            line = Line(
                *await asyncio.open_connection(HOST, edge.port, ssl=edge.trust(), server_hostname=HOST)
            )
        is_after = seen.is_killed
        client.unknown = client.unknown or client.products[:1]
        try:
            answer = await line.ask(stage.ask_order(client.buyer, *client.unknown, key=client.key))
        except Lost:
            answer = None
            line = None
        if answer is None or answer.status == 502:
            failed += 1  # And again with the same key.
            continue
        seen.faults += client.heard(answer)
        if answer.status != 201:
            break
        seen.made += 1
        left -= is_after
        if seen.made >= BEFORE_THE_KILL:
            seen.enough.set()
    if line is not None:
        with suppress(Lost):
            await line.close()
    return failed
