"""`tuckshop stock`: the stock on the shelves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuckshop.cli import output
from tuckshop.cli.commands import FILLED, Change, Commands, Whole
from tuckshop.cli.machine import find as find_machine
from tuckshop.cli.machine import machine_option
from tuckshop.cli.product import every, find, product_argument, settle
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.domain.products import QUANTITY_MAX, REASON_LENGTH_MAX

if TYPE_CHECKING:
    from tuckshop.till.commands.machines import StockMoved
    from tuckshop.till.commands.products import ProductRecord

reason_option = click.option("--reason", type=FILLED, help="Reason, kept with the movement.")


@click.group(cls=Commands)
def stock() -> None:
    """Refill, count and move stock.

    PRODUCT is a product's number, or its name.
    """


@stock.command("add", cls=Change)
@product_argument
@click.argument("quantity", type=Whole(1, QUANTITY_MAX))
@machine_option
@reason_option
def add(product: str, quantity: int, machine: str | None, reason: str | None) -> None:
    """Refill a shelf with QUANTITY pieces."""
    stands = run(_add(product, quantity, machine, checked_reason(reason)))
    click.echo(f"{stands.name}: {stands.stock:,} on the shelf.")


@stock.command("set", cls=Change)
@product_argument
@click.argument("quantity", type=Whole(0, QUANTITY_MAX))
@machine_option
@reason_option
def set_(product: str, quantity: int, machine: str | None, reason: str | None) -> None:
    """Record a count of QUANTITY pieces. The difference is recorded as a correction."""
    before, after = run(_set(product, quantity, machine, checked_reason(reason)))
    difference = after.stock - before.stock
    told = f"{difference:+,} corrected" if difference else "nothing to correct"
    click.echo(f"{after.name}: {after.stock:,} on the shelf ({told}).")


@stock.command("move", cls=Change)
@product_argument
@click.argument("quantity", type=Whole(1, QUANTITY_MAX))
@click.option(
    "--from", "source", type=FILLED, metavar="MACHINE", help="The machine to move from [the first machine]."
)
@click.option("--to", "target", type=FILLED, metavar="MACHINE", required=True, help="The machine to move to.")
@reason_option
def move(product: str, quantity: int, source: str | None, target: str, reason: str | None) -> None:
    """Move QUANTITY pieces from one machine to another."""
    moved, names = run(_move(product, quantity, source, target, checked_reason(reason)))
    name, source_name, target_name = names
    click.echo(f"{name}: {moved.stock:,} in {source_name}, {moved.target_stock:,} in {target_name}.")


@stock.command("list")
@click.option("--below", type=Whole(1, QUANTITY_MAX), help="Only products with less stock than this.")
@machine_option
def list_(below: int | None, machine: str | None) -> None:
    """List the stock of the shelves, lowest first."""
    found = [one for one in run(_all(machine)) if below is None or one.stock < below]
    output.table(
        ("Stock", "Id", "Name", "Seller"),
        (
            (f"{one.stock:,}", one.product_id, one.name, one.seller or "the shop")
            for one in sorted(found, key=lambda one: (one.stock, one.product_id))
        ),
        right=("Stock", "Id"),
    )
    click.echo(f"\n{len(found):,} {'product' if len(found) == 1 else 'products'}")


async def _add(product: str, quantity: int, machine: str | None, reason: str | None) -> ProductRecord:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.products import ProductRecord, Restock

    async with opened_shop() as shop:
        machine_id = (await find_machine(shop, machine)).id
        found = await find(shop, product)
        stands = await settle(
            shop, Restock(OPERATOR, found.product_id, quantity, reason, machine_id=machine_id)
        )
        assert isinstance(stands, ProductRecord)
        return stands


async def _set(
    product: str, quantity: int, machine: str | None, reason: str | None
) -> tuple[ProductRecord, ProductRecord]:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.products import ChangeProduct, ProductRecord

    async with opened_shop() as shop:
        machine_id = (await find_machine(shop, machine)).id
        found = await find(shop, product, machine_id=machine_id)
        command = ChangeProduct(
            OPERATOR,
            found.product_id,
            stock=quantity,
            reason=reason or "counted",
            machine_id=machine_id,
        )
        stands = await settle(shop, command)
        assert isinstance(stands, ProductRecord)
        return found, stands


async def _move(
    product: str, quantity: int, source: str | None, target: str, reason: str | None
) -> tuple[StockMoved, tuple[str, str, str]]:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.machines import MoveStock, StockMoved

    async with opened_shop() as shop:
        found = await find(shop, product)
        out, into = await find_machine(shop, source), await find_machine(shop, target)
        if out.id == into.id:
            raise click.UsageError(f"{out.name} is the machine that the pieces come from. Give another one.")
        moved = await settle(shop, MoveStock(OPERATOR, out.id, into.id, found.product_id, quantity, reason))
        assert isinstance(moved, StockMoved)
        return moved, (found.name, out.name, into.name)


async def _all(machine: str | None) -> list[ProductRecord]:
    async with opened_shop() as shop:
        return await every(shop, machine_id=(await find_machine(shop, machine)).id)


def checked_reason(reason: str | None) -> str | None:
    if reason is not None and len(reason) > REASON_LENGTH_MAX:
        raise click.UsageError(f"A reason has at most {REASON_LENGTH_MAX} characters.")
    return reason
