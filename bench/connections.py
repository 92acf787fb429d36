"""What a buyer notices of thousands of idle, half-open and slow connections: `make bench.connections`.

One address holds them, in a process of its own, and opens anew what the server closes: a quarter says
nothing, a quarter stays after one answer, a quarter never ends the head of its request, and a quarter sends
the body of a log-in byte by byte. A buyer purchases one after the other, in turns without and beside them.
"""

import argparse
import asyncio
import http.client
import itertools
import json
import resource
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median, quantiles

from bench.measure import BenchFailed
from bench.seed import Shop, Size, make
from bench.server import Server, require_clean_audit, serving
from bench.side import database
from tuckshop.identity.access_tokens import Tokens
from tuckshop.operations.startup import system_clock

RATIO_MAX = 3.0
MEMORY_BYTES_MAX = 300_000_000
TRICKLE_SECONDS = 5.0  # The server gives up a body after ten in which nothing came.
_HOST = "127.0.0.1"
_FILES_BESIDE = 200
_HEAD = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_BODY = (
    b"POST /v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 30000\r\n\r\n" + b" " * 15_000
)
_KINDS = ((b"", b""), (_HEAD + b"\r\n", b""), (_HEAD, b"X-More: 1\r\n"), (_BODY, b" "))
"""What each kind sends at first, and then every few seconds."""


def main() -> None:
    """Measure on each database, and say where the buyer notices too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=5_000)
    parser.add_argument("--purchases", type=int, default=1_000, help="in each turn")
    parser.add_argument("--turns", type=int, default=3, help="of each kind")
    parser.add_argument("--only", default="sqlite,postgres", help="databases, with commas between")
    given = parser.parse_args()
    failed = []
    print(f"{'':<10} {'':>8} {'p50 ms':>8} {'p99 ms':>8} {'memory MB':>10}   {given.connections} connections")
    for kind in given.only.split(","):
        with database(kind) as (url, _):
            shop = make(url, size=Size(buyers=1, sellers=1, products=100))
            with serving(url, workers=1) as server:
                failed += _measured(kind, server, shop, given)
            require_clean_audit(url)
    if failed:
        raise SystemExit(f"More than it may be: {', '.join(failed)}")


@contextmanager
def holding(port: int, count: int) -> Iterator[None]:
    """So many connections to the server, all of them open, for as long as the context lasts."""
    command = [sys.executable, "-c", f"from bench.connections import hold; hold({port}, {count})"]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        if holder.stdout.readline() != b"held\n":
            raise BenchFailed(f"{count} connections cannot be held (ulimit -Hn?)")
        yield
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


def hold(port: int, count: int) -> None:
    """Holds them until the standard input ends, and says `held` when all are there."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + _FILES_BESIDE, hard))
    asyncio.run(_hold(port, count))


async def _hold(port: int, count: int) -> None:
    opened = asyncio.Semaphore(0)
    kinds = itertools.islice(itertools.cycle(_KINDS), count)
    tasks = [asyncio.create_task(_one(port, *kind, opened)) for kind in kinds]
    for _ in tasks:
        await opened.acquire()
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    signal.raise_signal(signal.SIGKILL)  # The system closes them all at once.


async def _one(port: int, first: bytes, more: bytes, opened: asyncio.Semaphore) -> None:
    is_new = True
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(_HOST, port)
            if is_new:
                opened.release()
                is_new = False
            try:
                writer.write(first)
                while not reader.at_eof():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(4_096), TRICKLE_SECONDS)
                    writer.write(more)
                    await writer.drain()
            finally:
                writer.close()
        await asyncio.sleep(0.1)


def purchases(server: Server, shop: Shop, count: int) -> list[float]:
    """How long each of so many purchases took, in seconds. Raises: BenchFailed for one that was refused."""
    token = Tokens(secret=server.secret.encode(), clock=system_clock).access(shop.buyers[0])
    connection = http.client.HTTPConnection(_HOST, server.port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    taken = []
    for number in range(count):
        product = shop.product_ids[number % len(shop.product_ids)]
        body = json.dumps({"lines": [{"product": product, "quantity": 1}]})
        began = time.perf_counter()
        connection.request("POST", "/v1/orders", body, headers | {"Idempotency-Key": secrets.token_hex(8)})
        answer = connection.getresponse()
        content = answer.read()
        taken.append(time.perf_counter() - began)
        if answer.status != http.client.CREATED:
            raise BenchFailed(f"a purchase was answered {answer.status} {content[:300]!r}")
    connection.close()
    return taken


def _measured(kind: str, server: Server, shop: Shop, given: argparse.Namespace) -> list[str]:
    alone, beside = [], []
    purchases(server, shop, given.purchases)  # Warm.
    before = sum(server.resident_bytes())
    most = before
    for _ in range(given.turns):
        alone += purchases(server, shop, given.purchases)
        with holding(server.port, given.connections):
            beside += purchases(server, shop, given.purchases)
            most = max(most, sum(server.resident_bytes()))
    for name, taken, memory in (("alone", alone, before), ("beside", beside, most)):
        p99 = quantiles(taken, n=100)[98] * 1_000
        print(f"{kind:<10} {name:>8} {median(taken) * 1_000:8.2f} {p99:8.2f} {memory / 1e6:10.0f}")
    ratio = quantiles(beside, n=100)[98] / quantiles(alone, n=100)[98]
    print(f"{kind:<10} p99 beside them: {ratio:.2f} of that without; {(most - before) / 1e6:.0f} MB more")
    failed = [f"p99 on {kind}"] if ratio > RATIO_MAX else []
    return failed + ([f"memory on {kind}"] if most - before > MEMORY_BYTES_MAX else [])


if __name__ == "__main__":
    main()
