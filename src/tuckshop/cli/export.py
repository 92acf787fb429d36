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
    help="The file to write, instead of standard output.",
)


@click.group(cls=Commands)
def export() -> None:
    """Export documents and CSV files for other programs.

    Cells that a spreadsheet would read as a formula start with an apostrophe.
    """


dialect_option = click.option("--dialect", metavar="NAME", help="The dialect to export, instead of /v1.")


@export.command("openapi")
@output_option
@dialect_option
def openapi(output: Path | None, dialect: str | None) -> None:
    """Export the API description (OpenAPI 3.1) as JSON. Needs no database."""
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
    help="The address of the server; a variable of the collection.",
)
def postman(output: Path | None, dialect: str | None, address: str) -> None:
    """Export a Postman collection (2.1) of the API, with tests. Needs no database.

    The collection logs in by itself. Requests of admins need the variables admin_name and admin_password.
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
    """Export the products on sale as a CSV file for `tuckshop import products`.

    The column `stock` has the stock of one machine.
    """

    async def rows(shop: Shop) -> Rows:
        from tuckshop.identity import users as shop_users
        from tuckshop.imports import products as product_files

        seller_id = None if seller is None else (await shop_users.find_by_name(shop, username=seller)).id
        machine_id = (await find_machine(shop, machine)).id
        async for row in product_files.give(shop, machine_id=machine_id, seller_id=seller_id):
            yield row

    run(_write(rows, output))


@export.command("users")
@output_option
@click.option("--dialect", metavar="NAME", help="The dialect whose role codes to use.")
def users(output: Path | None, dialect: str | None) -> None:
    """Export all users with roles, status, wallet, tab and earnings, without passwords."""
    from tuckshop.dialects.shared import mounting

    if dialect is not None:
        spoken = mounting.find(dialect)
        if spoken.users is None:
            raise click.UsageError(f"The dialect {dialect} has no role codes. Leave out --dialect.")
        run(_write(spoken.users, output))
        return

    def rows(shop: Shop) -> Rows:
        from tuckshop.queries import exports

        return exports.all_users(shop)

    run(_write(rows, output))


@export.command("orders")
@output_option
def orders(output: Path | None) -> None:
    """Export all orders, one row for each order line."""

    def rows(shop: Shop) -> Rows:
        from tuckshop.queries import exports

        return exports.sold(shop)

    run(_write(rows, output))


async def _write(rows: Callable[[Shop], Rows], output: Path | None) -> None:
    """A file is there whole, or as it was before."""
    from tuckshop.imports import csv_files

    async with opened_shop() as shop:
        if output is None:
            async for row in rows(shop):
                click.echo(next(csv_files.write([row])), nl=False)
            return
        part = output.with_name(f"{output.name}.part")
        try:
            with part.open("w", encoding="utf-8", newline="") as file:
                async for row in rows(shop):
                    file.write(next(csv_files.write([row])))
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
