"""A span for each request, without anything personal."""

from __future__ import annotations

import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.api.conftest import serving
from tuckshop.http import tracing
from tuckshop.http.tracing import Tracing
from tuckshop.settings import SettingsInvalid

SECRET = "correct-horse-battery"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_request_is_a_span_by_its_route(sqlite_url: str) -> None:
    kept = InMemorySpanExporter()
    wrap = lambda app: Tracing(app, processor=SimpleSpanProcessor(kept))  # noqa: E731
    async with serving(sqlite_url, wrap=wrap) as api:
        kept.clear()
        headers = {"Cookie": f"session={SECRET}", "traceparent": PARENT, "User-Agent": SECRET}
        await api.get(f"/v1/products/77?token={SECRET}", headers=headers)
        await api.post("/v1/auth/login", {"username": "ada", "password": SECRET})
        await api.get(f"/v1/{SECRET}")
    product, log_in, nowhere = kept.get_finished_spans()[:3]
    assert product.name == "GET /v1/products/{product_id}"
    assert product.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/products/{product_id}",
        "http.response.status_code": 422,
    }
    assert product.parent is not None
    assert f"{product.parent.trace_id:x}" in PARENT
    assert log_in.name == "POST /v1/auth/login"
    assert nowhere.name == "GET (none)"
    for span in kept.get_finished_spans():
        assert SECRET not in span.to_json()
        assert "127.0.0.1" not in span.to_json()


def test_without_the_packages_it_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsInvalid, match=r"pip install 'tuckshop\[otel\]'"):
        tracing.require()


def test_with_the_packages_it_starts_and_ends() -> None:
    tracing.require()
