"""Buying from Tuckshop over HTTP as its clients do: a token, a key, JSON, a durable answer."""

import http.client
import json
import secrets
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.counts import count, require_all
from bench.host import Latency
from bench.measure import BenchFailed, Measure, Run, at_best, best_of, sweep_seconds
from bench.programs import program, said_by
from bench.seed import Shop
from bench.server import Server, require_clean_audit, serving
from tuckshop.identity.access_tokens import Tokens

CONNECTIONS = (16, 64, 128, 256)
# One thread feeds 256 connections; a second would take a processor from the server.
_THREADS = 1
_SECONDS_MORE = 30
_ANSWER_SECONDS_MAX = 10
_SCRIPT = Path(__file__).with_name("purchases.lua")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How purchases went, with how many workers, and what the server cost before the first."""

    measure: Measure
    workers: int
    ready_seconds: float
    resident_bytes: list[int]


def over_http(
    url: str, *, shop: Shop, product_ids: range, seconds: float, workers: tuple[int, ...] = (1,)
) -> Served:
    """Purchases from a server on this database, with the best of these numbers of workers; then the audit."""
    best = workers[0]
    if len(workers) > 1:
        best = best_of(workers, lambda number: _tried(number, url, shop, product_ids, seconds))
    with serving(url, workers=best) as server:
        job = Job(url, server, shop, product_ids)
        buy_one(job)
        resident_bytes = server.resident_bytes()
        measure = at_best(partial(run, job), parallels=CONNECTIONS, seconds=seconds)
    require_clean_audit(url)
    return Served(
        measure=measure, workers=best, ready_seconds=server.ready_seconds, resident_bytes=resident_bytes
    )


@dataclass(frozen=True, slots=True)
class Job:
    """Whom to buy from, and what."""

    url: str
    server: Server
    shop: Shop
    product_ids: range

    def tokens(self) -> list[str]:
        """An access token for each buyer, signed as the server signs them."""
        tokens = Tokens(secret=self.server.secret.encode(), clock=lambda: time.time_ns() // 1_000)
        return [tokens.access(buyer) for buyer in self.shop.buyers]


def _tried(workers: int, url: str, shop: Shop, product_ids: range, seconds: float) -> float:
    with serving(url, workers=workers) as server:
        job = Job(url, server, shop, product_ids)
        return run(job, parallel=CONNECTIONS[-1], seconds=sweep_seconds(seconds)).per_second


def buy_one(job: Job) -> None:
    """One purchase, whose refusal can be shown: wrk only counts them."""
    connection = http.client.HTTPConnection("127.0.0.1", job.server.port, timeout=_ANSWER_SECONDS_MAX)
    try:
        connection.request(
            "POST",
            "/v1/orders",
            json.dumps({"lines": [{"product": job.product_ids[0], "quantity": 1}]}),
            {
                "Authorization": f"Bearer {job.tokens()[0]}",
                "Content-Type": "application/json",
                "Idempotency-Key": secrets.token_hex(8),
            },
        )
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise BenchFailed(f"the first purchase was not answered: {error!r}") from error
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise BenchFailed(f"the first purchase was refused: {answer.status} {body}")


def run(job: Job, *, parallel: int, seconds: float) -> Run:
    """Buy as fast as so many connections can. Raises: BenchFailed unless the books agree."""
    before = count(job.url)
    with tempfile.NamedTemporaryFile("w", prefix="tuckshop-bench-") as file:
        file.write("\n".join(job.tokens()))
        file.flush()
        command = [
            program("wrk"),
            f"--threads={_THREADS}",
            f"--connections={parallel}",
            f"--duration={seconds:.0f}s",
            f"--timeout={_ANSWER_SECONDS_MAX}s",
            f"--script={_SCRIPT}",
            f"http://127.0.0.1:{job.server.port}",
            "--",
            file.name,
            *(str(job.product_ids[end]) for end in (0, -1)),
            secrets.token_hex(8),
        ]
        said = said_by(command, seconds_max=seconds + _SECONDS_MORE)
    told = json.loads(said.splitlines()[-1])
    if told["refused"] or told["lost"]:
        raise BenchFailed(f"not every purchase succeeded: {told}")
    # wrk hangs up at the end. What it had sent by then is sold, as it must be, but not counted by wrk: on
    # each connection perhaps one answer that it has not looked at any more, and the request after it.
    require_all(before, count(job.url), answered=told["answers"], cut_off=2 * parallel)
    return Run(
        purchases=told["answers"],
        per_second=told["answers"] / told["seconds"],
        latency=Latency(p50_ms=told["p50_ms"], p99_ms=told["p99_ms"]),
    )
