"""How soon pages answer in a shop that has sold a lot: `python -m bench.office [--orders 100000]`.

Over HTTP on each database, logged in as an admin, as a seller of many products and as a buyer of many orders:
the first answer of the server, and those after it. Apart from them is what reads every order and is asked for
by name: the audit and the files.
"""

import argparse
import http.client
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from bench import history, log_ins
from bench.catalogue import quantile, surroundings
from bench.host import look
from bench.log_ins import LogIns
from bench.measure import BenchFailed
from bench.seed import Size, make
from bench.server import serving
from bench.side import database
from tools.loopback import HOST
from tuckshop.web.ui.forms import MEDIA_TYPE, TOKEN

P95_MS_MAX = 300
SIZE = Size(buyers=1_000, sellers=5, products=48)
WHOLE_ROUNDS = 3  # Of what reads everything.
_TOKEN = re.compile(rf'name="{TOKEN}" value="([^"]+)"')


def main() -> None:
    """Measure both databases and print a line for each page."""
    asked = _arguments()
    slow: list[str] = []
    for kind in asked.only.split(","):
        with database(kind) as (url, _):
            began = time.perf_counter()
            make(url, size=SIZE)
            history.sell(url, orders=asked.orders)
            history.book(url)
            people = log_ins.make(url)
            print(f"\n{kind}: {asked.orders:,} orders, made in {time.perf_counter() - began:.0f} s")
            before = look()
            with serving(url, workers=1) as server:
                pages = list(_pages(people, orders=asked.orders))
                figures = {name: measured(server.port, ask, rounds=asked.rounds) for name, ask in pages}
                whole = list(_whole(people))
                figures |= {name: measured(server.port, ask, rounds=WHOLE_ROUNDS) for name, ask in whole}
            print(surroundings(before, look()))
            print(f"{'first ms':>9} {'p50':>7} {'p95':>7} {'max':>7}   page")
            for name, (first, *took) in figures.items():
                p50, p95 = quantile(took, 50), quantile(took, 95)
                print(f"{first:9.1f} {p50:7.1f} {p95:7.1f} {max(took):7.1f}   {name}", flush=True)
                slow += [f"{name} on {kind}"] if name in dict(pages) and p95 > P95_MS_MAX else []
    raise SystemExit(f"p95 above {P95_MS_MAX} ms: {', '.join(slow)}" if slow else 0)


Ask = Callable[[http.client.HTTPConnection], Any]


def measured(port: int, ask: Ask, *, rounds: int) -> list[float]:
    """Milliseconds of the first time and of each of the rounds after it."""
    took = []
    with closing(http.client.HTTPConnection(HOST, port, timeout=120)) as connection:
        for _ in range(rounds + 1):
            began = time.perf_counter()
            ask(connection)
            took.append((time.perf_counter() - began) * 1_000)
    return took


def _pages(people: LogIns, *, orders: int) -> Iterator[tuple[str, Ask]]:
    today = datetime.now(UTC).date()
    year = {"from": f"{today - timedelta(days=history.DAYS)}", "to": f"{today}"}
    late = {"before": f"{orders // 100}"}  # To which pages lead that nobody turns one by one.
    for path in (
        "/office",
        "/office/orders",
        f"/office/orders?{urlencode(late)}",
        *(f"/office/orders?status={status}" for status in ("placed", "refunded", "dispensed", "failed")),
        "/office/orders?buyer=bench-buyer-1",
        "/office/orders?buyer=bench-buyer-1&status=refunded",
        "/office/orders?buyer=bench-buyer-2&status=failed",
        f"/office/orders/{orders // 2}",
        "/office/sales",
        *(f"/office/sales?{urlencode(year | {'by': by})}" for by in ("product", "seller", "machine")),
        "/office/users",
        *(f"/office/users?{asked}" for asked in ("q=buyer-7", "q=nobody", "role=seller", "state=pending")),
        f"/office/users/{people.buyer_id}",
        "/office/products",
        "/office/machines",
        "/office/machines/1",
        "/office/machines/1/coins",
        "/office/payouts",
        f"/office/payouts/{people.seller_id}",
        "/office/tabs",
        "/office/left-behind",
        "/office/left-behind?days=400",
        "/office/unclaimed",
        "/office/log",
        "/office/audit",
    ):
        yield path, _get(path, people.admin)
    for path in ("/desk", "/desk/orders", "/desk/products", "/desk/sales", "/desk/earnings"):
        yield path, _get(path, people.seller)
    yield (path := f"/desk/sales?{urlencode(year)}"), _get(path, people.seller)
    for path in ("/account", "/account/orders", "/account/statement"):
        yield path, _get(path, people.buyer)
    for path in ("/account/orders", "/account/statement"):
        yield (path := f"{path}?{urlencode(late)}"), _get(path, people.buyer)


def _whole(people: LogIns) -> Iterator[tuple[str, Ask]]:
    def audit(connection: http.client.HTTPConnection) -> None:
        found = _TOKEN.search(_get("/office/audit", people.admin)(connection))
        if found is None:
            raise BenchFailed("there is no form on the audit's page")
        body = urlencode({"form": found[1]})
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": MEDIA_TYPE.decode()}
        _asked(connection, "POST", "/office/audit", body, people.admin, **headers)

    yield "the audit", audit
    yield "every order as a file", _get("/office/orders/file", people.admin)
    yield "every user as a file", _get("/office/users/file", people.admin)


def _get(path: str, secret: str) -> Callable[[http.client.HTTPConnection], str]:
    return lambda connection: _asked(connection, "GET", path, None, secret)


def _asked(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | None,
    secret: str,
    **headers: str,
) -> str:
    connection.request(method, path, body, headers | {"Cookie": f"tuckshop={secret}"})
    answer = connection.getresponse()
    content = answer.read().decode()
    if answer.status != http.client.OK:
        raise BenchFailed(f"{method} {path}: {answer.status} {content[:300]}")
    return content


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.office")
    parser.add_argument("--orders", type=int, default=100_000, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=50, help="%(default)s")
    parser.add_argument("--only", default="sqlite,postgres", help="databases, with commas between")
    return parser.parse_args()


if __name__ == "__main__":
    main()
