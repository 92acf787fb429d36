"""The files for Prometheus and Grafana: valid, alerts come when they should, every query has data."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.server import ROOT, Server, serving
from tests.limits import HANG_SECONDS
from tools import loopback
from tuckshop.demo.data import SHOP

PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
PROMTOOL = shutil.which("promtool")
TOKEN = "a token that only scrapers know"

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


def promtool(*words: str) -> None:
    assert PROMTOOL is not None
    told = subprocess.run([PROMTOOL, *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def queries() -> list[str]:
    board = json.loads((GRAFANA / "dashboards" / "tuckshop.json").read_text("utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((PROMETHEUS / "rules.yml").read_text("utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


@needs_promtool
def test_alerts_come_when_they_should_and_go() -> None:
    promtool("check", "rules", "rules.yml")
    promtool("test", "rules", "rules_test.yml", "rules_late_test.yml")
    promtool("check", "config", "--syntax-only", "prometheus.yml")


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    tested = "".join(path.read_text("utf-8") for path in PROMETHEUS.glob("rules*_test.yml"))
    guide = (ROOT / "docs" / "operate" / "watch.md").read_text("utf-8")
    for rule in alerts():
        assert f"alertname: {rule['alert']}\n" in tested, rule["alert"]
        assert f"`{rule['alert']}`" in guide, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["description"].endswith(".")


def test_the_dashboard_asks_the_data_source_that_comes_with_it() -> None:
    (source,) = yaml.safe_load(
        (GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text("utf-8")
    )["datasources"]
    board = json.loads((GRAFANA / "dashboards" / "tuckshop.json").read_text("utf-8"))
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@contextmanager
def scraping(server: Server, folder: Path) -> Iterator[str]:
    """A Prometheus of our own by the shipped files, that looks at this server; its address."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (scrape,) = config["scrape_configs"]
    scrape["static_configs"] = [{"targets": [server.url.removeprefix("http://")]}]
    scrape["authorization"]["credentials_file"] = str(folder / "token")
    (folder / "token").write_text(TOKEN)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(PROMETHEUS / "rules.yml", folder)
    port = loopback.free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def ask(prometheus: str, path: str, **query: str) -> Any:
    """What Prometheus answers; None while it starts."""
    try:
        url = f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=HANG_SECONDS) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


def wait_for(prometheus: str, query: str) -> list[Any]:
    """The result of the query, once there is one."""
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline:
        told = ask(prometheus, "query", query=query)
        if told and told["result"]:
            result: list[Any] = told["result"]
            return result
        time.sleep(0.05)
    raise AssertionError(f"no data for {query}")


@pytest.mark.more
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")
def test_every_query_of_the_dashboard_has_data_after_some_sales(tmp_path: Path) -> None:
    with (
        serving("demo", cwd=tmp_path, home=str(tmp_path), metrics_token=TOKEN) as server,
        scraping(server, tmp_path) as prometheus,
    ):
        wait_for(prometheus, 'up{job="tuckshop"} == 1')
        _buy(server)
        wait_for(prometheus, "sum(tuckshop_sales_total) > 0")
        _buy(server)
        for query in queries():
            wait_for(prometheus, query)
        rules = ask(prometheus, "rules")["groups"][0]["rules"]
        assert {rule["health"] for rule in rules} == {"ok"}


def _buy(server: Server) -> None:
    """A buyer of the demo buys; and is refused more than there is."""
    login = _post(server, "/v1/auth/login", {"username": SHOP.buyers[0], "password": SHOP.password})
    product = json.loads(server.get("/v1/products?in_stock=true"))["items"][0]["id"]
    for quantity in (1, 1_000_000):
        with suppress(OSError):
            order = {"lines": [{"product": product, "quantity": quantity}]}
            _post(server, "/v1/orders", order, token=login["access"])


def _post(server: Server, path: str, body: object, *, token: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"{server.url}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
        return json.load(answer)
