"""`tuckshop user selling`: how much a seller may have in the shop, and at which machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuckshop.cli import output
from tuckshop.cli.commands import FILLED, Change
from tuckshop.cli.machine import find as find_machine
from tuckshop.cli.shop_access import opened_shop, run

if TYPE_CHECKING:
    from tuckshop.queries.selling import Selling

AS_FOR_ALL = "default"
_LABELS = {
    "products": "Products on sale",
    "pieces": "Pieces on shelves",
    "picture_bytes": "Bytes of pictures",
}


@click.command(cls=Change)
@click.argument("name", metavar="NAME", type=FILLED)
@click.option("--products", metavar="NUMBER", help="Products that can be on sale.")
@click.option("--pieces", metavar="NUMBER", help="Pieces that can be on all shelves together.")
@click.option("--picture-bytes", metavar="NUMBER", help="Bytes that all pictures can have together.")
@click.option(
    "--invite",
    type=FILLED,
    metavar="MACHINE",
    multiple=True,
    help="Sell at this machine too; can be repeated.",
)
@click.option(
    "--uninvite",
    type=FILLED,
    metavar="MACHINE",
    multiple=True,
    help="No longer; what is there is still sold.",
)
def selling(
    name: str,
    products: str | None,
    pieces: str | None,
    picture_bytes: str | None,
    invite: tuple[str, ...],
    uninvite: tuple[str, ...],
) -> None:
    """Show or change how much the seller NAME can have, and at which machines.

    NUMBER can be `default`, the quota of all sellers. Every seller sells at the first machine.
    """
    typed = {"products": products, "pieces": pieces, "picture_bytes": picture_bytes}
    quota = {field: _number(value) for field, value in typed.items() if value is not None}
    found, machines = run(_selling(name, quota, invite, uninvite))
    output.facts([*_used(found), ("Other machines", ", ".join(machines) or "none")])


def _used(found: Selling) -> list[tuple[str, object]]:
    told: list[tuple[str, object]] = []
    for field, label in _LABELS.items():
        usual = "" if field in found.own else " (default)"
        told.append((label, f"{getattr(found.used, field):,} of {getattr(found.quota, field):,}{usual}"))
    return told


def _number(typed: str) -> int | None:
    if typed == AS_FOR_ALL:
        return None
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 18):
        raise click.UsageError(f"{typed!r} is not a whole number. Give one, or `{AS_FOR_ALL}`.")
    return int(typed)


async def _selling(
    name: str, quota: dict[str, int | None], invite: tuple[str, ...], uninvite: tuple[str, ...]
) -> tuple[Selling, list[str]]:
    from tuckshop.domain.users import OPERATOR
    from tuckshop.identity import users
    from tuckshop.operations import selling as selling_operations
    from tuckshop.queries import machines
    from tuckshop.queries import selling as selling_queries

    async with opened_shop() as shop:
        user_id = (await users.find_by_name(shop, username=name)).id
        found = await selling_queries.find(shop, actor=OPERATOR, user_id=user_id)
        if quota or invite or uninvite:
            invited = {(await find_machine(shop, one)).id for one in invite}
            ended = {(await find_machine(shop, one)).id for one in uninvite}
            found = await selling_operations.change(
                shop,
                actor=OPERATOR,
                user_id=user_id,
                quota=quota,
                machines={*found.machines, *invited} - ended if invite or uninvite else None,
            )
        return found, [(await machines.find(shop, machine_id=one)).name for one in found.machines]
