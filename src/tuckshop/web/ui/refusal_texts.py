"""Why a value is not taken, in the reader's language: the rules say it in English, as the end of a sentence.

Those sentences hold numbers and names, so each is known by its pattern; a test holds them against the rules.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from tuckshop.web.ui.i18n import Words

OF_FORMS = (
    "is not one of those that can be chosen",
    "is not the present password",
    "must be a file of at most {count} MiB",
    "must be a picture: PNG, JPEG or WebP",
    "must be a day such as 2025-12-31",
    "must be filled in",
    "must be one product where pieces are given",
    "must be the name of whose account it is",
    "must be the same password again",
    "must be your own name",
    "must have at most {count} characters",
)
"""What pages themselves complain of."""
OF_FILES = (
    "A cell has more than {count} characters",
    "Add products of your own alone",
    "The column {name} is there twice",
    "The file has more than {count} rows",
    "The file is UTF-16; save it as CSV in UTF-8",
    "The file is empty: its first row names {columns}",
    "The file is larger than {count} MiB",
    "The file is not UTF-8; save it as CSV in UTF-8",
    "The first row must name the columns: name, and any of {columns}",
    "The name is missing",
    "The quotes in this row do not close, or stand in a cell",
    "The shelf of {name} holds at most {most}",
    "There are {count} cells, and the head names {most}",
    "There is a NUL character: this is no CSV file",
    "There is no column {name}, only {columns}",
    "There is no seller {name}",
    "{name} belongs to somebody else",
    "{name} is new and needs a price",
    "{name} is on line {line} already",
    "{name} is sold by {seller}, and products keep their sellers",
)
"""What is wrong with a table of products, or with a row in it; all else there is `The price must be ...`."""
# The particular before the general: the first that fits is said.
REASONS = (
    *OF_FORMS,
    *OF_FILES,
    "is among the most common passwords",
    "is not the code that the server has printed",
    "must be a name such as Europe/Berlin",
    "must be a plain decimal number such as 2.20",
    "must be a whole number",
    "must be a whole picture of its Content-Type",
    "must be another machine",
    "must be at least {least}",
    "must be at most the capacity",
    "must be at most {most} of product {product}",
    "must be at most {most}",
    "must be from 0 to 100 per cent",
    "must be from {least} to {most}",
    "must be given to one product alone",
    "must be keep where the order goes on the tab",
    "must be less",
    "must be payable in coins of {coins}",
    "must be payable in the coins that the shop takes",
    "must be pending, active or disabled",
    "must be somebody else",
    "must be within {days} days of {day}",
    "must be yes or no",
    "must have at most {count} decimals",
    "must have at most {count} pixels",
    "must have {least} to {most} characters",
    "must hold at least one coin",
    "must hold at least 1 of {coin}",
    "must hold at most {count} coins in one go",
    "must hold from 0 to {most} of {coin}",
    "must look like name@example.org",
    "must name at least one role",
    "must name at least one scope",
    "must name each coin once",
    "must name each product once",
    "must name each role once",
    "must name every coin, {coin} too",
    "must name 1 to {most} products",
    "must not be after {day}",
    "must not be the shop's own",
    "must not contain slashes or invisible characters",
    "must not move",
    "must not start or end with space",
)


def said(reason: str, words: Words) -> str:
    """The reason in this language; as it is where nobody has foreseen it."""
    for pattern, text in _patterns():
        found = pattern.fullmatch(reason)
        if found is not None:
            facts = found.groupdict()
            return words.say(text, **{name: _written(name, fact, words) for name, fact in facts.items()})
    return reason


def _written(name: str, fact: str, words: Words) -> str:
    """A day, or a large or broken number, as this language writes it; names as they were given."""
    if name in ("name", "seller"):
        return fact
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fact):
        return words.day(date.fromisoformat(fact))
    if re.fullmatch(r"[0-9]+\.[0-9]+|[0-9]{5,15}", fact):
        return words.number(fact)
    return fact


def sentence(reason: str, words: Words) -> str:
    """The reason as a sentence of its own, for beside the field."""
    told = said(reason, words)
    return f"{told[:1].upper()}{told[1:]}."


def of_row(reason: str, words: Words) -> str:
    """Why a row of a table is not taken, as a sentence."""
    of_column = re.fullmatch(r"The ([a-z_]+) (must .+)", reason, re.DOTALL)
    if of_column is None or of_column[1] == "first":
        return f"{said(reason, words)}."  # It may begin with a name.
    return f"{of_column[1]}: {sentence(of_column[2], words)}"


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(re.sub(r"\\\{([a-z]+)\\\}", r"(?P<\1>.+)", re.escape(text)), re.DOTALL), text)
        for text in REASONS
    )
