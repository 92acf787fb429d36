"""`tuckshop audit`: are the books right?"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import click

from tuckshop.cli import output
from tuckshop.cli.commands import EXIT_FOUND, Command
from tuckshop.cli.shop_access import run

if TYPE_CHECKING:
    from tuckshop.operations.audit import Report


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@click.pass_context
def audit(ctx: click.Context, *, as_json: bool) -> None:
    """Prove that every coin, every piece and every order is accounted for.

    Looks at one instant of the books and stops nobody; /metrics tells when that was and what it found.
    Exit code 0: all is well; 1: something is wrong.
    """
    report = run(_examine())
    if as_json:
        click.echo(json.dumps({"clean": report.clean, **dataclasses.asdict(report)}, indent=2, default=str))
    else:
        _show(report)
    if not report.clean:
        ctx.exit(EXIT_FOUND)


async def _examine() -> Report:
    from tuckshop import settings
    from tuckshop.operations.audit import audit_and_record
    from tuckshop.operations.startup import system_clock
    from tuckshop.store.engine import check, opened_engine

    given = settings.read()
    async with opened_engine(given.url) as engine:
        # What a power cut may do is no question of the books as they are.
        await check(engine, unsafe_durability=True)
        return await audit_and_record(engine, now_us=system_clock())


def _show(report: Report) -> None:
    output.table(
        ("Rule", "Rows", "Wrong"),
        ((check.name, f"{check.rows:,}", f"{check.problem_count:,}") for check in report.checks),
        right=("Rows", "Wrong"),
    )
    for check in report.checks:
        if check.problem_count:
            click.echo(f"\n{check.name}: {check.problem_count:,} wrong")
            for problem in check.problems:
                click.echo("  " + ", ".join(f"{name} {value}" for name, value in problem.items()))
            if check.problem_count > len(check.problems):
                click.echo(f"  ... and {check.problem_count - len(check.problems):,} more")
    click.echo("\nThe books are right." if report.clean else "\nThe books are WRONG: see above.")
