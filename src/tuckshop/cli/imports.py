"""`tuckshop import`: tables from other programs."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, BinaryIO

import click

from tuckshop.cli import file_problems
from tuckshop.cli.commands import EXIT_WRONG, Commands
from tuckshop.cli.machine import find as find_machine
from tuckshop.cli.machine import machine_option
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.cli.stock import checked_reason, reason_option

if TYPE_CHECKING:
    from tuckshop.imports.products import Report

SHOWN_MAX = 20  # What fits on a screen; the rest is counted.


@click.group("import", cls=Commands)
def import_() -> None:
    """Take tables (CSV) from other programs."""


@import_.command("products")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@machine_option
@reason_option
@click.pass_context
def products(
    ctx: click.Context, file: BinaryIO, machine: str | None, reason: str | None, *, dry_run: bool
) -> None:
    """Add and change products as FILE says (- for standard input): all of it, or nothing.

    \b
    The first row names the columns, in any order; what is not named or is left empty stays as it is:
      name            by which a product is known; new names are added
      price           like 1.50; needed for new products
      stock           pieces on the shelf, as counted; the difference is booked as a correction
      stock_exported  from the export: while `stock` says the same, nobody counted, and it is left alone
      seller          for new products: a name, or house (as without)
      refundable      yes or no; new products are
      tax             per cent, like 19 or 5.5
      cost            what one piece costs the shop, like 0.80

    Taking a file twice changes nothing. What FILE does not name stays on sale. Pieces sold since a count are
    not known to it: count and import while the shop is quiet, or leave the column stock out.

    UTF-8, with commas, semicolons or tabs between cells; at most 10,000 products. An apostrophe before one of
    = + - @ is taken off again.
    """
    report, exponent = run(_take(file, machine, checked_reason(reason), dry_run=dry_run))
    if report.problems:
        for problem in report.problems[:SHOWN_MAX]:
            click.echo(file_problems.sentence(problem.problem, problem.line, exponent=exponent), err=True)
        if len(report.problems) > SHOWN_MAX:
            click.echo(f"... and {len(report.problems) - SHOWN_MAX:,} more.", err=True)
        click.echo(f"Error: {file.name} cannot be imported; nothing was changed.", err=True)
        ctx.exit(EXIT_WRONG)
    if dry_run:
        _show(report)
    told = f"{report.added:,} added, {report.changed:,} changed ({report.corrected:,} in stock)"
    said = "Would be: " if dry_run else ""
    click.echo(f"{said}{told}, {report.unchanged:,} as they were.")


def _show(report: Report) -> None:
    for act in report.acts[:SHOWN_MAX]:
        click.echo(f"line {act.line}: {act.name}: {'new' if act.is_new else ', '.join(act.fields)}")
    if len(report.acts) > SHOWN_MAX:
        click.echo(f"... and {len(report.acts) - SHOWN_MAX:,} more.")


async def _take(
    file: BinaryIO, machine: str | None, reason: str | None, *, dry_run: bool
) -> tuple[Report, int]:
    """What was done, and the decimals of the shop's currency."""
    from tuckshop.domain import users
    from tuckshop.imports import csv_files as sheets
    from tuckshop.imports import products as goods_file
    from tuckshop.till.callers import OPERATOR

    async with opened_shop() as shop:
        machine_id = (await find_machine(shop, machine)).id
        content = file.read(sheets.BYTES_MAX + 1)
        is_watched = sys.stderr.isatty()
        with click.progressbar(length=1, file=sys.stderr) if is_watched else nullcontext() as bar:

            def progress(done: int, of: int) -> None:
                if bar is not None:
                    bar.length = of
                    bar.update(done - bar.pos)

            report = await goods_file.take(
                shop,
                caller=OPERATOR,
                actor=users.OPERATOR,
                content=content,
                machine_id=machine_id,
                reason=reason or goods_file.REASON,
                dry_run=dry_run,
                progress=progress,
            )
        return report, shop.currency.exponent
