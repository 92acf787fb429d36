"""Every text in every language, and money and times as each writes them."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from tests.api.conftest import Api
from tests.web.browsing import Browser
from tools import texts as tool
from tuckshop.domain.money import EURO
from tuckshop.web.ui import i18n
from tuckshop.web.ui.i18n import Words

ROOT = Path(__file__).parents[2]
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FRENCH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "Buy"
msgstr "Acheter"

msgid "Return %(products)s"
msgstr "Rendre <b> %(products)s"

msgid "%(num)s left"
msgid_plural "%(num)s left"
msgstr[0] "%(num)s restant"
msgstr[1] "%(num)s restants"
"""
POLISH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"

msgid "%(num)s piece"
msgid_plural "%(num)s pieces"
msgstr[0] "%(num)s sztuka"
msgstr[1] "%(num)s sztuki"
msgstr[2] "%(num)s sztuk"
"""


@pytest.fixture
def locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The languages' folder of the pages, with nothing in it yet."""
    monkeypatch.setattr(i18n, "FOLDER", tmp_path)
    return tmp_path


def test_nothing_is_untranslated() -> None:
    assert tool.main() == 0


def catalogue(*entries: str) -> Catalog:
    return read_po(io.BytesIO("\n\n".join(entries).encode()), locale="de")


def test_names_what_is_wrong_with_a_language() -> None:
    asked = Catalog(fuzzy=False)
    for text in ("Give", "Sell", "Lend", "Buy %(product)s", "Take %(amount)s", "100 %%", "Bye"):
        asked.add(text, locations=[("a.py", 0)])
    asked.add(("%(num)s coin", "%(num)s coins"), locations=[("b.html", 0)])
    asked.add(("%(num)s cell", "%(num)s cells"), locations=[("b.html", 0)])
    known = catalogue(
        'msgid "Sell"\nmsgstr ""',
        '#, fuzzy\nmsgid "Lend"\nmsgstr "Leihen"',
        'msgid "Buy %(product)s"\nmsgstr "%(artikel)s kaufen"',
        'msgid "Take %(amount)s"\nmsgstr "%(amount)d nehmen"',
        'msgid "100 %%"\nmsgstr "100 %"',
        'msgid "Bye"\nmsgstr "Tschüss"',
        'msgid "Steal"\nmsgstr "Stehlen"',
        'msgid "%(num)s coin"\nmsgid_plural "%(num)s coins"\nmsgstr[0] "%(num)s Münze"\nmsgstr[1] ""',
        'msgid "%(num)s cell"\nmsgstr "%(num)s Zelle"',
    )
    assert list(tool.complaints(known, asked)) == [
        "de: a.py: not translated: 'Give'",
        "de: a.py: not translated: 'Sell'",
        "de: a.py: marked fuzzy, look at it again: 'Lend'",
        "de: a.py: other facts: 'Buy %(product)s'",
        "de: a.py: other facts: 'Take %(amount)s'",
        "de: a.py: not a format (incomplete format): '100 %%'",
        "de: b.html: not translated: '%(num)s coin'",
        "de: b.html: not translated: '%(num)s cell'",
        "de: nothing says 'Steal' any more",
    ]


def test_one_may_be_said_without_its_number() -> None:
    asked = Catalog(fuzzy=False)
    asked.add(("one coin of %(name)s", "%(num)s coins of %(name)s"))
    entry = (
        'msgid "one coin of %(name)s"\nmsgid_plural "%(num)s coins of %(name)s"\nmsgstr[0] "eine Münze {0}"\n'
    )
    fits = catalogue(entry.format("von %(name)s") + 'msgstr[1] "%(num)s Münzen von %(name)s"')
    assert list(tool.complaints(fits, asked)) == []
    nameless = catalogue(entry.format("") + 'msgstr[1] "%(num)s Münzen von %(name)s"')
    assert list(tool.complaints(nameless, asked)) == ["de: : other facts: 'one coin of %(name)s'"]


def test_a_reworded_text_keeps_its_translation_until_somebody_has_looked() -> None:
    asked = Catalog(fuzzy=False)
    for text in ("The order was cancelled.", "Welcome"):
        asked.add(text)
    known = catalogue('msgid "Order cancelled."\nmsgstr "Storniert."', 'msgid "Gone"\nmsgstr "Weg"')
    updated = {one.id: (one.string or "", one.fuzzy) for one in tool.updated(known, asked) if one.id}
    assert updated == {"The order was cancelled.": ("Storniert.", True), "Welcome": ("", False)}


def test_the_files_are_as_the_tool_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tool.FOLDER, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    assert tool.main("--write", "fr") == 0
    assert (tmp_path / "de.po").read_text() == (i18n.FOLDER / "de.po").read_text()
    begun = (tmp_path / "fr.po").read_text()
    assert '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"' in begun
    assert tool.main() == 1  # None of it is translated yet.


def test_counts_as_the_language_does(locale: Path) -> None:
    (locale / "pl.po").write_text(POLISH)
    (locale / "fr.po").write_text(FRENCH)
    forms = "%(num)s piece", "%(num)s pieces"
    assert [Words("en").ngettext(*forms, count) for count in (0, 1, 2)] == ["0 pieces", "1 piece", "2 pieces"]
    polish = Words("pl", locale)
    assert [polish.ngettext(*forms, count) for count in (1, 3, 5)] == ["1 sztuka", "3 sztuki", "5 sztuk"]
    assert set(polish.counts) == {"one", "few", "many"}
    left = "%(num)s left", "%(num)s left"
    assert [Words("fr", locale).ngettext(*left, count) for count in (0, 2)] == ["0 restant", "2 restants"]


@ON_SQLITE
async def test_a_third_language_is_a_file(api: Api, guest: Browser, locale: Path) -> None:
    (locale / "fr.po").write_text(FRENCH)
    gum = await api.shop.product("<gum>", stock=1, price_cents=50)
    await api.shop.product("cola", stock=2)
    page = await guest.open("/", headers={"Accept-Language": "fr-CA, de;q=0.9"})
    assert '<html lang="fr">' in page.content
    choosers = {one["value"]: one["title"] for one in page.named("language")}
    assert choosers == {"en": "English", "fr": "Français"}
    assert "Acheter" in page.texts["buy"]
    assert "1 restant" in page.texts[f"slot-{gum.product_id}"]
    assert guest.shows("2 restants")
    assert guest.shows("Return coins")  # What it does not say yet is said in English.
    assert json.loads(guest.field("machine")["data-left"]) == {
        "one": "{count} restant",
        "other": "{count} restants",
    }
    await guest.post("/language", {"language": "fr", "back": "/"})
    await guest.press(f"choose-{gum.product_id}")
    await guest.put_in(50)
    await guest.press("buy")
    assert "Rendre &lt;b&gt; &lt;gum&gt;" in guest.page.content


@ON_SQLITE
async def test_speaks_a_language_of_one_region(guest: Browser, locale: Path) -> None:
    (locale / "pt_BR.po").write_text(FRENCH.replace("Acheter", "Comprar"))
    page = await guest.open("/", headers={"Accept-Language": "fr, PT-br;q=0.9"})
    assert '<html lang="pt-BR">' in page.content
    assert "Comprar" in page.texts["buy"]
    assert [one["value"] for one in page.named("language")] == ["en", "pt-BR"]


def test_writes_money_as_it_is_written_there() -> None:
    assert Words("en").money(123_456, EURO) == "€1,234.56"
    assert Words("de").money(123_456, EURO) == "1.234,56\N{NO-BREAK SPACE}€"
    assert (Words("en").plain(220, EURO), Words("de").plain(220, EURO)) == ("2.20", "2,20")


def test_writes_times_by_the_shops_clock() -> None:
    instant_us = 1_759_500_300_000_000  # 14:05 UTC
    assert Words("en").when(instant_us, ZoneInfo("Europe/Berlin")) == "3 Oct 2025, 16:05"
    assert Words("de").when(instant_us, ZoneInfo("UTC")) == "03.10.2025, 14:05"
