"""What the shop knows of its last backup and its last restore test."""

import asyncio

import pytest

from tests.shop import Shop
from tuckshop.operations import backups
from tuckshop.operations.backups import Kind, Last


async def test_nothing_is_known_of_a_new_shop(shop: Shop) -> None:
    for kind in Kind:
        assert await backups.last(shop.engine, kind=kind) is None


async def test_the_last_of_each_kind_is_kept(shop: Shop) -> None:
    await backups.record(shop.engine, kind=Kind.BACKUP, is_good=True, now_us=1_000)
    await backups.record(shop.engine, kind=Kind.RESTORE_TEST, is_good=False, now_us=2_000)
    assert await backups.last(shop.engine, kind=Kind.BACKUP) == Last(1_000, True)
    assert await backups.last(shop.engine, kind=Kind.RESTORE_TEST) == Last(2_000, False)

    await backups.record(shop.engine, kind=Kind.BACKUP, is_good=False, now_us=3_000)
    assert await backups.last(shop.engine, kind=Kind.BACKUP) == Last(3_000, False)
    assert len(await shop.rows("backups")) == 2


async def test_two_at_once_leave_one(shop: Shop) -> None:
    await asyncio.gather(
        *(backups.record(shop.engine, kind=Kind.BACKUP, is_good=True, now_us=at_us) for at_us in (1, 2, 3))
    )
    last = await backups.last(shop.engine, kind=Kind.BACKUP)
    assert last is not None
    assert last.at_us in (1, 2, 3)


async def test_a_database_that_nobody_may_write_keeps_no_record(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    await shop.execute("DROP TABLE backups")
    await backups.record(shop.engine, kind=Kind.BACKUP, is_good=True, now_us=1)
    assert "backup.not_recorded" in "".join(capsys.readouterr())
