"""The texts of pages and what the languages make of them: `python -m tools.texts` refuses what is missing.

With --write, texts that are new go into each language's file, for somebody to translate.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from tuckshop.http import errors
from tuckshop.web.errors import HELP

ROOT = Path(__file__).parents[1]
WEB = ROOT / "src" / "tuckshop" / "web"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
WIDTH = 110


def texts() -> Iterator[tuple[str, str]]:
    """Every text that a page can say, and where it stands."""
    found = extract_from_dir(WEB, METHODS, keywords={"say": None}, comment_tags=())
    for file, line, message, _, _ in found:
        yield str(message), f"{file}:{line}"
    for row in errors.TABLE.values():
        yield row.title, "http/errors.py"
        yield row.detail, "http/errors.py"
    for title in (*errors.TITLES.values(), errors.OTHER_TITLE):
        yield title, "http/errors.py"
    for sentence in HELP.values():
        yield sentence, "errors.py"


def complaints(known: Catalog, asked: dict[str, str], language: str) -> Iterator[str]:
    """What is wrong with a language's file."""
    translated = {str(one.id): one for one in known if one.id}
    for text, place in asked.items():
        one = translated.get(text)
        if one is None or not one.string or one.fuzzy:
            yield f"{language}: {place}: not translated: {text!r}"
        elif _fields(text) != _fields(str(one.string)):
            yield f"{language}: {place}: other facts than in {text!r}"
    for text in translated.keys() - asked.keys():
        yield f"{language}: nobody says {text!r} any more"


def main() -> int:
    """1 and a line for each thing that is wrong."""
    asked: dict[str, str] = {}
    for text, place in texts():
        asked.setdefault(text, place)
    status = 0
    for file in sorted((WEB / "locale").glob("*.po")):
        with file.open("rb") as opened:
            known = read_po(opened, locale=file.stem)
        if "--write" in sys.argv:
            _write(file, known, asked)
            continue
        for complaint in complaints(known, asked, file.stem):
            print(complaint, file=sys.stderr)
            status = 1
    return status


def _write(file: Path, known: Catalog, asked: dict[str, str]) -> None:
    made = Catalog(locale=file.stem, fuzzy=False)
    for text, place in sorted(asked.items(), key=lambda one: (one[1].partition(":")[0], one[0])):
        before = known.get(text)
        made.add(text, before.string if before else "", locations=[(place.partition(":")[0], 0)])
    with file.open("wb") as opened:
        write_po(opened, made, width=WIDTH, omit_header=True, include_lineno=False)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


if __name__ == "__main__":
    sys.exit(main())
