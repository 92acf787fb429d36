"""`tuckshop report`: sales, earnings and statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from tuckshop.cli import amounts, output
from tuckshop.cli.commands import FILLED, Commands, Whole
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.domain import days

if TYPE_CHECKING:
    from tuckshop.context import Shop
    from tuckshop.domain.money import Currency
    from tuckshop.queries.reports import By, Earnings, Rows, Sales
    from tuckshop.queries.statements import Statement

ID_MAX = 10**18 - 1
BY = ("day", "product", "seller", "machine")
ACCOUNTS = ("wallet", "earnings", "tab")


class Day(click.ParamType[date]):
    """A day of the calendar, like 2025-12-31."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day; fails in one line."""
        if isinstance(value, date):
            return value
        try:
            return days.read(value)
        except ValueError:
            self.fail(f"{value!r} is not a day that exists. Write it as 2025-12-31.", param, ctx)


class Keys(click.ParamType[tuple[str, ...]]):
    """Some of BY, with commas between."""

    name = "keys"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The keys; fails in one line."""
        keys = tuple(value.split(",")) if isinstance(value, str) else tuple(value)
        if not set(keys) <= set(BY) or len(set(keys)) < len(keys):
            self.fail(f"use one or more of {', '.join(BY)}, separated by commas.", param, ctx)
        return keys


@click.group(cls=Commands)
def report() -> None:
    """Show sales, earnings and statements.

    Days are business days of the shop (TUCKSHOP_TIMEZONE, TUCKSHOP_DAY_STARTS), such as 2025-12-31.
    Tables show amounts such as 1.50; CSV and JSON have them in minor units.
    """


def with_form(command: Any) -> Any:
    """The options that every report has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for spreadsheets."),
        click.option("--to", "last", type=Day(), help="The last day, included [today]."),
        click.option("--from", "first", type=Day(), help="The first day [30 days before]."),
    ):
        command = option(command)
    return command


@report.command("sales")
@click.option(
    "--by",
    type=Keys(),
    default="day",
    help="day, product, seller, machine; separate several with commas [day].",
)
@click.option("--product", type=Whole(1, ID_MAX), help="Only this product.")
@click.option("--seller", type=FILLED, metavar="NAME", help="Only this seller.")
@click.option("--machine", type=Whole(1, ID_MAX), help="Only this machine.")
@with_form
def sales(
    by: tuple[str, ...],
    product: int | None,
    seller: str | None,
    machine: int | None,
    first: date | None,
    last: date | None,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show sales and refunds by day, product, seller or machine."""
    _require_one_form(as_csv=as_csv, as_json=as_json)
    found, table, currency = run(_sales(by, product, seller, machine, first, last))
    if not _written(table, found.period, as_csv=as_csv, as_json=as_json):
        _show_sales(found, by, currency)


@report.command("earnings")
@with_form
def earnings(first: date | None, last: date | None, *, as_csv: bool, as_json: bool) -> None:
    """Show the sales, payouts and balance of each seller."""
    _require_one_form(as_csv=as_csv, as_json=as_json)
    found, table, currency = run(_earnings(first, last))
    if not _written(table, found.period, as_csv=as_csv, as_json=as_json):
        _show_earnings(found, currency)


@report.command("statement")
@click.argument("user", metavar="NAME", type=FILLED)
@click.option("--account", type=click.Choice(ACCOUNTS), default="wallet", help="Which account [wallet].")
@with_form
def statement(
    user: str, account: str, first: date | None, last: date | None, *, as_csv: bool, as_json: bool
) -> None:
    """Show all movements of a user's wallet, tab or earnings."""
    _require_one_form(as_csv=as_csv, as_json=as_json)
    found, table, currency = run(_statement(user, account, first, last))
    if not _written(table, found.period, as_csv=as_csv, as_json=as_json):
        _show_statement(found, currency)


def _require_one_form(*, as_csv: bool, as_json: bool) -> None:
    if as_csv and as_json:
        raise click.UsageError("Choose --csv or --json.")


async def _sales(
    by: tuple[str, ...],
    product: int | None,
    seller: str | None,
    machine: int | None,
    first: date | None,
    last: date | None,
) -> tuple[Sales, Rows, Currency]:
    from tuckshop.domain.users import OPERATOR
    from tuckshop.queries import reports

    async with opened_shop() as shop:
        keys: list[By] = [reports.By(one) for one in by]
        found = await reports.sell_through(
            shop,
            actor=OPERATOR,
            period=reports.period_of(shop, first, last),
            by=keys,
            product_id=product,
            seller_id=None if seller is None else await _user_id(shop, seller),
            machine_id=machine,
        )
        return found, reports.sales_table(found, keys), shop.currency


async def _earnings(first: date | None, last: date | None) -> tuple[Earnings, Rows, Currency]:
    from tuckshop.domain.users import OPERATOR
    from tuckshop.queries import reports

    async with opened_shop() as shop:
        period = reports.period_of(shop, first, last)
        found = await reports.earnings(shop, actor=OPERATOR, period=period)
        return found, reports.earnings_table(found), shop.currency


async def _statement(
    user: str, account: str, first: date | None, last: date | None
) -> tuple[Statement, Rows, Currency]:
    from tuckshop.domain.ledger import AccountKind
    from tuckshop.domain.users import OPERATOR
    from tuckshop.queries import reports, statements

    async with opened_shop() as shop:
        found = await statements.statement(
            shop,
            actor=OPERATOR,
            user_id=await _user_id(shop, user),
            account=AccountKind(account),
            period=reports.period_of(shop, first, last),
        )
        return found, statements.table(found), shop.currency


async def _user_id(shop: Shop, name: str) -> int:
    from tuckshop.identity import users

    return (await users.find_by_name(shop, username=name)).id


def _written(table: Rows, period: Any, *, as_csv: bool, as_json: bool) -> bool:
    """Prints the table for other programs, if asked to."""
    from tuckshop.imports import csv_files

    head, *rows = table
    if as_csv:
        for line in csv_files.write(table):
            click.echo(line, nl=False)
    elif as_json:
        told = {
            "from": period.first,
            "to": period.last,
            "rows": [dict(zip(map(str, head), row, strict=True)) for row in rows],
        }
        click.echo(json.dumps(told, indent=2, default=str))
    return as_csv or as_json


def _show_sales(found: Sales, by: Sequence[str], currency: Currency) -> None:
    heads = [one.capitalize() for one in by]
    names = [[getattr(key, "name", key) for key in row.keys.values()] for row in found.rows]
    rows = [(*name, *_figures(row.figures, currency)) for name, row in zip(names, found.rows, strict=True)]
    rows.append(("Total", *[""] * (len(heads) - 1), *_figures(found.total, currency)))
    figures = _heads(currency)
    output.table((*heads, *figures), rows, right=figures)
    click.echo(f"\n{found.period.first} to {found.period.last}")


def _show_earnings(found: Earnings, currency: Currency) -> None:
    figures = (*_heads(currency), "Paid", "Owed now")
    rows = (
        (
            row.seller.name,
            *_figures(row.figures, currency),
            amounts.show(row.paid_cents, currency),
            amounts.show(row.balance_cents, currency),
        )
        for row in found.rows
    )
    output.table(("Seller", *figures), rows, right=figures)
    click.echo(f"\n{found.period.first} to {found.period.last}")


def _show_statement(found: Statement, currency: Currency) -> None:
    from datetime import UTC, datetime

    heads = ("Time (UTC)", "What", "Order", "Reference", f"Amount {currency.code}", "Balance")
    rows: list[tuple[object, ...]] = [
        (None, "opening", None, None, None, amounts.show(found.opening_cents, currency))
    ]
    for line in found.lines:
        at = datetime.fromtimestamp(line.created_us / 1_000_000, tz=UTC)
        money = amounts.show(line.amount_cents, currency), amounts.show(line.balance_cents, currency)
        rows.append((f"{at:%Y-%m-%d %H:%M:%S}", line.kind, line.order_id, line.external_ref, *money))
    rows.append((None, "closing", None, None, None, amounts.show(found.closing_cents, currency)))
    output.table(heads, rows, right=("Order", heads[4], "Balance"))
    click.echo(f"\n{found.user.name}'s {found.account}, {found.period.first} to {found.period.last}")


def _heads(currency: Currency) -> tuple[str, ...]:
    code = currency.code
    return "Sold", f"Sold {code}", "Back", f"Back {code}", f"Kept {code}"


def _figures(figures: Any, currency: Currency) -> tuple[str, ...]:
    return (
        f"{figures.sold_quantity:,}",
        amounts.show(figures.sold_cents, currency),
        f"{figures.refunded_quantity:,}",
        amounts.show(figures.refunded_cents, currency),
        amounts.show(figures.amount_cents, currency),
    )
