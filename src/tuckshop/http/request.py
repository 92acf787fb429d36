"""A request to the running shop, whatever contract: its body, its credential, its idempotency key."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from tuckshop.context import Shop
from tuckshop.domain.refusals import SessionEnded
from tuckshop.domain.users import Actor
from tuckshop.http.bodies import STRANGER_BYTES_MAX
from tuckshop.http.errors import BodyTooLarge, Malformed, complaint
from tuckshop.http.handlers import BODY_BYTES_MAX, Handler, Operation
from tuckshop.http.state import running
from tuckshop.identity import devices
from tuckshop.queries.events import Events
from tuckshop.settings import Network, Settings
from tuckshop.till.callers import MachineCaller, SessionCaller
from tuckshop.till.commands.base import Command, Envelope, Outcome

BODY_BYTES_DRAINED = 33_554_432  # Whoever writes all before reading would not see why we hung up.
KEY_LENGTH_MAX = 255
_KEY = re.compile(rb"[\x21-\x7e]{1,%d}" % KEY_LENGTH_MAX)
ADMITTED = "tuckshop_caller"

Parsed = TypeVar("Parsed", bound="Body")


class Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A request's JSON object: nothing missing, nothing more, nothing of another type."""


class ShopRequest(Request):
    """A request to the running shop. Handlers ask it for what they need."""

    handler: Handler | None = None
    """What answers it, once that is found."""
    looked_by: Actor | None = None
    """Who of the staff is shown what is not for others: that leaves a line in the admin log."""
    _given: dict[bytes, list[bytes]] | None = None
    _whole: bytes | None = None
    _is_read = False  # to its end, or as far as it came
    _has_turn = False
    _too_large: BodyTooLarge | None = None

    def looks(self, actor: Actor, *, whose: int | None = None) -> None:
        """Of staff who are shown what is not theirs. `whose`: the user whose it is, if it is one's alone."""
        if actor.is_staff and (whose is None or whose != actor.user_id):
            self.looked_by = actor

    @property
    def operation(self) -> Operation | None:
        """What documents say of the handler, if anything."""
        return None if self.handler is None else self.handler.operation

    @property
    def shop(self) -> Shop:
        """The running shop."""
        return running(self.scope).shop

    @property
    def events(self) -> Events:
        """The streams of events that this process tells."""
        return running(self.scope).events

    @property
    def settings(self) -> Settings:
        """What the server was started with."""
        return running(self.scope).settings

    @property
    def audience(self) -> str:
        """Which interface is asked, as sessions are good for one: see `identity.audiences`."""
        audience: str = self.scope["app"].audience
        return audience

    @property
    def caller(self) -> SessionCaller:
        """Whose access token the request carries. Raises SessionEnded without a good one."""
        return self._bearer(self.given(b"authorization"))

    def _bearer(self, given: list[bytes]) -> SessionCaller:
        admitted: SessionCaller | None = self.scope.get(ADMITTED)
        if admitted is not None:
            return admitted
        if len(given) != 1 or given[0][:7].lower() != b"bearer ":
            raise SessionEnded
        caller = self.shop.tokens.caller(given[0][7:].strip().decode("latin-1"), audience=self.audience)
        self.scope["actor_id"] = caller.user_id  # for the log
        return caller

    @property
    def is_anonymous(self) -> bool:
        """Whether the request carries no credential at all, good or not."""
        return ADMITTED not in self.scope and not self.given(b"authorization")

    @property
    def attester(self) -> SessionCaller | MachineCaller:
        """As `caller`; or the machine whose key the request carries, where it says what coins moved."""
        given = self.given(b"authorization")
        if len(given) == 1 and given[0][:8].lower() == b"machine ":
            return devices.caller(given[0][8:].strip().decode("latin-1"))
        return self._bearer(given)

    @property
    def address(self) -> str | None:
        """Where the request came from; a proxy is believed only if the settings name it."""
        client = self.scope["client"]
        address: str | None = client[0] if client else None
        proxies = self.settings.proxies
        given = self.given(b"x-forwarded-for")
        if address is None:
            return address
        if (given or self.given(b"forwarded")) and not _is_in(proxies, address):
            # Whoever named no proxy counts all its users as one: staff is told.
            self.shop.alerts.add("forwarded", "proxy", address)
        if not proxies:
            return address
        hops = b",".join(given).decode("latin-1").split(",")
        for hop in reversed(hops):  # The last was written by whoever stands before us.
            told = _address(hop.strip()) if _is_in(proxies, address) else None
            if told is None:  # What stands before a hop that is no address, anybody may have written.
                break
            address = told
        return address

    def given(self, name: bytes) -> list[bytes]:
        """Every value of a header, by its lower-case name."""
        headers = self._given
        if headers is None:
            headers = self._given = {}
            for header, value in self.scope["headers"]:
                headers.setdefault(header, []).append(value)
        return headers.get(name, [])

    async def body(self) -> bytes:
        """The whole body; of who has not said who they are, a small one.

        Raises:
            BodyTooLarge: beyond BODY_BYTES_MAX, what the handler takes, or what strangers may send; also when
                asked again.
            Busy: too many bodies are on their way.
            Malformed: 408 when it stops coming.
        """
        if self._too_large is not None:
            raise self._too_large
        if self._whole is None:
            try:
                self._whole = await self._received()
            except BodyTooLarge as error:
                self._too_large = error
                raise
        return self._whole

    async def discard(self) -> None:
        """Lets go what is still to come of the body: who still sends would not hear the answer."""
        begun = running(self.scope).body_timeouts.looks
        dropped = 0
        with suppress(Malformed):
            while not self._is_read and dropped <= BODY_BYTES_DRAINED:
                dropped += len(await self._piece(begun))

    def finish(self) -> None:
        """The answer is made: whatever large the request has in memory may go."""
        if self._has_turn:
            self._has_turn = False
            self._whole = b""
            running(self.scope).bodies.end_large()

    async def _received(self) -> bytes:
        bodies = running(self.scope).bodies
        begun = running(self.scope).body_timeouts.looks
        limit = BODY_BYTES_MAX if self.handler is None else self.handler.body_bytes_max
        is_stranger = self.scope.get("actor_id") is None and ADMITTED not in self.scope
        if is_stranger:
            limit = min(limit, STRANGER_BYTES_MAX)
        piece = await self._piece(begun)
        if self.given(b"content-length") == [b"%d" % len(piece)] and len(piece) <= min(limit, BODY_BYTES_MAX):
            while not self._is_read:  # What comes is the news that nothing comes.
                await self._piece(begun)
            return piece
        size = 0
        body = bodies.begin(is_stranger=is_stranger)
        try:
            while True:
                size += len(piece)
                if size <= limit:
                    body.add(piece)
                elif self._is_read or size - limit > BODY_BYTES_DRAINED:
                    raise BodyTooLarge(limit, body.begun(BODY_BYTES_MAX))
                if self._is_read:
                    break
                piece = await self._piece(begun)
            if body.is_large:
                await bodies.begin_large()
                self._has_turn = True
            return body.whole()
        finally:
            body.close()

    async def _piece(self, begun: int) -> bytes:
        """What comes next of the body, which was waited for since the look `begun`. Raises Malformed."""
        body_timeouts = running(self.scope).body_timeouts
        task = asyncio.current_task()
        assert task is not None
        body_timeouts.wait(task, begun)
        try:
            event = await self.receive()
        except asyncio.CancelledError:
            if body_timeouts.took_too_long(task):
                self._is_read = True
                raise Malformed(("body", "did not arrive in time"), status=408) from None
            raise
        finally:
            body_timeouts.go_on(task)
        self._is_read = not event.get("more_body", False)
        if event["type"] != "http.request":
            raise Malformed(("body", "is incomplete"), status=400)
        piece: bytes = event["body"]
        return piece

    async def parsed(self, kind: type[Parsed], *, default: Parsed | None = None) -> Parsed:
        """The body as the one type it may have; `default` where there is none.

        Raises:
            Malformed: missing, too large, not declared as JSON, or not what the type says; also if a name
                stands twice, or a text has what no text may have.
        """
        body = await self.body()
        declared = self.given(b"content-type")
        if not body and default is not None:
            return default
        if not body and not declared:
            raise Malformed(("body", "is missing"))
        if len(declared) != 1 or declared[0].partition(b";")[0].strip().lower() != b"application/json":
            raise Malformed(("Content-Type", "must be application/json"), status=415)
        if not body:
            raise Malformed(("body", "is missing"))
        if not _is_plain(body):
            try:
                _CHECKING.decode(body.decode())
            except (ValueError, RecursionError):
                raise Malformed(("body", "must be JSON")) from None
        try:
            parsed: Parsed = _decoder(kind).decode(body)
        except msgspec.MsgspecError as error:
            raise Malformed(complaint(str(error))) from None
        return parsed

    async def uploaded(self, *media_types: str) -> tuple[str, bytes]:
        """A body that is no JSON, and as what it is declared.

        Raises:
            Malformed: missing, too large, or declared as none of these types.
        """
        declared = self.given(b"content-type")
        media_type = declared[0].decode("latin-1").strip().lower() if len(declared) == 1 else ""
        if media_type not in media_types:
            raise Malformed(("Content-Type", f"must be {' or '.join(media_types)}"), status=415)
        body = await self.body()
        if not body:
            raise Malformed(("body", "is missing"))
        return media_type, body

    async def enveloped(self, command: Command, *, is_secret: bool = False) -> Envelope:
        """The command with the request's idempotency key, if it has one, and what it is a key to.

        `is_secret`: the body holds a password, which a copy of the database must not let anybody guess.

        Raises:
            Malformed: the key is repeated, empty, too long or not plain ASCII.
        """
        keys = self.given(b"idempotency-key")
        if not keys:
            return Envelope(command)
        if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
            rule = f"must be given once, 1 to {KEY_LENGTH_MAX} visible ASCII characters"
            raise Malformed(("Idempotency-Key", rule))
        # No path has the mark: there it would be an escape, and lead nowhere.
        address, query = self.scope["path"].encode(), self.scope["query_string"]
        if query:
            address = b"%b?%b" % (address, query)
        signed = b"\0".join((self.method.encode(), address, await self.body()))
        fingerprint = self.shop.tokens.seal(signed) if is_secret else hashlib.sha256(signed).digest()
        return Envelope(command, keys[0].decode(), fingerprint)

    async def execute(self, command: Command, *, is_secret: bool = False) -> Outcome:
        """What becomes of the command; `is_secret`: see `enveloped`."""
        return await self.shop.till.execute(await self.enveloped(command, is_secret=is_secret))


def _is_in(networks: tuple[Network, ...], address: str) -> bool:
    known = _address(address)
    return known is not None and any(ip_address(known) in network for network in networks)


def _address(text: str) -> str | None:
    """The address in numbers, an IPv4 one as such; None for anything else."""
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    return str(getattr(ip, "ipv4_mapped", None) or ip)


@cache
def _decoder(kind: type[Parsed]) -> msgspec.json.Decoder[Parsed]:
    return msgspec.json.Decoder(kind)


def _is_plain(body: bytes) -> bool:
    """Whether it is sure at a glance that the body is JSON with nothing in it that `_check_pairs` refuses.

    Only escapes bring in such texts. And where no text has a colon there are as many colons as names, of
    which those that stand twice would be lost.
    """
    if b"\\" in body:
        return False
    try:
        left = [_decode(body)]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    names = 0
    while left:
        value = left.pop()
        if isinstance(value, dict):
            names += len(value)
            left += value.values()
        elif isinstance(value, list):
            left += value
    return names == body.count(b":")


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    """Every name once, no NUL, which PostgreSQL does not take, and no half of a surrogate pair."""
    for name, value in pairs:
        for text in (name, *(value if isinstance(value, list) else [value])):
            if isinstance(text, str) and ("\0" in text or any("\ud800" <= char <= "\udfff" for char in text)):
                field = name.encode(errors="backslashreplace").decode()
                raise Malformed((field, "must not contain NUL or lone surrogates"))
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise Malformed((name, "must be given only once"))


_CHECKING = json.JSONDecoder(object_pairs_hook=_check_pairs)
_decode = msgspec.json.Decoder().decode
