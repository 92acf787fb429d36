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
from sqlalchemy.pool import QueuePool

from tuckshop.context import Shop
from tuckshop.operations.figures import Figures
from tuckshop.queries.events import Events
from tuckshop.telemetry import COMMANDS, SECONDS, Spread

SHARE_SECONDS = 1.0

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
    pool_used: int = 0
    pool_size: int = 0
    troubles: dict[str, int] = {}


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
        pool_used=_pool(shop).checkedout(),
        pool_size=_pool(shop).size(),
        troubles={shop.health.trouble.cause.value: 1} if shop.health.trouble else {},
    )


def _pool(shop: Shop) -> QueuePool:
    pool = shop.engine.sync_engine.pool
    assert isinstance(pool, QueuePool)
    return pool


async def text(shop: Shop, *, events: Events, figures: Figures, folder: str) -> bytes:
    """Everything in Prometheus's format; `folder` is where other workers' counts are, if there are any."""
    own = taken(shop, streams=events.count)
    others = await asyncio.to_thread(lambda: list(_others(Path(folder)))) if folder else []
    return _written(_merged([own, *others]), await figures.families(shop))


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
            snapshot.pool_used = snapshot.pool_size = 0
            snapshot.troubles = {}
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
        whole.pool_used += one.pool_used
        whole.pool_size += one.pool_size
        for cause, number in one.troubles.items():
            whole.troubles[cause] = whole.troubles.get(cause, 0) + number
    whole.requests = [(*key, counts) for key, counts in requests.items()]
    return whole


def _sum(one: Counts, other: Counts) -> Counts:
    if not one[0] or not other[0]:
        return one if one[0] else other
    return [a + b for a, b in zip(one[0], other[0], strict=True)], one[1] + other[1]


def _written(whole: Snapshot, more: list[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families([*_families(whole), *more]))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(whole: Snapshot) -> Iterator[Metric]:
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
    yield GaugeMetricFamily(
        "tuckshop_database_connections_used",
        "Connections to the database that are in use, without those of the tills.",
        value=whole.pool_used,
    )
    yield GaugeMetricFamily(
        "tuckshop_database_connections_max", "Connections that can be in use at once.", value=whole.pool_size
    )
    troubles = GaugeMetricFamily(
        "tuckshop_trouble", "Processes that cannot sell, by cause; see /health/ready.", labels=("cause",)
    )
    for cause, processes in sorted(whole.troubles.items()):
        troubles.add_metric((cause,), processes)
    yield troubles


def _histogram(name: str, about: str, bounds: tuple[float, ...], counts: Counts) -> Metric:
    return HistogramMetricFamily(name, about, buckets=_buckets(bounds, counts[0]), sum_value=counts[1])


def _buckets(bounds: tuple[float, ...], counts: list[int]) -> list[tuple[str, float]]:
    found, buckets = 0, []
    for bound, number in zip((*map(str, bounds), "+Inf"), counts or [0] * (len(bounds) + 1), strict=True):
        found += number
        buckets.append((bound, float(found)))
    return buckets
