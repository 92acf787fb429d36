"""`tuckshop config`: the settings in force."""

from __future__ import annotations

import click

from tuckshop.cli import output
from tuckshop.cli.commands import Command


@click.command(cls=Command)
def config() -> None:
    """Show the settings in force; secrets stay hidden.

    Settings are environment variables, or lines in a file named .env; the environment wins.
    """
    from tuckshop import settings

    output.facts(settings.read().shown().items())
