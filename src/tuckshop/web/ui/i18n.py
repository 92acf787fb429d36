"""Texts, money and times in the language of whoever looks.

English is in the code. Every other language is a file in `locale`, a GNU gettext catalogue that `make texts`
brings up to date and `make lint` holds against the code. A checkout has `de.po`, an installed wheel `de.mo`.

Python says `words.gettext("%(name)s is added.", name=...)` and `words.ngettext(one, many, count)`,
templates `_(...)`, `ngettext(...)` and `{% trans %}`. `N_` and `Plural` mark what is translated elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import cache, cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal, get_decimal_symbol

from tuckshop.domain import money
from tuckshop.domain.money import Currency
from tuckshop.http import cookies
from tuckshop.http.request import ShopRequest

FOLDER = Path(str(files("tuckshop.web"))) / "locale"
ENGLISH = "en"
COOKIE = "tuckshop_language"
_REGIONS = {ENGLISH: "en-GB"}  # Where a day is written before its month.
_WISH = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9-]{1,32})?)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?", re.ASCII
)
_PREFERENCES_MAX = 20  # A browser names a handful; the rest would be somebody's game.
_COUNTS_MAX = 200  # Whole numbers take every form that a language has well before.


def N_(text: str) -> str:  # noqa: N802 - what gettext calls it
    """The text as it is; found by those who collect what is to be translated."""
    return text


class Plural(NamedTuple):
    """As `N_`, a text whose form goes by the count in one of its facts."""

    one: str
    many: str
    fact: str


class Words:
    """What is said in one language, given by its tag: `de`, `pt-BR`."""

    def __init__(self, language: str, folder: Path = FOLDER) -> None:
        self.language = language
        self.translations = _translations(language, folder)
        self._locale = Locale.parse(language, sep="-")
        self._region = Locale.parse(_REGIONS.get(language, language), sep="-")

    def gettext(self, text: str, /, **facts: object) -> str:
        """The text in this language, its facts put in: every text is a format, a bare % is written %%."""
        return self.translations.gettext(text) % facts

    def ngettext(self, one: str, many: str, count: int, /, **facts: object) -> str:
        """The text that fits the count in this language; the count is the fact `num`."""
        return self.translations.ngettext(one, many, count) % {"num": count, **facts}

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """For each plural form, as CLDR and `Intl.PluralRules` name it, a count that takes it."""
        form_of = self._locale.plural_form
        return {form_of(count): count for count in range(_COUNTS_MAX)}

    def money(self, cents: int, currency: Currency) -> str:
        """An amount as it is written here: €1.50 or 1,50 €."""
        return _money(cents, currency.code, currency.exponent, self._locale)

    def plain(self, cents: int, currency: Currency) -> str:
        """An amount as it is typed into a field: 1.50 or 1,50."""
        shown = money.show(cents, exponent=currency.exponent)
        return shown.replace(".", get_decimal_symbol(self._locale))

    def number(self, figures: str) -> str:
        """Figures as they are written here: 1,000.50 or 1.000,50."""
        whole, _, rest = figures.partition(".")
        shown = str(format_decimal(whole, locale=self._locale))
        return f"{shown}{get_decimal_symbol(self._locale)}{rest}" if rest else shown

    def when(self, instant_us: int, zone: tzinfo) -> str:
        """An instant by the shop's clock: 3 Oct 2025, 14:05."""
        instant = datetime.fromtimestamp(instant_us / 1_000_000, tz=zone)
        return f"{self.day(instant.date())}, {instant:%H:%M}"

    def on(self, instant_us: int, zone: tzinfo) -> str:
        """The day of an instant by the shop's clock."""
        return self.day(datetime.fromtimestamp(instant_us / 1_000_000, tz=zone).date())

    def day(self, day: date) -> str:
        """A day as it is written in a list."""
        return format_date(day, "medium", locale=self._region)

    def short_day(self, day: date) -> str:
        """A day as it is written beneath a plot, where the year goes without saying: 3 Oct."""
        return str(format_skeleton("MMMd", day, locale=self._region))


def languages() -> Mapping[str, str]:
    """Each language's tag with its name in itself: English first, then what there are files for."""
    return _languages(FOLDER)


def of(request: ShopRequest) -> Words:
    """The words for this request: of the language that was chosen, or that the browser wants most."""
    chosen = cookies.read(request, COOKIE)
    if chosen in languages():
        return _words(chosen, FOLDER)
    return _words(_wanted(b",".join(request.given(b"accept-language")).decode("latin-1")), FOLDER)


def _wanted(header: str) -> str:
    """The known language of the highest quality (RFC 9110, 12.5.4); English where none is wanted."""
    preferences: dict[str, float] = {}
    for part in header.split(",")[:_PREFERENCES_MAX]:
        preference = _WISH.fullmatch(part)
        if preference is not None:
            preferences.setdefault(preference[1].lower(), float(preference[2] or 1))
    known = {tag.lower(): tag for tag in languages()}
    best = sorted(
        (preference for preference in preferences if preferences[preference]),
        key=lambda preference: -preferences[preference],
    )
    return known[(negotiate_locale(best, known, sep="-") or ENGLISH).lower()]


@cache
def _languages(folder: Path) -> Mapping[str, str]:
    tags = {file.stem.replace("_", "-") for file in folder.iterdir() if file.suffix in (".po", ".mo")}
    names = {tag: Locale.parse(tag, sep="-").get_display_name() or tag for tag in (ENGLISH, *sorted(tags))}
    return {tag: name[:1].upper() + name[1:] for tag, name in names.items()}


@cache
def _words(language: str, folder: Path) -> Words:
    return Words(language, folder)


def _translations(language: str, folder: Path) -> NullTranslations:
    """What a language's file says; nothing for the language that the texts are written in."""
    if language == ENGLISH:
        return NullTranslations()
    name = language.replace("-", "_")
    source = folder / f"{name}.po"
    if not source.is_file():
        with (folder / f"{name}.mo").open("rb") as compiled:
            return GNUTranslations(compiled)
    # A checkout: what somebody has just written counts, and nothing has to be compiled before a start.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    made = BytesIO()
    with source.open("rb") as written:
        write_mo(made, read_po(written, locale=name))
    made.seek(0)
    return GNUTranslations(made)


@lru_cache(maxsize=4096)  # A machine has some dozen prices; most sums come again.
def _money(cents: int, code: str, exponent: int, locale: Locale) -> str:
    return format_currency(Decimal(cents).scaleb(-exponent), code, locale=locale)
