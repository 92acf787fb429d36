"""Words, money and times in the language of whoever looks: English as written in the code, German beside it.

`say` marks a text for translation; `tools.texts` refuses one that a language lacks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files

from babel.dates import format_date, format_skeleton
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_decimal_symbol

from tuckshop.domain import money
from tuckshop.domain.money import Currency
from tuckshop.http import cookies
from tuckshop.http.request import Call

LANGUAGES = {"en": "English", "de": "Deutsch"}
_REGIONS = {"en": "en_GB", "de": "de"}  # Where a day is written before its month.
COOKIE = "tuckshop_language"
_WISH = re.compile(
    r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]{1,32})?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?", re.ASCII
)
_WISHES_MAX = 20  # A browser names a handful; the rest would be somebody's game.


class Words:
    """What is said in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._translated = _catalogue(language)

    def say(self, text: str, **facts: object) -> str:
        """The text in this language, its facts put in."""
        said = self._translated.get(text, text)
        return said.format(**facts) if facts else said

    def plural(self, one: str, many: str, count: int, **facts: object) -> str:
        """The text that fits the count: one piece, two pieces. Our languages know no third form."""
        return self.say(one if count == 1 else many, count=count, **facts)

    def money(self, cents: int, currency: Currency) -> str:
        """An amount as it is written here: €1.50 or 1,50 €."""
        return _money(cents, currency.code, currency.exponent, self.language)

    def plain(self, cents: int, currency: Currency) -> str:
        """An amount as it is typed into a field: 1.50 or 1,50."""
        shown = money.show(cents, exponent=currency.exponent)
        return shown.replace(".", get_decimal_symbol(self.language))

    def number(self, figures: str) -> str:
        """Figures as they are written here: 1,000.50 or 1.000,50."""
        whole, _, rest = figures.partition(".")
        shown = str(format_decimal(whole, locale=self.language))
        return f"{shown}{get_decimal_symbol(self.language)}{rest}" if rest else shown

    def when(self, instant_us: int, zone: tzinfo) -> str:
        """An instant by the shop's clock: 3 Oct 2025, 14:05."""
        instant = datetime.fromtimestamp(instant_us / 1_000_000, tz=zone)
        return f"{self.day(instant.date())}, {instant:%H:%M}"

    def on(self, instant_us: int, zone: tzinfo) -> str:
        """The day of an instant by the shop's clock."""
        return self.day(datetime.fromtimestamp(instant_us / 1_000_000, tz=zone).date())

    def day(self, day: date) -> str:
        """A day as it is written in a list."""
        return format_date(day, "medium", locale=_REGIONS[self.language])

    def short_day(self, day: date) -> str:
        """A day as it is written beneath a plot, where the year goes without saying: 3 Oct."""
        return str(format_skeleton("MMMd", day, locale=_REGIONS[self.language]))


def of(request: Call) -> Words:
    """The words for this request: of the language that was chosen, or that the browser wants most."""
    chosen = cookies.read(request, COOKIE)
    if chosen in LANGUAGES:
        return _words(chosen)
    return _words(_wanted(b",".join(request.given(b"accept-language")).decode("latin-1")))


def _wanted(header: str) -> str:
    """The known language of the highest quality (RFC 9110, 12.5.4); English where none is wanted."""
    wishes: dict[str, float] = {}
    for part in header.split(",")[:_WISHES_MAX]:
        wish = _WISH.fullmatch(part)
        if wish is not None:
            wishes.setdefault(wish[1].lower(), float(wish[2] or 1))
    best = max(LANGUAGES, key=lambda language: wishes.get(language, 0.0))
    return best if wishes.get(best) else next(iter(LANGUAGES))


@cache
def _words(language: str) -> Words:
    return Words(language)


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    folder = files("tuckshop.web").joinpath("locale", language)
    said: dict[str, str] = {}
    if not folder.is_dir():
        return said  # The language that the texts are written in.
    for file in folder.iterdir():
        with file.open("rb") as opened:
            said |= {str(one.id): str(one.string) for one in read_po(opened, locale=language) if one.id}
    return said


@lru_cache(maxsize=4096)  # A machine has some dozen prices; most sums come again.
def _money(cents: int, code: str, exponent: int, language: str) -> str:
    return format_currency(Decimal(cents).scaleb(-exponent), code, locale=language)
