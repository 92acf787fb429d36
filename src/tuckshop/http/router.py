"""From an address to its handler, and from what stands in the address to the handler's arguments.

Every request goes this way. Paths without parameters are found at once and others part by part, so that
many take no longer than few. See docs/decisions/0019-routes-of-our-own-on-starlette.md.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response as AnyResponse
from starlette.types import Receive, Scope, Send

from tuckshop.http.errors import Errors, Malformed, in_words
from tuckshop.http.handlers import PLACEHOLDER, WHOLE, Handler, Parameter, Router, flat
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity.audiences import V1
from tuckshop.operations import staff_reads

_HOST = re.compile(rb"[0-9A-Za-z!$&'()*+,;=\-._~:\[\]@%]*")
_SLASHES = re.compile("/+")
_WHOSE = frozenset({"account", "buyer", "guest", "machine", "product", "q", "seller", "user", "whose"})


class Route(NamedTuple):
    """A handler at one of its addresses; `path` is a template, as `/orders/{order_id}`."""

    path: str
    method: str
    handler: Handler
    in_path: tuple[Parameter, ...]
    in_query: dict[str, Parameter]


class Application:
    """An ASGI application: these handlers, behind `prefix`; `errors` tells what they raise.

    `audience` is its name in the sessions that are good here. `before` looks at each request once its handler
    is found. With `takes_any_query` handlers read the query themselves; without, they get what their
    signatures say, and anything else is refused. With `reads_to_end` an answer waits until all of a body has
    come, wanted or not.
    """

    def __init__(
        self,
        handlers: Sequence[Handler | Router],
        *,
        errors: Errors,
        prefix: str = "",
        audience: str = V1,
        before: Callable[[ShopRequest], Awaitable[None]] | None = None,
        takes_any_query: bool = False,
        reads_to_end: bool = False,
    ) -> None:
        self._errors = errors
        self.audience = audience
        self._reads_to_end = reads_to_end
        self._before = before
        self._takes_any_query = takes_any_query
        self._plain: dict[str, dict[str, Route]] = {}
        self._tree = _Node()
        self.routes: list[Route] = []
        """All that is served, for documents and tests."""
        for handler in flat(handlers):
            for path in handler.paths:
                self._add(_SLASHES.sub("/", f"{prefix}/{path}").rstrip("/") or "/", handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, whatever happens."""
        scope["app"] = self
        request = ShopRequest(scope, receive, send)
        try:
            response = await self._answer(request)
        except Exception as error:  # noqa: BLE001  # There is an answer to each.
            response = self._errors.answer(scope, error)
        finally:
            request.finish()
        if self._reads_to_end and request.method not in ("GET", "OPTIONS"):
            await request.discard()
        await response(scope, receive, send)

    def _add(self, path: str, handler: Handler) -> None:
        """Raises ValueError: the address is taken, or the function's parameters are not those of the path."""
        in_path = tuple(one for one in handler.parameters if one.in_path)
        written = PLACEHOLDER.findall(path)
        if sorted((one.name, "int" if one.is_whole else "str") for one in in_path) != sorted(written):
            raise ValueError(f"{handler.fn.__qualname__} does not take what {path} gives")
        by_name = {one.name: one for one in in_path}
        route = Route(
            PLACEHOLDER.sub(r"{\1}", path),
            handler.method,
            handler,
            tuple(by_name[name] for name, _ in written),
            {one.name: one for one in handler.parameters if not one.in_path},
        )
        node = self._tree
        for part in filter(None, path.split("/")):
            node = node.below(None if PLACEHOLDER.fullmatch(part) else part)
        if handler.method in node.methods:
            raise ValueError(f"{handler.method} {path} is answered twice")
        node.methods[handler.method] = route
        if not written:
            self._plain[path] = node.methods
        self.routes.append(route)

    async def _answer(self, request: ShopRequest) -> AnyResponse:
        for host in request.given(b"host"):
            if not _HOST.fullmatch(host):
                raise Malformed(("Host", "is not valid"), status=400)
        methods, texts = self._find(request.scope)
        route = methods.get(request.method)
        if route is None:
            names = {"OPTIONS", *methods, *(["HEAD"] if "GET" in methods else [])}
            allowed = {"Allow": ", ".join(sorted(names))}
            if request.method != "OPTIONS":
                raise HTTPException(405, headers=allowed)
            return Response(None, 204, headers=allowed)
        request.scope["path_template"] = route.path
        request.handler = handler = route.handler
        if self._before is not None:
            await self._before(request)
        found = await handler.fn(request, **self._arguments(request, route, texts))
        if request.looked_by is not None and request.method in ("GET", "HEAD"):
            # Before anything of it is sent: what is not written down was not shown.
            await staff_reads.note(request.shop, actor=request.looked_by, subject=_address(request))
        return found if isinstance(found, AnyResponse) else Response(found, handler.status_code)

    def _find(self, scope: Scope) -> tuple[dict[str, Route], Sequence[str]]:
        """What answers at the path, by method, and the path's parameters as they are written.

        Slashes too many are taken for none. Raises HTTPException: nothing is there.
        """
        methods = self._plain.get(scope["path"])
        if methods is not None:
            return methods, ()
        texts = []
        node = self._tree
        parts = [part for part in scope["path"].split("/") if part]
        for part in parts:
            child = node.parts.get(part)
            if child is None:
                child = node.parts.get(None)
                texts.append(part)
            if child is None:
                raise HTTPException(404)
            node = child
        if not node.methods:
            raise HTTPException(404)
        scope["path"] = f"/{'/'.join(parts)}"
        return node.methods, texts

    def _arguments(self, request: ShopRequest, route: Route, texts: Sequence[str]) -> dict[str, Any]:
        """What the handler is called with.

        Raises:
            HTTPException: an id in the path is not written the one way that we write it.
            Malformed: unknown or repeated query parameters, or values that their rules refuse.
        """
        given: list[tuple[Parameter, str]] = []
        for parameter, text in zip(route.in_path, texts, strict=True):
            if parameter.is_whole and not WHOLE.fullmatch(text):
                raise HTTPException(404)
            given.append((parameter, text))
        if request.scope["query_string"] and not self._takes_any_query:
            for name, text in request.query_params.multi_items():
                if name not in route.in_query:
                    raise Malformed((name, "is not a parameter of this address"))
                given.append((route.in_query[name], text))
        arguments: dict[str, Any] = {}
        wrong = []
        for parameter, text in given:
            if parameter.argument in arguments:
                raise Malformed((parameter.name, "must be given only once"))
            try:
                arguments[parameter.argument] = parameter.read(text)
            except msgspec.ValidationError as error:
                arguments[parameter.argument] = None
                wrong.append((parameter.name, in_words(str(error))))
        if wrong:
            raise Malformed(*wrong)
        return arguments


def _address(request: ShopRequest) -> str:
    """What was looked at: the path, and what of the query says whose it is; not the place in a list."""
    chosen = [(name, text) for name, text in request.query_params.multi_items() if name in _WHOSE]
    return f"{request.scope['path']}?{urlencode(chosen)}" if chosen else request.scope["path"]


class _Node:
    """A place in the tree of paths: what answers there, and the parts that may follow; None: a parameter."""

    def __init__(self) -> None:
        self.methods: dict[str, Route] = {}
        self.parts: dict[str | None, _Node] = {}

    def below(self, part: str | None) -> _Node:
        """The place behind this part, made unless there."""
        return self.parts.setdefault(part, _Node())
