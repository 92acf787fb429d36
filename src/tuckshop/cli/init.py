"""`tuckshop init`: a new shop, its key file, and its first admin."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from tuckshop.cli.commands import FILLED, Change
from tuckshop.cli.currencies import CURRENCIES
from tuckshop.cli.shop_access import opened_shop, run

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from tuckshop.operations.signing_key import Replaced
    from tuckshop.settings import Settings

ADMIN = "admin"


class Made(NamedTuple):
    """What `init` has done."""

    username: str = ""
    password: str = ""
    replaced: Replaced | None = None  # what a new key has ended


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
@click.option("--new-key", is_flag=True, help="Replace the signing key of a shop, and end all sessions.")
def init(currency: str | None, admin: str, *, new_key: bool) -> None:
    """Set up a new shop and its first admin.

    Creates the key file and the database, and prints the admin's password. The password is shown only once.
    If the command is interrupted, run it again. On a shop that exists it changes nothing.
    """
    from tuckshop import settings

    given = settings.read()
    made = run(replace_key(given) if new_key else set_up(given, currency=currency, admin=admin))
    if made is None:
        click.echo(
            "The shop is already set up. Nothing was changed. Start it with `tuckshop serve`, "
            "or add users with `tuckshop user add`."
        )
        return
    click.echo(f"Database   {given.redacted()['TUCKSHOP_DATABASE_URL']}")
    if not given.secret:
        click.echo(f"Key file   {given.home_path / settings.KEY_FILE} (keep it secret, and keep a copy)")
    if made.replaced is not None:
        _tell_of_new_key(made.replaced)
        return
    click.echo(f"Admin      {made.username}")
    click.echo(f"Password   {made.password} (shown only once)")
    click.echo("Start the server with `tuckshop serve`.")


def _tell_of_new_key(replaced: Replaced) -> None:
    ended, factors = replaced
    click.echo(f"The shop has a new signing key. Ended {ended:,} {'session' if ended == 1 else 'sessions'}.")
    if factors:
        click.echo(
            f"Second factors that no longer work: {factors:,}. Their users log in with a recovery code, or"
            " you turn them off with `tuckshop user reset-second-factor`."
        )
    click.echo("Give every node this key, and restart the servers.")


async def set_up(given: Settings, *, currency: str | None, admin: str) -> Made | None:
    """Brings a shop from nothing, or from wherever an earlier `init` stopped, to one that can be served.

    None: all of it is there already, and nothing was changed.

    Raises:
        click.UsageError: the shop exists, and its key is not here.
        DatabaseUnusable, SettingsInvalid, InvalidField: one sentence.
    """
    from tuckshop.domain.users import Role, check_username
    from tuckshop.identity import registration
    from tuckshop.identity.passwords import invent
    from tuckshop.operations import signing_key
    from tuckshop.store.engine import opened_engine

    admin = check_username(admin)
    async with opened_engine(given.url) as engine:
        found = await _look(engine, currency=currency)
        if found.is_used and not _has_key(given):
            path = _key_path(given)
            raise click.UsageError(
                f"The shop exists, but its key is not on this node. Copy {path.name} from the first node to"
                f" {path}, or create a new key with `tuckshop init --new-key`, which ends all sessions."
            )
        if found.is_installed and _has_key(given):
            await signing_key.check(engine, given)
        if found.has_admin:
            return None
        _make_home(given)
        await _make_database(engine, given, currency or "EUR")
        await signing_key.claim(engine, given)
    password = invent()
    async with opened_shop(given) as shop:
        user = await registration.add(shop, username=admin, email=None, password=password, roles=[Role.ADMIN])
    return Made(user.username, password)


async def replace_key(given: Settings) -> Made:
    """Gives the shop a new key: that of TUCKSHOP_SECRET, or a new file.

    Raises:
        click.UsageError: there is no shop, or TUCKSHOP_SECRET is its key already.
        DatabaseUnusable, SettingsInvalid: one sentence.
    """
    from tuckshop import settings
    from tuckshop.identity.access_tokens import fingerprint
    from tuckshop.operations import shop_state, signing_key
    from tuckshop.store.engine import opened_engine

    async with opened_engine(given.url) as engine:
        if not (await _look(engine, currency=None)).is_installed:
            raise click.UsageError("There is no shop yet. Set one up with `tuckshop init`.")
        if given.secret:
            secret = given.signing_secret()
            if fingerprint(secret) == await shop_state.key_fingerprint(engine):
                raise click.UsageError(
                    "TUCKSHOP_SECRET is the shop's key already. Set a new one of at least"
                    f" {settings.SECRET_LENGTH_MIN} random bytes first."
                )
            return Made(replaced=await signing_key.replace(engine, secret=secret, now_us=_now_us()))
        path = _key_path(given)
        try:
            with settings.new_key_file(given) as secret:  # The old one stays until the database has the new.
                replaced = await signing_key.replace(engine, secret=secret, now_us=_now_us())
        except OSError as error:
            raise click.UsageError(f"The key file {path} cannot be written ({error.strerror}).") from None
    return Made(replaced=replaced)


class _Found(NamedTuple):
    """How far an earlier `init` has come."""

    is_installed: bool = False
    has_admin: bool = False
    has_fingerprint: bool = False

    @property
    def is_used(self) -> bool:
        """Whether some node has a key that counts."""
        return self.has_admin or self.has_fingerprint


def _now_us() -> int:
    return time.time_ns() // 1_000


def _key_path(given: Settings) -> Path:
    from tuckshop import settings

    return given.home_path / settings.KEY_FILE


def _has_key(given: Settings) -> bool:
    return bool(given.secret) or _key_path(given).exists()


async def _look(engine: AsyncEngine, *, currency: str | None) -> _Found:
    """What is there. Raises for a database that this shop cannot be set up in."""
    from tuckshop.identity import first_admin
    from tuckshop.operations import shop_state
    from tuckshop.store.engine import check, file_of, read_state, require_compatible

    if engine.dialect.name == "sqlite" and not file_of(engine).exists():
        return _Found()
    state = await read_state(engine)
    if state.tables:
        require_compatible(state)
    if not state.is_installed:
        return _Found()  # Empty, or half made.
    await check(engine, unsafe_durability=True)
    if await shop_state.is_demo(engine):
        raise click.UsageError("This is a demo database. Set another one in TUCKSHOP_DATABASE_URL.")
    there = (await shop_state.read_currency(engine)).code
    if currency not in (None, there):
        raise click.UsageError(f"The shop already uses {there}, which cannot be changed to {currency}.")
    return _Found(
        is_installed=True,
        has_admin=not await first_admin.is_missing(engine),
        has_fingerprint=await shop_state.key_fingerprint(engine) is not None,
    )


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
            await install(connection, currency=CURRENCIES[currency], now_us=_now_us())
    await check(engine, unsafe_durability=given.unsafe_durability)
