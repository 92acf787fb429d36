"""`tuckshop export`: documents for other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tuckshop.cli.commands import Commands


@click.group(cls=Commands)
def export() -> None:
    """Write documents for other programs."""


def _written(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every document of a contract."""
    for option in (
        click.option("--dialect", metavar="NAME", help="Of an older contract; by default of /v1."),
        click.option(
            "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it here."
        ),
    ):
        command = option(command)
    return command


@export.command("openapi")
@_written
def openapi(output: Path | None, dialect: str | None) -> None:
    """The API's description (OpenAPI 3.1), as JSON; needs no database."""
    from tuckshop import app

    _write(app.openapi_document(dialect), output)


@export.command("postman")
@_written
@click.option(
    "--address",
    default="http://127.0.0.1:8000",
    show_default=True,
    metavar="URL",
    help="Where the server is; a variable of the collection.",
)
def postman(output: Path | None, dialect: str | None, address: str) -> None:
    """A walk through the API as a Postman collection (2.1), with tests; needs no database.

    It logs in by itself. What admins do needs the variables admin_name and admin_password.
    """
    from tuckshop import app

    _write(app.postman_collection(dialect, address=address), output)


def _write(document: dict[str, Any], output: Path | None) -> None:
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
