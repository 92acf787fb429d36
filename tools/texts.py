"""The languages' files and the texts in the code: `python -m tools.texts` refuses what does not fit together.

With --write it brings the files up to date: a new text stays empty, one that has changed a little keeps its
old translation and is marked fuzzy, and both are refused until somebody has translated them. With --write and
a language (`fr`, `pt_BR`) it begins that language's file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import PYTHON_FORMAT, Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
WEB = ROOT / "src" / "tuckshop" / "web"
FOLDER = WEB / "locale"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = DEFAULT_KEYWORDS | {"Plural": (1, 2)}
OPTIONS = {"templates/**.html": {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}}
WIDTH = 110
# No dates and no names: with them, two branches that add a text would always collide.
HEADER = """# The texts of the pages in {name}. `make texts` brings this file up to date.
msgid ""
msgstr ""
"Language: {locale}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural_forms}\\n"

"""


def texts() -> Catalog:
    """Every text that a page can say, and where."""
    found = Catalog(fuzzy=False)
    for file, _, message, comments, context in extract_from_dir(
        WEB, METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    ):
        found.add(message, locations=[(file, 0)], auto_comments=comments, context=context)
    return found


def complaints(known: Catalog, asked: Catalog) -> Iterator[str]:
    """What is wrong with a language's file, `known`, for the texts that are `asked` for."""
    for text in asked:
        if not text.id:
            continue
        place = text.locations[0][0] if text.locations else ""
        found = known.get(text.id, text.context)
        if found is None or found.id != text.id or not all(_strings(found)):
            yield f"{known.locale}: {place}: not translated: {_first(text)!r}"
        elif found.fuzzy:
            yield f"{known.locale}: {place}: marked fuzzy, look at it again: {_first(text)!r}"
        else:
            for wrong in _wrong(found, known):
                yield f"{known.locale}: {place}: {wrong}: {_first(text)!r}"
    for one in known:
        if one.id and asked.get(one.id, one.context) is None:
            yield f"{known.locale}: nothing says {_first(one)!r} any more"


def updated(known: Catalog, asked: Catalog) -> Catalog:
    """The language's file with the texts that are asked for, and no others."""
    known.update(asked, update_creation_date=False)
    known.obsolete.clear()
    return known


def main(*arguments: str) -> int:
    """1 and a line for each thing that is wrong."""
    asked = texts()
    if arguments[:1] == ("--write",):
        begun = [FOLDER / f"{Locale.parse(name)}.po" for name in arguments[1:]]
        for file in {*FOLDER.glob("*.po"), *begun}:
            _write(file, updated(_read(file), asked))
        return 0
    wrong = [line for file in sorted(FOLDER.glob("*.po")) for line in complaints(_read(file), asked)]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _wrong(found: Message, known: Catalog) -> Iterator[str]:
    """A translation that could not be said, or would say more or less than the text."""
    texts = (*_forms(found.id), *_strings(found))
    if len(_strings(found)) != (known.num_plurals if found.pluralizable else 1):
        yield "another number of plural forms"
    try:
        for text in texts:
            text % {name: 0 for name, _ in _facts(text)}
    except (TypeError, ValueError) as error:
        yield f"not a format ({error})"
    # The form for one may do without the number: "one piece".
    number = {("num", "s")} if found.pluralizable else set()
    if any(_facts(text) | number != _facts(texts[0]) | number for text in texts):
        yield "other facts"


def _facts(text: str) -> set[tuple[str, str]]:
    return {(found[1], found[3]) for found in PYTHON_FORMAT.finditer(text) if found[1]}


def _strings(message: Message) -> tuple[str, ...]:
    return _forms(message.string or "")


def _first(message: Message) -> str:
    return _forms(message.id)[0]


def _forms(text: Any) -> tuple[str, ...]:
    """Babel has a text's forms as a tuple, and a text without a plural as a string."""
    return (text,) if isinstance(text, str) else tuple(text)


def _read(file: Path) -> Catalog:
    if not file.exists():
        return Catalog(locale=file.stem, fuzzy=False)
    with file.open("rb") as opened:
        return read_po(opened, locale=file.stem)


def _write(file: Path, catalog: Catalog) -> None:
    assert catalog.locale is not None, "the name of the file says it"
    name = catalog.locale.english_name
    header = HEADER.format(name=name, locale=catalog.locale, plural_forms=catalog.plural_forms)
    with file.open("wb") as opened:
        opened.write(header.encode())
        write_po(opened, catalog, width=WIDTH, omit_header=True, include_lineno=False, sort_by_file=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
