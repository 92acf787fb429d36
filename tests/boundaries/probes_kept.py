"""Boundaries of what is kept for a time only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.boundaries.scene import DAY_US, Asked, Scene
from tuckshop.domain.orders import Fulfil
from tuckshop.domain.users import Actor, Role
from tuckshop.identity import guests
from tuckshop.operations import (
    alerts,
    audit,
    erasing,
    old_logs,
    old_orders,
    pictures,
    retention,
    staff_reads,
    uploads,
)
from tuckshop.operations.uploads import UploadKind
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.orders import Dispense
from tuckshop.till.commands.products import ChangeProduct, Restock
from tuckshop.till.commands.refunds import Refund


async def idempotency_key(scene: Scene) -> Asked:
    cola = await scene.shop.product()
    await scene.shop.do(Restock(OPERATOR, cola.product_id, 1), key="once")

    async def ask() -> int:
        await retention.forget_old(scene.running)
        return len(await scene.shop.rows("idempotency"))

    return Asked(scene.clock.now_us + 30 * DAY_US, ask)


async def limit_counter(scene: Scene) -> Asked:
    starts_us = scene.clock.now_us
    await scene.shop.execute(
        "INSERT INTO limit_counters (name, starts_us, used) VALUES ('shop/coins/3600', :at_us, 1)",
        at_us=starts_us,
    )

    async def ask() -> int:
        await retention.forget_counters(scene.running)
        return len(await scene.shop.rows("limit_counters"))

    return Asked(starts_us + 7 * DAY_US, ask)


async def upload(scene: Scene) -> Asked:
    """Whether it is found, and whether it is there at all once the old ones are forgotten."""
    ada = await scene.shop.buyer()
    key = await uploads.keep(scene.running, caller=ada, kind=UploadKind.PRODUCTS, content=b"name\n")

    async def ask() -> tuple[bool, bool]:
        found = await uploads.find(scene.running, caller=ada, kind=UploadKind.PRODUCTS, key=key)
        await uploads.forget_old(scene.running)
        return found is not None, bool(await scene.shop.rows("uploads"))

    return Asked(scene.later(3_600), ask)


async def alert(scene: Scene) -> Asked:
    scene.running.alerts.add("forwarded", "proxy", "192.0.2.1")
    await alerts.store(scene.running)

    async def ask() -> int:
        await alerts.forget_old(scene.running)
        return len(await scene.shop.rows("alerts"))

    return Asked(scene.later(alerts.KEPT_SECONDS), ask)


async def guest(scene: Scene) -> Asked:
    """Whether one to whom no money came is there once the unused are forgotten."""
    await guests.known(scene.running, name="door", make=True)
    await guests.known(scene.running, name="newest", make=True)

    async def ask() -> bool:
        await guests.forget_unused(scene.running)
        return "door" in {row["name"] for row in await scene.shop.rows("guests")}

    return Asked(scene.later(guests.UNUSED_SECONDS), ask)


async def picture(scene: Scene) -> Asked:
    """Whether one that no product shows outlives that another product changes."""
    cola = await scene.shop.product()
    await pictures.add(scene.running, media_type="image/webp", content=b"a picture")

    async def ask() -> bool:
        command = ChangeProduct(OPERATOR, cola.product_id, without_image=True)
        await pictures.remove(scene.running, Envelope(command, None, b""))
        return bool(await scene.shop.rows("images"))

    return Asked(scene.later(3_600), ask)


async def looked_again(scene: Scene) -> Asked:
    actor = Actor((await scene.shop.person("root", Role.ADMIN)).user_id, frozenset({Role.ADMIN}))
    began_us = scene.clock.now_us

    async def ask() -> int:
        scene.running.staff_reads.clear()
        await scene.shop.execute("DELETE FROM admin_log")
        asked_us, scene.clock.now_us = scene.clock.now_us, began_us
        await staff_reads.note(scene.running, actor=actor, subject="/office/users")
        scene.clock.now_us = asked_us
        await staff_reads.note(scene.running, actor=actor, subject="/office/users")
        return len(await scene.shop.rows("admin_log"))

    return Asked(scene.later(3_600), ask)


async def looked_at(scene: Scene) -> Asked:
    actor = Actor((await scene.shop.person("root", Role.ADMIN)).user_id, frozenset({Role.ADMIN}))
    await staff_reads.note(scene.running, actor=actor, subject="/office/users")

    async def ask() -> int:
        await staff_reads.forget_old(scene.running)
        return len(await scene.shop.rows("admin_log"))

    return Asked(scene.clock.now_us + 90 * DAY_US, ask)


async def last_audit(scene: Scene) -> Asked:
    """Whether the record of an audit that found seven rules broken outlives one that is made now."""
    recorded_us = scene.later(3_600)
    await audit.audit_and_record(scene.shop.engine, now_us=recorded_us)
    await scene.shop.execute("UPDATE audits SET failed_rules = 7")

    async def ask() -> bool:
        await audit.audit_and_record(scene.shop.engine, now_us=scene.clock())
        return 7 in {row["failed_rules"] for row in await scene.shop.rows("audits")}

    return Asked(recorded_us, ask)


async def address_hash(scene: Scene) -> Asked:
    await scene.shop.buyer()
    closed_us = scene.clock.now_us
    await scene.shop.execute(
        "UPDATE users SET state = 'closed', closed_us = :at_us, email_hash = :hash",
        at_us=closed_us,
        hash=b"h" * 32,
    )

    async def ask() -> int:
        return await erasing.forget_addresses(scene.running)

    return Asked(closed_us + 365 * DAY_US, ask)


async def log_line(scene: Scene) -> Asked:
    """The first of two lines, since the newest always stays."""
    cola = await scene.shop.product()
    written_us = scene.clock.now_us
    scene.clock.forward(3_600)
    await scene.shop.do(Restock(OPERATOR, cola.product_id, 1))

    async def ask() -> int:
        return (await old_logs.forget(scene.running, days=30)).lines

    return Asked(written_us + 30 * DAY_US, ask)


async def session_labels(scene: Scene) -> Asked:
    await scene.shop.buyer()
    ended_us = scene.clock.now_us
    await scene.shop.execute("UPDATE sessions SET device = 'Firefox', ended_us = :at_us", at_us=ended_us)

    async def ask() -> int:
        return (await old_logs.forget(scene.running, days=30)).sessions

    return Asked(ended_us + 30 * DAY_US, ask)


async def old_order(scene: Scene) -> Asked:
    """How many lose their buyer, of those that are made at the instant."""
    cola = (await scene.shop.product(price_cents=100, stock=9)).product_id
    ada = await scene.shop.buyer(cents=900)

    async def happen() -> None:
        await scene.shop.buy(ada, (cola, 1))

    return _in_a_month(scene, happen)


async def old_order_refunded(scene: Scene) -> Asked:
    cola = (await scene.shop.product(price_cents=100, stock=9)).product_id
    ada = await scene.shop.buyer(cents=900)
    bought = [await scene.shop.buy(ada, (cola, 2)) for _ in range(3)]

    async def happen() -> None:
        # Those that wait for their own turn were refunded too late.
        await scene.shop.execute(
            "UPDATE orders SET status = 'placed', fulfilled_us = NULL WHERE status = 'dispensed'"
        )
        order_id = bought.pop().order_id
        await scene.shop.execute(
            "UPDATE orders SET status = 'dispensed', fulfilled_us = created_us WHERE id = :id", id=order_id
        )
        await scene.shop.do(Refund(OPERATOR, order_id, {cola: 1}))

    return _in_a_month(scene, happen)


async def old_order_dispensed(scene: Scene) -> Asked:
    cola = (await scene.shop.product(price_cents=100, stock=9)).product_id
    ada = await scene.shop.buyer(cents=900)
    bought = [await scene.shop.buy(ada, (cola, 1), fulfil=Fulfil.LATER) for _ in range(3)]

    async def happen() -> None:
        await scene.shop.do(Dispense(OPERATOR, bought.pop().order_id))

    return _in_a_month(scene, happen)


def _in_a_month(scene: Scene, happen: Callable[[], Awaitable[None]]) -> Asked:
    now_us, days = scene.clock.now_us + 200 * DAY_US, scene.running.till.policy.days

    async def ask() -> int:
        await happen()
        scene.clock.now_us = now_us
        await scene.shop.execute("DELETE FROM counters WHERE name = :name", name=old_orders.DONE)
        return await old_orders.forget_buyers(scene.running, days=90)

    return Asked(old_orders.until_us(now_us, days=90, by=days), ask)
