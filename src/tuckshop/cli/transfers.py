"""`tuckshop topup` and `tuckshop payout`: money that came to the bank, or went from it."""

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
    "--ref", required=True, type=FILLED, help="The bank's reference. Each counts once: repeating is safe."
)


@click.command(cls=Command)
@click.argument("user", type=FILLED)
@click.argument("amount", type=FILLED)
@ref_option
@reason_option
def topup(user: str, amount: str, ref: str, reason: str | None) -> None:
    """Put AMOUNT, which came to the bank, into the wallet of USER."""
    moved, currency = run(_top_up(user, amount, ref, checked_reason(reason)))
    added, held = (amounts.tell(cents, currency) for cents in (moved.amount_cents, moved.balance_cents))
    click.echo(f"{added} added; {user} has {held} now.")


@click.command(cls=Command)
@click.argument("seller", type=FILLED)
@ref_option
@click.option("--amount", type=FILLED, help="Less than all that is payable, like 25.00.")
@reason_option
def payout(seller: str, ref: str, amount: str | None, reason: str | None) -> None:
    """Book that SELLER was paid by the bank: all that is payable, or --amount.

    Payable is what was handed out, paid for, and cannot be given back any more.
    """
    paid, currency = run(_pay_out(seller, ref, amount, checked_reason(reason)))
    told, left, payable = (
        amounts.tell(cents, currency) for cents in (paid.amount_cents, paid.balance_cents, paid.payable_cents)
    )
    click.echo(f"{told} paid to {seller}; {left} left, of which {payable} payable.")


async def _top_up(user: str, amount: str, ref: str, reason: str | None) -> tuple[MoneyMoved, Currency]:
    from tuckshop.identity import users as accounts
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.transfers import MoneyMoved, TopUp

    async with opened_shop() as shop:
        cents = money.parse(amount, exponent=shop.currency.exponent)
        found = await accounts.find_by_name(shop, username=user)
        moved = await settle(shop, TopUp(OPERATOR, wallet_of(found.id), cents, ref, reason))
        assert isinstance(moved, MoneyMoved)
        return moved, shop.currency


async def _pay_out(
    seller: str, ref: str, amount: str | None, reason: str | None
) -> tuple[SellerPaid, Currency]:
    from tuckshop.identity import users as accounts
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.transfers import PaySeller, SellerPaid

    async with opened_shop() as shop:
        cents = None if amount is None else money.parse(amount, exponent=shop.currency.exponent)
        found = await accounts.find_by_name(shop, username=seller)
        paid = await settle(shop, PaySeller(OPERATOR, found.id, ref, cents, reason))
        assert isinstance(paid, SellerPaid)
        return paid, shop.currency
