"""Traces by OpenTelemetry: a span for each request, by its route. Where they go, the OTEL_ variables say.

No address, query, header, body or user is in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuckshop import __version__
from tuckshop.operations.error_reports import missing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Tracer

ELSEWHERE = "(none)"


class Tracing:
    """Around an application. Call `end` last: it sends what is left."""

    def __init__(self, app: ASGIApp, *, processor: SpanProcessor | None = None) -> None:
        """`processor`: instead of the exporter that OTEL_ variables describe.

        Raises:
            SettingsInvalid: the packages are missing.
        """
        self._app = app
        self._tracer, self.end = _start(processor)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request in a span of its own, below the caller's if it named one."""
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, Status, StatusCode

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        method = scope["method"]
        with self._tracer.start_as_current_span(
            method, context=extract(carrier), kind=SpanKind.SERVER, record_exception=False
        ) as span:

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            try:
                await self._app(scope, receive, told)
            finally:
                route = scope.get("path_template", ELSEWHERE)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.request.method", method)
                span.set_attribute("http.route", route)


def require() -> None:
    """Returns if there is what traces need. Raises SettingsInvalid."""
    _start(None)[1]()


def _start(processor: SpanProcessor | None) -> tuple[Tracer, Callable[[], None]]:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise missing("OTEL", "otel") from None
    name = os.environ.get("OTEL_SERVICE_NAME", "tuckshop")
    resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor or BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("tuckshop", __version__), provider.shutdown
