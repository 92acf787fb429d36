"""`tuckshop copy`: the whole shop into another database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from tuckshop.cli.commands import FILLED, Change
from tuckshop.cli.shop_access import run

if TYPE_CHECKING:
    from tuckshop.settings import Settings


@click.command(cls=Change)
@click.option(
    "--to",
    "target",
    type=FILLED,
    required=True,
    metavar="URL",
    help="The empty database to copy into: sqlite:///path or postgresql://user@host/database.",
)
def copy(target: str) -> None:
    """Copy the whole shop into another, empty database.

    From SQLite to PostgreSQL, or back. The copy is compared row by row and audited. If the command is
    interrupted, nothing is copied: run it again. The source is not changed.
    """
    import msgspec

    from tuckshop import settings

    given = settings.read()
    wanted = msgspec.structs.replace(given, database_url=target)
    begun = datetime.now(UTC)
    rows = run(_copy(given, target))
    click.echo(f"From       {given.redacted()['TUCKSHOP_DATABASE_URL']}")
    click.echo(f"To         {wanted.redacted()['TUCKSHOP_DATABASE_URL']}")
    click.echo(f"Copied     {rows:,} rows, all compared. Audit passed.")
    click.echo(
        f"As of      {begun:%Y-%m-%d %H:%M:%S} UTC. What is sold later is not in the copy: to move the shop,"
        " stop its servers before you copy."
    )
    if given.secret:
        key = "Set the same TUCKSHOP_SECRET on"
    else:
        key = f"Copy {settings.KEY_FILE} from {given.home_path} to"
    click.echo(f"Next       {key} the nodes that serve the copy, and set TUCKSHOP_DATABASE_URL there.")


async def _copy(given: Settings, target: str) -> int:
    from tuckshop.operations import copy
    from tuckshop.store.engine import DatabaseUnusable, check, opened_engine

    async with opened_engine(given.url) as there:
        # First, and by itself: what is wrong with the source is told of TUCKSHOP_DATABASE_URL.
        await check(there, unsafe_durability=True)
        try:
            async with opened_engine(target) as here:
                return await copy.copy(there, here)
        except DatabaseUnusable as error:
            told = str(error).replace("TUCKSHOP_DATABASE_URL", "--to")
            raise click.ClickException(f"Cannot copy there. {told}") from None
