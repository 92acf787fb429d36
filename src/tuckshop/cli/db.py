"""`tuckshop db`: the database under the shop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuckshop.cli import output
from tuckshop.cli.commands import Change, Commands
from tuckshop.cli.shop_access import run

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from tuckshop.store.engine import State

_REASON_MAX = 300


@click.group(cls=Commands)
def db() -> None:
    """Show and upgrade the database."""


@db.command("upgrade", cls=Change)
@click.option(
    "--backup",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="First back up the shop to this new file, unless the database is up to date.",
)
def upgrade(backup: Path | None) -> None:
    """Upgrade the database to this version of Tuckshop.

    All or nothing: if the upgrade fails, the database is as it was before.
    """
    before, after = run(_upgrade(backup))
    if before == after:
        click.echo(f"The database is up to date at revision {after}. Nothing was changed.")
    else:
        click.echo(f"Upgraded the database from revision {before} to {after}.")


@db.command("status")
def status() -> None:
    """Show the database's address and whether it needs an upgrade."""
    output.facts(run(_status()))


@db.command("sequences", cls=Change)
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


async def _upgrade(backup: Path | None) -> tuple[str | None, str]:
    from tuckshop import settings
    from tuckshop.store import migrate
    from tuckshop.store.engine import DatabaseUnusable, opened_engine

    given = settings.read()
    async with opened_engine(given.url) as engine:
        state = await _state(engine)
        before, after = state.revision, migrate.head_revision()
        if before is not None and (before == after or state.is_ahead):
            return before, before
        if backup is not None:
            from tuckshop.operations.backups import making

            made = await making.make(given, backup)
            click.echo(f"Backed up the shop to {click.format_filename(made.path)}.")
        try:
            await migrate.upgrade(engine)
        except DatabaseUnusable:
            raise
        except Exception as error:
            # Whatever it was: the operator needs to know first that there is nothing to repair.
            first = error.__cause__ or error  # What the database said.
            why = " ".join(str(getattr(first, "orig", None) or first).split())[:_REASON_MAX]
            raise click.ClickException(
                f"The upgrade from revision {before} to {after} failed ({type(first).__name__}: {why})."
                " Nothing was changed."
            ) from error
        return before, after


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
        if state.revision != head and not state.is_ahead:
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
    from tuckshop.store.engine import DatabaseUnusable, read_state, require_compatible

    state = await read_state(engine)
    if not state.tables:
        raise DatabaseUnusable("The database is empty. Set up the shop with `tuckshop init`.")
    require_compatible(state)
    return state
