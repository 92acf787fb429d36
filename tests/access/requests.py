"""One request of one caller, put to the application itself, and what of its answer tells who may."""

from __future__ import annotations

import asyncio
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from tests.access.scene import GUEST_SECRET, MACHINE_KEY, SCREEN_SECRET, Scene, Things
from tests.limits import HANG_SECONDS

VISIT = "v" * 32
BOUNDARY = "x" * 16
LOGIN = "/login"
_NAMED = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Ask:
    """A row of a table: what is sent to a route, by everybody.

    - `what`: which of several requests to one route it is
    - `body`: JSON, or the fields of a form; texts in braces stand for things of the scene
    - `query`: as in an address
    - `ids`: things of other names than the path's own
    - `files`: a form's file, by field: its name, media type and content
    - `raw`: a body that is neither, with its media type
    - `state`: in which the shop is
    """

    what: str = ""
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, str, bytes]] = field(default_factory=dict)
    raw: tuple[str, bytes] | None = None
    state: str = "things"


@dataclass(frozen=True)
class Answer:
    """The status, where a redirect leads, without its query and its numbers, and whether anything changed."""

    status: int
    to: str = ""
    did: bool = False


def filled(value: Any, things: Things) -> Any:
    """The value with things for the names in braces; a text that is but a name becomes the thing."""
    match value:
        case str():
            if whole := _NAMED.fullmatch(value):
                return things[whole[1]]
            return _NAMED.sub(lambda found: str(things[found[1]]), value)
        case dict():
            return {filled(name, things): filled(one, things) for name, one in value.items()}
        case list():
            return [filled(one, things) for one in value]
        case _:
            return value


def bearing(scene: Scene, who: str) -> dict[str, str]:
    """The credential of a program: an access token, or the machine's key."""
    if who in scene.people:
        return {"authorization": f"Bearer {scene.api.token(scene.people[who].caller)}"}
    return credentials_of_machines(who)


def credentials_of_machines(who: str) -> dict[str, str]:
    """Of the machine its key, of its paired screen the cookie."""
    match who:
        case "machine":
            return {"authorization": f"Machine {MACHINE_KEY}"}
        case "screen":
            return {"cookie": f"tuckshop_screen={SCREEN_SECRET}"}
        case _:
            return {}


def browsing(scene: Scene, who: str) -> tuple[dict[str, str], str]:
    """The headers of a browser on a page of ours, and the token that stands in its forms."""
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin", **credentials_of_machines(who)}
    seed, cookie = VISIT, f"tuckshop_visit={VISIT}; tuckshop_guest={GUEST_SECRET}"
    if who in scene.people:
        seed = scene.people[who].secret
        cookie = f"tuckshop={seed}"
    headers["cookie"] = "; ".join(filter(None, (headers.get("cookie"), cookie)))
    sealed = scene.api.running.tokens.seal(b"form\0" + seed.encode())
    return headers, urlsafe_b64encode(sealed).rstrip(b"=").decode()


def as_json(ask: Ask, things: Things) -> tuple[dict[str, str], bytes]:
    """The body of a program's request and its headers."""
    if ask.raw is not None:
        return {"content-type": ask.raw[0]}, ask.raw[1]
    if ask.body is None:
        return {}, b""
    return {"content-type": "application/json"}, msgspec.json.encode(filled(ask.body, things))


def as_form(ask: Ask, things: Things, token: str) -> tuple[dict[str, str], bytes]:
    """The body of a browser's form and its headers."""
    fields = {"form": token} | filled(ask.body or {}, things)
    if not ask.files:
        return {"content-type": "application/x-www-form-urlencoded"}, urlencode(fields).encode()
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, (filename, kind, content) in ask.files.items():
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        parts.append(head.encode() + content + b"\r\n")
    parts.append(f"--{BOUNDARY}--\r\n".encode())
    return {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}, b"".join(parts)


async def answered(
    scene: Scene, method: str, template: str, ask: Ask, who: str, headers: Mapping[str, str], body: bytes
) -> Answer:
    """The answer, with the shop in the state that the row wants before it."""
    await scene.begin(ask.state)
    things = scene.things[who]
    named = things | {name: things[other] for name, other in ask.ids.items()}
    path = _NAMED.sub(lambda found: str(named[found[1]]), template)
    query = urlencode(filled(dict(ask.query), things))
    found = await _asked(scene.app, method, path, query, {**headers, "content-length": str(len(body))}, body)
    if found.status >= 400 or (method == "GET" and found.to in ("", LOGIN)):
        return found
    if found.to:
        return replace(found, did=await scene.has_changed())
    scene.may_have_changed()
    return found


async def _asked(
    app: Any, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> Answer:
    """The whole answer; who asked for a stream of events, which never ends, leaves once it has begun."""
    sent = {"host": "127.0.0.1", **headers}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": quote(path).encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    unread = [{"type": "http.request", "body": body, "more_body": False}]
    start: dict[str, Any] = {}
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if unread:
            return unread.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        start.update(message if message["type"] == "http.response.start" else {})
        if any(value.startswith(b"text/event-stream") for _, value in start["headers"]):
            left.set()

    await asyncio.wait_for(app(scope, receive, send), HANG_SECONDS)
    to = next((value.decode() for name, value in start["headers"] if name.lower() == b"location"), "")
    return Answer(start["status"], re.sub(r"\d+", "N", to.partition("?")[0]))
