"""`tuckshop order`: orders: list, complete, cancel, refund."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from tuckshop.cli import amounts, output
from tuckshop.cli.coins import Times
from tuckshop.cli.commands import FILLED, Change, Commands, Whole
from tuckshop.cli.product import settle
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.cli.stock import checked_reason, reason_option

if TYPE_CHECKING:
    from tuckshop.domain.money import Currency
    from tuckshop.queries.orders import OrderRecord
    from tuckshop.till.commands.base import Command
    from tuckshop.till.commands.orders import OrderChanged
    from tuckshop.till.commands.refunds import Refunded

order_argument = click.argument("order", metavar="ORDER", type=Whole(1, 10**18 - 1))


@click.group(cls=Commands)
def order() -> None:
    """List, complete, cancel and refund orders.

    ORDER is an order's number.
    """


@order.command("list")
@click.option("--buyer", type=FILLED, metavar="NAME", help="Only orders of this user.")
@click.option("--limit", type=Whole(1, 10_000), default=20, help="Number of orders [20].")
def list_(buyer: str | None, limit: int) -> None:
    """List orders, newest first."""
    found, currency = run(_page(buyer, limit))
    total = f"Total {currency.code}"
    output.table(
        ("Id", "When (UTC)", "Buyer", "What", "Payment", "Status", total),
        (
            (
                one.order_id,
                when(one.created_us),
                one.buyer or "a guest",
                ", ".join(f"{line.quantity} {line.name}" for line in one.lines),
                one.payment,
                one.status,
                amounts.show(one.total_cents, currency),
            )
            for one in found
        ),
        right=("Id", total),
    )
    click.echo(f"\n{len(found):,} {'order' if len(found) == 1 else 'orders'}")


@order.command("show")
@order_argument
def show(order: int) -> None:
    """Show an order and its lines."""
    one, currency = run(_find(order))
    output.facts(
        [
            ("Id", one.order_id),
            ("When", f"{when(one.created_us)} UTC"),
            ("Buyer", one.buyer or "a guest"),
            ("Machine", one.machine_id),
            ("Payment", one.payment),
            ("Status", one.status),
            ("Reference", one.client_ref or "none"),
            ("Total", amounts.tell(one.total_cents, currency)),
        ]
    )
    click.echo()
    price = f"Price {currency.code}"
    output.table(
        ("Product", "Name", "Quantity", "Refunded", price),
        (
            (
                line.product_id,
                line.name,
                f"{line.quantity:,}",
                f"{line.refunded_quantity:,}",
                amounts.show(line.price_cents, currency),
            )
            for line in one.lines
        ),
        right=("Product", "Quantity", "Refunded", price),
    )


@order.command("refund", cls=Change)
@order_argument
@click.argument("lines", metavar="[LINE...]", nargs=-1, type=Times("3x2", "the product's number"))
@click.option(
    "--write-off",
    is_flag=True,
    help="Write off the returned products instead of putting them back on the shelf.",
)
@reason_option
def refund(order: int, lines: tuple[tuple[int, int], ...], reason: str | None, *, write_off: bool) -> None:
    """Refund an order, or some of it: 3x2 is two of product 3."""
    quantities = dict(lines)
    if len(quantities) < len(lines):
        raise click.UsageError("A product can be named only once.")
    done, currency = run(_refund(order, quantities or None, checked_reason(reason), write_off=write_off))
    click.echo(f"{amounts.tell(done.amount_cents, currency)} refunded. Order {order} is {_said(done)}.")


@order.command("dispense", cls=Change)
@order_argument
@click.option(
    "--failed", is_flag=True, help="Mark the order as failed: refund the buyer and return the stock."
)
@reason_option
def dispense(order: int, reason: str | None, *, failed: bool) -> None:
    """Complete an order: the buyer has the products."""
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.orders import Dispense

    done = run(_change(Dispense(OPERATOR, order, failed, checked_reason(reason))))
    click.echo(f"Order {order} is {_said(done)}.")


@order.command("cancel", cls=Change)
@order_argument
@reason_option
def cancel(order: int, reason: str | None) -> None:
    """Cancel an order that is not completed yet."""
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.orders import CancelOrder

    done = run(_change(CancelOrder(OPERATOR, order, checked_reason(reason))))
    click.echo(f"Order {order} is {_said(done)}.")


def when(instant_us: int) -> str:
    """The instant to the minute, UTC."""
    return f"{datetime.fromtimestamp(instant_us // 1_000_000, UTC):%Y-%m-%d %H:%M}"


async def _page(buyer: str | None, limit: int) -> tuple[list[OrderRecord], Currency]:
    from tuckshop.domain.users import OPERATOR
    from tuckshop.identity import users
    from tuckshop.queries import orders

    async with opened_shop() as shop:
        buyer_id = None if buyer is None else (await users.find_by_name(shop, username=buyer)).id
        found = await orders.page(
            shop, actor=OPERATOR, scope=orders.OrderScope.ALL, buyer_id=buyer_id, limit=limit
        )
        return found, shop.currency


async def _find(order: int) -> tuple[OrderRecord, Currency]:
    from tuckshop.domain.users import OPERATOR
    from tuckshop.queries import orders

    async with opened_shop() as shop:
        return await orders.find(shop, order_id=order, actor=OPERATOR), shop.currency


async def _refund(
    order: int, quantities: dict[int, int] | None, reason: str | None, *, write_off: bool
) -> tuple[Refunded, Currency]:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.refunds import Refund, Refunded

    async with opened_shop() as shop:
        done = await settle(shop, Refund(OPERATOR, order, quantities, reason, write_off))
        assert isinstance(done, Refunded)
        return done, shop.currency


async def _change(command: Command) -> OrderChanged:
    from tuckshop.till.commands.orders import OrderChanged

    async with opened_shop() as shop:
        done = await settle(shop, command)
        assert isinstance(done, OrderChanged)
        return done


def _said(done: OrderChanged | Refunded) -> str:
    return done.status.replace("_", " ")
