"""Schemathesis over the OpenAPI document, as everybody who might call: no failure in any phase.

A short run with a fixed seed in `make test.more`: few examples, and every value that the document forbids is
tried by an admin alone, whom the fewest refusals keep from the code that would have to refuse it.
TUCKSHOP_PROOF=1 makes it a long run of all phases by everybody, on both databases.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.api.conftest import Api, serving
from tests.limits import HANG_SECONDS
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.identity import login_throttle
from tuckshop.store import tables
from tuckshop.store.engine import writing
from tuckshop.till.callers import SessionCaller

PROOF = os.environ.get("TUCKSHOP_PROOF") == "1"
SEED = 20_260
SIZE = [f"--max-examples={100 if PROOF else 5}"]
PHASES = "examples,coverage,fuzzing,stateful"
SHOWN = 12_000  # Characters of a failed run's report: its end names every failure.


CONFIG = """
[checks.positive_data_acceptance]
# Besides what it takes for good: a version that is not the present one.
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412"]

[[operations]]
include-operation-id = ["depositCoins", "collectCoins", "countCoins", "fillCoins", "settleTab"]
# Which coins there are, and how much they come to, is the shop's own matter, not the contract's.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[[operations]]
include-operation-id = ["moveStock", "sendMoney", "setShelves"]
# No schema says that two values of a request differ, or that one is at most the other.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[[operations]]
include-operation-id = ["addMachine", "changeMachine"]
# Nor which time zones there are.
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "422"]

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
import schemathesis


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


class LoggedIn:
    """Around the application: "Bearer buyer" stands for a session of a buyer that never ends.

    Else the first log-out, or account closed, would be the end of the run. And no two requests have the same
    idempotency key: that the second is refused says nothing of its own data.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.api: Api | None = None
        self.callers: dict[bytes, SessionCaller] = {}
        self._count = 0
        self._is_changed = False  # Something was done since the callers' sessions were last renewed.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and self.api is not None:
            self._count += 1
            for place, (name, value) in enumerate(scope["headers"]):
                if name == b"idempotency-key" and _is_key(value):
                    scope["headers"] = [*scope["headers"]]
                    scope["headers"][place] = (name, (value + b"-%d" % self._count)[-255:])
                if (name, value) == (b"if-match", b"0"):  # Not from the document: an ETag has quotes.
                    scope["headers"] = [*scope["headers"]]
                    scope["headers"][place] = (name, b'"1"')
                caller = self.callers.get(value) if name == b"authorization" else None
                if caller is not None:
                    if self._is_changed:
                        await self._renew()
                    headers = [*scope["headers"]]
                    headers[place] = (name, self.credential(caller).encode())
                    scope["headers"] = headers
        if scope["type"] == "http" and scope["path"] == "/v1/events":
            # A stream ends when its watcher has gone: here, after the first event.
            gone = asyncio.Event()
            await self._app(scope, _until(gone), _once(send, gone))
            return
        await self._app(scope, receive, self._watched(scope, send))

    def _watched(self, scope: Any, send: Any) -> Any:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:
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
        user_ids = [caller.user_id for caller in self.callers.values()]
        ended = sessions.c.id.in_(ids), sessions.c.ended_us.is_not(None)
        closed = users.c.id.in_(user_ids), users.c.state != "active"
        async with writing(self.api.running.engine) as connection:
            await connection.execute(update(sessions).where(*ended).values(ended_us=None))
            await connection.execute(update(users).where(*closed).values(state="active", closed_us=None))


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
    for limit in ("PAIR", "USER", "NETWORK"):  # Or all that it would see of a log-in were 429.
        monkeypatch.setattr(login_throttle, limit, login_throttle.Limit(1_000_000, 1))
    wrapped: list[LoggedIn] = []

    def wrap(app: Any) -> LoggedIn:
        wrapped.append(LoggedIn(app))
        return wrapped[0]

    async with serving(database_url, wrap=wrap, coins=CoinsPolicy.SELF) as api:
        buyer = await api.shop.person("ada", Role.BUYER)
        seller = await api.shop.person("sam", Role.SELLER)
        admin = await api.shop.person("root", Role.ADMIN, Role.BUYER, Role.SELLER)
        for number in range(3):
            await api.shop.product(f"can {number}", seller=seller, stock=1000, price_cents=5)
        await api.post("/v1/wallet/deposits", {"coins": {"100": 100}}, by=buyer)
        await api.post("/v1/orders", {"lines": [{"product": 1, "quantity": 10}]}, by=buyer)
        await api.shop.execute(
            "INSERT INTO images (id, media_type, content, created_us) VALUES (1, 'image/png', :png, 1)",
            png=b"\x89PNG",
        )
        wrapped[0].api = api
        wrapped[0].callers = {b"Bearer buyer": buyer, b"Bearer seller": seller, b"Bearer admin": admin}
        code, report = await run(api, who, tmp_path)
        assert code == 0, report[-SHOWN:]
        await api.shop.assert_clean()


async def run(
    api: Api, who: str, folder: Path, *, path: str = "", config: str = CONFIG
) -> tuple[int | None, str]:
    """Schemathesis over the document below `path`: its exit code, 0 for nothing found, and its report."""
    login = [] if who == "nobody" else ["--header", f"Authorization: Bearer {who}"]
    (folder / "schemathesis.toml").write_text(config)
    (folder / "hooks.py").write_text(HOOKS)
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "schemathesis",
        "run",
        f"http://127.0.0.1:{api.port}{path}/openapi.json",
        *login,
        "--checks=all",
        f"--phases={PHASES if PROOF or who == 'admin' else PHASES.replace('coverage,', '')}",
        *SIZE,
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
