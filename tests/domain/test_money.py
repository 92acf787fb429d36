"""Amounts: whole minor units inside, text only at the edge, and a currency that change can be given in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuckshop.domain.field_problems import AmountOutOfRange, TooManyDecimals
from tuckshop.domain.money import (
    BALANCE_CENTS_MAX,
    DENOMINATIONS_MAX,
    EURO,
    PRICE_CENTS_MAX,
    Currency,
    Denomination,
    DenominationKind,
    check_price,
    parse,
    parse_price,
    parse_typed,
    show,
)
from tuckshop.domain.refusals import InvalidField


def tokens(*values: int) -> Currency:
    return Currency("XTS", 0, tuple(Denomination(v, DenominationKind.COIN, True, True) for v in values))


@pytest.mark.parametrize(
    ("text", "cents"),
    [("2.20", 220), ("2.2", 220), ("2", 200), ("0.05", 5), ("0", 0), ("007", 700), ("1000000.00", 10**8)],
)
def test_reads_an_amount_as_people_write_it(text: str, cents: int) -> None:
    assert parse(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2,20",
        "-1",
        "+1",
        "1.",
        ".5",
        "1e3",
        "NaN",
        "1 000",
        "1_000",
        "2.20\n",
        " 2",
        "٣",
        "0x10",
        "²",
    ],
)
def test_refuses_what_is_not_a_plain_decimal(text: str) -> None:
    with pytest.raises(InvalidField, match="not-a-decimal"):
        parse(text, field="price")


def test_a_typed_amount_may_have_a_comma() -> None:
    assert parse_typed("2,20") == parse_typed("2.20") == 220
    for text in ("1.234,50", "1,234,50", "1,234.50", "1,234", ",5", "-1,00", ""):
        with pytest.raises(InvalidField):
            parse_typed(text)


def test_refuses_more_decimals_than_the_currency_has() -> None:
    assert parse("1.234", exponent=3) == 1234
    with pytest.raises(InvalidField) as refused:
        parse("1.230", field="price")  # even a nought: 1.230 may have meant 1230
    assert refused.value == InvalidField(field="price", problem=TooManyDecimals(2))
    with pytest.raises(InvalidField, match="too-many-decimals"):
        parse("5.0", exponent=0)


def test_reads_no_amount_above_the_greatest_balance() -> None:
    assert parse("10000000000000.00") == BALANCE_CENTS_MAX
    for text, exponent in [("10000000000000.01", 2), ("999999999999999", 4)]:
        with pytest.raises(InvalidField, match="amount-too-large"):
            parse(text, exponent=exponent)
    with pytest.raises(InvalidField, match="not-a-decimal"):
        parse("1" * 16, exponent=0)  # refused before it is made a number


@pytest.mark.parametrize(
    ("cents", "exponent", "text"),
    [(220, 2, "2.20"), (5, 2, "0.05"), (0, 2, "0.00"), (-5, 2, "-0.05"), (-1234, 3, "-1.234"), (-7, 0, "-7")],
)
def test_shows_all_decimals(cents: int, exponent: int, text: str) -> None:
    assert show(cents, exponent=exponent) == text


@given(cents=st.integers(0, BALANCE_CENTS_MAX), exponent=st.integers(0, 4))
def test_what_was_shown_reads_back_the_same(cents: int, exponent: int) -> None:
    text = show(cents, exponent=exponent)
    if len(text.partition(".")[0]) <= 15:
        assert parse(text, exponent=exponent) == cents


@pytest.mark.parametrize("cents", [1, 3, PRICE_CENTS_MAX])
def test_any_price_of_at_least_one_is_allowed(cents: int) -> None:
    assert check_price(cents) == cents


@pytest.mark.parametrize("cents", [0, -1, PRICE_CENTS_MAX + 1])
def test_refuses_a_price_outside_its_limits(cents: int) -> None:
    with pytest.raises(InvalidField) as refused:
        check_price(cents, field="cost")
    assert refused.value.field == "cost"


def test_the_euro_takes_and_pays_its_five_coins() -> None:
    assert EURO.accepted_cents == EURO.paid_out_cents == (5, 10, 20, 50, 100)


def test_a_note_may_be_taken_and_never_paid_out() -> None:
    currency = Currency(
        code="EUR",
        exponent=2,
        denominations=(
            Denomination(1000, DenominationKind.NOTE, accepted=True, paid_out=False),
            Denomination(100, DenominationKind.COIN, accepted=True, paid_out=True),
            Denomination(1, DenominationKind.COIN, accepted=False, paid_out=True),
        ),
    )
    assert currency.accepted_cents == (100, 1000)
    assert currency.paid_out_cents == (1, 100)


@pytest.mark.parametrize(
    "values",
    [
        (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000),
        (1, 5, 10, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10000),
        (1, 3, 6, 12, 24, 30, 60, 240, 1200),  # pounds, shillings and pence
        (5, 10, 15, 20, 25, 35, 45, 50, 75, 90, 100, 200, 500, 1000),  # Burma in 1987
        (97, 98, 99, 100, 101),
        (),
    ],
)
def test_a_currency_may_have_any_minted_coins(values: tuple[int, ...]) -> None:
    assert tokens(*values).accepted_cents == values


@pytest.mark.parametrize("values", [(0, 5), (-5,), (5, 5), (9973, 10007), (101, 102), tuple(range(100, 133))])
def test_a_currency_without_sense_cannot_be_built(values: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="denominations"):
        tokens(*values)


def test_a_currency_has_at_most_32_denominations() -> None:
    values = range(1, DENOMINATIONS_MAX + 1)
    assert len(tokens(*values).denominations) == DENOMINATIONS_MAX
    with pytest.raises(ValueError, match="at most 32"):
        tokens(*values, DENOMINATIONS_MAX + 1)


def test_reads_a_price_and_tells_its_limits_as_people_write_them() -> None:
    assert parse_price("2.2", currency=EURO) == 220
    assert parse_price("0", currency=EURO, cents_min=0) == 0
    assert parse_price("10000000.00", currency=EURO) == PRICE_CENTS_MAX
    assert parse_price("0.001", currency=replace(EURO, exponent=3)) == 1
    for text in ("0", "0.00", "10000000.01"):
        with pytest.raises(InvalidField) as refused:
            parse_price(text, currency=EURO, field="cost")
        assert refused.value == InvalidField(field="cost", problem=AmountOutOfRange(1, PRICE_CENTS_MAX, 2))
