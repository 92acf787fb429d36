"""`tuckshop stock`: how many pieces are on the shelf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuckshop.cli import output
from tuckshop.cli.commands import FILLED, Commands, Whole
from tuckshop.cli.opening import opened_shop, run
from tuckshop.cli.product import every, find, product_argument, settle
from tuckshop.domain.catalogue import QUANTITY_MAX, REASON_LENGTH_MAX

if TYPE_CHECKING:
    from tuckshop.till.commands import ProductStands

reason_option = click.option("--reason", type=FILLED, help="Why; kept with the movement.")


@click.group(cls=Commands)
def stock() -> None:
    """Fill the shelf, or correct it after counting.

    PRODUCT is a product's number, or its name.
    """


@stock.command("add")
@product_argument
@click.argument("quantity", type=Whole(1, QUANTITY_MAX))
@reason_option
def add(product: str, quantity: int, reason: str | None) -> None:
    """Put QUANTITY more pieces on the shelf."""
    stands = run(_add(product, quantity, _checked(reason)))
    click.echo(f"{stands.name}: {stands.stock:,} on the shelf.")


@stock.command("set")
@product_argument
@click.argument("quantity", type=Whole(0, QUANTITY_MAX))
@reason_option
def set_(product: str, quantity: int, reason: str | None) -> None:
    """Say that QUANTITY pieces are there, as counted. The difference is booked as a correction."""
    before, after = run(_set(product, quantity, _checked(reason)))
    difference = after.stock - before.stock
    told = f"{difference:+,} corrected" if difference else "nothing to correct"
    click.echo(f"{after.name}: {after.stock:,} on the shelf ({told}).")


@stock.command("list")
@click.option("--below", type=Whole(1, QUANTITY_MAX), help="Only products with fewer pieces than this.")
def list_(below: int | None) -> None:
    """List what the shelf holds, the emptiest first."""
    found = [one for one in run(_all()) if below is None or one.stock < below]
    output.table(
        ("Stock", "Id", "Name", "Seller"),
        (
            (f"{one.stock:,}", one.product_id, one.name, one.seller or "the house")
            for one in sorted(found, key=lambda one: (one.stock, one.product_id))
        ),
        right=("Stock", "Id"),
    )
    click.echo(f"\n{len(found):,} {'product' if len(found) == 1 else 'products'}")


async def _add(product: str, quantity: int, reason: str | None) -> ProductStands:
    from tuckshop.till.commands import OPERATOR, ProductStands, Restock

    async with opened_shop() as shop:
        found = await find(shop, product)
        stands = await settle(shop, Restock(OPERATOR, found.product_id, quantity, reason))
        assert isinstance(stands, ProductStands)
        return stands


async def _set(product: str, quantity: int, reason: str | None) -> tuple[ProductStands, ProductStands]:
    from tuckshop.till.commands import OPERATOR, ChangeProduct, ProductStands

    async with opened_shop() as shop:
        found = await find(shop, product)
        command = ChangeProduct(OPERATOR, found.product_id, stock=quantity, reason=reason or "counted")
        stands = await settle(shop, command)
        assert isinstance(stands, ProductStands)
        return found, stands


async def _all() -> list[ProductStands]:
    async with opened_shop() as shop:
        return await every(shop)


def _checked(reason: str | None) -> str | None:
    if reason is not None and len(reason) > REASON_LENGTH_MAX:
        raise click.UsageError(f"A reason has at most {REASON_LENGTH_MAX} characters.")
    return reason
