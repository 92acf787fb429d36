"""`tuckshop topup` and `tuckshop payout`: bank transfers received and payouts to sellers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuckshop.cli import amounts
from tuckshop.cli.commands import FILLED, Command
from tuckshop.cli.product import settle
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.cli.stock import checked_reason, reason_option
from tuckshop.domain import money
from tuckshop.domain.ledger import wallet_of

if TYPE_CHECKING:
    from tuckshop.domain.money import Currency
    from tuckshop.till.commands.transfers import MoneyMoved, SellerPaid

ref_option = click.option(
    "--ref",
    required=True,
    type=FILLED,
    help="The bank's reference. Each is recorded once, so repeating is safe.",
)


@click.command(cls=Command)
@click.argument("user", type=FILLED)
@click.argument("amount", type=FILLED)
@ref_option
@reason_option
def topup(user: str, amount: str, ref: str, reason: str | None) -> None:
    """Add a bank transfer of AMOUNT to the wallet of USER."""
    moved, currency = run(_top_up(user, amount, ref, checked_reason(reason)))
    added, held = (amounts.tell(cents, currency) for cents in (moved.amount_cents, moved.balance_cents))
    click.echo(f"{added} added; {user} has {held} now.")


@click.command(cls=Command)
@click.argument("seller", type=FILLED)
@ref_option
@click.option("--amount", type=FILLED, help="Less than everything payable, such as 25.00.")
@reason_option
def payout(seller: str, ref: str, amount: str | None, reason: str | None) -> None:
    """Record a bank payout to SELLER: everything payable, or --amount.

    Payable: completed, paid, and can no longer be returned.
    """
    paid, currency = run(_pay_out(seller, ref, amount, checked_reason(reason)))
    told, left, payable = (
        amounts.tell(cents, currency) for cents in (paid.amount_cents, paid.balance_cents, paid.payable_cents)
    )
    click.echo(f"{told} paid to {seller}; {left} left, of which {payable} payable.")


async def _top_up(user: str, amount: str, ref: str, reason: str | None) -> tuple[MoneyMoved, Currency]:
    from tuckshop.identity import users
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.transfers import MoneyMoved, TopUp

    async with opened_shop() as shop:
        cents = money.parse(amount, exponent=shop.currency.exponent)
        found = await users.find_by_name(shop, username=user)
        moved = await settle(shop, TopUp(OPERATOR, wallet_of(found.id), cents, ref, reason))
        assert isinstance(moved, MoneyMoved)
        return moved, shop.currency


async def _pay_out(
    seller: str, ref: str, amount: str | None, reason: str | None
) -> tuple[SellerPaid, Currency]:
    from tuckshop.identity import users
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.transfers import PaySeller, SellerPaid

    async with opened_shop() as shop:
        cents = None if amount is None else money.parse(amount, exponent=shop.currency.exponent)
        found = await users.find_by_name(shop, username=seller)
        paid = await settle(shop, PaySeller(OPERATOR, found.id, ref, cents, reason))
        assert isinstance(paid, SellerPaid)
        return paid, shop.currency
