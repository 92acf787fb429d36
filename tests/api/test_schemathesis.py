"""Schemathesis over the OpenAPI document, as everybody who might call: no failure in any phase.

A short run with a fixed seed in `make test.more`: few examples, and every value that the document forbids is
tried by an admin alone, whom the fewest refusals keep from the code that would have to refuse it.
TUCKSHOP_PROOF=1 makes it a long run of all phases by everybody, on both databases.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.api.conftest import Api, serving
from tests.api.pictures import painted
from tests.api.test_second_factor import FACTOR, Phone, phone_of
from tests.limits import HANG_SECONDS
from tuckshop.domain.money import EURO
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import login_throttle
from tuckshop.store import tables
from tuckshop.store.engine import writing
from tuckshop.till.callers import SessionCaller

PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
SEED = 20_260
EXAMPLES = 100 if PROOF else 10
PHASES = "examples,coverage,fuzzing,stateful"
SHOWN = 12_000  # Characters of a failed run's report: its end names every failure.


CONFIG = """
[checks.negative_data_rejection]
# As by default, what is too large to be read at all, and what names a version that is not the present one.
expected-statuses = [
    "400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429", "5xx"
]
[checks.positive_data_acceptance]
# Besides what it takes for good: a version that is not the present one.
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412"]

[[operations]]
include-operation-id = ["depositCoins", "collectCoins", "countCoins", "fillCoins", "settleTab"]
# Which coins there are, and how much they come to, is the shop's own matter, not the contract's.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[[operations]]
include-operation-id = ["moveStock", "placeOrder", "sendMoney", "setShelves"]
# No schema says that two values of a request differ or are the same, or that one is at most the other.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[[operations]]
include-operation-id = ["addMachine", "changeMachine"]
# Nor which time zones there are.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422"]

[[operations]]
include-operation-id = "changeOrder"
# Nor which products an order has, and how many of each it can be reduced to.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[[operations]]
include-operation-id = "putProductImage"
# Bytes of a media type need not be a picture.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422"]

[[operations]]
include-operation-id = "listProducts"
# A cursor goes with the order that gave it, and not with an offset; and not every number is a machine's.
checks.positive_data_acceptance.expected-statuses = ["2xx", "304", "404", "422"]

[[operations]]
include-operation-id = ["reportSales", "reportEarnings", "reportStatement"]
# Nor which days the calendar has, and which of two comes first.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "422"]
"""


HOOKS = """
import json
from pathlib import Path

import schemathesis

GOOD = json.loads(Path("good.json").read_text())


@schemathesis.hook
def before_call(context, case, kwargs):
    # Until it has worked once: what no document can tell, such as somebody's password.
    good = GOOD.get(case.operation.definition.raw.get("operationId"))
    if good is None or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    case.path_parameters = good.get("path", case.path_parameters)
    case.query = good.get("query", {})
    if "body" in good:
        case.body, case.media_type = good["body"], "application/json"
    if good.get("picture"):
        case.headers["X-Picture"] = "1"  # See `_picture`: no document tells how to draw one.
    case.headers.pop("If-Match", None)
    if "by" in good:
        case.headers["X-By"] = good["by"]  # Before the header that the command line gives to all.


@schemathesis.hook
def after_call(context, case, response):
    # Not for OPTIONS, which is tried everywhere.
    if response.status_code < 300 and case.method.upper() == case.operation.method.upper():
        GOOD.pop(case.operation.definition.raw.get("operationId"), None)


def whole(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(one) for one in value]
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    return value


@schemathesis.hook
def map_body(context, body):
    # JSON Schema takes 2.0 for an integer; we refuse it on purpose, and test that elsewhere.
    return whole(body)
"""


Good = dict[str, dict[str, Any]]


class LoggedIn:
    """Around the application: "Bearer buyer" stands for a session of a buyer that never ends.

    Else the first log-out would be the end of the run. An account that is closed stays so, and a new user has
    its place. And no two requests have the same idempotency key: that the second is refused says nothing of
    its own data.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.api: Api | None = None
        self.callers: dict[bytes, SessionCaller] = {}
        self.done: set[tuple[str, str]] = set()
        """Method and path of what has been answered with 2xx."""
        self._count = 0
        self._is_changed = False  # Something was done since the callers' sessions were last renewed.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and self.api is not None:
            self._count += 1
            other = [value for name, value in scope["headers"] if name == b"x-by"]
            for place, (name, value) in enumerate(scope["headers"]):
                if name == b"idempotency-key" and _is_key(value):
                    scope["headers"] = [*scope["headers"]]
                    scope["headers"][place] = (name, (value + b"-%d" % self._count)[-255:])
                if (name, value) == (b"if-match", b"0"):  # Not from the document: an ETag has quotes.
                    scope["headers"] = [*scope["headers"]]
                    scope["headers"][place] = (name, b'"1"')
                who = b"Bearer %b" % other[0] if other and value in self.callers else value
                caller = self.callers.get(who) if name == b"authorization" else None
                if caller is not None:
                    if self._is_changed:
                        await self._renew()
                    headers = [*scope["headers"]]
                    headers[place] = (name, self.credential(caller).encode())
                    scope["headers"] = headers
        if scope["type"] == "http" and scope["path"] == "/v1/events":
            # A stream ends when its watcher has gone: here, after the first event.
            gone = asyncio.Event()
            await self._app(scope, _until(gone), _once(self._watched(scope, send), gone))
            return
        if (b"x-picture", b"1") in scope.get("headers", []):
            receive = _picture(receive)
        await self._app(scope, receive, self._watched(scope, send))

    def _watched(self, scope: Any, send: Any) -> Any:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:
                self.done.add((scope["method"], scope.get("path_template", "")))
                self._is_changed |= scope["method"] not in ("GET", "HEAD")
            await send(message)

        return sent

    def credential(self, caller: SessionCaller) -> str:
        """What the header says for this caller."""
        assert self.api is not None
        return f"Bearer {self.api.token(caller)}"

    async def _renew(self) -> None:
        assert self.api is not None
        self._is_changed = False
        sessions, users = tables.sessions, tables.users
        ids = [caller.session_id for caller in self.callers.values()]
        ended = sessions.c.id.in_(ids), sessions.c.ended_us.is_not(None)
        user_ids = [caller.user_id for caller in self.callers.values()]
        closed = users.c.id.in_(user_ids), users.c.state != "active"
        async with writing(self.api.running.engine) as connection:
            await connection.execute(update(sessions).where(*ended).values(ended_us=None))
            gone = {row.id: row for row in await connection.execute(select(users).where(*closed))}
        for who, caller in self.callers.items():
            if caller.user_id in gone:
                roles = [role for role in Role if gone[caller.user_id]._mapping[f"is_{role}"]]
                self.callers[who] = await self.successor(f"after {caller.user_id}", *roles)

    async def successor(self, name: str, *roles: Role) -> SessionCaller:
        """A new user in the place of one who closed the account."""
        assert self.api is not None
        return await self.api.shop.person(name, *roles)


def _picture(receive: Any) -> Any:
    """Whatever is sent is a picture."""

    async def received() -> Any:
        message = await receive()
        return {**message, "body": painted("PNG"), "more_body": False} if message.get("body") else message

    return received


def _until(gone: asyncio.Event) -> Any:
    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    return receive


def _once(send: Any, gone: asyncio.Event) -> Any:
    async def sent(message: Any) -> None:
        if not gone.is_set():
            if message["type"] == "http.response.body":
                gone.set()
                message = {**message, "more_body": False}
            await send(message)

    return sent


def _is_key(value: bytes) -> bool:
    return 0 < len(value) <= 255 and all(0x21 <= byte <= 0x7E for byte in value)


@pytest.mark.more
@pytest.mark.proof
@pytest.mark.parametrize("database_url", ["sqlite", "postgres"] if PROOF else ["sqlite"], indirect=True)
@pytest.mark.parametrize("who", ["nobody", "buyer", "seller", "admin"])
async def test_finds_nothing(
    database_url: str, who: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Or all that it would see of a log-in or a registration were 429.
    for limit in ("PAIR", "USER", "NETWORK"):
        monkeypatch.setattr(login_throttle, limit, login_throttle.Limit(1_000_000, 1))
    wrapped: list[LoggedIn] = []

    def wrap(app: Any) -> LoggedIn:
        wrapped.append(LoggedIn(app))
        return wrapped[0]

    settings: dict[str, Any] = {"coins": CoinsPolicy.SELF, "tab_limit_cents": 10_000}
    async with serving(database_url, wrap=wrap, registrations_per_hour=3_600, **settings) as api:
        shop = api.shop
        buyer = await shop.person("ada", Role.BUYER)
        seller = await shop.person("sam", Role.SELLER)
        admin = await shop.person("root", Role.ADMIN, Role.BUYER, Role.SELLER)
        leaver = await shop.person("lee", Role.BUYER)
        for number in range(4):
            await shop.product(f"can {number}", seller=seller, stock=1000, price_cents=5)
        await api.post("/v1/wallet/deposits", {"coins": {"100": 100}}, by=buyer)
        await api.post("/v1/orders", {"lines": [{"product": 1, "quantity": 100}]}, by=buyer)
        await shop.execute(
            "INSERT INTO images (media_type, content, created_us) VALUES ('image/png', :png, 1)",
            png=b"\x89PNG",
        )
        shop.clock.forward(3_600)  # What was bought is not returned any more: it can be paid to its seller.
        await shop.execute("UPDATE sessions SET confirmed_us = :now", now=shop.clock.now_us)
        owners = {name: await shop.person(name, Role.BUYER) for name in ("begun", "renewed", "ended", "lost")}
        good = await _good(api, buyer, seller, admin, owners) if who == "admin" else {}
        wrapped[0].api = api
        named = {"buyer": buyer, "seller": seller, "admin": admin, "leaver": leaver, **owners}
        wrapped[0].callers = {f"Bearer {name}".encode(): caller for name, caller in named.items()}
        code, report = await run(api, who, tmp_path, good=good)
        assert code == 0, report[-SHOWN:]
        assert who != "admin" or await undone(api, wrapped[0].done) == []
        await api.shop.assert_clean()


async def _good(
    api: Api,
    buyer: SessionCaller,
    seller: SessionCaller,
    admin: SessionCaller,
    owners: Mapping[str, SessionCaller],
) -> Good:
    """What an admin can do here with the last product, a machine, a guest and somebody with a tab.

    And what the owners of second factors can do with these.
    """
    shop, product = api.shop, (await api.get("/v1/products")).json()["items"][-1]["id"]
    hall = await shop.machine("hall")
    key = (await api.post(f"/v1/machines/{hall}/key", by=admin)).json()["key"]
    move = {"product": product, "quantity": 5, "to": hall}
    assert (await api.post("/v1/machines/1/moves", move, by=admin)).status_code == 200
    one = {"lines": [{"product": product, "quantity": 1}]}
    for path, body in (
        ("/v1/wallet/deposits", {"coins": {"5": 4}, "guest": "door"}),
        ("/v1/orders", {**one, "guest": "door"}),
    ):
        answer = await api.post(path, body, headers={"Authorization": f"Machine {key}"})
        assert answer.status_code == 201, answer.text
    await api.post("/v1/wallet/deposits", {"coins": {"100": 10}}, by=admin)
    owed = await api.post("/v1/orders", {**one, "payment": "tab"}, by=buyer)
    assert owed.status_code == 201, owed.text
    await shop.execute("UPDATE products SET image_id = 1 WHERE id = :id", id=product)
    await api.registered("lena")
    await shop.execute(
        "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE username = 'lena')"
        " WHERE id = :id",
        id=admin.user_id,
    )
    phones = {name: await phone_of(api, owner) for name, owner in owners.items() if name != "begun"}
    assert all(phone.recovery for phone in phones.values())
    begun = Phone(api, (await api.post(FACTOR, by=owners["begun"])).json()["secret"])
    token = await api.post("/v1/auth/tokens", {"name": "x", "scopes": ["read"]}, by=owners["begun"])
    return {
        "revokeToken": {"by": "begun", "path": {"token_id": token.json()["id"]}},
        "confirm": {"body": {"password": "correct horse"}},
        "enableSecondFactor": {"by": "begun", "body": {"code": begun.code()}},
        "renewRecoveryCodes": {"by": "renewed"},
        "disableSecondFactor": {"by": "ended"},
        "resetSecondFactor": {"path": {"user_id": owners["lost"].user_id}},
        "closeMe": {"by": "leaver"},
        "logIn": {"body": {"username": "lena", "password": "correct horse"}},
        "refreshTokens": {"body": {"refresh": api.running.tokens.refresh(buyer, generation=1)}},
        "getImage": {"path": {"image_id": 1}},
        "putProductImage": {"path": {"product_id": product - 1}, "picture": True},
        "sendMoney": {"body": {"to": buyer.user_id, "amount": 100}},
        "changeOrder": {"path": {"order_id": owed.json()["id"]}, "body": {"status": "dispensed"}},
        "settleTab": {"path": {"user_id": buyer.user_id}, "body": {"coins": {"5": 1}}},
        "paySeller": {
            "path": {"seller_id": seller.user_id},
            "body": {"external_ref": "may", "amount": 100},
        },
        "refundGuest": {"body": {"guest": "door", "product": product, "machine": hall}},
        "countCoins": {
            "path": {"machine_id": hall},
            "body": {"counted": [{"value": value, "count": 4} for value in EURO.values_cents]},
        },
        "moveStock": {"path": {"machine_id": 1}, "body": {"product": product, "quantity": 1, "to": hall}},
    }


async def undone(api: Api, done: set[tuple[str, str]], *, path: str = "", but: str = "(?!)") -> list[str]:
    """The operations of the document below `path` that nothing was answered to with 2xx.

    `but`: a pattern of those that are left out.
    """
    document = (await api.get(f"{path}/openapi.json")).json()
    base = document["servers"][0]["url"].rstrip("/")
    return [
        f"{method.upper()} {base}{template}"
        for template, operations in document["paths"].items()
        for method in operations
        if (method.upper(), f"{base}{template}") not in done and not re.search(but, template)
    ]


async def run(
    api: Api,
    who: str,
    folder: Path,
    *,
    good: Good,
    path: str = "",
    config: str = CONFIG,
    headers: Mapping[str, str] | None = None,
) -> tuple[int | None, str]:
    """Schemathesis over the document below `path`: its exit code, 0 for nothing found, and its report.

    `good`: a call that works, by operation, where the document alone leads to none.
    """
    given = {"Authorization": f"Bearer {who}", **(headers or {})} if who != "nobody" else {}
    (folder / "schemathesis.toml").write_text(config)
    (folder / "hooks.py").write_text(HOOKS)
    (folder / "good.json").write_text(json.dumps(good))
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "schemathesis",
        "run",
        f"http://127.0.0.1:{api.port}{path}/openapi.json",
        *(f"--header={name}: {value}" for name, value in given.items()),
        "--checks=all",
        f"--phases={PHASES if PROOF or who == 'admin' else PHASES.replace('coverage,', '')}",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--generation-database=none",
        "--continue-on-failure",
        "--no-color",
        f"--request-timeout={HANG_SECONDS:.0f}",
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        report, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, report.decode(errors="replace")
