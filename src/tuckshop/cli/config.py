"""`tuckshop config`: the settings in force."""

from __future__ import annotations

import click

from tuckshop.cli import output
from tuckshop.cli.commands import Command


@click.command(cls=Command)
def config() -> None:
    """Show the current settings. Secrets are hidden.

    Settings come from environment variables and the file .env. Environment variables take precedence.
    """
    from tuckshop import settings

    output.facts(settings.read().redacted().items())
