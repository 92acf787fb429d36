"""`tuckshop topup`, `payout` and `transfer`: bank transfers received, payouts to sellers, corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tuckshop.cli import amounts
from tuckshop.cli.commands import FILLED, Change, Commands, Whole
from tuckshop.cli.product import settle
from tuckshop.cli.shop_access import opened_shop, run
from tuckshop.cli.stock import checked_reason, reason_option
from tuckshop.domain import money
from tuckshop.domain.ledger import wallet_of

if TYPE_CHECKING:
    from tuckshop.domain.money import Currency
    from tuckshop.till.commands.transfers import MoneyMoved, SellerPaid, TransferReversed

ref_option = click.option(
    "--ref",
    required=True,
    type=FILLED,
    help="The bank's reference. Each is recorded once, so repeating is safe.",
)


@click.command(cls=Change)
@click.argument("user", type=FILLED)
@click.argument("amount", type=FILLED)
@ref_option
@reason_option
def topup(user: str, amount: str, ref: str, reason: str | None) -> None:
    """Add a bank transfer of AMOUNT to the wallet of USER."""
    moved, currency = run(_top_up(user, amount, ref, checked_reason(reason)))
    added, held = (amounts.tell(cents, currency) for cents in (moved.amount_cents, moved.balance_cents))
    click.echo(f"{added} added; {user} has {held} now.")


@click.command(cls=Change)
@click.argument("seller", type=FILLED)
@ref_option
@click.option("--amount", type=FILLED, help="Less than everything payable, such as 25.00.")
@click.option(
    "--confirm-uncovered",
    is_flag=True,
    help="Pay even if buyers declare their own coins, and the shop has not seen that much money.",
)
@reason_option
def payout(seller: str, ref: str, amount: str | None, reason: str | None, *, confirm_uncovered: bool) -> None:
    """Record a bank payout to SELLER: everything payable, or --amount.

    Payable: completed, paid, can no longer be returned, and past the payout delay.
    """
    paid, currency = run(_pay_out(seller, ref, amount, checked_reason(reason), confirm_uncovered))
    told, left, payable = (
        amounts.tell(cents, currency) for cents in (paid.amount_cents, paid.balance_cents, paid.payable_cents)
    )
    click.echo(f"{told} paid to {seller}; {left} left, of which {payable} payable.")


@click.group(cls=Commands)
def transfer() -> None:
    """Correct mistakes in the books."""


@transfer.command("reverse", cls=Change)
@click.argument("number", metavar="ID", type=Whole(1, 10**18 - 1))
@click.option("--reason", required=True, type=FILLED, help="What was wrong. The user sees it.")
@click.option("--owe", is_flag=True, help="Put what the wallet lacks on the user's tab.")
def reverse(number: int, reason: str, owe: bool) -> None:  # As click calls it.
    """Reverse the transfer with the number ID, once.

    Deposits, payouts, settlements, top-ups and payouts to sellers can be reversed; a settlement in coins
    together with its deposit. Statements show the numbers. Refund sales, and count coin boxes instead.
    """
    back, currency = run(_reverse(number, checked_reason(reason) or "", owe=owe))
    click.echo(
        f"Transfer {number} ({back.kind}, {amounts.tell(back.amount_cents, currency)}) is reversed by"
        f" transfer {back.transfer_id}."
    )
    for told, cents in (
        ("The wallet has {} now.", back.balance_cents),
        ("{} went on the tab.", back.charged_cents or None),
        ("The tab owes {} now.", back.owed_cents or None),
    ):
        if cents is not None:
            click.echo(told.format(amounts.tell(cents, currency)))
    for value, count in back.coins.items():
        way = "put into" if count > 0 else "take out of"
        click.echo(f"Coins to {way} the coin box: {abs(count)} x {amounts.tell(value, currency)}.")


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
    seller: str, ref: str, amount: str | None, reason: str | None, confirm_uncovered: bool
) -> tuple[SellerPaid, Currency]:
    from tuckshop.identity import users
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.transfers import PaySeller, SellerPaid

    async with opened_shop() as shop:
        cents = None if amount is None else money.parse(amount, exponent=shop.currency.exponent)
        found = await users.find_by_name(shop, username=seller)
        paid = await settle(shop, PaySeller(OPERATOR, found.id, ref, cents, reason, confirm_uncovered))
        assert isinstance(paid, SellerPaid)
        return paid, shop.currency


async def _reverse(number: int, reason: str, *, owe: bool) -> tuple[TransferReversed, Currency]:
    from tuckshop.till.callers import OPERATOR
    from tuckshop.till.commands.transfers import ReverseTransfer, TransferReversed

    async with opened_shop() as shop:
        back = await settle(shop, ReverseTransfer(OPERATOR, number, reason, owe))
        assert isinstance(back, TransferReversed)
        return back, shop.currency
