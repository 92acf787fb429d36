"""Telling those who watch what has changed: everybody stock and prices, buyers their wallet and orders too.

What changed comes from the till by id, from every process (docs/decisions/0008). It is gathered for a moment,
read once, and told to all: a watcher sees the latest values, not each step on the way.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import structlog
from sqlalchemy import exists, func, or_, select, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.refusals import TooManyStreams
from tuckshop.domain.users import UserState
from tuckshop.identity import addresses
from tuckshop.store import tables
from tuckshop.store.engine import reading
from tuckshop.store.listening import Line
from tuckshop.store.redis_line import RedisLine
from tuckshop.store.redis_server import Seal
from tuckshop.till.callers import SessionCaller
from tuckshop.till.engine.queue import Busy
from tuckshop.till.sql.books import Unavailable
from tuckshop.till.state import changed_ids
from tuckshop.till.state.changed_ids import ChangedIds
from tuckshop.till.state.working_set import WorkingSet

GATHER_SECONDS = 0.1  # Nobody sees a shelf change faster, and ten reads a second are nothing to the database.
GATHERED_MAX = 2_000  # More than this is read faster by everybody for themselves.
WAITING_BYTES_MAX = 262_144  # What may wait for one slow client besides what its connection holds.
LOOK_SECONDS = 1.0  # How often to look whether others wrote to a SQLite file.
CHECK_SECONDS = 2.0  # How long a stream may outlive its session.
LOUD_SECONDS = 30.0  # How long a till goes on telling after somebody has last asked for it.
ASK_SECONDS = 10.0
SETTLE_SECONDS = 1.0  # In which every till has heard that somebody listens.
RETRY_SECONDS = 30  # Somebody may have closed a page by then.
WATCHERS = "tuckshop_watchers"
HEARS_REDIS = "redis"  # Said by who listens there too: tills that speak there need not notify.
MISSED = "tuckshop_missed"

log = structlog.get_logger(__name__)


class EventKind(StrEnum):
    """What an event is about: its name in the stream, which clients know it by."""

    HELLO = "hello"
    PRODUCT = "product"
    STOCK = "stock"
    BALANCE = "balance"
    ORDER = "order"


class Stream:
    """What one watcher has still to be sent."""

    def __init__(self, caller: SessionCaller | None, place: str = "") -> None:
        self.caller = caller
        self.place = place
        self.ended = asyncio.Event()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()

    @property
    def user_id(self) -> int | None:
        """Whose it is; None for anybody's."""
        return None if self.caller is None else self.caller.user_id

    def put(self, told: bytes) -> None:
        """Queues something; a watcher who lets too much pile up is sent away."""
        self._bytes += len(told)
        if self._bytes > WAITING_BYTES_MAX:
            self.end()
            return
        self._waiting.append(told)
        self._arrived.set()

    def end(self) -> None:
        """Nothing more will come."""
        self.ended.set()
        self._arrived.set()

    async def next(self, *, seconds: float) -> bytes | None:
        """All that has come, b"" if nothing has for so long; None at the end."""
        if not self._waiting and not self.ended.is_set():
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), seconds)
            except TimeoutError:
                return b""
        if self.ended.is_set():
            return None
        told = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return told


class Events:
    """The streams of one process, and what it knows of the other processes' tills."""

    def __init__(self, *, streams_max: int = 1_000, streams_max_of_place: int = 100) -> None:
        self.closing = False
        # On SQLite: a number that is another once anybody but the own till has written to the file.
        self.version: Callable[[], Awaitable[int]] | None = None
        self._streams_max = streams_max
        self._streams_max_of_place = streams_max_of_place
        self._of_place: Counter[str] = Counter()
        self._streams: set[Stream] = set()
        self._changed = ChangedIds()
        self._missed = False
        self._arrived = asyncio.Event()
        self._line: Line | None = None
        self._shared: RedisLine | None = None
        self._loud_until = 0.0  # through PostgreSQL
        self._shares_until = 0.0  # through Redis
        self._unknown: set[str] = set()  # tags that other processes use; named once each

    @property
    def count(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def open(
        self, caller: SessionCaller | None, *, last_id: str | None = None, address: str | None = None
    ) -> Stream:
        """A new stream, which begins with `hello`.

        Raises:
            Busy: this process has as many as it may, or ends.
            TooManyStreams: the address has.
        """
        place = addresses.place(address)
        if self.closing or len(self._streams) >= self._streams_max:
            raise Busy
        if self._of_place[place] >= self._streams_max_of_place:
            raise TooManyStreams(RETRY_SECONDS, self._streams_max_of_place)
        stream = Stream(caller, place)
        stream.put(_hello(resumed=last_id is not None))
        if not self._streams and self._line is not None:
            self._ask()
        self._streams.add(stream)
        self._of_place[place] += 1
        return stream

    def close(self, stream: Stream) -> None:
        """The watcher has gone."""
        stream.end()
        if stream in self._streams:
            self._streams.remove(stream)
            self._of_place[stream.place] -= 1
            self._of_place += Counter()  # Or every address would be remembered for ever.

    def shut(self) -> None:
        """Ends every stream, and opens no other."""
        self.closing = True
        for stream in self._streams:
            stream.end()

    def committed(self, page: WorkingSet) -> None:
        """A batch of this process's own till is durable."""
        if self._streams:
            self.hear(changed_ids.of(page))

    def share(self, work: WorkingSet) -> None:
        """The same, where Redis tells the other processes: what they are told is in the books."""
        if self._shared is not None and asyncio.get_running_loop().time() < self._shares_until:
            for payload in changed_ids.written(changed_ids.of(work)):
                self._shared.say(changed_ids.CHANNEL, payload)

    def hear(self, changed: ChangedIds) -> None:
        """Something has changed."""
        if self._streams and changed:
            self._changed.add(changed)
            self._arrived.set()

    def miss(self) -> None:
        """Something may have changed that nobody told us."""
        self._missed = True
        self._arrived.set()

    def is_wanted(self) -> bool:
        """Whether a till has to tell the other processes what it does."""
        if self._line is None or not self._line.is_up:
            return True
        if self._shared is not None and not self._shared.is_up:
            return True
        return asyncio.get_running_loop().time() < self._loud_until

    def listen(self, dsn: str) -> Line:
        """Connects it with the other processes."""
        heard: dict[str, Callable[[str], None]] = {
            changed_ids.CHANNEL: self._hear,
            WATCHERS: self._be_loud,
            MISSED: self._hear_missed,
        }
        self._line = Line(dsn=dsn, heard=heard, renewed=self._renew)
        return self._line

    def listen_through_redis(self, url: str, *, seal: Seal) -> RedisLine:
        """Connects it with the other processes in a second way, which is used while it works."""
        self._shared = RedisLine(
            url=url,
            seal=seal,
            heard={changed_ids.CHANNEL: self._hear, WATCHERS: self._share_for_long},
            renewed=self._renew_shared,
            lost=self._lose_shared,
            dropped=self._drop,
        )
        return self._shared

    def _ask(self) -> None:
        """Asks all tills to tell what they do; they may have kept silent up to now."""
        self._ask_again()
        asyncio.get_running_loop().call_later(SETTLE_SECONDS, self.miss)

    def _ask_again(self) -> None:
        hears_redis = self._shared is not None and self._shared.is_up
        if self._shared is not None and hears_redis:
            self._shared.say(WATCHERS)
        if self._line is not None:  # Processes without Redis, of an older release too, tell only there.
            self._line.say(WATCHERS, HEARS_REDIS if hears_redis else "")

    def _hear(self, payload: str) -> None:
        if self._streams:
            try:
                self.hear(changed_ids.read(payload))
            except changed_ids.UnknownForm as unknown:
                # A newer version's, in the midst of an upgrade.
                if unknown.tag not in self._unknown:
                    self._unknown.add(unknown.tag)
                    log.warning("events.unknown", form=unknown.tag)
                self.miss()

    def _hear_missed(self, _: str) -> None:
        self.miss()

    def _be_loud(self, words: str = "") -> None:
        if words != HEARS_REDIS or self._shared is None:
            self._loud_until = asyncio.get_running_loop().time() + LOUD_SECONDS

    def _share_for_long(self, _: str = "") -> None:
        self._shares_until = asyncio.get_running_loop().time() + LOUD_SECONDS

    def _renew(self) -> None:
        self._be_loud()
        self.miss()

    def _renew_shared(self) -> None:
        self._share_for_long()
        if self._streams:
            self._ask()
        self.miss()

    def _lose_shared(self) -> None:
        if self._streams:
            self._ask()

    def in_doubt(self) -> None:
        """A batch may have become durable, and nobody was told of it."""
        self._drop()

    def _drop(self) -> None:
        if self._line is not None:
            self._line.say(MISSED)

    async def keep_telling(self, engine: AsyncEngine) -> None:
        """Reads what has changed and tells it, until it is cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._arrived.clear()
            changed, self._changed = self._changed, ChangedIds()
            missed, self._missed = self._missed, False
            if not self._streams:
                continue
            if missed or len(changed) > GATHERED_MAX:
                self._tell_all(_hello(resumed=True))
            if len(changed) > GATHERED_MAX:
                continue
            try:
                await self._tell(engine, changed)
            except (DBAPIError, OSError) as error:
                log.warning("events.not_read", error=type(error).__name__)
                await asyncio.sleep(1)
                self.miss()

    async def keep_looking(self) -> None:
        """Tells that something was missed whenever `version` says another, until it is cancelled.

        Only the till's own changes are known by id. Log-ins change the file too: too much is told, not too
        little, and once a second at most.
        """
        known = None
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._streams or self.version is None:
                known = None
                continue
            try:
                found = await self.version()
            except Unavailable:
                continue
            if found != known:
                known = found
                self.miss()

    async def keep_checking(self, engine: AsyncEngine, *, clock: Callable[[], int]) -> None:
        """Ends streams whose session has ended, and asks other tills to tell, until it is cancelled."""
        asked = 0.0
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            now = asyncio.get_running_loop().time()
            if self._streams and self._line is not None and now - asked >= ASK_SECONDS:
                self._ask_again()
                asked = now
            known = {one.caller.session_id for one in self._streams if one.caller is not None}
            if not known:
                continue
            try:
                live = await _live(engine, known, clock())
            except (DBAPIError, OSError):
                continue
            for stream in self._streams:
                if stream.caller is not None and stream.caller.session_id not in live:
                    stream.end()

    def _tell_all(self, told: bytes) -> None:
        for stream in self._streams:
            stream.put(told)

    async def _tell(self, engine: AsyncEngine, changed: ChangedIds) -> None:
        watchers: dict[int, list[Stream]] = {}
        for stream in self._streams:
            if stream.user_id is not None:
                watchers.setdefault(stream.user_id, []).append(stream)
        async with reading(engine) as connection:
            at = _now()
            public = [
                _event(EventKind.PRODUCT, at, one) for one in await _products(connection, changed.products)
            ]
            shelves = await _shelves(connection, changed.shelves, changed.products)
            public += [_event(EventKind.STOCK, at, one) for one in shelves]
            balances = await _balances(connection, changed.wallets & watchers.keys())
            orders = await _orders(connection, [one for one in changed.orders if one[1] in watchers])
        if public:
            self._tell_all(b"".join(public))
        for kind, own in ((EventKind.BALANCE, balances), (EventKind.ORDER, orders)):
            for user_id, data in own:
                for stream in watchers.get(user_id, ()):  # An order may be another's than was told.
                    stream.put(_event(kind, at, data))


def _now() -> datetime:
    return datetime.now(UTC)


def _event(kind: EventKind, at: datetime, data: dict[str, Any]) -> bytes:
    cursor = int(at.timestamp() * 1_000_000)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (cursor, kind.encode(), msgspec.json.encode(data))


def _hello(*, resumed: bool) -> bytes:
    at = _now()
    return _event(EventKind.HELLO, at, {"at": at, "missed": resumed})


async def _products(connection: Any, ids: Collection[int]) -> list[dict[str, Any]]:
    products = tables.products.c
    waits = exists().where(tables.waiting_products.c.product_id == products.id).label("waits")
    query = select(products.id, products.price_cents, products.version, products.removed_us, waits).where(
        products.id.in_(sorted(ids))
    )
    rows = await connection.execute(query) if ids else ()
    return [
        {
            "product": row.id,
            "price": row.price_cents,
            "version": row.version,
            "on_sale": row.removed_us is None and not row.waits,
        }
        for row in rows
    ]


async def _shelves(
    connection: Any, refs: Collection[tuple[int, int]], product_ids: Collection[int]
) -> list[dict[str, Any]]:
    """These shelves, and all of these products: a product's price is that of most of its shelves."""
    shelves, products = tables.shelves.c, tables.products.c
    query = (
        select(
            shelves.machine_id.label("machine"),
            shelves.product_id.label("product"),
            shelves.quantity.label("stock"),
            func.coalesce(shelves.price_cents, products.price_cents).label("price"),
        )
        .join(tables.products, products.id == shelves.product_id)
        .where(
            or_(
                tuple_(shelves.machine_id, shelves.product_id).in_(sorted(refs)),
                shelves.product_id.in_(sorted(product_ids)),
            )
        )
    )
    rows = (await connection.execute(query)).mappings() if refs or product_ids else ()
    return [dict(row) for row in rows]


async def _balances(connection: Any, user_ids: Collection[int]) -> list[tuple[int, dict[str, Any]]]:
    accounts = tables.accounts.c
    query = select(accounts.user_id, accounts.balance_cents).where(
        accounts.kind == AccountKind.WALLET.value, accounts.user_id.in_(sorted(user_ids))
    )
    rows = await connection.execute(query) if user_ids else ()
    return [(row.user_id, {"balance": row.balance_cents}) for row in rows]


async def _orders(connection: Any, orders: Collection[tuple[int, int]]) -> list[tuple[int, dict[str, Any]]]:
    table = tables.orders.c
    query = select(table.id, table.buyer_id, table.status).where(
        table.id.in_(sorted(order_id for order_id, _ in orders))
    )
    rows = await connection.execute(query) if orders else ()
    return [(row.buyer_id, {"order": row.id, "status": row.status}) for row in rows]


async def _live(engine: AsyncEngine, session_ids: Collection[int | None], now_us: int) -> set[int]:
    sessions, users = tables.sessions.c, tables.users.c
    query = (
        select(sessions.id)
        .join(tables.users, users.id == sessions.user_id)
        .where(
            sessions.id.in_(sorted(one for one in session_ids if one is not None)),
            sessions.ended_us.is_(None),
            sessions.expires_us > now_us,
            users.state == UserState.ACTIVE.value,
        )
    )
    async with reading(engine) as connection:
        return set((await connection.scalars(query)).all())
