"""What a session is good for: the one interface that it was opened at.

A dialect's name, or one of these. A token that somebody finds in a client of one contract opens no other.
"""

from __future__ import annotations

ANY = "any"  # Of sessions that were opened before there were audiences.
V1 = "v1"
PAGES = "pages"  # And for what their scripts ask of /v1, with the browser's cookie.


def fits(held: str, asked: str) -> bool:
    """Whether a session of the audience `held` is good at the interface `asked`."""
    return held in (ANY, asked)
