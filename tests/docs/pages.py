"""The pages of the documentation: what their fences tell to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
SHELL = ("sh", "console", "text")  # `text` holds commands that need root, too.

_FENCE = re.compile(r"^( *)```([\w-]+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_ASSIGNED = re.compile(r"\w+=")


@dataclass(frozen=True, slots=True)
class Typed:
    """A command that a page names: where, as it stands there, and its words from the program on."""

    page: str
    line: str
    words: tuple[str, ...]


def fences(page: Path, *languages: str) -> list[str]:
    """The text of each fence in these languages, without its indentation."""
    return [
        re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)
        for indent, language, text in _FENCE.findall(page.read_text("utf-8"))
        if language in languages
    ]


def typed(program: str) -> Iterator[Typed]:
    """Each command of the program, in fences and in code spans."""
    for page in PAGES:
        spans = [
            span
            for span in _SPAN.findall(_FENCE.sub("", page.read_text("utf-8")))
            if span.startswith(f"{program} ")
        ]
        joined = "\n".join(fences(page, *SHELL)).replace("\\\n", " ")
        for line in [*joined.splitlines(), *spans]:
            for words in commands(line, program):
                yield Typed(str(page.relative_to(ROOT)), line, words)


def commands(line: str, program: str) -> Iterator[tuple[str, ...]]:
    """The commands of a line that call the program, whatever stands before it: sudo, docker, variables."""
    words: list[str] = []
    for word in [*_words(line), ";"]:
        if word[:1] not in (";", "&", "|"):
            words.append(word)
            continue
        heads = [place for place, each in enumerate(words) if each == program and _calls(words[:place])]
        if heads:
            yield tuple(words[heads[-1] + 1 :])
        words = []


def _words(line: str) -> list[str]:
    """As a shell splits it; what is sent to files is left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # A line of a text in quotes, or prose.
        return []
    kept, skip = [], False
    for word in words:
        if not skip and word[:1] not in ("<", ">"):
            kept.append(word)
        skip = word[:1] in ("<", ">")
    return kept


def _calls(before: list[str]) -> bool:
    """Whether what stands before a program's name runs it."""
    rest = [word for word in before if not _ASSIGNED.match(word)]
    return not rest or rest[0] in ("sudo", "docker", "exec", "$")
