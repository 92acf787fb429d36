"""`tuckshop tab`: tabs: what buyers owe, their limits and settlements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tuckshop.cli import amounts, output
from tuckshop.cli.coins import COIN, known
from tuckshop.cli.commands import FILLED, Change, Commands
from tuckshop.cli.machine import find as find_machine
from tuckshop.cli.machine import machine_option
from tuckshop.cli.product import settle as settle_command
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.domain import money
from tuckshop.domain.money import parse_price
from tuckshop.domain.users import OPERATOR

if TYPE_CHECKING:
    from tuckshop.context import Shop
    from tuckshop.domain.money import Currency
    from tuckshop.queries.tabs import Tab
    from tuckshop.till.commands.tabs import TabSettled

PAGE = 1_000
AS_SETTING, AS_IF_NEW = "default", "none"
user_argument = click.argument("user", type=FILLED)


@click.group(cls=Commands)
def tab() -> None:
    """Show tabs, set their limits and settle them."""


@tab.command("list")
def list_() -> None:
    """List users who owe money or have their own limit."""
    found, currency = run(_all())
    owed, limit = f"Owed {currency.code}", f"Limit {currency.code}"
    output.table(
        ("Id", "Name", owed, limit),
        (
            (
                one.user_id,
                one.username,
                amounts.show(one.owed_cents, currency),
                amounts.show(one.limit_cents, currency),
            )
            for one in found
        ),
        right=("Id", owed, limit),
    )
    told = amounts.tell(sum(one.owed_cents for one in found), currency)
    click.echo(f"\n{len(found):,} {'tab' if len(found) == 1 else 'tabs'}, {told} owed")


@tab.command("show")
@user_argument
def show(user: str) -> None:
    """Show the tab of USER and its limit."""
    one, currency = run(_show(user))
    output.facts(
        [
            ("Name", one.username),
            ("Owed", amounts.tell(one.owed_cents, currency)),
            ("Limit", f"{amounts.tell(one.limit_cents, currency)}{_grant(one)}"),
        ]
    )


@tab.command("limit", cls=Change)
@user_argument
@click.argument("limit", metavar="AMOUNT", type=FILLED)
def limit(user: str, limit: str) -> None:
    """Set the tab limit of USER to AMOUNT, which approves the tab.

    `default`: TUCKSHOP_TAB_LIMIT_CENTS. 0: no tab. `none`: as if nothing had been set.
    """
    one, currency = run(_limit(user, limit))
    click.echo(f"{one.username} may owe up to {amounts.tell(one.limit_cents, currency)}.")


@tab.command("settle", cls=Change)
@user_argument
@click.argument("coins", metavar="[COIN...]", nargs=-1, type=COIN)
@click.option("--amount", type=FILLED, help="The amount received, such as 12.50.")
@click.option("--ref", type=FILLED, help="The bank's reference. Each is recorded once, so repeating is safe.")
@machine_option
def settle(
    user: str, coins: tuple[tuple[int, int], ...], amount: str | None, ref: str | None, machine: str | None
) -> None:
    """Settle the tab of USER: in coins (50x2) at a machine, or by bank transfer with --amount and --ref.

    Coins above what is owed go to the wallet.
    """
    by_bank = amount is not None and ref is not None
    if bool(coins) == by_bank or (coins and (amount or ref)) or (by_bank and machine):
        raise click.UsageError(
            "Give either the coins that were paid, or --amount and --ref of the bank transfer."
        )
    settled, currency = run(_settle(user, coins, amount, ref, machine))
    paid, owed, held = (
        amounts.tell(cents, currency)
        for cents in (settled.amount_cents, settled.owed_cents, settled.balance_cents)
    )
    click.echo(f"{paid} settled; {user} owes {owed}, and has {held} in the wallet.")


def _grant(one: Tab) -> str:
    if one.own_limit:
        return ""
    return " (default)" if one.approved else " (not approved)"


async def _all() -> tuple[list[Tab], Currency]:
    from tuckshop.queries import tabs

    found: list[Tab] = []
    async with opened_shop() as shop:
        while page := await tabs.page(shop, after_id=found[-1].user_id if found else 0, limit=PAGE):
            found += page
        return found, shop.currency


async def _show(user: str) -> tuple[Tab, Currency]:
    from tuckshop.queries import tabs

    async with opened_shop() as shop:
        return await tabs.find(shop, user_id=await _user_id(shop, user)), shop.currency


async def _limit(user: str, limit: str) -> tuple[Tab, Currency]:
    from tuckshop.operations import tabs

    async with opened_shop() as shop:
        cents = (
            None
            if limit in (AS_SETTING, AS_IF_NEW)
            else parse_price(limit, currency=shop.currency, field="limit", cents_min=0)
        )
        user_id = await _user_id(shop, user)
        kept = await tabs.set_limit(
            shop, actor=OPERATOR, user_id=user_id, limit_cents=cents, approved=limit != AS_IF_NEW
        )
        return kept, shop.currency


async def _settle(
    user: str,
    pairs: Sequence[tuple[int, int]],
    amount: str | None,
    ref: str | None,
    machine: str | None,
) -> tuple[TabSettled, Currency]:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.tabs import SettleTab, TabSettled

    async with opened_shop() as shop:
        user_id = await _user_id(shop, user)
        if amount is None:
            coins = known(pairs, shop.currency)
            machine_id = (await find_machine(shop, machine)).id
            command = SettleTab(OPERATOR, user_id, coins=coins, machine_id=machine_id)
        else:
            cents = money.parse(amount, exponent=shop.currency.exponent)
            command = SettleTab(OPERATOR, user_id, amount_cents=cents, external_ref=ref)
        settled = await settle_command(shop, command)
        assert isinstance(settled, TabSettled)
        return settled, shop.currency


async def _user_id(shop: Shop, user: str) -> int:
    from tuckshop.identity import users

    return (await users.find_by_name(shop, username=user)).id
