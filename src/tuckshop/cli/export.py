"""`tuckshop export`: documents for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from tuckshop.cli.commands import Commands


@click.group(cls=Commands)
def export() -> None:
    """Write documents for other programs."""


@export.command("openapi")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it here."
)
@click.option("--dialect", metavar="NAME", help="That of an older contract; by default that of /v1.")
def openapi(output: Path | None, dialect: str | None) -> None:
    """The API's description (OpenAPI 3.1), as JSON; needs no database."""
    import msgspec

    from tuckshop import app

    text = msgspec.json.format(msgspec.json.encode(app.openapi_document(dialect)), indent=2).decode()
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
