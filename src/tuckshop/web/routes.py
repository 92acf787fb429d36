"""How the rooms are put together and found beside the API."""

from __future__ import annotations

from functools import cache

from starlette.types import Scope

from tuckshop.http.content_negotiation import prefers_pages
from tuckshop.http.router import Application
from tuckshop.identity.audiences import PAGES
from tuckshop.web import account, desk, office
from tuckshop.web.storefront import kiosk, machine
from tuckshop.web.ui import assets, forms, language
from tuckshop.web.ui.error_pages import ERRORS

ROOMS = frozenset({"", "m", "kiosk", "language", "static", "login", "register", "account", "desk", "office"})
"""What the paths of pages begin with."""
CONTRACTS = frozenset({"v1", "dialects", "health", "metrics", "docs", "openapi.json"})
"""What is answered by programs for programs, or is a page already."""


@cache
def app() -> Application:
    """The pages."""
    return Application(
        [
            *machine.HANDLERS,
            *kiosk.HANDLERS,
            *account.HANDLERS,
            *desk.HANDLERS,
            *office.HANDLERS,
            language.choose,
            assets.asset,
        ],
        errors=ERRORS,
        audience=PAGES,
        before=forms.require_own_page,
        takes_any_query=True,
        # A browser that still sends a picture would call the line broken, not say that its session is over.
        reads_to_end=True,
    )


def is_for_browsers(scope: Scope) -> bool:
    """Whether a page answers: in a room always, and where nothing is, if a browser asks for it."""
    first = scope["path"][1:].partition("/")[0]
    if first in ROOMS:
        return True
    if first in CONTRACTS:
        return False
    wanted = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return prefers_pages(wanted.decode("latin-1"))
