"""What staff is told of in the office: machines' keys out of their pattern, and proxies that nobody named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.conftest import Api, serving
from tuckshop.domain.refusals import RoleMissing
from tuckshop.domain.users import OPERATOR as OPERATOR_ACTOR
from tuckshop.domain.users import Actor, Role
from tuckshop.operations import alerts, machines
from tuckshop.queries import alerts as alert_queries
from tuckshop.queries.alerts import Alert
from tuckshop.telemetry import ALERTS_MAX, Alerts

LOG_IN = {"username": "ada", "password": "wrong horse"}


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url) as served:
        yield served


async def shown(api: Api) -> list[Alert]:
    await alerts.store(api.running)
    return await alert_queries.newest(api.running, actor=OPERATOR_ACTOR)


async def asked(api: Api, path: str, body: Any, **headers: str) -> int:
    return (await api.call("POST", path, body, headers=headers)).status_code


async def test_a_machine_s_key_out_of_its_pattern_is_told(api: Api) -> None:
    hall = await api.shop.machine("hall")
    key = await machines.new_key(api.running, actor=OPERATOR_ACTOR, machine_id=hall)
    ada = await api.shop.buyer("ada", cents=500)
    header = {"Authorization": f"Machine {key}"}
    assert await asked(api, "/v1/wallet/payout", {"user": ada.user_id}, **header) == 409
    for _ in range(3):
        body = {"coins": {"100": 51}, "guest": "door"}
        assert await asked(api, "/v1/wallet/deposits", body, **header) == 409
    (one,) = await shown(api)
    assert (one.kind, one.machine, one.machine_id, one.count) == ("machine", "hall", hall, 4)
    assert one.detail == "deposit-too-large"
    api.clock.forward(60)
    assert await asked(api, "/v1/wallet/payout", {"user": ada.user_id}, **header) == 409
    (again,) = await shown(api)
    assert (again.count, again.detail) == (5, "user-not-present")
    assert again.last_us - again.first_us >= 60_000_000
    assert again.first_us == one.first_us


async def test_what_a_machine_is_refused_in_its_pattern_is_not_told(api: Api) -> None:
    hall = await api.shop.machine("hall")
    key = await machines.new_key(api.running, actor=OPERATOR_ACTOR, machine_id=hall)
    header = {"Authorization": f"Machine {key}"}
    assert await asked(api, "/v1/wallet/deposits", {"coins": {"100": 2}, "guest": "door"}, **header) == 201
    assert await asked(
        api, "/v1/orders", {"lines": [{"product": 9, "quantity": 1}], "guest": "door"}, **header
    )
    wrong = {"Authorization": f"Machine {key[:-1]}{'x' if key[-1] != 'x' else 'y'}"}
    assert await asked(api, "/v1/wallet/deposits", {"coins": {"100": 99}, "guest": "door"}, **wrong) == 401
    assert await shown(api) == []  # A key that is none says nothing of the machine.


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
async def test_a_proxy_that_nobody_named_is_told(api: Api, header: str) -> None:
    await api.registered("ada")
    assert await shown(api) == []
    for value in ("203.0.113.9", "x" * 1_000, "for=203.0.113.9;proto=https", ""):
        assert await asked(api, "/v1/auth/login", LOG_IN, **{header: value}) == 401
    (one,) = await shown(api)
    assert (one.kind, one.detail, one.count, one.machine) == ("forwarded", "127.0.0.1", 4, None)


async def test_a_proxy_that_is_named_is_not_told(database_url: str) -> None:
    async with serving(database_url, trusted_proxies="127.0.0.0/8") as api:
        await api.registered("ada")
        assert await asked(api, "/v1/auth/login", LOG_IN, **{"X-Forwarded-For": "203.0.113.9"}) == 401
        assert await shown(api) == []


async def test_a_flood_is_one_and_many_things_are_bounded(api: Api) -> None:
    for number in range(10_000):
        api.running.alerts.add("forwarded", "proxy", "192.0.2.1")
        api.running.alerts.add("machine", f"machine:{number}", "x" * 10_000)
    assert len(api.running.alerts.waiting) == ALERTS_MAX
    assert await alerts.store(api.running) == ALERTS_MAX
    assert await alerts.store(api.running) == 0
    rows = await api.shop.rows("alerts")
    assert len(rows) == ALERTS_MAX
    assert sum(row["count"] for row in rows if row["kind"] == "forwarded") == 10_000
    assert max(len(row["detail"]) for row in rows) == 200
    assert len(await shown(api)) == alert_queries.SHOWN_MAX


async def test_processes_that_store_at_once_count_together(api: Api) -> None:
    async def store(times: int) -> None:
        for _ in range(times):
            waiting = Alerts()
            waiting.add("machine", "machine:1", "user-not-present")
            waiting.add("forwarded", "proxy", "192.0.2.1")
            api.running.alerts.waiting.update(waiting.waiting)
            await alerts.store(api.running)

    await asyncio.gather(*(store(5) for _ in range(4)))
    await alerts.store(api.running)
    counts = {row["kind"]: row["count"] for row in await api.shop.rows("alerts")}
    assert set(counts) == {"machine", "forwarded"}
    assert all(1 <= count <= 20 for count in counts.values())


async def test_they_are_for_staff_and_forgotten_after_a_month(api: Api) -> None:
    api.running.alerts.add("forwarded", "proxy", "192.0.2.1")
    await alerts.store(api.running)
    for role in (Role.BUYER, Role.SELLER):
        with pytest.raises(RoleMissing):
            await alert_queries.newest(api.running, actor=Actor(1, frozenset({role})))
    api.clock.forward(alerts.KEPT_SECONDS)
    await alerts.forget_old(api.running)
    assert len(await api.shop.rows("alerts")) == 1
    api.clock.forward(1)
    await alerts.forget_old(api.running)
    assert await api.shop.rows("alerts") == []
