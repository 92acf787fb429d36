"""Boundaries of what is kept for a time only."""

from __future__ import annotations

from tests.boundaries.scene import DAY_US, Asked, Scene
from tuckshop.domain.users import Actor, Role
from tuckshop.identity import guests
from tuckshop.operations import alerts, audit, pictures, retention, staff_reads, uploads
from tuckshop.operations.uploads import UploadKind
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.base import Envelope
from tuckshop.till.commands.products import ChangeProduct, Restock


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
