"""deploy/nginx in a real nginx, before nodes that write down what they are sent."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import subprocess
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.edge.nginx import DEPLOY, Edge, Node, nodes, serving_edge
from tests.limits import HANG_SECONDS
from tools.loopback import HOST, free_port
from tuckshop import app
from tuckshop.dialects.shared import mounting
from tuckshop.http.handlers import BODY_BYTES_MAX
from tuckshop.web import routes

pytestmark = pytest.mark.more

PROBLEM = "application/problem+json"
LIMITS_MANY = 600  # More than any burst.
# So slowly that nothing is let through again while a test runs, however slow the computer is.
SLOW = {
    "zone=tuckshop_login:10m        rate=1r/s": "zone=tuckshop_login:10m rate=1r/m",
    "zone=tuckshop_registration:10m rate=30r/m": "zone=tuckshop_registration:10m rate=1r/m",
}
VERY_SLOW = {"zone=tuckshop_rest:10m         rate=100r/s": "zone=tuckshop_rest:10m rate=1r/m"}
DIALECTS = ("app-demo", "kiosk", "shop", "simple-payment", "vending-challenge")


def shaken(edge: Edge, highest: ssl.TLSVersion) -> ssl.SSLSocket:
    """A connection with this version of TLS at most. Raises ssl.SSLError."""
    context = edge.trust()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = highest
    line = socket.create_connection((HOST, edge.port), timeout=HANG_SECONDS)
    try:
        return context.wrap_socket(line, server_hostname=HOST)
    except ssl.SSLError:
        line.close()
        raise


async def test_speaks_tls_1_3_alone_with_an_ecdsa_certificate(tmp_path: Path) -> None:
    async with nodes(Node()) as ports:
        with serving_edge(tmp_path, nodes=ports) as edge:
            with shaken(edge, ssl.TLSVersion.TLSv1_3) as line:
                assert line.version() == "TLSv1.3"
            with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
                shaken(edge, ssl.TLSVersion.TLSv1_2)
            words = ["openssl", "s_client", "-connect", f"{HOST}:{edge.port}"]
            process = await asyncio.create_subprocess_exec(
                *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            told, _ = await process.communicate()
            assert b"Peer signature type: ECDSA" in told


async def test_speaks_http_2_and_says_hsts_once(tmp_path: Path) -> None:
    own = b"Strict-Transport-Security: max-age=5\r\n"  # As a node does that knows its public address.
    node = Node(b"HTTP/1.1 200 OK\r\n" + own + b"Content-Length: 2\r\n\r\nok")
    async with nodes(node) as ports:
        with serving_edge(tmp_path, nodes=ports) as edge:
            curl = await edge.curl("--include", "--write-out", "\n%{http_version}", edge.address + "/")
            head = curl.lower()

    assert curl.endswith("\n2")
    assert re.findall("strict-transport-security: (.*)\r", head) == ["max-age=31536000"]
    assert "server: nginx\r" in head  # No version.


async def test_plain_http_is_led_to_https(tmp_path: Path) -> None:
    async with nodes(node := Node()) as ports, httpx.AsyncClient(timeout=HANG_SECONDS) as client:
        with serving_edge(tmp_path, nodes=ports) as edge:
            plain = f"http://{HOST}:{edge.http_port}"
            got = await client.get(plain + "/m/1?lang=de")
            posted = await client.post(plain + "/v1/auth/login", json={})
            health = await client.get(plain + "/health/edge")

    assert (got.status_code, got.headers["location"]) == (308, f"https://{HOST}/m/1?lang=de")
    assert posted.status_code == 308  # 301 would make a GET of it.
    assert (health.status_code, health.text) == (200, "ok\n")
    assert node.heads == []


async def test_headers_that_clients_forge_do_not_reach_the_shop(tmp_path: Path) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Real-IP": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
    }
    async with nodes(node := Node()) as ports:
        with serving_edge(tmp_path, nodes=ports) as edge:
            async with edge.client() as client:
                for call in (client.get, client.post, client.put, client.delete):
                    assert (await call("/v1/products?q=%41", headers=forged)).status_code == 200
                    assert node.header("X-Forwarded-For") == [HOST]
                    assert node.header("X-Forwarded-Proto") == ["https"]
                    for name in ("X-Forwarded-Host", "X-Real-IP", "Forwarded"):
                        assert node.header(name) == []
                    assert node.header("Host") == [f"{HOST}:{edge.port}"]
                    assert node.heads[-1].split()[1] == "/v1/products?q=%41"  # As it was written.


async def test_finds_an_edge_that_believes_what_clients_say(tmp_path: Path) -> None:
    usual = {"$remote_addr": "$proxy_add_x_forwarded_for"}  # As most examples have it.
    async with nodes(node := Node()) as ports:
        with serving_edge(tmp_path, nodes=ports, proxy=usual) as edge:
            async with edge.client() as client:
                await client.get("/", headers={"X-Forwarded-For": "203.0.113.9"})

    assert node.header("X-Forwarded-For") != [HOST]


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/%6detrics", "/v1/../metrics", "/metrics/"])
async def test_metrics_are_not_for_the_internet(tmp_path: Path, path: str) -> None:
    async with nodes(node := Node()) as ports:
        with serving_edge(tmp_path, nodes=ports) as edge:
            told = await edge.curl("--path-as-is", "--write-out", "\n%{http_code}", edge.address + path)

    assert told.endswith("\n404")
    assert "urn:tuckshop:problem:not-found" in told
    assert node.heads == []


async def until_refused(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
    for _ in range(LIMITS_MANY):
        answer = await client.request(method, path, **more)
        if answer.status_code != 200:
            return answer
    raise AssertionError("nothing was refused")


def require_problem(answer: httpx.Response, status: HTTPStatus, name: str) -> None:
    """RFC 9457, with its status twice."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    told = answer.json()
    assert (told["type"], told["status"]) == (f"urn:tuckshop:problem:{name}", status)
    assert sorted(told) == ["detail", "status", "title", "type"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_log_ins_registrations_and_the_rest_are_limited_apart(tmp_path: Path) -> None:
    async with nodes(Node()) as ports:
        with serving_edge(tmp_path, nodes=ports, changes=SLOW) as edge:
            async with edge.client() as client:
                refused = await until_refused(client, "POST", "/v1/auth/login", json={})
                require_problem(refused, HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests")
                assert refused.headers["retry-after"] == "5"
                # The other ways in count in the same place; nothing else does.
                for path in ("/login", "/dialects/shop/api/token/", "/v1/auth/confirm"):
                    assert (await client.post(path)).status_code == 429
                assert (await client.get("/login")).status_code == 200
                assert (await client.post("/v1/orders")).status_code == 200
                assert (await client.post("/v1/auth/refresh")).status_code == 200
                assert (await client.post("/v1/users")).status_code == 200

                refused = await until_refused(client, "POST", "/v1/users", json={})
                assert refused.status_code == 429
                assert (await client.post("/register")).status_code == 429
                assert (await client.get("/v1/products")).status_code == 200


async def test_everything_else_is_limited_too(tmp_path: Path) -> None:
    async with nodes(Node()) as ports:
        with serving_edge(tmp_path, nodes=ports, changes=VERY_SLOW) as edge:
            async with edge.client() as client:
                refused = await until_refused(client, "GET", "/v1/products")
                require_problem(refused, HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests")
                page = await client.get("/", headers={"Accept": "text/html,*/*"})

    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "Wait a few seconds" in page.text


async def test_one_ipv6_network_is_one_address(tmp_path: Path) -> None:
    # Who stands before this nginx says where requests came from.
    main = f"set_real_ip_from {HOST}; real_ip_header X-Test-Address;"
    async with nodes(Node()) as ports:
        with serving_edge(tmp_path, nodes=ports, changes=SLOW, main=main) as edge:
            async with edge.client() as client:

                async def log_in(address: str) -> int:
                    return (await client.post("/login", headers={"X-Test-Address": address})).status_code

                numbers = (number for number in range(1, LIMITS_MANY))
                assert any([await log_in(f"2001:db8:0:7::{number:x}") == 429 for number in numbers])
                assert await log_in("2001:db8:0:7:ffff::1") == 429
                assert await log_in("2001:db8:0:8::1") == 200
                assert await log_in("192.0.2.1") == 200


async def test_large_bodies_go_where_the_shop_takes_them(tmp_path: Path) -> None:
    async with nodes(Node()) as ports:
        with serving_edge(tmp_path, nodes=ports) as edge:
            async with edge.client() as client:
                for method, path, bytes_max in ways_in():
                    answer = await client.request(method, path, content=b"x" * bytes_max)
                    assert answer.status_code == 200, (method, path)
                for method, path, bytes_max in ways_in():
                    if bytes_max > BODY_BYTES_MAX:
                        answer = await client.request(method, path, content=b"x" * 2 * bytes_max)
                        require_problem(answer, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large")
                answer = await client.post("/v1/orders", content=b"x" * 3 * BODY_BYTES_MAX)
                require_problem(answer, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large")


def ways_in() -> list[tuple[str, str, int]]:
    """Where the shop takes large bodies, and one place where it does not: method, path, bytes."""
    known = [*app.api().routes, *routes.app().routes]
    large = [one for one in known if one.handler.body_bytes_max > BODY_BYTES_MAX]
    assert len(large) > 3
    return [
        ("POST", "/v1/orders", BODY_BYTES_MAX),
        *((one.method, re.sub("{.*?}", "7", one.path), one.handler.body_bytes_max) for one in large),
    ]


def test_every_way_to_log_in_or_register_is_counted_as_such() -> None:
    text = (DEPLOY / "tuckshop.conf").read_text()
    counted = {
        name: re.findall(r'^ +"~(\^POST:.*?)" +\$tuckshop_address;$', block, re.MULTILINE)
        for name, block in re.findall(r"\$tuckshop_(login|registration) \{(.*?)\n\}", text, re.DOTALL)
    }
    known = [*app.api().routes, *routes.app().routes]
    for name in DIALECTS:
        dialect = mounting.find(name)
        known += [*dialect.app(prefix=dialect.prefix).routes, *dialect.app(prefix="/").routes]
    found = {"login": {"POST:/login"}, "registration": {"POST:/register", "POST:/office/first"}}
    refusals = {"TooManyTries": "login", "TooManyRegistrations": "registration"}
    for route in known:
        for refusal in route.handler.operation.refusals if route.handler.operation else ():
            if route.method == "POST" and refusal.__name__ in refusals:
                found[refusals[refusal.__name__]].add(f"POST:{route.path}")

    for name, paths in found.items():
        assert len(paths) > 3
        other = counted["registration" if name == "login" else "login"]
        for path in paths:
            for written in (path, path.rstrip("/")):
                assert any(re.search(one, written) for one in counted[name]), written
                assert not any(re.search(one, written) for one in other), written


NOBODY = Node(b"")
AGAIN = {"error timeout;  # Never": "error timeout non_idempotent;  # Never"}


async def sent(
    tmp_path: Path, method: str, *, changes: Mapping[str, str] | None = None
) -> tuple[httpx.Response, int]:
    """The answer to one request before two nodes that read it and hang up; how often it was sent to them."""
    first, second = Node(b""), Node(b"")
    async with nodes(first, second) as ports:
        with serving_edge(tmp_path, nodes=ports, changes=changes) as edge:
            async with edge.client() as client:
                answer = await client.request(method, "/v1/orders", content=b"{}")
    return answer, len(first.heads) + len(second.heads)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_changes_something_is_sent_once(tmp_path: Path, method: str) -> None:
    answer, times = await sent(tmp_path, method)

    require_problem(answer, HTTPStatus.BAD_GATEWAY, "outcome-unknown")
    assert answer.headers["retry-after"] == "5"
    assert times == 1


async def test_finds_a_purchase_that_the_edge_sends_twice(tmp_path: Path) -> None:
    _, times = await sent(tmp_path, "POST", changes=AGAIN)

    assert times == 2


async def test_what_only_reads_is_sent_to_another_node(tmp_path: Path) -> None:
    async with nodes(Node(b""), Node()) as ports:
        with serving_edge(tmp_path, nodes=ports) as edge:
            async with edge.client() as client:
                answers = [await client.get("/v1/products") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 4


async def test_a_node_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    async with nodes(node := Node()) as ports:
        with serving_edge(tmp_path, nodes=[free_port(), *ports]) as edge:
            async with edge.client() as client:
                answers = [await client.post("/v1/orders", content=b"{}") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len(node.heads) == 4


async def test_without_any_node_a_problem_says_when_to_try_again(tmp_path: Path) -> None:
    with serving_edge(tmp_path, nodes=[free_port(), free_port()]) as edge:
        async with edge.client() as client:
            told = await client.post("/v1/orders", content=b"{}")
            page = await client.get("/", headers={"Accept": "text/html"})

    require_problem(told, HTTPStatus.BAD_GATEWAY, "outcome-unknown")
    assert (told.headers["retry-after"], page.headers["retry-after"]) == ("5", "5")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "check whether your last action went through" in page.text


async def test_a_nodes_own_errors_are_left_as_they_are(tmp_path: Path) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy"
    async with nodes(Node(busy)) as ports:
        with serving_edge(tmp_path, nodes=ports) as edge:
            async with edge.client() as client:
                answer = await client.post("/v1/orders", content=b"{}")

    assert (answer.status_code, answer.text) == (503, "busy")
    assert answer.headers.get_list("retry-after") == ["1"]
