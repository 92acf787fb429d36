"""Every text in every language, with the same facts in it."""

from __future__ import annotations

from babel.messages.catalog import Catalog

from tools.texts import complaints, main
from tuckshop.domain.money import EURO
from tuckshop.web.texts import Words


def test_nothing_is_untranslated() -> None:
    assert main() == 0


def test_a_missing_translation_is_told() -> None:
    known = Catalog(locale="de")
    known.add("Buy {product}", "Kaufen")
    known.add("Sell", "")
    known.add("Steal", "Stehlen")
    asked = {"Buy {product}": "a.py:1", "Sell": "b.py:2", "Give": "c.py:3"}
    assert list(complaints(known, asked, "de")) == [
        "de: a.py:1: other facts than in 'Buy {product}'",
        "de: b.py:2: not translated: 'Sell'",
        "de: c.py:3: not translated: 'Give'",
        "de: nobody says 'Steal' any more",
    ]


def test_writes_money_as_it_is_written_there() -> None:
    assert Words("en").money(123_456, EURO) == "€1,234.56"
    assert Words("de").money(123_456, EURO) == "1.234,56\N{NO-BREAK SPACE}€"
