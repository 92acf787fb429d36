"""What people and files write for one value: money, numbers, names, codes, days."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

import click
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.texts import asked, fuzzed, near, whole
from tuckshop.cli.coins import COIN
from tuckshop.cli.commands import FILLED, Whole
from tuckshop.cli.report import BY, Day, Keys
from tuckshop.domain import days, money, products, users
from tuckshop.domain.money import BALANCE_CENTS_MAX, EURO, PRICE_CENTS_MAX
from tuckshop.domain.products import TAX_BASIS_POINTS_MAX
from tuckshop.domain.refusals import InvalidField
from tuckshop.http.fields import EMAIL_PATTERN, NAME_PATTERN
from tuckshop.http.handlers import Parameter
from tuckshop.store.skeletons import mixes_alphabets, skeleton
from tuckshop.web.ui.bound_form import BoundForm

pytestmark = pytest.mark.proof

AMOUNTS = near("2.20", "0.05", "007", "10000000000000.00", "999999999999999.9999", "1,50", "1.234,50")
EXPONENTS = st.integers(0, 4)
NAMES = near("Cola", "Käse 30 %", "a/b", "ǅ", "x" * 64, "A\u030a", "\u1fb3\u0301")
DIGITS = set("0123456789")


def dumbly(text: str, exponent: int) -> int | None:
    """The amount as Python's decimals see it; None for what is no plain number with so many decimals."""
    if not set(text) <= DIGITS | {"."} or not text.strip(".") == text != "" or text.count(".") > 1:
        return None
    major, _, minor = text.partition(".")
    if len(major) > 15 or len(minor) > exponent:
        return None
    return int(Decimal(text) * 10**exponent)


@fuzzed
@given(AMOUNTS, EXPONENTS)
def test_amounts_are_what_decimals_say(text: str, exponent: int) -> None:
    wanted = dumbly(text, exponent)
    if wanted is None or wanted > BALANCE_CENTS_MAX:
        with pytest.raises(InvalidField):
            money.parse(text, exponent=exponent)
    else:
        assert money.parse(text, exponent=exponent) == wanted
        shown = money.show(wanted, exponent=exponent)
        assert len(shown.partition(".")[0]) > 15 or money.parse(shown, exponent=exponent) == wanted


@fuzzed
@given(AMOUNTS, EXPONENTS)
def test_a_comma_is_as_good_as_a_point_where_it_stands_alone(text: str, exponent: int) -> None:
    pointed = text.replace(",", ".") if text.count(",") + text.count(".") == 1 else text
    wanted = dumbly(pointed, exponent)
    try:
        assert money.parse_typed(text, exponent=exponent) == wanted
    except InvalidField:
        assert wanted is None or wanted > BALANCE_CENTS_MAX


@fuzzed
@given(AMOUNTS, st.integers(0, 1))
def test_prices_are_within_their_limits(text: str, cents_min: int) -> None:
    try:
        cents = money.parse_price(text, currency=EURO, cents_min=cents_min)
    except InvalidField:
        wanted = dumbly(text, EURO.exponent)
        assert wanted is None or not cents_min <= wanted <= PRICE_CENTS_MAX
    else:
        assert cents_min <= cents <= PRICE_CENTS_MAX


@fuzzed
@given(near("19", "5.5", "0", "100", "99.99"))
def test_taxes_are_within_their_limits(text: str) -> None:
    try:
        points = products.parse_tax(text)
    except InvalidField:
        wanted = dumbly(text, 2)
        assert wanted is None or wanted > TAX_BASIS_POINTS_MAX
    else:
        assert points == dumbly(text, 2)
        assert points <= TAX_BASIS_POINTS_MAX


def test_every_tax_reads_back_as_it_was_shown() -> None:
    for points in range(TAX_BASIS_POINTS_MAX + 1):
        assert products.parse_tax(products.show_tax(points)) == points


@fuzzed
@given(NAMES)
def test_a_name_that_is_taken_is_kept_as_it_is_and_the_documents_take_it_too(text: str) -> None:
    try:
        name = users.check_name(text, field="name", length_max=64)
    except InvalidField:
        assert len(text) > 64 or not re.fullmatch(NAME_PATTERN, text)
    else:
        assert users.check_name(name, field="name", length_max=64) == name
        assert users.name_key(name) == users.name_key(text)
        assert re.fullmatch(NAME_PATTERN, name)


@fuzzed
@given(near("ada", "HOUSE", "hous\u0065", "house ", "ﬁ"))
def test_nobody_is_called_as_the_house_is(text: str) -> None:
    try:
        name = users.check_username(text)
    except InvalidField:
        return
    assert users.check_username(name) == name
    assert users.name_key(name) != users.HOUSE_NAME


@fuzzed
@given(near("PauI", "рaul", "Соla", "ﬁn", "İ", "a\u0301", "ﷺ", "Москва 5", "αlpha", "\uab79ves", "Ⓛ"))
def test_what_looks_like_a_name_looks_like_itself(text: str) -> None:
    looks = skeleton(text)
    assert skeleton(looks) == looks
    assert skeleton(unicodedata.normalize("NFC", text)) == looks
    has = {
        part for char in text for part in ("LATIN", "CYRILLIC", "GREEK") if part in unicodedata.name(char, "")
    }
    assert not mixes_alphabets(text) or len(has) > 1


@fuzzed
@given(near("ada@example.org", "a@b", "a@b@c", "@", "x" * 250 + "@b"))
def test_an_email_that_is_taken_is_one_of_the_documents(text: str) -> None:
    try:
        email = users.check_email(text)
    except InvalidField:
        assert len(text) > users.EMAIL_LENGTH_MAX or not re.fullmatch(EMAIL_PATTERN, text)
    else:
        assert users.check_email(email) == email
        assert re.fullmatch(EMAIL_PATTERN, email)


@fuzzed
@given(near("Drinks", "  Snacks ", "", " ", "x" * 40))
def test_a_category_is_a_name_or_none(text: str) -> None:
    try:
        category = products.check_category(text)
    except InvalidField:
        return
    assert category is None or products.check_category(category) == category == category.strip()
    assert (category is None) == (not text.strip())


@fuzzed
@given(near("4006381333931", "SHELF-7", " 0123 ", "", "abc", "x" * 48))
def test_a_barcode_is_what_scanners_send_or_none(text: str) -> None:
    letters = DIGITS | set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-")
    code = text.strip()
    is_good = not code or (set(code) <= letters and 4 <= len(code) <= 48)
    try:
        assert products.check_barcode(text) == (code or None)
        assert is_good
    except InvalidField:
        assert not is_good


DAYS = near(
    "2025-12-31", "2024-02-29", "2025-02-29", "20251231", "2025-W01-1", "2025W011", "0001-01-01", "9999-12-31"
)


def day_of_digits(text: str) -> date | None:
    """The day that is written 2025-12-31."""
    parts = text.split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not set("".join(parts)) <= DIGITS:
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


@fuzzed
@given(DAYS)
def test_a_day_is_written_in_one_way(text: str) -> None:
    wanted = day_of_digits(text)
    try:
        assert days.read(text) == wanted is not None
    except ValueError:
        assert wanted is None


@fuzzed
@given(DAYS, DAYS)
def test_days_make_a_period_or_say_why_not(first: str, last: str) -> None:
    form = bound(first=f" {first}", last=last)
    found = form.day("first"), form.day("last")
    assert found == (day_of_digits(first.strip()), day_of_digits(last.strip()))
    for name, day in zip(("first", "last"), found, strict=True):
        assert (name in form.wrong) == (day is None and form.typed[name].strip() != "")
    try:
        period = days.period(*found, today=date(2025, 12, 31))
    except InvalidField:
        return
    assert period.first <= period.last
    assert (period.last - period.first).days < days.PERIOD_DAYS_MAX


def bound(**typed: str) -> BoundForm:
    """A form that somebody has filled in so."""
    return BoundForm(asked(), typed)


@fuzzed
@given(AMOUNTS, st.integers(0, 1), st.sampled_from([100, BALANCE_CENTS_MAX]))
def test_a_typed_amount_is_one_or_the_form_says_why_not(typed: str, least: int, most: int) -> None:
    form = bound(amount=typed)
    cents = form.amount("amount", least_cents=least, most_cents=most)
    text = typed.strip()
    wanted = dumbly(text.replace(",", ".") if text.count(",") + text.count(".") == 1 else text, 2)
    assert form.is_wrong == (wanted is None or not least <= wanted <= most)
    assert form.is_wrong or cents == wanted


@fuzzed
@given(near(whole.map(str), "007", "-0", "1_000", "+5", "１"), st.integers(-5, 5), st.integers(5, 10**15))
def test_a_typed_number_is_one_or_the_form_says_why_not(typed: str, least: int, most: int) -> None:
    form = bound(number=typed)
    number = form.whole("number", least=least, most=most)
    digits = typed.strip().removeprefix("-")
    is_number = digits != "" and set(digits) <= DIGITS and len(digits) <= 15
    assert form.is_wrong == (not is_number or not least <= int(typed.strip()) <= most)
    assert least <= number <= most


@fuzzed
@given(near("19 %", "5,5", "5.5%", "", "100", "%", "1.5,0"))
def test_a_typed_tax_is_one_or_the_form_says_why_not(typed: str) -> None:
    form = bound(tax=typed)
    points = form.tax("tax")
    assert 0 <= points <= TAX_BASIS_POINTS_MAX
    text = typed.strip().removesuffix("%").strip()
    if not form.is_wrong and text:
        assert points == dumbly(text.replace(",", "."), 2)


@fuzzed
@given(near("a reason", "", " "), st.integers(1, 20), st.booleans())
def test_a_typed_text_is_within_its_length_or_the_form_says_so(typed: str, most: int, needed: bool) -> None:
    form = bound(text=typed)
    text = form.text("text", length_max=most, needed=needed)
    assert text == typed.strip()
    assert form.is_wrong == (len(text) > most or (needed and not text))


@fuzzed
@given(near("buyer", "seller", ""))
def test_a_choice_is_one_that_the_form_offers(typed: str) -> None:
    form = bound(role=typed)
    assert form.one_of("role", ("buyer", "seller")) in ("buyer", "seller")
    assert form.is_wrong == (typed not in ("buyer", "seller"))


PARAMETER = Parameter("id", "id", int, is_whole=True, in_path=True, default=None)


@fuzzed
@given(near(whole.map(str), "01", "-0", "1_0", "1.0", "1e3", "٣", "9" * 101))
def test_a_number_in_an_address_is_written_in_one_way(text: str) -> None:
    try:
        assert str(PARAMETER.read(text)) == text
    except msgspec.ValidationError:
        assert not re.fullmatch("0|-?[1-9][0-9]*", text) or abs(int(text)) >= 2**63


@fuzzed
@given(near("true", "false", "1", "null", "abc", ""))
def test_a_value_in_an_address_is_of_its_kind(text: str) -> None:
    for kind in (bool, str):
        parameter = Parameter("q", "q", kind, is_whole=False, in_path=False, default=None)
        try:
            assert isinstance(parameter.read(text), kind)
        except msgspec.ValidationError:
            assert kind is bool


ARGUMENTS: list[tuple[click.ParamType[Any], st.SearchStrategy[str]]] = [
    (Whole(1, 100), near(whole.map(str), "007", "+1", "1_0", "٣", "9" * 19)),
    (Day(), DAYS),
    (Keys(), near("day", "day,product", "day,day", ",".join(BY), "")),
    (COIN, near("50x2", "0x0", "50X2", "50x", "9" * 12 + "x" + "9" * 7)),
    (FILLED, near("a name", "", " ", "\u3164") | st.just("\udcff")),
]


@pytest.mark.parametrize(("kind", "texts"), ARGUMENTS, ids=lambda one: getattr(one, "name", ""))
@fuzzed
@given(data=st.data())
def test_an_argument_of_a_command_is_read_or_refused_in_one_line(
    kind: click.ParamType[Any], texts: st.SearchStrategy[str], data: st.DataObject
) -> None:
    text = data.draw(texts)
    try:
        value = kind.convert(text, None, None)
    except click.BadParameter:
        return
    match kind:
        case Whole():
            assert 1 <= value <= 100
        case Day():
            assert value == day_of_digits(text)
        case Keys():
            assert ",".join(value) == text
        case _ if kind is COIN:
            assert [int(part) for part in text.split("x")] == list(value)
        case _:
            assert value == text
