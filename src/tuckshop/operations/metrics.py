"""The shop's figures for Prometheus, of all worker processes together.

Each worker writes what it has counted into a file of its own once a second; whichever worker is asked adds
them up, its own counts fresh. So a scrape sees the whole service, others' counts up to SHARE_SECONDS late,
and a worker that was replaced keeps counting for what it did.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from tuckshop.context import Shop
from tuckshop.domain.ledger import AccountKind
from tuckshop.operations import audit
from tuckshop.queries.events import Events
from tuckshop.store import tables
from tuckshop.store.engine import DatabaseAway, reading
from tuckshop.telemetry import COMMANDS, SECONDS, Spread

SHARE_SECONDS = 1.0
FLOAT_SECONDS = 60.0  # Adding up every wallet of a large shop takes a while; nobody watches it by the second.

log = structlog.get_logger(__name__)

Counts = tuple[list[int], float]
"""Of a spread: its counts and its total."""


class Snapshot(msgspec.Struct):
    """What one process, or several together, have counted."""

    requests: list[tuple[str, str, int, Counts]] = []
    sizes: Counts = ([], 0.0)
    settling: Counts = ([], 0.0)
    refusals: dict[str, int] = {}
    sales: int = 0
    sales_cents: int = 0
    streams: int = 0
    queue: int = 0
    connections: int = 0
    connections_max: int = 0
    connections_ended: int = 0
    processes: int = 1


class Float:
    """The sum of all wallets, looked up when it is old."""

    def __init__(self) -> None:
        self._cents: int | None = None
        self._until = 0.0

    async def cents(self, shop: Shop) -> int | None:
        """What the shop owes buyers and guests; None while the database is away."""
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            accounts = tables.accounts.c
            query = select(func.sum(accounts.balance_cents)).where(accounts.kind == AccountKind.WALLET.value)
            try:
                async with reading(shop.engine) as connection:
                    self._cents = int(await connection.scalar(query) or 0)
            except (DatabaseAway, DBAPIError):
                return None
            self._until = now + FLOAT_SECONDS
        return self._cents


def taken(shop: Shop, *, streams: int) -> Snapshot:
    """What this process has counted."""
    meter, tally = shop.meter, shop.till.tally
    refusals = meter.refusals + tally.refusals
    return Snapshot(
        requests=[(*key, _counts(spread)) for key, spread in meter.requests.items()],
        sizes=_counts(tally.sizes),
        settling=_counts(tally.settling),
        refusals=dict(refusals),
        sales=tally.sales,
        sales_cents=tally.sales_cents,
        streams=streams,
        queue=shop.till.waiting,
        connections=meter.connections,
        connections_max=meter.connections_max,
        connections_ended=meter.connections_ended,
    )


async def text(shop: Shop, *, events: Events, float_: Float, folder: str) -> bytes:
    """Everything in Prometheus's format; `folder` is where other workers' counts are, if there are any."""
    own = taken(shop, streams=events.count)
    others = await asyncio.to_thread(lambda: list(_others(Path(folder)))) if folder else []
    return _written(_merged([own, *others]), await float_.cents(shop), await _last_audit(shop))


async def keep_sharing(shop: Shop, *, events: Events, folder: str) -> None:
    """Writes this process's counts down every second until it is cancelled, and once more then."""
    try:
        while True:
            share(taken(shop, streams=events.count), folder=folder)
            await asyncio.sleep(SHARE_SECONDS)
    finally:
        share(taken(shop, streams=events.count), folder=folder)


def share(snapshot: Snapshot, *, folder: str) -> None:
    """Writes this process's counts down, whole or not at all."""
    path = Path(folder) / f"{os.getpid()}.json"
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(msgspec.json.encode(snapshot))
        fresh.replace(path)
    except OSError as error:
        log.warning("metrics.not_shared", error=error.strerror)


def _others(folder: Path) -> Iterator[Snapshot]:
    for path in folder.glob("*.json"):
        if path.stem == str(os.getpid()):
            continue
        try:
            snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
        except (OSError, msgspec.MsgspecError):
            continue
        if not _is_alive(path.stem):
            # What it has counted counts on; what it held, it holds no more.
            snapshot.queue = snapshot.processes = snapshot.streams = 0
            snapshot.connections = snapshot.connections_max = 0
        yield snapshot


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (OSError, ValueError):
        return False
    return True


def _counts(spread: Spread) -> Counts:
    return list(spread.counts), spread.total


def _merged(snapshots: Iterable[Snapshot]) -> Snapshot:
    whole = Snapshot(processes=0)
    requests: dict[tuple[str, str, int], Counts] = {}
    for one in snapshots:
        for route, method, status, counts in one.requests:
            before = requests.get((route, method, status), ([], 0.0))
            requests[route, method, status] = _sum(before, counts)
        whole.sizes = _sum(whole.sizes, one.sizes)
        whole.settling = _sum(whole.settling, one.settling)
        for name, number in one.refusals.items():
            whole.refusals[name] = whole.refusals.get(name, 0) + number
        whole.sales += one.sales
        whole.sales_cents += one.sales_cents
        whole.streams += one.streams
        whole.queue += one.queue
        whole.connections += one.connections
        whole.connections_max += one.connections_max
        whole.connections_ended += one.connections_ended
        whole.processes += one.processes
    whole.requests = [(*key, counts) for key, counts in requests.items()]
    return whole


def _sum(one: Counts, other: Counts) -> Counts:
    if not one[0] or not other[0]:
        return one if one[0] else other
    return [a + b for a, b in zip(one[0], other[0], strict=True)], one[1] + other[1]


async def _last_audit(shop: Shop) -> audit.Last | None:
    """None while the database is away. Without any, one of 1970: old enough for every alarm on its age."""
    try:
        return await audit.last(shop.engine) or audit.Last(at_us=0, failed_rules=0)
    except (DatabaseAway, DBAPIError):
        return None


def _written(whole: Snapshot, float_cents: int | None, last: audit.Last | None) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families([*_families(whole, float_cents), *_of_audit(last)]))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(whole: Snapshot, float_cents: int | None) -> Iterator[Metric]:
    requests = HistogramMetricFamily(
        "tuckshop_request_seconds",
        "Time until the response starts, by route template, method and status.",
        labels=("route", "method", "status"),
    )
    for route, method, status, (counts, total) in sorted(whole.requests):
        requests.add_metric((route, method, str(status)), _buckets(SECONDS, counts), total)
    yield requests
    yield _histogram("tuckshop_batch_commands", "Commands executed in one batch.", COMMANDS, whole.sizes)
    yield _histogram(
        "tuckshop_settle_seconds", "Time from the start of a batch to its commit.", SECONDS, whole.settling
    )
    refusals = CounterMetricFamily(
        "tuckshop_refusals", "Refused commands and requests, by name.", labels=("name",)
    )
    for name, number in sorted(whole.refusals.items()):
        refusals.add_metric((name,), number)
    yield refusals
    yield CounterMetricFamily("tuckshop_sales", "Orders placed.", value=whole.sales)
    yield CounterMetricFamily(
        "tuckshop_sales_cents", "Total of the orders placed, in minor units.", value=whole.sales_cents
    )
    yield GaugeMetricFamily("tuckshop_queue_commands", "Commands waiting for the till.", value=whole.queue)
    yield GaugeMetricFamily("tuckshop_event_streams", "Open event streams.", value=whole.streams)
    yield GaugeMetricFamily("tuckshop_connections", "Open connections.", value=whole.connections)
    yield GaugeMetricFamily(
        "tuckshop_connections_max", "Connections that can be open at once.", value=whole.connections_max
    )
    yield CounterMetricFamily(
        "tuckshop_connections_ended",
        "Silent connections that were closed to make room for others.",
        value=whole.connections_ended,
    )
    yield GaugeMetricFamily("tuckshop_processes", "Running worker processes.", value=whole.processes)
    if float_cents is not None:
        yield GaugeMetricFamily(
            "tuckshop_float_cents", "Total of all wallets, in minor units.", value=float_cents
        )


def _of_audit(last: audit.Last | None) -> Iterator[Metric]:
    if last is None:
        return
    yield GaugeMetricFamily(
        "tuckshop_audit_timestamp_seconds",
        "Time of the last audit (`tuckshop audit` or GET /v1/audit); 0: never.",
        value=last.at_us / 1_000_000,
    )
    if last.at_us:
        yield GaugeMetricFamily(
            "tuckshop_audit_failed_rules", "Failed checks of the last audit.", value=last.failed_rules
        )


def _histogram(name: str, about: str, bounds: tuple[float, ...], counts: Counts) -> Metric:
    return HistogramMetricFamily(name, about, buckets=_buckets(bounds, counts[0]), sum_value=counts[1])


def _buckets(bounds: tuple[float, ...], counts: list[int]) -> list[tuple[str, float]]:
    found, buckets = 0, []
    for bound, number in zip((*map(str, bounds), "+Inf"), counts or [0] * (len(bounds) + 1), strict=True):
        found += number
        buckets.append((bound, float(found)))
    return buckets
