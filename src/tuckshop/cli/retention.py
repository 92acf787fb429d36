"""`tuckshop retention`: forgets what is kept no longer, which the server does by itself every hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuckshop.cli.commands import Change
from tuckshop.cli.shop_access import opened_shop, run

if TYPE_CHECKING:
    from tuckshop.operations.retention import Forgotten


@click.command(cls=Change)
def retention() -> None:
    """Erase what is left of closed users, and forget old orders' buyers and old logs.

    A running server does this every hour. TUCKSHOP_RETENTION_ORDERS_DAYS and TUCKSHOP_RETENTION_LOGS_DAYS say
    how long orders name their buyers and logs are kept; unless they are set, both stay.
    """
    done = run(_forget())
    for count, told in (
        (done.users, "closed users erased"),
        (done.addresses, "hashes of email addresses deleted"),
        (done.orders, "orders without their buyer"),
        (done.lines, "lines of the admin log deleted"),
        (done.sessions, "sessions without device and address"),
    ):
        click.echo(f"{count:>9,}  {told}")


async def _forget() -> Forgotten:
    from tuckshop import settings
    from tuckshop.operations.retention import Kept, forget_persons

    given = settings.read()
    async with opened_shop(given, with_secret=True) as shop:
        return await forget_persons(shop, Kept.by(given))
