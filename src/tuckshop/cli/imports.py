"""`tuckshop import`: CSV files from other programs."""

from __future__ import annotations

import secrets
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, BinaryIO

import click

from tuckshop.cli import file_problems
from tuckshop.cli.commands import EXIT_WRONG, FILLED, Change, Commands
from tuckshop.cli.errors import sentence
from tuckshop.cli.machine import find as find_machine
from tuckshop.cli.machine import machine_option
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.cli.stock import checked_reason, reason_option

if TYPE_CHECKING:
    from tuckshop.imports.portions import Undone
    from tuckshop.imports.products import Report

_PREFIX = "import."  # Of keys of the till.
SHOWN_MAX = 20  # What fits on a screen; the rest is counted.


@click.group("import", cls=Commands)
def import_() -> None:
    """Import CSV files from other programs."""


@import_.command("products", cls=Change)
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--resume", type=FILLED, metavar="KEY", help="Go on with an import that was interrupted.")
@machine_option
@reason_option
@click.pass_context
def products(
    ctx: click.Context,
    file: BinaryIO,
    machine: str | None,
    reason: str | None,
    resume: str | None,
    *,
    dry_run: bool,
) -> None:
    """Add and change products from FILE (- for standard input).

    All rows are checked first; if one is wrong, none is imported. Then they are imported in portions of 200,
    and others can buy in between.

    \b
    The first row has the column names, in any order. Missing columns and empty cells change nothing:
      name            identifies the product; a new name adds a product
      price           such as 1.50; required for new products
      stock           counted pieces on the shelf; the difference is recorded as a correction
      stock_exported  set by the export; if `stock` still equals it, the stock is not changed
      seller          the seller of a new product, or house for the shop [house]
      refundable      yes or no; new products are refundable by default
      tax             per cent, such as 19 or 5.5
      cost            purchase cost of one piece, such as 0.80
      category        such as Drinks
      barcode         as printed: 4 to 48 letters, digits or hyphens

    Importing a file again changes nothing. Products that are not in FILE stay as they are. A count does not
    include pieces sold after it: count and import while the shop is quiet, or leave out the column stock.

    FILE is UTF-8, with commas, semicolons or tabs between cells, and at most 10,000 products. An apostrophe
    before = + - or @ at the start of a cell is removed.
    """
    key = resume or secrets.token_hex(6)  # No hyphen in front, which would be an option.
    report, exponent = run(_take(file, machine, checked_reason(reason), key, dry_run=dry_run))
    if report.stopped is not None:
        _tell_stopped(report, key, exponent=exponent)
        ctx.exit(EXIT_WRONG)
    if report.problems:
        for problem in report.problems[:SHOWN_MAX]:
            click.echo(file_problems.sentence(problem.problem, problem.line, exponent=exponent), err=True)
        if len(report.problems) > SHOWN_MAX:
            click.echo(f"... and {len(report.problems) - SHOWN_MAX:,} more.", err=True)
        click.echo(
            f"Error: {file.name} has errors. Nothing was changed. Correct these lines and import it again.",
            err=True,
        )
        ctx.exit(EXIT_WRONG)
    if dry_run:
        _show(report)
    told = f"{report.added:,} added, {report.changed:,} changed ({report.corrected:,} with new stock)"
    said = "Dry run: " if dry_run else ""
    click.echo(f"{said}{told}, {report.unchanged:,} unchanged.")
    if report.acts and dry_run:
        click.echo("An import can be undone for 30 days.")
    elif report.acts:
        click.echo(f"To undo it, use: tuckshop import undo {key}")


@import_.command("undo", cls=Change)
@click.argument("key", type=FILLED)
def undo(key: str) -> None:
    """Undo an import of products by the KEY that it printed.

    New products are taken off sale, and changed products are as before. What has changed since the import
    stays as it is: products that somebody has edited, and stock that was sold, added or counted.
    """
    undone = run(_undo(key))
    click.echo(f"{undone.products:,} undone.")
    if undone.kept:
        click.echo("Changed since the import, so they or their stock stay as they are:")
    for name in undone.kept[:SHOWN_MAX]:
        click.echo(f"  {name}")
    if len(undone.kept) > SHOWN_MAX:
        click.echo(f"... and {len(undone.kept) - SHOWN_MAX:,} more.")


def _tell_stopped(report: Report, key: str, *, exponent: int) -> None:
    assert report.stopped is not None
    done, rows, refusal = report.stopped.rows_done, report.stopped.rows, report.stopped.refusal
    for problem in report.problems[:SHOWN_MAX]:
        click.echo(file_problems.sentence(problem.problem, problem.line, exponent=exponent), err=True)
    why = "" if refusal is None else f" {sentence(refusal, exponent=exponent)}"
    click.echo(
        f"Error: Stopped after {done:,} of {rows:,} rows, which are imported.{why} Go on with the same file"
        f" and --resume {key}, or undo it: tuckshop import undo {key}",
        err=True,
    )


def _show(report: Report) -> None:
    for act in report.acts[:SHOWN_MAX]:
        click.echo(f"Line {act.line}, {act.name}: {'new' if act.is_new else ', '.join(act.fields)}")
    if len(report.acts) > SHOWN_MAX:
        click.echo(f"... and {len(report.acts) - SHOWN_MAX:,} more.")


async def _take(
    file: BinaryIO, machine: str | None, reason: str | None, key: str, *, dry_run: bool
) -> tuple[Report, int]:
    """What was done, and the decimals of the shop's currency."""
    from tuckshop.domain import users
    from tuckshop.imports import csv_files
    from tuckshop.imports import products as product_files
    from tuckshop.till.callers import OPERATOR

    async with opened_shop() as shop:
        machine_id = (await find_machine(shop, machine)).id
        content = file.read(csv_files.BYTES_MAX + 1)
        told: list[str] = []
        is_watched = sys.stderr.isatty()
        with click.progressbar(length=1, file=sys.stderr) if is_watched else nullcontext() as bar:

            def progress(done: int, of: int) -> None:
                if not told and of > product_files.PORTION and not dry_run:
                    told.append(f"If this is interrupted, go on with --resume {key}.")
                    click.echo(told[0], err=True)
                if bar is not None:
                    bar.length = of
                    bar.update(done - bar.pos)

            report = await product_files.take(
                shop,
                caller=OPERATOR,
                actor=users.OPERATOR,
                content=content,
                machine_id=machine_id,
                reason=reason or product_files.REASON,
                dry_run=dry_run,
                key=_PREFIX + key,
                progress=progress,
            )
        return report, shop.currency.exponent


async def _undo(key: str) -> Undone:
    from tuckshop.domain import users
    from tuckshop.imports import portions
    from tuckshop.till.callers import OPERATOR

    async with opened_shop() as shop:
        return await portions.undo(shop, caller=OPERATOR, actor=users.OPERATOR, key=_PREFIX + key)
