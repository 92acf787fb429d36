"""What requests may hold while their bodies come: who asks is known first, and all together have a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.api.pictures import painted
from tests.limits import HANG_SECONDS, until
from tests.wire import HOST
from tuckshop import app
from tuckshop.dialects import NAMES
from tuckshop.dialects.shared import mounting
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.http import bodies
from tuckshop.http.bodies import MEMORY_BYTES_EACH, STRANGER_BYTES_MAX, Bodies, Body
from tuckshop.http.request import ShopRequest
from tuckshop.http.router import Application
from tuckshop.till.engine.queue import Busy
from tuckshop.web import routes

ALL: dict[str, Any] = {"dialects": ",".join(NAMES), "coins": CoinsPolicy.SELF, "tab_limit_cents": 500}
READ_OF_STRANGERS = {
    "POST /v1/users",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout-all",
    "POST /dialects/app-demo/api/register",
    "POST /dialects/app-demo/api/token",
    "POST /dialects/app-demo/api/token/refresh",
    "POST /dialects/shop/api/token",
    "POST /dialects/shop/api/token/refresh",
    "POST /dialects/simple-payment/api/create_user",
    "POST /dialects/simple-payment/api/get_token",
    "POST /dialects/vending-challenge/api/v1/auth/login",
    "POST /dialects/vending-challenge/api/v1/auth/logout-all",
    "POST /dialects/vending-challenge/api/v1/auth/refresh",
    "POST /dialects/vending-challenge/api/v1/users",
    "POST /dialects/vending-challenge/api/v1/user",
    "POST /dialects/vending-challenge/api/v1/logout/all",
    "POST /dialects/vending-challenge/logout/all",
    "POST /dialects/vending-challenge/user",
    "POST /login",
    "POST /register",
    "POST /account/logout",
    "POST /language",
    "POST /kiosk",
    "POST /kiosk/end",
    "POST /kiosk/leave",
    "POST /m/{machine}/coins",
    "POST /m/{machine}/buy",
    "POST /m/{machine}/return",
    "POST /m/{machine}/undo",
}
"""Where somebody comes in, or presses a button without having to: of nobody else a body is read."""


def head(method: str, path: str, length: int, *, port: int, **more: str) -> bytes:
    """A request but for its body, as a page of ours would send it."""
    origin = f"http://{HOST}:{port}"
    headers = {
        "Host": f"{HOST}:{port}",
        "Origin": origin,
        "Content-Type": "application/json",
        "Content-Length": str(length),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


async def sent(api: Api, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which this much was sent."""
    reader, writer = await asyncio.open_connection(HOST, api.port)
    writer.write(request)
    await writer.drain()
    return reader, writer


def addresses() -> Iterator[tuple[str, str]]:
    """Method and template of whatever may have a body, of every interface."""
    applications: list[Application] = [app.api(), routes.app()]
    applications += [one.app(prefix=one.prefix) for one in map(mounting.find, NAMES)]
    for application in applications:
        for route in application.routes:
            if route.method != "GET":
                yield route.method, route.path


async def test_who_asks_is_known_before_a_body_is_read(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[str] = set()
    body = ShopRequest.body

    async def noted(request: ShopRequest) -> bytes:
        read.add(f"{request.method} {request.scope['path_template']}")
        return await body(request)

    async with serving(sqlite_url, **ALL) as api, httpx.AsyncClient(timeout=HANG_SECONDS) as client:
        before = await api.shop.books()
        monkeypatch.setattr(ShopRequest, "body", noted)
        origin = f"http://{HOST}:{api.port}"
        for method, path in addresses():
            filled = path.replace("{", "").replace("}", "")
            for name in (
                "user_id",
                "product_id",
                "order_id",
                "machine_id",
                "path_id",
                "seller_id",
                "session_id",
            ):
                filled = filled.replace(name, "1")
            for place in ("token_id", "machine", "product", "order"):
                filled = filled.replace(f"/{place}/", "/1/")
            answer = await client.request(method, origin + filled, headers={"Origin": origin}, json={})
            assert 200 < answer.status_code < 500, (method, path, answer.text)
        assert await api.shop.books() == before
    assert read == READ_OF_STRANGERS


async def test_slow_uploads_of_strangers_hold_no_memory(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api:
        lines = []
        for path in ("/desk/products/1/picture", "/desk/file", "/office/products/1/picture"):
            request = head(
                "POST", path, 8_000_000, port=api.port, Content_Type="multipart/form-data; boundary=x"
            )
            lines += [await sent(api, request + b"x" * 100_000) for _ in range(10)]
        await until(lambda: len(api.body_timeouts._waiting) == 30)
        assert (api.bodies.bytes, api.bodies.files) == (0, 0)
        for reader, writer in lines:
            writer.write(b"x" * 7_900_000)
            # All of it is taken in, or the browser would call the line broken and not say what this says.
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HANG_SECONDS)
            assert answer.startswith(b"HTTP/1.1 303 "), answer
            assert b"/login" in answer
            writer.close()
        assert (await api.get("/health/live")).status_code == 200


async def test_strangers_send_little(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api:
        just = b'{"username": "' + b"x" * (STRANGER_BYTES_MAX - 16) + b'"}'
        headers = {"Content-Type": "application/json"}
        for content, status in ((just, 422), (just + b" ", 413)):
            for path in ("/v1/auth/login", "/v1/users"):
                answer = await api.client.post(path, content=content, headers=headers)
                assert answer.status_code == status, (path, answer.text)
        longest = {"username": "ada", "password": "\N{PILE OF POO}" * 1_024, "roles": ["buyer"]}
        assert (await api.post("/v1/users", longest)).status_code == 201


async def test_unfinished_bodies_of_all_have_a_bound(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MEMORY_BYTES_MAX", 40_000)
    monkeypatch.setattr(bodies, "STRANGERS_BYTES_MAX", 20_000)
    async with serving(sqlite_url) as api:
        await api.registered("ada")
        before = await api.shop.books()
        request = head("POST", "/v1/auth/login", 12_000, port=api.port) + b" " * 11_000
        first, second = await sent(api, request), await sent(api, request)
        answers = [asyncio.create_task(reader.readuntil(b"\r\n\r\n")) for reader, _ in (first, second)]
        done, (left,) = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        answer = done.pop().result()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in answer
        assert api.bodies.refused == 1
        assert api.bodies.strangers_bytes == 11_000
        # Whatever comes in one piece is served all the same, and users have their own share.
        await api.logged_in("ada")
        user = api.token(await api.shop.buyer("bob"))
        slow = head("POST", "/v1/orders", 30_000, port=api.port, Authorization=f"Bearer {user}")
        reader, writer = await sent(api, slow + b" " * 20_000)
        await until(lambda: api.bodies.bytes == 31_000)
        writer.write(b" " * 10_000)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")  # 41,000 would be too many.
        first[1].write(b" " * 1_000)
        second[1].write(b" " * 1_000)
        assert (await left).startswith(b"HTTP/1.1 422 ")
        for line in (first[1], second[1], writer):
            line.close()
        assert (api.bodies.bytes, api.bodies.strangers_bytes, api.bodies.files) == (0, 0, 0)
        assert (await api.shop.books())["orders"] == before["orders"]


async def test_a_large_body_lies_in_a_file_until_it_is_whole(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "FILES_MAX", 1)
    async with serving(sqlite_url) as api:
        seller = await api.shop.person("sam", Role.SELLER)
        token = api.token(seller)
        made = await api.post("/v1/products", {"name": "Cola", "price": 150, "stock": 1}, by=token)
        path = f"/v1/products/{made.json()['id']}/image"
        picture = painted("PNG") + b"\0" * 300_000
        more: dict[str, Any] = {"Authorization": f"Bearer {token}", "Content_Type": "image/png"}
        request = head("PUT", path, len(picture), port=api.port, **more)
        reader, writer = await sent(api, request + picture[:100_000])
        await until(lambda: api.bodies.files == 1)
        assert api.bodies.bytes == 0
        other_reader, other = await sent(api, request + picture[:100_000])
        assert (await other_reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
        assert not (await api.get("/v1/products")).json()["items"][0]["image"]
        writer.write(picture[100_000:])
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert (await api.get("/v1/products")).json()["items"][0]["image"]
        assert (api.bodies.bytes, api.bodies.files) == (0, 0)
        writer.close()
        other.close()


async def test_few_large_bodies_are_in_memory_at_once(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "LARGE_AT_ONCE", 1)
    read = []
    whole = Body.whole

    def noted(body: Body) -> bytes:
        read.append(body)
        return whole(body)

    async with serving(sqlite_url) as api:
        await api.bodies.begin_large()  # Somebody's, who is not done with it.
        token = api.token(await api.shop.person("sam", Role.SELLER))
        made = await api.post("/v1/products", {"name": "Cola", "price": 150, "stock": 1}, by=token)
        picture = painted("PNG") + b"\0" * MEMORY_BYTES_EACH
        headers = {"Content-Type": "image/png", "Authorization": f"Bearer {token}"}
        path = f"/v1/products/{made.json()['id']}/image"
        puts = [asyncio.create_task(api.client.put(path, content=picture, headers=headers)) for _ in range(3)]
        monkeypatch.setattr(Body, "whole", noted)
        await until(lambda: api.bodies.files == 3)
        await until(lambda: not api.body_timeouts._waiting)
        assert not read
        api.bodies.end_large()
        assert {one.status_code for one in await asyncio.gather(*puts)} == {200}
        assert api.bodies.files == 0
        await api.bodies.begin_large()  # The turn came back.


def test_what_is_taken_is_given_back() -> None:
    held = Bodies()
    for size in (0, 1, MEMORY_BYTES_EACH, MEMORY_BYTES_EACH + 1, 1_000_000):
        for is_stranger in (True, False):
            body = held.begin(is_stranger=is_stranger)
            for start in range(0, size, 10_000):
                body.add(b"x" * min(10_000, size - start))
            assert body.is_large is (size > MEMORY_BYTES_EACH)
            assert held.bytes == (0 if body.is_large else size)
            assert body.begun(5) == b"x" * min(size, 5)
            assert body.whole() == b"x" * size
            body.close()
            body.close()
            assert (held.bytes, held.strangers_bytes, held.files) == (0, 0, 0)


def test_no_room_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MEMORY_BYTES_MAX", 10)
    monkeypatch.setattr(bodies, "STRANGERS_BYTES_MAX", 5)
    held = Bodies()
    stranger, user = held.begin(is_stranger=True), held.begin(is_stranger=False)
    stranger.add(b"x" * 5)
    with pytest.raises(Busy):
        stranger.add(b"x")
    user.add(b"x" * 5)
    with pytest.raises(Busy):
        user.add(b"x")
    assert (held.bytes, held.strangers_bytes, held.refused) == (10, 5, 2)
    stranger.close()
    user.close()
    assert (held.bytes, held.strangers_bytes) == (0, 0)
