"""`tuckshop config`: the settings in force, and those that a dialect needs."""

from __future__ import annotations

import click

from tuckshop.cli import output
from tuckshop.cli.commands import FILLED, Command


@click.command(cls=Command)
@click.option(
    "--for",
    "dialects",
    type=FILLED,
    metavar="DIALECT",
    multiple=True,
    help="Print the settings that this dialect needs, to copy into .env; can be repeated.",
)
def config(dialects: tuple[str, ...]) -> None:
    """Show the current settings. Secrets are hidden.

    Settings come from environment variables and the file .env. Environment variables take precedence.
    """
    from tuckshop import settings

    given = settings.read()
    if not dialects:
        output.facts(given.redacted().items())
        return
    from tuckshop.dialects.shared import mounting

    for assignment, why in mounting.assignments(given, dialects).items():
        click.echo(f"# {why[0].upper()}{why[1:]}\n{assignment}")
