"""What a purchase costs in each dialect beside the same purchase in /v1: `make bench.dialects`.

One server, one connection, one purchase after the other, the contracts in turns: medians until the answer.
"""

import argparse
import http.client
import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

from bench.measure import BenchFailed
from bench.seed import Size, make
from bench.server import machine_key, require_clean_audit, serving
from bench.side import database
from tuckshop.dialects import NAMES

RATIO_MAX = 1.25
WARM = 50
_PASSWORD = secrets.token_hex(8)
_COINS = {"100": 10_000}
_SETTINGS = {
    "TUCKSHOP_DIALECTS": ",".join(NAMES),
    "TUCKSHOP_COINS": "self",
    "TUCKSHOP_SELLER_REGISTRATION": "open",
    "TUCKSHOP_COINS_DAILY_CAP_CENTS": "1000000000",
    "TUCKSHOP_TAB_LIMIT_CENTS": "1000000000",
    "TUCKSHOP_TAB_FOR": "everybody",
}


@dataclass(slots=True)
class Client:
    """One connection to the server."""

    connection: http.client.HTTPConnection

    def says(self, method: str, path: str, body: Any, **headers: str) -> Any:
        """The answer's JSON. Raises: BenchFailed for a refusal."""
        given = {"Content-Type": "application/json", **headers}
        self.connection.request(method, path, json.dumps(body), given)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise BenchFailed(f"{method} {path}: {answer.status} {content[:300].decode(errors='replace')}")
        return json.loads(content)


@dataclass(slots=True)
class Job:
    """One way to buy. `first`: what must happen before each purchase, and is not measured."""

    name: str
    buy: Callable[[], Any]
    like: str | None = None
    first: Callable[[], Any] = lambda: None
    seconds: list[float] = field(default_factory=list)


def main() -> None:
    """Measure on each database, and say where a dialect costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--purchases", type=int, default=1_000, help="of each contract")
    parser.add_argument("--only", default="sqlite,postgres", help="databases, with commas between")
    given = parser.parse_args()
    dear: list[str] = []
    for kind in given.only.split(","):
        with database(kind) as (url, _):
            make(url, size=Size(buyers=10, sellers=10, products=100))
            with serving(url, workers=1, settings=_SETTINGS) as server:
                jobs = _jobs(server.port, key=machine_key(url, "default"))
                for turn in range(given.purchases + WARM):
                    # One of each in turns: whatever else the computer does meets them alike.
                    for job in jobs[turn % len(jobs) :] + jobs[: turn % len(jobs)]:
                        job.first()
                        began = time.perf_counter()
                        job.buy()
                        if turn >= WARM:
                            job.seconds.append(time.perf_counter() - began)
            require_clean_audit(url)
        dear += _report(kind, jobs)
    if dear:
        raise SystemExit(f"More than {RATIO_MAX} of the same in /v1: {', '.join(dear)}")


def _jobs(port: int, *, key: str) -> list[Job]:
    client = Client(http.client.HTTPConnection("127.0.0.1", port, timeout=10))
    says = client.says
    seller = _entered(client, "seller", ["seller"])
    product = says("POST", "/v1/products", {"name": "Cola", "price": 65, "stock": 1_000_000}, **seller)["id"]
    ada = _entered(client, "ada", ["buyer"])
    says("POST", "/v1/wallet/deposits", {"coins": _COINS}, **ada)
    bob = _entered(client, "bob", ["buyer"])
    token = says("POST", f"{_at('simple-payment')}/api/get_token", {"username": "ada", "password": _PASSWORD})
    machine, kiosk = {"Authorization": f"Machine {key}"}, {"X-Kiosk-Key": key}
    guest = {"user_name": "somebody", "amount": 1_000_000}
    says("POST", f"{_at('kiosk')}/api/v1/users/0/add_balance", guest, **kiosk)
    lines, wanted = [{"product": product, "quantity": 1}], [{"id": product, "quantity": 1}]

    def buys(path: str, body: dict[str, Any], **headers: str) -> Callable[[], Any]:
        return lambda: says("POST", path, body, **headers, **{"Idempotency-Key": secrets.token_hex(8)})

    coin = partial(says, "POST", "/v1/wallet/deposits", {"coins": {"100": 1}}, **bob)
    return [
        Job("/v1", buys("/v1/orders", {"lines": lines}, **ada)),
        Job("/v1, change", buys("/v1/orders", {"lines": lines, "change": "return"}, **bob), first=coin),
        Job("/v1, tab", buys("/v1/orders", {"lines": lines, "payment": "tab"}, **ada)),
        Job("/v1, guest", buys("/v1/orders", {"lines": lines, "guest": "somebody"}, **machine)),
        Job(
            "simple-payment",
            buys(
                f"{_at('simple-payment')}/api/buyer/buy",
                {"name": "Cola"},
                Authorization=f"Token {token['token']}",
            ),
            like="/v1",
        ),
        Job(
            "vending-challenge",
            buys(f"{_at('vending-challenge')}/api/v1/buy", {"productId": product, "amount": 1}, **bob),
            like="/v1, change",
            first=coin,
        ),
        Job(
            "kiosk",
            buys(f"{_at('kiosk')}/api/v1/products/{product}/buy", {"user_name": "somebody"}, **kiosk),
            like="/v1, guest",
        ),
        Job("app-demo", buys(f"{_at('app-demo')}/api/order/", {"products": wanted}, **ada), like="/v1, tab"),
        Job("shop", buys(f"{_at('shop')}/api/orders/", {"products": wanted}, **ada), like="/v1, tab"),
    ]


def _entered(client: Client, name: str, roles: list[str]) -> dict[str, str]:
    """The credential of somebody new."""
    person = {"username": name, "password": _PASSWORD}
    client.says("POST", "/v1/users", {**person, "roles": roles})
    return {"Authorization": f"Bearer {client.says('POST', '/v1/auth/login', person)['access']}"}


def _at(dialect: str) -> str:
    return f"/dialects/{dialect}"


def _report(kind: str, jobs: list[Job]) -> Iterator[str]:
    """Prints the table; the names of those that cost too much."""
    print(f"\n{kind}: a purchase, and of the same in /v1")
    known = {job.name: job for job in jobs}
    for job in jobs:
        like = known[job.like or job.name]
        ratio = median(job.seconds) / median(like.seconds)
        print(f"{job.name:20}{median(job.seconds) * 1e3:8.2f} ms{ratio:6.2f}", flush=True)
        if ratio > RATIO_MAX:
            yield f"{job.name} on {kind}"


if __name__ == "__main__":
    main()
