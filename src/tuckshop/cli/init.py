"""`tuckshop init`: a new shop, its key file, and its first admin."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import click

from tuckshop.cli.commands import FILLED, Change
from tuckshop.cli.currencies import CURRENCIES
from tuckshop.cli.shop_access import opened_shop, run

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from tuckshop.settings import Settings

ADMIN = "admin"


class Made(NamedTuple):
    """What `init` has done. Without a password: an admin was there already."""

    username: str
    password: str | None


@click.command(cls=Change)
@click.option(
    "--currency",
    metavar="CODE",
    type=click.Choice(list(CURRENCIES), case_sensitive=False),
    help="The currency of the shop [EUR].",
)
@click.option(
    "--admin", metavar="NAME", type=FILLED, default=ADMIN, help="The username of the first admin [admin]."
)
def init(currency: str | None, admin: str) -> None:
    """Set up a new shop and its first admin.

    Creates the key file and the database, and prints the admin's password. The password is shown only once.
    If the command is interrupted, run it again.
    """
    from tuckshop import settings

    given = settings.read()
    made = run(set_up(given, currency=currency, admin=admin))
    click.echo(f"Database   {given.redacted()['TUCKSHOP_DATABASE_URL']}")
    if not given.secret:
        click.echo(f"Key file   {given.home_path / settings.KEY_FILE} (keep it secret, and keep a copy)")
    if made.password is None:
        click.echo("The shop already existed, but its key file was missing. Created a new key file.")
    else:
        click.echo(f"Admin      {made.username}")
        click.echo(f"Password   {made.password} (shown only once)")
    click.echo("Start the server with `tuckshop serve`.")


async def set_up(given: Settings, *, currency: str | None, admin: str) -> Made:
    """Brings a shop from nothing, or from wherever an earlier `init` stopped, to one that can be served.

    Raises:
        click.UsageError: everything is there already; nothing is changed.
        DatabaseUnusable, SettingsInvalid, InvalidField: one sentence.
    """
    from tuckshop import settings
    from tuckshop.domain.users import Role, check_username
    from tuckshop.identity import registration
    from tuckshop.identity.passwords import invent
    from tuckshop.store.engine import opened_engine

    admin = check_username(admin)
    async with opened_engine(given.url) as engine:
        has_admin = await _look(engine, currency=currency)
        has_secret = bool(given.secret) or (given.home_path / settings.KEY_FILE).exists()
        if has_admin and has_secret:
            raise click.UsageError(
                "The shop is already set up. Nothing was changed. Start it with `tuckshop serve`, "
                "or add users with `tuckshop user add`."
            )
        _make_home(given)
        if not has_admin:
            await _make_database(engine, given, currency or "EUR")
    if has_admin:
        return Made(admin, None)
    password = invent()
    async with opened_shop(given) as shop:
        user = await registration.add(shop, username=admin, email=None, password=password, roles=[Role.ADMIN])
    return Made(user.username, password)


async def _look(engine: AsyncEngine, *, currency: str | None) -> bool:
    """Whether the shop has an admin. Raises for a database that this shop cannot be set up in."""
    from tuckshop.identity import first_admin
    from tuckshop.operations import shop_state
    from tuckshop.store.engine import check, file_of, read_state, require_known

    if engine.dialect.name == "sqlite" and not file_of(engine).exists():
        return False
    state = await read_state(engine)
    if state.tables:
        require_known(state)
    if not state.is_installed:
        return False  # Empty, or half made.
    await check(engine, unsafe_durability=True)
    if await shop_state.is_demo(engine):
        raise click.UsageError("This is a demo database. Set another one in TUCKSHOP_DATABASE_URL.")
    there = (await shop_state.read_currency(engine)).code
    if currency not in (None, there):
        raise click.UsageError(f"The shop already uses {there}, which cannot be changed to {currency}.")
    return not await first_admin.is_missing(engine)


def _make_home(given: Settings) -> None:
    from tuckshop import settings

    try:
        given.home_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.make_key_file(given)
    except OSError as error:
        raise click.UsageError(
            f"The folder {given.home_path} cannot be used ({error.strerror}). Change TUCKSHOP_HOME."
        ) from None
    given.signing_secret()


async def _make_database(engine: AsyncEngine, given: Settings, currency: str) -> None:
    from tuckshop.store.engine import check, read_state, writing
    from tuckshop.store.migrate import upgrade
    from tuckshop.store.setup import install

    await upgrade(engine)
    if not (await read_state(engine)).is_installed:
        async with writing(engine) as connection:
            await install(connection, currency=CURRENCIES[currency], now_us=time.time_ns() // 1_000)
    await check(engine, unsafe_durability=given.unsafe_durability)
