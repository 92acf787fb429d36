"""`tuckshop coins`: the coin boxes: show, fill, count, collect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from tuckshop.cli import amounts, output
from tuckshop.cli.commands import Change, Commands
from tuckshop.cli.machine import find, machine_option
from tuckshop.cli.product import settle
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.cli.stock import checked_reason, reason_option
from tuckshop.domain.users import OPERATOR

if TYPE_CHECKING:
    from tuckshop.domain.money import Currency
    from tuckshop.queries.machines import Coins
    from tuckshop.till.commands.machines import CoinsCarried, CoinsCounted


class Times(click.ParamType[tuple[int, int]]):
    """So many of one thing, written `like` this."""

    name = "times"

    def __init__(self, like: str, what: str) -> None:
        self.like = like
        self.what = what

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """(which, how many); fails in one line."""
        match = re.fullmatch("([0-9]{1,12})x([0-9]{1,7})", value, re.ASCII)
        if match is None:
            self.fail(
                f"{value!r} is not valid. Write it as {self.like}: {self.what}, an x, and how many.",
                param,
                ctx,
            )
        return int(match[1]), int(match[2])


COIN = Times("50x2", "the coin in cents")
COINS = click.argument("coins", metavar="COIN...", nargs=-1, required=True, type=COIN)


@click.group(cls=Commands)
def coins() -> None:
    """Fill, count and collect coin boxes.

    Write coins as 50x2: two coins of 50 cents.
    """


@coins.command("show")
@machine_option
def show(machine: str | None) -> None:
    """Show the coins in a machine's coin box."""
    held, currency = run(_show(machine))
    _table(held.held, currency)
    click.echo(f"\n{amounts.tell(held.amount_cents, currency)}")


@coins.command("fill", cls=Change)
@COINS
@machine_option
@reason_option
def fill(coins: tuple[tuple[int, int], ...], machine: str | None, reason: str | None) -> None:
    """Add coins from the bank to a machine's coin box."""
    moved, name, currency = run(_carry(coins, machine, checked_reason(reason), out=False))
    click.echo(f"{amounts.tell(moved.amount_cents, currency)} added to the coin box of {name}.")


@coins.command("collect", cls=Change)
@COINS
@machine_option
@reason_option
def collect(coins: tuple[tuple[int, int], ...], machine: str | None, reason: str | None) -> None:
    """Collect coins from a machine's coin box for the bank."""
    moved, name, currency = run(_carry(coins, machine, checked_reason(reason), out=True))
    click.echo(f"{amounts.tell(moved.amount_cents, currency)} collected from the coin box of {name}.")


@coins.command("count", cls=Change)
@COINS
@machine_option
@reason_option
def count(coins: tuple[tuple[int, int], ...], machine: str | None, reason: str | None) -> None:
    """Record the coins that were counted in a machine. Name every coin; write 20x0 for none.

    The difference is recorded as over or short.
    """
    found, currency = run(_count(coins, machine, checked_reason(reason)))
    output.table(
        ("Coin", "Expected", "Counted", "Difference"),
        (
            (value, f"{found.expected[value]:,}", f"{pieces:,}", f"{pieces - found.expected[value]:+,}")
            for value, pieces in found.counted.items()
        ),
        right=("Coin", "Expected", "Counted", "Difference"),
    )
    difference = found.over_short_cents
    told = amounts.tell(abs(difference), currency)
    click.echo(f"\n{told} {'over' if difference > 0 else 'short'}" if difference else "\nAs expected")


def known(pairs: Sequence[tuple[int, int]], currency: Currency) -> dict[int, int]:
    """Coins by their values. Raises click.UsageError for one that the shop does not have, or named twice."""
    values = ", ".join(str(value) for value in reversed(currency.values_cents))
    coins: dict[int, int] = {}
    for value, pieces in pairs:
        if value not in currency.values_cents:
            raise click.UsageError(f"This shop has no coin of {value}. Use one of {values}.")
        if value in coins:
            raise click.UsageError(f"The coin {value} is named twice.")
        coins[value] = pieces
    return coins


async def _show(machine: str | None) -> tuple[Coins, Currency]:
    from tuckshop.queries import machines

    async with opened_shop() as shop:
        machine_id = (await find(shop, machine)).id
        return await machines.coins(shop, actor=OPERATOR, machine_id=machine_id), shop.currency


async def _carry(
    pairs: Sequence[tuple[int, int]], machine: str | None, reason: str | None, *, out: bool
) -> tuple[CoinsCarried, str, Currency]:
    from tuckshop.till import callers
    from tuckshop.till.commands.machines import CoinsCarried, CollectCoins, FillCoins

    async with opened_shop() as shop:
        coins = known(pairs, shop.currency)
        found = await find(shop, machine)
        act = CollectCoins if out else FillCoins
        moved = await settle(shop, act(callers.OPERATOR, found.id, coins, reason))
        assert isinstance(moved, CoinsCarried)
        return moved, found.name, shop.currency


async def _count(
    pairs: Sequence[tuple[int, int]], machine: str | None, reason: str | None
) -> tuple[CoinsCounted, Currency]:
    from tuckshop.till import callers
    from tuckshop.till.commands.machines import CoinsCounted, CountCoins

    async with opened_shop() as shop:
        coins = known(pairs, shop.currency)
        for value in reversed(shop.currency.values_cents):
            if value not in coins:
                raise click.UsageError(
                    f"The count has no coin of {value}. Add it, or write {value}x0 for none."
                )
        machine_id = (await find(shop, machine)).id
        found = await settle(shop, CountCoins(callers.OPERATOR, machine_id, coins, reason))
        assert isinstance(found, CoinsCounted)
        return found, shop.currency


def _table(held: dict[int, int], currency: Currency) -> None:
    worth = f"Worth {currency.code}"
    output.table(
        ("Coin", "Pieces", worth),
        ((value, f"{pieces:,}", amounts.show(value * pieces, currency)) for value, pieces in held.items()),
        right=("Coin", "Pieces", worth),
    )
