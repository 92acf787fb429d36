"""The texts of pages and what the languages make of them: `python -m tools.texts` refuses what is missing.

Each language has a file for each room, and one for what several rooms say. With --write, texts that are new
go there, for somebody to translate.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from tuckshop.http import errors
from tuckshop.web.ui import refusal_texts as reasons
from tuckshop.web.ui.error_pages import HELP
from tuckshop.web.ui.i18n import LANGUAGES

ROOT = Path(__file__).parents[1]
WEB = ROOT / "src" / "tuckshop" / "web"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
WIDTH = 110
COMMON = "common"
ROOMS = ("machine", "account", "desk", "office")
_MACHINE = frozenset({"display", "drawings", "kiosk", "notes", "picks", "storefront"})
"""Folders and templates of the machine's room that are not called after it."""


def texts() -> Iterator[tuple[str, str]]:
    """Every text that a page can say, and where it stands."""
    found = extract_from_dir(WEB, METHODS, keywords={"say": None, "plural": (1, 2)}, comment_tags=())
    for file, line, message, _, _ in found:
        for text in (message,) if isinstance(message, str) else message:
            yield text, f"{file}:{line}"
    for row in errors.TABLE.values():
        yield row.title, "http/errors.py"
        yield row.detail, "http/errors.py"
    for title in (*errors.TITLES.values(), errors.OTHER_TITLE):
        yield title, "http/errors.py"
    for sentence in HELP.values():
        yield sentence, "errors.py"
    for reason in reasons.REASONS:
        yield reason, "reasons.py"


def room_of(places: Iterable[str]) -> str:
    """Whose text it is that stands in these places: one room's, or everybody's."""
    rooms = set()
    for place in places:
        parts = PurePosixPath(place.partition(":")[0].removeprefix("templates/")).parts
        name = PurePosixPath(parts[0]).stem
        rooms.add("machine" if name in _MACHINE else name if name in ROOMS else COMMON)
    return rooms.pop() if len(rooms) == 1 else COMMON


def complaints(known: Iterable[Catalog], asked: Mapping[str, str], language: str) -> Iterator[str]:
    """What is wrong with a language's files."""
    translated: dict[str, Message] = {}
    for one in (one for catalog in known for one in catalog if one.id):
        before = translated.setdefault(str(one.id), one)
        if before.string != one.string:
            yield f"{language}: translated in two ways: {one.id!r}"
    for text, place in asked.items():
        found = translated.get(text)
        if found is None or not found.string or found.fuzzy:
            yield f"{language}: {place}: not translated: {text!r}"
        elif _fields(text) != _fields(str(found.string)):
            yield f"{language}: {place}: other facts than in {text!r}"
    for text in translated.keys() - asked.keys():
        yield f"{language}: nobody says {text!r} any more"


def main() -> int:
    """1 and a line for each thing that is wrong."""
    places: dict[str, list[str]] = {}
    for text, place in texts():
        places.setdefault(text, []).append(place)
    asked = {text: found[0] for text, found in places.items()}
    status = 0
    for folder in sorted((WEB / "locale").iterdir()):
        known = [_read(file, folder.name) for file in sorted(folder.glob("*.po"))]
        if "--write" in sys.argv:
            _write(folder, known, places)
            continue
        for complaint in complaints(known, asked, folder.name):
            print(complaint, file=sys.stderr)
            status = 1
    missing = LANGUAGES.keys() - {folder.name for folder in (WEB / "locale").iterdir()}
    assert missing == {"en"}, "every language but the one of the code has a folder"
    return status


def _read(file: Path, language: str) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=language)


def _write(folder: Path, known: Iterable[Catalog], places: Mapping[str, list[str]]) -> None:
    before = {str(one.id): one.string for catalog in known for one in catalog if one.id}
    made = {room: Catalog(locale=folder.name, fuzzy=False) for room in (COMMON, *ROOMS)}
    for text, found in sorted(places.items(), key=lambda one: (one[1][0].partition(":")[0], one[0])):
        place = found[0].partition(":")[0]
        made[room_of(found)].add(text, before.get(text, ""), locations=[(place, 0)])
    for room, catalog in made.items():
        with (folder / f"{room}.po").open("wb") as opened:
            write_po(opened, catalog, width=WIDTH, omit_header=True, include_lineno=False)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


if __name__ == "__main__":
    sys.exit(main())
