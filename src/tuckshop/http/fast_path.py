"""Requests that need nothing of the framework but its table of handlers: most of all, purchases.

A handler that asks for the request alone has no parameters to be found, converted and injected. Calling it at
once saves a tenth of what a purchase costs the server; see docs/decisions/0029-a-lane-for-purchases.md.
Everything else goes the framework's way, and whatever is odd about an address is left to it too.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from litestar import Litestar, Response
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Receive, Scope, Send

from tuckshop.http.request import Answer, Call

_PLAIN_HOST = re.compile(rb"[0-9A-Za-z.:\[\]-]*")


class _Stop(NamedTuple):
    """A handler, and what looks at each request before it does."""

    handler: HTTPRouteHandler
    before: Callable[[Any], Awaitable[Any]]
    answer: Callable[[Call], Awaitable[Any]]
    template: str


class Lane:
    """Inside the edge, around the framework's own way (`app`)."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._stops = {
            (str(method), route.path): stop
            for route in app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            for method in handler.http_methods
            if (stop := _stop(route, handler)) is not None
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stop = self._stop(scope)
        if stop is None:
            await self._app(scope, receive, send)
            return
        handler, before, answer, template = stop
        scope["app"] = scope["litestar_app"] = self._app
        scope["path_params"] = {}
        scope["route_handler"] = handler
        scope["path_template"] = template
        request = Call(scope, receive, send)
        response: Any
        try:
            response = await before(request) or await answer(request)
            if type(response) is not Answer:
                response = await handler.to_response(self._app, response, request)
        except Exception as error:  # noqa: BLE001  # The application has an answer to each.
            response = self._told(request, error)
        else:
            if type(response) is Answer:
                await response.send(scope, receive, send)
                return
        await response(scope, receive, send)

    def _stop(self, scope: Scope) -> _Stop | None:
        if scope["type"] != ScopeType.HTTP or scope.get("root_path"):
            return None
        stop = self._stops.get((scope["method"], scope["path"]))
        if stop is not None:
            for name, value in scope["headers"]:
                if name == b"host" and not _PLAIN_HOST.fullmatch(value):
                    return None
        return stop

    def _told(self, request: Call, error: Exception) -> Any:
        """What the application has to say about an error, as the framework would find it."""
        handlers = self._app.exception_handlers
        known = next(kind for kind in type(error).__mro__ if kind in handlers)
        told: Response[Any] = handlers[known](request, error)
        return told.to_asgi_response(None, request)


def _stop(route: HTTPRoute, handler: HTTPRouteHandler) -> _Stop | None:
    before = handler.resolve_before_request()
    asks_more = handler.parsed_fn_signature.parameters.keys() != {"request"}
    has_more = handler.resolve_guards() or handler.cache or handler.resolve_after_response()
    if route.path_parameters or asks_more or has_more or before is None or handler.has_sync_callable:
        return None
    return _Stop(handler, before, handler.fn, route.path_format)
