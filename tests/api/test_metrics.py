"""/metrics, and what goes into the log."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from tests.api.conftest import Api, serving
from tuckshop import __version__
from tuckshop.domain.users import Role
from tuckshop.http.middleware import FORBIDDEN, Middleware
from tuckshop.operations import audit, backups, figures, metrics
from tuckshop.store.troubles import AWAY
from tuckshop.telemetry import Throttle


@pytest.fixture
async def measured(database_url: str) -> AsyncIterator[Api]:
    async with serving(database_url, metrics=True) as api:
        yield api


def figure(text: str, name: str) -> float:
    """The value of one sample, labels and all."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found is not None, f"{name} is not in\n{text}"
    return float(found[1])


async def test_counts_what_happens(measured: Api) -> None:
    api = measured
    ada = await api.shop.buyer("ada", cents=500)
    cola = await api.shop.product("cola", price_cents=150, stock=10)
    order = {"lines": [{"product": cola.product_id, "quantity": 2}]}
    key = {"Idempotency-Key": "k"}
    assert (await api.post("/v1/orders", order, by=ada, headers=key)).status_code == 201
    assert (await api.post("/v1/orders", order, by=ada, headers=key)).status_code == 201
    assert (await api.post("/v1/orders", order, by=ada)).status_code == 409
    assert (await api.get("/v1/wallet")).status_code == 401
    assert (await api.get("/v1/nowhere/17")).status_code == 404

    text = (await api.get("/metrics")).text
    route = 'tuckshop_request_seconds_count{method="POST",route="/v1/orders",status="%d"}'
    assert figure(text, route % 201) == 2
    assert figure(text, route % 409) == 1
    assert figure(text, 'tuckshop_request_seconds_count{method="GET",route="(none)",status="404"}') == 1
    assert "/v1/nowhere" not in text
    assert figure(text, "tuckshop_sales_total") == 1  # The replay sold nothing.
    assert figure(text, "tuckshop_sales_cents_total") == 300
    assert figure(text, 'tuckshop_refusals_total{name="InsufficientFunds"}') == 1
    assert figure(text, 'tuckshop_refusals_total{name="SessionEnded"}') == 1
    assert figure(text, "tuckshop_float_cents") == 200
    assert figure(text, "tuckshop_queue_commands") == 0
    assert figure(text, 'tuckshop_batch_commands_bucket{le="+Inf"}') == api.running.till.tally.batches


async def test_tells_the_last_audit_whoever_asked_for_it(measured: Api) -> None:
    api = measured
    at, failed = "tuckshop_audit_timestamp_seconds", "tuckshop_audit_failed_rules"
    text = (await api.get("/metrics")).text
    assert figure(text, at) == 0  # Never: however old an alarm lets an audit grow, this is older.
    assert failed not in text

    root = await api.shop.person("root", Role.ADMIN)
    assert (await api.get("/v1/audit", by=root)).status_code == 200
    first_us = api.clock()
    text = (await api.get("/metrics")).text
    assert (figure(text, at), figure(text, failed)) == (first_us / 1_000_000, 0)

    await api.shop.product("cola", price_cents=150, stock=10)
    await api.shop.execute("UPDATE shelves SET quantity = 11")
    # As the command line does it, in another process.
    await audit.audit_and_record(api.shop.engine, now_us=first_us + 2_000_000)
    await audit.audit_and_record(api.shop.engine, now_us=first_us + 1_000_000)  # It ended late.
    text = (await api.get("/metrics")).text
    assert figure(text, at) == first_us / 1_000_000 + 2
    assert figure(text, failed) >= 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_is_closed_unless_asked_for(database_url: str) -> None:
    async with serving(database_url) as api:
        assert (await api.get("/metrics")).status_code == 404
    async with serving(database_url, metrics_token="scrape me") as api:
        assert (await api.get("/metrics")).status_code == 401
        for wrong in ("Bearer", "Bearer scrape", "Basic scrape me", "Bearer ü"):
            headers = httpx.Headers({"Authorization": wrong}, encoding="utf-8")
            assert (await api.client.get("/metrics", headers=headers)).status_code == 401
        assert (await api.get("/metrics", by="scrape me")).status_code == 200


async def test_tells_of_each_machine(measured: Api) -> None:
    api = measured
    hall = await api.shop.machine("hall")
    ada, cola = await api.shop.buyer("ada", cents=500), await api.shop.product("cola", stock=1)
    await api.shop.execute("UPDATE shelves SET slot = 'A1'")
    order = {"lines": [{"product": cola.product_id, "quantity": 1}]}
    assert (await api.post("/v1/orders", order, by=ada)).status_code == 201
    text = (await api.get("/metrics")).text
    (first, _) = sorted(await api.shop.rows("machines"), key=lambda row: int(row["id"]))
    labels = f'{{machine="1",name="{first["name"]}"}}'
    assert figure(text, f"tuckshop_machine_empty_slots{labels}") == 1
    assert figure(text, f"tuckshop_machine_coins_cents{labels}") == 500
    assert figure(text, f"tuckshop_machine_last_sale_timestamp_seconds{labels}") > 1_600_000_000
    silent = f'{{machine="{hall}",name="hall"}}'
    assert figure(text, f"tuckshop_machine_last_sale_timestamp_seconds{silent}") == 0
    assert figure(text, "tuckshop_machines") == 2


async def test_of_many_machines_the_first_are_told(measured: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MACHINES_MAX", 2)
    for number in range(3):
        await measured.shop.machine(f"hall {number}")
    text = (await measured.get("/metrics")).text
    assert text.count("tuckshop_machine_empty_slots{") == 2
    assert figure(text, "tuckshop_machines") == 4


async def test_tells_backups_the_pool_the_version_and_troubles(measured: Api) -> None:
    api = measured
    text = (await api.get("/metrics")).text
    assert f'version="{__version__}"' in text
    assert figure(text, "tuckshop_backup_timestamp_seconds") == 0
    assert "tuckshop_backup_ok" not in text
    assert figure(text, "tuckshop_database_connections_max") == 10
    assert "tuckshop_trouble{" not in text
    await backups.record(api.shop.engine, kind=backups.Kind.BACKUP, is_good=True, now_us=7_000_000)
    await backups.record(api.shop.engine, kind=backups.Kind.RESTORE_TEST, is_good=False, now_us=8_000_000)
    api.running.health.checked(AWAY)
    text = (await api.get("/metrics")).text
    assert (figure(text, "tuckshop_backup_timestamp_seconds"), figure(text, "tuckshop_backup_ok")) == (7, 1)
    assert figure(text, "tuckshop_restore_test_timestamp_seconds") == 8
    assert figure(text, "tuckshop_restore_test_ok") == 0
    assert figure(text, 'tuckshop_trouble{cause="database-away"}') == 1
    on_sqlite = api.shop.engine.dialect.name == "sqlite"
    assert ("tuckshop_disk_free_bytes" in text) == on_sqlite


def test_adds_up_what_all_workers_counted(tmp_path: Path) -> None:
    one = metrics.Snapshot(
        requests=[("/", "GET", 200, ([1, 2], 0.5))], refusals={"OutOfStock": 1}, sales=2, queue=3
    )
    dead = tmp_path / "999999999.json"
    dead.write_bytes(msgspec.json.encode(one))
    (tmp_path / "broken.json").write_text("{")
    (other,) = metrics._others(tmp_path)
    assert (other.queue, other.processes, other.sales) == (0, 0, 2)
    whole = metrics._merged([one, other])
    assert whole.requests == [("/", "GET", 200, ([2, 4], 1.0))]
    assert (whole.refusals, whole.sales, whole.queue, whole.processes) == ({"OutOfStock": 2}, 4, 3, 1)
    metrics.share(whole, folder=str(tmp_path))
    assert len(list(metrics._others(tmp_path))) == 1  # Its own file is not another's.


async def test_a_request_has_an_id(api: Api) -> None:
    made = [(await api.get("/health/live")).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    answer = await api.get("/v1/nowhere", headers={"X-Request-Id": "proxy-0001"})
    assert answer.headers["x-request-id"] == "proxy-0001"
    for insane in ("", "a b", 'x"y', "x" * 65):
        answer = await api.get("/health/live", headers={"X-Request-Id": insane})
        assert answer.headers["x-request-id"] not in ("", insane)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_log_names_request_and_actor(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(database_url, access_log=True) as api:
        ada = await api.shop.buyer("ada")
        await api.get("/v1/wallet", by=ada, headers={"X-Request-Id": "well"})

        async def broken(*_: object, **__: object) -> None:
            raise RuntimeError("on purpose")

        monkeypatch.setattr("tuckshop.queries.wallet.balance", broken, raising=False)
        monkeypatch.setattr("tuckshop.identity.sessions.actor", broken)
        assert (await api.get("/v1/orders", by=ada, headers={"X-Request-Id": "broken"})).status_code == 500
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines() if line[:1] == "{"]
    told = {(line["event"], line["request_id"]): line for line in lines if "request_id" in line}
    well = told["http.answered", "well"]
    assert (well["route"], well["status"], well["actor_id"]) == ("/v1/wallet", 200, ada.user_id)
    assert told["http.failed", "broken"]["actor_id"] == ada.user_id
    assert "on purpose" in told["api.defect", "broken"]["exception"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_log_says_who_asks_for_what_is_not_for_them(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(database_url) as api:
        ada = await api.shop.buyer("ada")
        for _ in range(30):
            assert (await api.get("/v1/audit", by=ada)).status_code == 403
        assert (await api.get("/v1/wallet", by=ada)).status_code == 200
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines() if line[:1] == "{"]
    told = [(line["route"], line["actor_id"]) for line in lines if line["event"] == "http.forbidden"]
    assert set(told) == {("/v1/audit", ada.user_id)}
    assert not [line for line in lines if line["event"] == "http.answered"]


async def test_refusals_do_not_hide_what_is_broken() -> None:
    statuses = [FORBIDDEN] * 1_000 + [500]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": scope["status"], "headers": []})

    async def nothing(*_: Any) -> Any:
        return None

    with capture_logs() as lines:
        middleware = Middleware(app)
        for status in statuses:
            scope = {"type": "http", "method": "GET", "headers": [], "status": status}
            await middleware(scope, nothing, nothing)
    assert lines[-1]["event"] == "http.failed"
    assert len(lines) < len(statuses)


def test_a_flood_of_failures_does_not_flood_the_log() -> None:
    throttle = Throttle(lines_max=3)
    assert sum(throttle.lets_pass() for _ in range(1000)) <= 6
    assert throttle.held_back >= 994
