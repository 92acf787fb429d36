"""Coins as somebody has counted them into a form: a field for each, called after what it is worth."""

from __future__ import annotations

from collections.abc import Sequence

from tuckshop.domain.coins import PIECES_MAX
from tuckshop.domain.field_problems import NoCoins
from tuckshop.domain.machines import COUNTED_MAX
from tuckshop.domain.money import Currency, Denomination
from tuckshop.domain.refusals import CoinsMissing, InvalidField, Refusal
from tuckshop.web.ui.bound_form import Filled

ALL = "coins"
"""What is complained of where no single coin is at fault."""


def of(currency: Currency) -> list[Denomination]:
    """Every coin and note, the largest first."""
    return sorted(currency.denominations, key=lambda one: one.value_cents, reverse=True)


def taken(currency: Currency) -> list[Denomination]:
    """Those that may be put in."""
    return [one for one in of(currency) if one.accepted]


def names(values: Sequence[int]) -> tuple[str, ...]:
    """The fields."""
    return tuple(f"coin-{value}" for value in values)


def carried(form: Filled, values: Sequence[int]) -> dict[int, int]:
    """The coins that move; what is left out does not. Complains if there are none at all."""
    told = [value for value in values if form.typed[f"coin-{value}"].strip()]
    coins = {value: form.whole(f"coin-{value}", most=PIECES_MAX) for value in told}
    moving = {value: pieces for value, pieces in coins.items() if pieces}
    if not moving and not form.is_wrong:
        form.complain(ALL, NoCoins())
    return moving


def counted(form: Filled, values: Sequence[int]) -> dict[int, int]:
    """How many there are of each: a field that is left out is no 0."""
    return {value: form.whole(f"coin-{value}", most=COUNTED_MAX) for value in values}


def refuse(form: Filled, refusal: Refusal, *, beside: dict[type[Refusal], str] | None = None) -> None:
    """As `Filled.refuse`, with what is wrong with coins beside them."""
    if isinstance(refusal, InvalidField) and refusal.field in ("coins", "counted"):
        form.complain(ALL, refusal.problem)
        return
    if isinstance(refusal, CoinsMissing):
        beside = {**(beside or {}), CoinsMissing: f"coin-{refusal.value_cents}"}
    form.refuse(refusal, beside=beside)
