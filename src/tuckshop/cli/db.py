"""`tuckshop db`: the database under the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuckshop.cli import output
from tuckshop.cli.commands import Commands
from tuckshop.cli.shop_access import run

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from tuckshop.store.engine import State


@click.group(cls=Commands)
def db() -> None:
    """Show and upgrade the database."""


@db.command("upgrade")
def upgrade() -> None:
    """Upgrade the database to this version of Tuckshop."""
    before, after = run(_upgrade())
    if before == after:
        click.echo(f"The database is up to date at revision {after}. Nothing was changed.")
    else:
        click.echo(f"Upgraded the database from revision {before} to {after}.")


@db.command("status")
def status() -> None:
    """Show the database's address and whether it needs an upgrade."""
    output.facts(run(_status()))


@db.command("sequences")
def sequences() -> None:
    """Set the next id of every table behind its rows, after a copy by hand. Stop the servers first."""
    behind = run(_set_sequences())
    if behind:
        click.echo(f"Set the next ids of {', '.join(behind)}.")
    else:
        click.echo("Every next id is free. Nothing was changed.")


async def _set_sequences() -> list[str]:
    from tuckshop import settings
    from tuckshop.store import next_ids
    from tuckshop.store.engine import check, opened_engine, writing

    given = settings.read()
    async with opened_engine(given.url) as engine:
        await check(engine, unsafe_durability=True)
        async with writing(engine) as connection:
            behind = await next_ids.behind(connection)
            if behind:
                await next_ids.set_last(connection, behind)
    return sorted(behind)


async def _upgrade() -> tuple[str | None, str]:
    from tuckshop import settings
    from tuckshop.store import migrate
    from tuckshop.store.engine import opened_engine

    async with opened_engine(settings.read().url) as engine:
        before = (await _state(engine)).revision
        await migrate.upgrade(engine)
        return before, migrate.head_revision()


async def _status() -> list[tuple[str, object]]:
    from tuckshop import settings
    from tuckshop.operations import shop_state
    from tuckshop.store.engine import opened_engine
    from tuckshop.store.migrate import head_revision

    given = settings.read()
    async with opened_engine(given.url) as engine:
        state = await _state(engine)
        head = head_revision()
        told: list[tuple[str, object]] = [
            ("Database", given.redacted()["TUCKSHOP_DATABASE_URL"]),
            ("Revision", state.revision),
        ]
        if state.revision != head:
            return [*told, ("Needs", f"an upgrade to revision {head}. Run `tuckshop db upgrade`")]
        if not state.is_installed:
            return [*told, ("Needs", "a complete shop. Finish with `tuckshop init`")]
        return [
            *told,
            ("Currency", (await shop_state.read_currency(engine)).code),
            ("Demo", "yes" if await shop_state.is_demo(engine) else "no"),
            ("Needs", "nothing"),
        ]


async def _state(engine: AsyncEngine) -> State:
    """What lies there. Raises for nothing at all, and for what is not ours to touch."""
    from tuckshop.store.engine import DatabaseUnusable, read_state, require_known

    state = await read_state(engine)
    if not state.tables:
        raise DatabaseUnusable("The database is empty. Set up the shop with `tuckshop init`.")
    require_known(state)
    return state
