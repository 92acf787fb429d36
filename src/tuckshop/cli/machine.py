"""`tuckshop machine`: machines, their keys and their shelves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tuckshop.cli import amounts, output
from tuckshop.cli.commands import FILLED, Change, Commands, Whole
from tuckshop.cli.product import find as find_product
from tuckshop.cli.product import product_argument, settle
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.domain.machines import DEFAULT_MACHINE_ID, BoxKind, CoinInput, FulfilMode, ShelfPlan
from tuckshop.domain.money import parse_price, parse_typed
from tuckshop.domain.products import QUANTITY_MAX
from tuckshop.domain.users import OPERATOR

if TYPE_CHECKING:
    from tuckshop.context import Shop
    from tuckshop.domain.money import Currency
    from tuckshop.queries.machines import Machine
    from tuckshop.queries.screens import ScreenRecord
    from tuckshop.till.commands.machines import ShelfRecord

PAGE = 1_000
BOX = click.Choice([str(kind) for kind in BoxKind])
PLANNED = {"slot": "slot", "capacity": "capacity", "par": "par_level", "price": "price_cents"}
machine_argument = click.argument("machine", metavar="MACHINE", type=FILLED)
machine_option = click.option(
    "--machine", type=FILLED, metavar="MACHINE", help="Number or name of the machine [the first machine]."
)
box_option = click.option(
    "--box",
    type=BOX,
    help="counted: coin changer, pays only with its coins; unlimited: cash drawer of a cashier.",
)
timezone_option = click.option(
    "--timezone", type=FILLED, metavar="ZONE", help="Time zone, such as Europe/Berlin."
)


RULES = {
    "coins": click.option(
        "--coins",
        "coin_input",
        type=click.Choice([str(kind) for kind in CoinInput]),
        help="drawn: buyers tap drawn coins on the machine's page, on trust; none: they cannot.",
    ),
    "fulfil": click.option(
        "--fulfil",
        type=click.Choice([str(mode) for mode in FulfilMode]),
        help="When orders from a wallet are dispensed.",
    ),
    "deposit": click.option(
        "--deposit-max", type=FILLED, metavar="AMOUNT", help="What its key can credit at a time."
    ),
    "hourly": click.option(
        "--hourly-deposit-max", type=FILLED, metavar="AMOUNT", help="What its key can credit in an hour."
    ),
}


def rule_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options for what is allowed at a machine."""
    for option in reversed(RULES.values()):
        command = option(command)
    return command


@click.group(cls=Commands)
def machine() -> None:
    """Add, list and change machines, and create their keys.

    MACHINE is a machine's number, or its name. Cash drawers are machines too.
    """


@machine.command("add", cls=Change)
@click.argument("name", type=FILLED)
@timezone_option
@box_option
def add(name: str, timezone: str | None, box: str | None) -> None:
    """Add a machine with empty shelves and an empty coin box [counted, UTC]."""
    added = run(_add(name, timezone or "UTC", BoxKind(box or BoxKind.COUNTED)))
    click.echo(f"Added machine {added.id}: {added.name}.")


@machine.command("list")
def list_() -> None:
    """List the machines."""
    found = run(_all())
    output.table(
        ("Id", "Name", "Timezone", "Coin box", "Key"),
        ((one.id, one.name, one.timezone, one.box_kind, "yes" if one.has_key else "no") for one in found),
        right=("Id",),
    )
    click.echo(f"\n{len(found):,} {'machine' if len(found) == 1 else 'machines'}")


@machine.command("show")
@machine_argument
def show(machine: str) -> None:
    """Show a machine and its contents."""
    output.facts(run(_show(machine)))


@machine.command("change", cls=Change)
@machine_argument
@click.option("--name", type=FILLED, help="A new name.")
@timezone_option
@box_option
@rule_options
def change(
    machine: str, name: str | None, timezone: str | None, box: str | None, **rules: str | None
) -> None:
    """Change a machine's name, time zone, kind of coin box, and what is allowed there."""
    given = {rule: value for rule, value in rules.items() if value is not None}
    if name is None and timezone is None and box is None and not given:
        raise click.UsageError("Nothing to change. See `tuckshop machine change --help`.")
    changed = run(_change(machine, name, timezone, None if box is None else BoxKind(box), given))
    click.echo(f"Changed machine {changed.id}: {changed.name}, {changed.timezone}, {changed.box_kind} box.")


@machine.command("key", cls=Change)
@machine_argument
def key(machine: str) -> None:
    """Create a new key for a machine and print it once. It replaces the old key.

    With it the machine can accept coins, pay out and sell; see `Authorization: Machine` at /docs.
    """
    click.echo(f"Key   {run(_key(machine))} (shown only once)")


@machine.command("pair", cls=Change)
@machine_argument
@click.option("--name", type=FILLED, default="Screen", help="What the screen is called [Screen].")
def pair(machine: str, name: str) -> None:
    """Print a code that makes a browser the machine's own screen, within 10 minutes.

    Open /kiosk on the screen and enter the code.
    """
    click.echo(f"Code   {run(_pair(machine, name))} (shown only once)")


@machine.command("screens", cls=Change)
@machine_argument
@click.option("--remove", type=Whole(1, 10**18), metavar="ID", help="Remove this screen.")
def screens(machine: str, remove: int | None) -> None:
    """List the screens of a machine, or remove one."""
    found = run(_screens(machine, remove))
    output.table(
        ("Id", "Name", "Status"),
        ((one.id, one.name, "waits for its code" if one.paired_us is None else "paired") for one in found),
        right=("Id",),
    )
    click.echo(f"\n{len(found):,} {'screen' if len(found) == 1 else 'screens'}")


@machine.group("shelves", cls=Commands)
def shelves() -> None:
    """Show and change the planogram of a machine."""


@shelves.command("show")
@machine_argument
def show_shelves(machine: str) -> None:
    """List a machine's shelves."""
    found, currency = run(_shelves(machine))
    output.table(
        ("Slot", "Id", "Name", "Stock", "Capacity", "Par", f"Price {currency.code}"),
        (
            (
                one.slot,
                one.product_id,
                one.name,
                f"{one.quantity:,}",
                one.capacity,
                one.par_level,
                None if one.price_cents is None else amounts.show(one.price_cents, currency),
            )
            for one in sorted(found, key=lambda one: (one.slot is None, one.slot, one.product_id))
        ),
        right=("Id", "Stock", "Capacity", "Par", f"Price {currency.code}"),
    )
    click.echo(f"\n{len(found):,} {'shelf' if len(found) == 1 else 'shelves'}; no price: the product's own")


@shelves.command("set", cls=Change)
@machine_argument
@product_argument
@click.option("--slot", type=FILLED, help="What buyers type to choose the product, such as A1.")
@click.option("--capacity", type=Whole(1, QUANTITY_MAX), help="Pieces that fit.")
@click.option("--par", type=Whole(0, QUANTITY_MAX), help="Refill level: the stock after a refill.")
@click.option("--price", type=FILLED, metavar="AMOUNT", help="Price in this machine only.")
@click.option("--clear", type=click.Choice(list(PLANNED)), multiple=True, help="Remove this value.")
def set_shelf(machine: str, product: str, clear: tuple[str, ...], **given: Any) -> None:
    """Change a product's shelf in a machine. Options that are not given stay as they are."""
    named = {name: value for name, value in given.items() if value is not None}
    if not named and not clear:
        raise click.UsageError("Nothing to set. Give one of --slot, --capacity, --par, --price or --clear.")
    for name in clear:
        if name in named:
            raise click.UsageError(f"Either --{name} or --clear {name}.")
    stands = run(_set_shelf(machine, product, named | dict.fromkeys(clear)))
    slot = f" in slot {stands.slot}" if stands.slot else ""
    click.echo(f"{stands.name}{slot}: {stands.quantity:,} in stock.")


async def find(shop: Shop, machine: str | None) -> Machine:
    """The machine of this number or name; None: the first. Raises UnknownMachine."""
    from tuckshop.queries import machines

    if machine is None:
        return await machines.find(shop, machine_id=DEFAULT_MACHINE_ID)
    # As with products: the number first.
    if machine.isascii() and machine.isdigit() and len(machine) <= 18:
        return await machines.find(shop, machine_id=int(machine))
    return await machines.find_by_name(shop, name=machine)


async def _add(name: str, timezone: str, box_kind: BoxKind) -> Machine:
    from tuckshop.operations import machines

    async with opened_shop() as shop:
        return await machines.add(shop, actor=OPERATOR, name=name, timezone=timezone, box_kind=box_kind)


async def _all() -> list[Machine]:
    from tuckshop.queries import machines

    found: list[Machine] = []
    async with opened_shop() as shop:
        while page := await machines.page(shop, after_id=found[-1].id if found else 0, limit=PAGE):
            found += page
    return found


async def _show(machine: str) -> list[tuple[str, object]]:
    from tuckshop.queries import machines

    async with opened_shop() as shop:
        one = await find(shop, machine)
        coins = await machines.coins(shop, actor=OPERATOR, machine_id=one.id)
        stands = await _every_shelf(shop, one.id)
        return [
            ("Id", one.id),
            ("Name", one.name),
            ("Timezone", one.timezone),
            ("Coin box", one.box_kind),
            ("Coins", amounts.tell(coins.amount_cents, shop.currency)),
            ("Change", "exact change only" if one.exact_money_only else "yes"),
            ("Shelves", f"{len(stands):,}"),
            ("Pieces", f"{sum(shelf.quantity for shelf in stands):,}"),
            ("Key", "yes" if one.has_key else "no"),
            ("Coins on the screen", one.rules.coin_input),
            ("Orders from a wallet", one.rules.fulfil),
            ("Largest deposit", amounts.tell(one.rules.deposit_cents_max, shop.currency)),
            ("Deposits an hour", amounts.tell(one.rules.hourly_deposit_cents_max, shop.currency)),
        ]


async def _change(
    machine: str, name: str | None, timezone: str | None, box_kind: BoxKind | None, given: dict[str, str]
) -> Machine:
    from tuckshop.operations import machines

    async with opened_shop() as shop:
        found = await find(shop, machine)
        rules: dict[str, Any] = dict(given)
        for name_of_limit in ("deposit_max", "hourly_deposit_max"):
            if name_of_limit in rules:
                rules[name_of_limit.replace("_max", "_cents_max")] = parse_typed(
                    rules.pop(name_of_limit), exponent=shop.currency.exponent, field=name_of_limit
                )
        return await machines.change(
            shop,
            actor=OPERATOR,
            machine_id=found.id,
            name=name,
            timezone=timezone,
            box_kind=box_kind,
            rules=rules,
        )


async def _key(machine: str) -> str:
    from tuckshop.operations import machines

    async with opened_shop() as shop:
        return await machines.new_key(shop, actor=OPERATOR, machine_id=(await find(shop, machine)).id)


async def _pair(machine: str, name: str) -> str:
    from tuckshop.operations import screens

    async with opened_shop() as shop:
        machine_id = (await find(shop, machine)).id
        return await screens.new_code(shop, actor=OPERATOR, machine_id=machine_id, name=name)


async def _screens(machine: str, remove: int | None) -> list[ScreenRecord]:
    from tuckshop.operations import screens as operations
    from tuckshop.queries import screens

    async with opened_shop() as shop:
        machine_id = (await find(shop, machine)).id
        if remove is not None:
            await operations.end(shop, actor=OPERATOR, machine_id=machine_id, screen_id=remove)
        return await screens.of_machine(shop, actor=OPERATOR, machine_id=machine_id)


async def _shelves(machine: str) -> tuple[list[ShelfRecord], Currency]:
    async with opened_shop() as shop:
        return await _every_shelf(shop, (await find(shop, machine)).id), shop.currency


async def _every_shelf(shop: Shop, machine_id: int) -> list[ShelfRecord]:
    from tuckshop.queries import machines

    found: list[ShelfRecord] = []
    while page := await machines.shelves_of(
        shop,
        actor=OPERATOR,
        machine_id=machine_id,
        after_id=found[-1].product_id if found else 0,
        limit=PAGE,
    ):
        found += page
    return found


async def _set_shelf(machine: str, product: str, named: dict[str, Any]) -> ShelfRecord:
    from tuckshop.till import callers
    from tuckshop.till.commands.machines import SetShelves, ShelvesSet

    async with opened_shop() as shop:
        machine_id = (await find(shop, machine)).id
        product_id = (await find_product(shop, product)).product_id
        # A plan is for a machine as a whole: the other shelves are told to stand as they do.
        plans = {
            one.product_id: ShelfPlan(one.product_id, one.slot, one.capacity, one.par_level, one.price_cents)
            for one in await _every_shelf(shop, machine_id)
        }
        if named.get("price") is not None:
            named["price"] = parse_price(named["price"], currency=shop.currency)
        figures = {PLANNED[name]: value for name, value in named.items()}
        plan = replace(plans.pop(product_id, ShelfPlan(product_id)), **figures)
        others = (one for one in plans.values() if one != ShelfPlan(one.product_id))
        receipt = await settle(shop, SetShelves(callers.OPERATOR, machine_id, (plan, *others)))
        assert isinstance(receipt, ShelvesSet)
        return receipt.shelves[0]
