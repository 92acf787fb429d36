"""Every text in every language, with the same facts in it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from babel.messages.catalog import Catalog

from tools.texts import complaints, main, room_of
from tuckshop.domain.money import EURO
from tuckshop.web.ui.i18n import Words


def test_nothing_is_untranslated() -> None:
    assert main() == 0


def test_a_missing_translation_is_told() -> None:
    known = Catalog(locale="de")
    known.add("Buy {product}", "Kaufen")
    known.add("Sell", "")
    known.add("Steal", "Stehlen")
    asked = {"Buy {product}": "a.py:1", "Sell": "b.py:2", "Give": "c.py:3"}
    again = Catalog(locale="de")
    again.add("Steal", "Klauen")
    assert list(complaints([known, again], asked, "de")) == [
        "de: translated in two ways: 'Steal'",
        "de: a.py:1: other facts than in 'Buy {product}'",
        "de: b.py:2: not translated: 'Sell'",
        "de: c.py:3: not translated: 'Give'",
        "de: nobody says 'Steal' any more",
    ]


def test_a_text_is_kept_with_the_room_that_says_it() -> None:
    assert room_of(["desk/goods.py:3", "templates/desk/goods.html:1"]) == "desk"
    assert room_of(["display.py", "templates/machine.html:7"]) == "machine"
    assert room_of(["templates/desk/goods.html:1", "office/goods.py:2"]) == "common"
    assert room_of(["templates/layout.html:7"]) == "common"


def test_counts_as_the_language_does() -> None:
    forms = "{count} piece", "{count} pieces"
    assert [Words("en").plural(*forms, count) for count in (0, 1, 2)] == ["0 pieces", "1 piece", "2 pieces"]
    assert Words("de").plural("{count} name has to wait", "", 1) == "1 Name muss warten"


def test_writes_money_as_it_is_written_there() -> None:
    assert Words("en").money(123_456, EURO) == "€1,234.56"
    assert Words("de").money(123_456, EURO) == "1.234,56\N{NO-BREAK SPACE}€"
    assert (Words("en").plain(220, EURO), Words("de").plain(220, EURO)) == ("2.20", "2,20")


def test_writes_times_by_the_shops_clock() -> None:
    instant_us = 1_759_500_300_000_000  # 14:05 UTC
    assert Words("en").when(instant_us, ZoneInfo("Europe/Berlin")) == "3 Oct 2025, 16:05"
    assert Words("de").when(instant_us, ZoneInfo("UTC")) == "03.10.2025, 14:05"
