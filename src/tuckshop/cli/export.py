"""`tuckshop export`: documents and tables for other programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tuckshop.cli.commands import FILLED, Commands
from tuckshop.cli.machine import find as find_machine
from tuckshop.cli.machine import machine_option
from tuckshop.cli.shop_access import opened_shop, run

if TYPE_CHECKING:
    from tuckshop.context import Shop

Rows = AsyncIterator[tuple[object, ...]]
output_option = click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it here, not to standard output.",
)


@click.group(cls=Commands)
def export() -> None:
    """Write documents and tables (CSV) for other programs.

    Cells that a spreadsheet would take for a formula begin with an apostrophe.
    """


dialect_option = click.option("--dialect", metavar="NAME", help="Of an older contract; by default of /v1.")


@export.command("openapi")
@output_option
@dialect_option
def openapi(output: Path | None, dialect: str | None) -> None:
    """The API's description (OpenAPI 3.1), as JSON; needs no database."""
    from tuckshop import app

    _say(app.openapi_document(dialect), output)


@export.command("postman")
@output_option
@dialect_option
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

    _say(app.postman_collection(dialect, address=address), output)


def _say(document: dict[str, Any], output: Path | None) -> None:
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")


@export.command("products")
@machine_option
@click.option("--seller", type=FILLED, metavar="NAME", help="Only this seller's products.")
@output_option
def products(machine: str | None, seller: str | None, output: Path | None) -> None:
    """What is on sale, as a table that `tuckshop import products` takes back; see there.

    `stock` is that of the machine.
    """

    async def rows(shop: Shop) -> Rows:
        from tuckshop.identity import users as accounts
        from tuckshop.imports import products as goods_file

        seller_id = None if seller is None else (await accounts.find_by_name(shop, username=seller)).id
        machine_id = (await find_machine(shop, machine)).id
        async for row in goods_file.give(shop, machine_id=machine_id, seller_id=seller_id):
            yield row

    run(_write(rows, output))


@export.command("users")
@output_option
@click.option("--dialect", metavar="NAME", help="As an older contract keeps them, with its codes for roles.")
def users(output: Path | None, dialect: str | None) -> None:
    """Everybody with roles, state, and what they hold, owe and have earned; no passwords."""
    from tuckshop.dialects.shared import mounting as serving

    if dialect is not None:
        spoken = serving.find(dialect)
        if spoken.users is None:
            raise click.UsageError(f"The dialect {dialect} has no codes for roles: leave --dialect out.")
        run(_write(spoken.users, output))
        return

    def rows(shop: Shop) -> Rows:
        from tuckshop.queries import exports as lists

        return lists.people(shop)

    run(_write(rows, output))


@export.command("orders")
@output_option
def orders(output: Path | None) -> None:
    """Every order, a row for each product in it, as it was sold."""

    def rows(shop: Shop) -> Rows:
        from tuckshop.queries import exports as lists

        return lists.sold(shop)

    run(_write(rows, output))


async def _write(rows: Callable[[Shop], Rows], output: Path | None) -> None:
    """A file is there whole, or as it was before."""
    from tuckshop.imports import csv_files as sheets

    async with opened_shop() as shop:
        if output is None:
            async for row in rows(shop):
                click.echo(next(sheets.write([row])), nl=False)
            return
        part = output.with_name(f"{output.name}.part")
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                async for row in rows(shop):
                    file.write(next(sheets.write([row])))
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
