"""`tuckshop product`: products of the shop and of its sellers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tuckshop.cli import amounts, output
from tuckshop.cli.commands import FILLED, Change, Commands, Whole
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.money import parse_price
from tuckshop.domain.products import QUANTITY_MAX, parse_tax, show_tax

if TYPE_CHECKING:
    from tuckshop.context import Shop
    from tuckshop.domain.money import Currency
    from tuckshop.till.commands.base import Command, Receipt
    from tuckshop.till.commands.products import ProductRecord

PAGE = 1_000
SAMPLE_PIECES = 100  # Whoever tries orders out should not run into an empty shelf at once.
product_argument = click.argument("product", metavar="PRODUCT", type=FILLED)
figures = (
    click.option("--cost", type=FILLED, metavar="AMOUNT", help="Purchase cost of one piece, such as 0.80."),
    click.option(
        "--tax", type=FILLED, metavar="PER CENT", help="Tax rate included in the price, such as 19."
    ),
    click.option("--category", metavar="TEXT", help='Category, such as Drinks; "" for none.'),
    click.option("--barcode", metavar="CODE", help='Barcode as printed, such as 4006381333931; "" for none.'),
)


@click.group(cls=Commands)
def product() -> None:
    """Add, list and change products.

    PRODUCT is a product's number, or its name. Amounts are like 1.50.
    """


def with_figures(command: Any) -> Any:
    """The options that `add` and `change` share."""
    for option in figures:
        command = option(command)
    return command


@product.command("add", cls=Change)
@click.argument("name", type=FILLED)
@click.argument("price", type=FILLED)
@click.option("--stock", type=Whole(0, QUANTITY_MAX), default=0, help="Initial stock [0].")
@click.option("--not-refundable", is_flag=True, help="Buyers cannot return it.")
@with_figures
def add(name: str, price: str, stock: int, *, not_refundable: bool, **typed: str | None) -> None:
    """Add a product of the shop."""
    stands, currency = run(_add(name, price, stock, refundable=not not_refundable, **typed))
    click.echo(f"Added {_told(stands, currency)}.")


@product.command("list")
def list_() -> None:
    """List the products on sale."""
    found, currency = run(_all())
    output.table(
        (
            "Id",
            "Name",
            f"Price {currency.code}",
            "Stock",
            "Seller",
            "Refundable",
            "Category",
            "Barcode",
            "Approval",
        ),
        (
            (
                one.product_id,
                one.name,
                amounts.show(one.price_cents, currency),
                f"{one.stock:,}",
                one.seller or "the shop",
                "yes" if one.refundable else "no",
                one.category or "",
                one.barcode or "",
                "waiting" if one.waiting is True else "",
            )
            for one in found
        ),
        right=("Id", f"Price {currency.code}", "Stock"),
    )
    click.echo(f"\n{len(found):,} {'product' if len(found) == 1 else 'products'}")


@product.command("show")
@product_argument
def show(product: str) -> None:
    """Show a product."""
    output.facts(run(_show(product)))


@product.command("change", cls=Change)
@product_argument
@click.option("--name", type=FILLED, help="A new name.")
@click.option("--price", type=FILLED, metavar="AMOUNT", help="A new price, such as 1.50.")
@click.option("--refundable/--not-refundable", default=None, help="Whether buyers can return it.")
@with_figures
def change(
    product: str,
    price: str | None,
    refundable: bool | None,
    **typed: str | None,
) -> None:
    """Change a product. Existing orders keep their prices."""
    if all(value is None for value in (price, refundable, *typed.values())):
        raise click.UsageError(
            "Nothing to change. Give one of --name, --price, --cost, --tax, --refundable, --category or"
            " --barcode."
        )
    stands, currency = run(_change(product, price=price, refundable=refundable, **typed))
    click.echo(f"Changed {_told(stands, currency)}.")


@product.command("approve", cls=Change)
@product_argument
def approve(product: str) -> None:
    """Approve a product that waits because its name looks like another seller's."""
    click.echo(f"{run(_approve(product)).name} is on sale.")


@product.command("remove", cls=Change)
@product_argument
def remove(product: str) -> None:
    """Take a product off sale and write off its stock. Past orders stay on record."""
    stands = run(_remove(product))
    left = f" Its stock of {stands.stock:,} is written off." if stands.stock else ""
    click.echo(f"{stands.name} is off sale.{left}")


@product.command("samples", cls=Change)
@click.option(
    "--stock",
    type=Whole(0, QUANTITY_MAX),
    default=SAMPLE_PIECES,
    help=f"Initial stock of each [{SAMPLE_PIECES}].",
)
def samples(stock: int) -> None:
    """Add a dozen sample products with pictures.

    Names that are taken are skipped. Remove samples like any product.
    """
    added, left_out = run(_samples(stock))
    for name in left_out:
        click.echo(f"Skipped: there is already a product {name}.")
    click.echo(f"Added {added} sample products: see `tuckshop product list`.")


async def find(shop: Shop, product: str, *, machine_id: int = DEFAULT_MACHINE_ID) -> ProductRecord:
    """The product of this number or name. Raises UnknownProduct, click.UsageError."""
    from tuckshop.queries import catalogue

    # The number first: a seller may call a product "1", and must not get what is meant for number 1.
    if product.isascii() and product.isdigit() and len(product) <= 18:
        return await catalogue.find(shop, product_id=int(product), machine_id=machine_id)
    by_name = await catalogue.find_by_name(shop, name=product, machine_id=machine_id)
    if by_name is not None:
        return by_name
    raise click.UsageError(f"No product {product!r} is on sale: see `tuckshop product list`.")


async def settle(shop: Shop, command: Command) -> Receipt:
    """The till's receipt. Raises the refusal."""
    from tuckshop.till.commands.base import Envelope

    return (await shop.till.execute(Envelope(command))).receipt()


async def every(shop: Shop, *, machine_id: int = DEFAULT_MACHINE_ID) -> list[ProductRecord]:
    """All that is on sale, with the stock of the machine."""
    from tuckshop.queries import catalogue

    found: list[ProductRecord] = []
    search = catalogue.Search(limit=PAGE, machine_id=machine_id, waiting=True)
    while page := await catalogue.page(shop, search):
        found += page
        search = replace(search, after=catalogue.Place(page[-1].product_id))
    return found


async def _add(
    name: str,
    price: str,
    stock: int,
    *,
    refundable: bool,
    cost: str | None,
    tax: str | None,
    **labels: Any,
) -> tuple[Receipt, Currency]:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.products import AddProduct

    async with opened_shop() as shop:
        command = AddProduct(
            OPERATOR,
            name=name,
            price_cents=parse_price(price, currency=shop.currency),
            stock=stock,
            refundable=refundable,
            cost_cents=_cost(cost, shop.currency) or 0,
            tax_basis_points=0 if tax is None else parse_tax(tax),
            for_house=True,
            **labels,
        )
        return await settle(shop, command), shop.currency


async def _all() -> tuple[list[ProductRecord], Currency]:
    async with opened_shop() as shop:
        return await every(shop), shop.currency


async def _show(product: str) -> list[tuple[str, object]]:
    async with opened_shop() as shop:
        one, currency = await find(shop, product), shop.currency
    return [
        ("Id", one.product_id),
        ("Name", one.name),
        ("Price", amounts.tell(one.price_cents, currency)),
        ("Cost", amounts.tell(one.cost_cents, currency)),
        ("Tax", f"{show_tax(one.tax_basis_points)} %"),
        ("Stock", f"{one.stock:,}"),
        ("Seller", one.seller or "the shop"),
        ("Refundable", "yes" if one.refundable else "no"),
        ("Category", one.category or "-"),
        ("Barcode", one.barcode or "-"),
        ("Picture", "yes" if one.image_id is not None else "no"),
        ("Version", one.version),
    ]


async def _change(
    product: str,
    *,
    price: str | None,
    cost: str | None,
    tax: str | None,
    refundable: bool | None,
    **texts: Any,
) -> tuple[Receipt, Currency]:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.products import ChangeProduct

    async with opened_shop() as shop:
        currency = shop.currency
        command = ChangeProduct(
            OPERATOR,
            (await find(shop, product)).product_id,
            price_cents=None if price is None else parse_price(price, currency=currency),
            cost_cents=_cost(cost, currency),
            tax_basis_points=None if tax is None else parse_tax(tax),
            refundable=refundable,
            **texts,
        )
        return await settle(shop, command), currency


async def _approve(product: str) -> ProductRecord:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.approvals import ApproveProduct

    async with opened_shop() as shop:
        found = await find(shop, product)
        await settle(shop, ApproveProduct(OPERATOR, found.product_id))
        return found


async def _remove(product: str) -> ProductRecord:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.products import RemoveProduct

    async with opened_shop() as shop:
        found = await find(shop, product)
        await settle(shop, RemoveProduct(OPERATOR, found.product_id))
        return found


async def _samples(stock: int) -> tuple[int, list[str]]:
    from tuckshop.demo.data import PICTURE_TYPE, PRODUCTS
    from tuckshop.domain.refusals import NameTaken
    from tuckshop.operations import pictures
    from tuckshop.queries import catalogue
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.products import AddProduct

    left_out: list[str] = []
    chosen = PRODUCTS[::2]
    async with opened_shop() as shop:
        for product in chosen:
            if await catalogue.find_by_name(shop, name=product.name) is not None:
                left_out.append(product.name)
                continue
            image_id = await pictures.add(shop, media_type=PICTURE_TYPE, content=product.picture_content())
            command = AddProduct(
                OPERATOR,
                name=product.name,
                price_cents=product.price_cents,
                stock=stock,
                image_id=image_id,
                **product.attributes(),
                for_house=True,
            )
            try:
                await settle(shop, command)
            except NameTaken:  # Somebody was faster between the look and the till.
                left_out.append(product.name)
    return len(chosen) - len(left_out), left_out


def _cost(text: str | None, currency: Currency) -> int | None:
    return None if text is None else parse_price(text, currency=currency, field="cost", cents_min=0)


def _told(stands: Receipt, currency: Currency) -> str:
    from tuckshop.till.commands.products import ProductRecord

    assert isinstance(stands, ProductRecord)
    price = amounts.tell(stands.price_cents, currency)
    return f"product {stands.product_id}: {stands.name}, {price}, {stands.stock:,} on the shelf"
