"""`tuckshop order`: what was sold, and taking it back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from tuckshop.cli import amounts, output
from tuckshop.cli.coins import Times
from tuckshop.cli.commands import FILLED, Commands, Whole
from tuckshop.cli.product import settle
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.cli.stock import checked_reason, reason_option

if TYPE_CHECKING:
    from tuckshop.domain.money import Currency
    from tuckshop.queries.orders import OrderStands
    from tuckshop.till.commands.base import Command
    from tuckshop.till.commands.orders import OrderChanged
    from tuckshop.till.commands.refunds import Refunded

order_argument = click.argument("order", metavar="ORDER", type=Whole(1, 10**18 - 1))


@click.group(cls=Commands)
def order() -> None:
    """See what was sold, hand it out, call it off, take it back.

    ORDER is an order's number.
    """


@order.command("list")
@click.option("--buyer", type=FILLED, metavar="NAME", help="Only the orders of this person.")
@click.option("--limit", type=Whole(1, 10_000), default=20, help="How many, the newest first [20].")
def list_(buyer: str | None, limit: int) -> None:
    """List orders, the newest first."""
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
    """Show an order with its lines."""
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
        ("Product", "Name", "Quantity", "Given back", price),
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
        right=("Product", "Quantity", "Given back", price),
    )


@order.command("refund")
@order_argument
@click.argument("lines", metavar="[LINE...]", nargs=-1, type=Times("3x2", "the product's number"))
@click.option("--write-off", is_flag=True, help="What comes back is spoilt: not onto the shelf.")
@reason_option
def refund(order: int, lines: tuple[tuple[int, int], ...], reason: str | None, *, write_off: bool) -> None:
    """Give the buyer the money back, for all that is left or for some: 3x2 is two of product 3."""
    quantities = dict(lines)
    if len(quantities) < len(lines):
        raise click.UsageError("A product can be named only once.")
    done, currency = run(_refund(order, quantities or None, checked_reason(reason), write_off=write_off))
    click.echo(f"{amounts.tell(done.amount_cents, currency)} given back; order {order} is {_said(done)}.")


@order.command("dispense")
@order_argument
@click.option("--failed", is_flag=True, help="It could not be handed out: money and pieces go back.")
@reason_option
def dispense(order: int, reason: str | None, *, failed: bool) -> None:
    """Say that an order was handed out."""
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.orders import Dispense

    done = run(_change(Dispense(OPERATOR, order, failed, checked_reason(reason))))
    click.echo(f"Order {order} is {_said(done)}.")


@order.command("cancel")
@order_argument
@reason_option
def cancel(order: int, reason: str | None) -> None:
    """Call off an order that was not handed out yet."""
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.orders import CancelOrder

    done = run(_change(CancelOrder(OPERATOR, order, checked_reason(reason))))
    click.echo(f"Order {order} is {_said(done)}.")


def when(instant_us: int) -> str:
    """The instant to the minute, UTC."""
    return f"{datetime.fromtimestamp(instant_us // 1_000_000, UTC):%Y-%m-%d %H:%M}"


async def _page(buyer: str | None, limit: int) -> tuple[list[OrderStands], Currency]:
    from tuckshop.domain.users import OPERATOR
    from tuckshop.identity import users as accounts
    from tuckshop.queries import orders

    async with opened_shop() as shop:
        buyer_id = None if buyer is None else (await accounts.find_by_name(shop, username=buyer)).id
        found = await orders.page(
            shop, actor=OPERATOR, whose=orders.Whose.ALL, buyer_id=buyer_id, limit=limit
        )
        return found, shop.currency


async def _find(order: int) -> tuple[OrderStands, Currency]:
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
