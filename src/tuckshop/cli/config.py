"""`tuckshop config`: the settings in force, and those that a dialect needs."""

from __future__ import annotations

import click

from tuckshop.cli import output, which_shop
from tuckshop.cli.commands import FILLED, Command


@click.command(cls=Command)
@click.option(
    "--for",
    "dialects",
    type=FILLED,
    metavar="DIALECT",
    multiple=True,
    help="Print the settings that this dialect needs, to copy into the settings file; can be repeated.",
)
def config(dialects: tuple[str, ...]) -> None:
    """Show the current settings. Secrets are hidden.

    Settings come from options of a command, from environment variables, and from the settings file, in this
    order. The file is the one that `tuckshop --config FILE` or TUCKSHOP_CONFIG names, otherwise
    /etc/tuckshop/tuckshop.env.
    """
    from tuckshop import settings

    given, file = settings.read(), settings.read_file()
    which_shop.warn(file)
    if not dialects:
        sources = settings.sources(given)
        output.table(
            ("Setting", "Value", "Source"),
            ((name, value, sources[name]) for name, value in given.redacted().items()),
        )
        click.echo(f"\nSettings file: {file.path or 'none'}")
        return
    from tuckshop.dialects.shared import mounting

    for assignment, why in mounting.assignments(given, dialects).items():
        click.echo(f"# {why[0].upper()}{why[1:]}\n{assignment}")
