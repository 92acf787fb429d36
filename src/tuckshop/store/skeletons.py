"""Names that look alike: skeletons after UTS 39, and words that mix alphabets.

Two names with one skeleton can hardly be told apart where they are read: `paypal` in Cyrillic, `PauI` for
`Paul`. Skeletons are stored, so another release of the data is another migration.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from tuckshop.domain.users import name_key, names_nobody

_MIXED_WITH_LATIN = frozenset({"CYRILLIC", "GREEK"})
# Default_Ignorable_Code_Point, as far as names can hold them: marks that join, and variation selectors.
_IGNORED = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_DIRECTION = "\u200e"  # The data has right-to-left signs between two of these.


def skeleton(name: str) -> str:
    """What the name looks like, whatever letters it is written in and in whichever case (UTS 39, section 4).

    Case is folded between two passes: a capital I looks like an l, a capital Cyrillic M like that of Latin,
    whose small one looks like rn. All that twice: a small Cherokee letter looks like a capital Y, which is
    folded then. No sign needs a third time.
    """
    looks = name
    for _ in range(2):
        looks = _alike(name_key(_alike(looks)))
    return looks


def is_misleading(name: str) -> bool:
    """Whether nobody may take the name, whoever is there: see `mixes_alphabets`; or it looks like a closed
    user's (`c1osed user 4`)."""
    return mixes_alphabets(name) or names_nobody(skeleton(name))


def mixes_alphabets(name: str) -> bool:
    """Whether some word of the name has Latin letters and also Cyrillic or Greek ones."""
    return any("LATIN" in scripts and scripts & _MIXED_WITH_LATIN for scripts in map(_scripts, _words(name)))


def _alike(name: str) -> str:
    prototypes = _prototypes()
    seen = _IGNORED.sub("", unicodedata.normalize("NFD", name))
    return unicodedata.normalize("NFD", "".join(prototypes.get(char, char) for char in seen))


def _words(name: str) -> list[str]:
    """Runs of letters, with the marks on them."""
    letters = (char if unicodedata.category(char)[0] in "LM" else " " for char in name)
    return "".join(letters).split()


def _scripts(word: str) -> set[str]:
    from confusable_homoglyphs import categories

    return {categories.alias(char) for char in word}


@cache
def _prototypes() -> dict[str, str]:
    """By each sign what stands for all that look like it.

    The package lists pairs in both directions: what several signs look like is their prototype, and so is
    what has more than one character. Of two that look like each other alone, the first by code point is.
    """
    from confusable_homoglyphs import confusables  # A megabyte, which most commands do not need.

    pairs: dict[str, set[str]] = {}
    for sign, others in confusables.confusables_data.items():
        alike = pairs.setdefault(sign.strip(_DIRECTION), set())
        alike.update(other["c"].strip(_DIRECTION) for other in others)
    found = {}
    for sign, alike in pairs.items():
        if len(sign) == 1 and len(alike) == 1:
            (other,) = alike
            if len(other) > 1 or len(pairs[other]) > 1 or other < sign:
                found[sign] = other
    return found
