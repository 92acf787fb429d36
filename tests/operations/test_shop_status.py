"""What an operator asks first of a shop, on both databases."""

from __future__ import annotations

from tests.shop import Shop
from tuckshop.operations import audit, backups, shop_status
from tuckshop.operations.backups import Kind
from tuckshop.operations.shop_status import ShopStatus


async def test_a_new_shop_was_never_looked_after(shop: Shop) -> None:
    assert await shop_status.read(shop.engine) == ShopStatus(
        currency="EUR",
        is_demo=False,
        machines=1,
        users=0,
        key_fingerprint=None,
        last_backup=None,
        last_restore_test=None,
        last_audit=None,
    )


async def test_says_what_was_recorded_and_counts_nobody_who_has_left(shop: Shop) -> None:
    await shop.buyer("ada")
    await shop.buyer("bob")
    await shop.execute("UPDATE users SET state = 'closed', closed_us = 1 WHERE username = 'bob'")
    await shop.execute("UPDATE shop SET key_fingerprint = 'abc'")
    await backups.record(shop.engine, kind=Kind.BACKUP, is_good=True, now_us=1_000)
    await backups.record(shop.engine, kind=Kind.RESTORE_TEST, is_good=False, now_us=2_000)
    await audit.audit_and_record(shop.engine, now_us=3_000)
    found = await shop_status.read(shop.engine)
    assert (found.users, found.key_fingerprint) == (1, "abc")
    assert found.last_backup == backups.Last(1_000, is_good=True)
    assert found.last_restore_test == backups.Last(2_000, is_good=False)
    assert found.last_audit is not None
    assert found.last_audit.at_us == 3_000
