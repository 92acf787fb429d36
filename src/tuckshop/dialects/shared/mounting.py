"""How a dialect is put together and found: its handlers under its own prefix, or at the root as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from tuckshop.context import Shop
from tuckshop.dialects import NAMES
from tuckshop.domain.tabs import TabsFor
from tuckshop.domain.users import RegistrationMode
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.http import openapi
from tuckshop.http.handlers import Handler, get
from tuckshop.http.openapi import Contract
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.http.router import Application
from tuckshop.settings import PREFIX as SETTING_PREFIX
from tuckshop.settings import Settings, SettingsInvalid

PREFIX = "/dialects/"
TAB_LIMIT_CENTS = 2_000  # Proposed, where nobody has said another.


class Needed(NamedTuple):
    """A setting that a dialect cannot be served without: its value, or the one proposed, and what it allows.

    `is_met`: the value is given, and will do.
    """

    name: str
    value: str
    why: str
    is_met: bool

    @property
    def assignment(self) -> str:
        """As it stands in an environment or in the settings file."""
        return f"{SETTING_PREFIX}{self.name.upper()}={self.value}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """One contract: what it serves, how it tells errors, and what the shop must allow for it.

    `declares_coins`: its buyers say themselves which coins they put in. `buys_on_tab`: its orders ask for no
    money. `registers_sellers`: whoever asks becomes a seller. `users`: the shop's users as its document keeps
    them, row by row, if it says how.
    `admit`: looks at each request before its handler does, for credentials of the contract's own.
    """

    name: str
    handlers: Sequence[Handler]
    contract: Contract
    declares_coins: bool = False
    buys_on_tab: bool = False
    registers_sellers: bool = False
    users: Callable[[Shop], AsyncIterator[tuple[object, ...]]] | None = None
    admit: Callable[[ShopRequest], Awaitable[None]] | None = None

    def needs(self, given: Settings) -> list[Needed]:
        """The settings that it cannot be served without."""
        needed = []
        if self.declares_coins:
            is_met = given.coins is CoinsPolicy.SELF
            needed.append(Needed("coins", CoinsPolicy.SELF, "buyers declare their own coins", is_met))
        if self.registers_sellers:
            needed.append(
                Needed(
                    "seller_registration",
                    given.seller_registration or RegistrationMode.OPEN,
                    "whoever registers may sell: `approve` if an admin approves each of them first",
                    given.seller_registration is not None,
                )
            )
        if self.buys_on_tab:
            limit = given.tab_limit_cents or TAB_LIMIT_CENTS
            needed += [
                Needed(
                    "tab_limit_cents",
                    str(limit),
                    "orders go on the tab: what one buyer may owe",
                    given.tab_limit_cents > 0,
                ),
                Needed(
                    "tab_for",
                    given.tab_for or TabsFor.EVERYBODY,
                    "whoever registers may order: `approved` if an admin approves each of them first",
                    given.tab_for is not None,
                ),
            ]
        return needed

    @property
    def prefix(self) -> str:
        """Where it is mounted."""
        return PREFIX + self.name

    def app(self, *, prefix: str) -> Application:
        """Its application, with every path behind `prefix`."""
        return _app(self, prefix)

    def document(self, *, prefix: str | None = None) -> dict[str, Any]:
        """Its OpenAPI document, for clients who find it behind `prefix`: by default where it is mounted."""
        prefix = self.prefix if prefix is None else prefix
        return openapi.document(self.app(prefix=prefix).routes, replace(self.contract, prefix=prefix))

    @property
    def first_parts(self) -> frozenset[str]:
        """What its paths begin with."""
        return frozenset(path.split("/")[1] for handler in self.handlers for path in handler.paths)


def find(name: str) -> Dialect:
    """The dialect of this name. Raises SettingsInvalid, with those that there are."""
    if name not in NAMES:
        raise SettingsInvalid(f"There is no dialect {name!r}: these are {', '.join(NAMES)}.")
    found: Dialect = import_module(f"tuckshop.dialects.{name.replace('-', '_')}").DIALECT
    return found


def chosen(given: Settings) -> dict[str, Dialect]:
    """The dialects that the settings name, the one at the root among them. Raises SettingsInvalid."""
    names = [*given.dialect_names, *filter(None, [given.root_dialect])]
    return {name: find(name) for name in dict.fromkeys(names)}


def require_served(given: Settings) -> None:
    """Raises SettingsInvalid, with all that is missing, if a chosen dialect cannot be served so."""
    missing = {
        dialect.name: unmet
        for dialect in chosen(given).values()
        if (unmet := [one for one in dialect.needs(given) if not one.is_met])
    }
    if missing:
        settings = {one.assignment: one.why for unmet in missing.values() for one in unmet}
        told = "; ".join(f"{assignment} ({why})" for assignment, why in settings.items())
        options = " ".join(f"--for {name}" for name in missing)
        raise SettingsInvalid(
            f"To serve {' and '.join(missing)}, set {told}. `tuckshop config {options}` prints them to copy."
            f" Or leave the dialect out."
        )


def assignments(given: Settings, names: Iterable[str]) -> dict[str, str]:
    """The settings with which these dialects can be served beside those that are, and why each is needed.

    Raises:
        SettingsInvalid: there is no such dialect.
    """
    found = [find(name) for name in names]
    served = dict.fromkeys([*given.dialect_names, *(dialect.name for dialect in found)])
    told = {f"{SETTING_PREFIX}DIALECTS={','.join(served)}": "the dialects to serve"}
    for dialect in found:
        told |= {one.assignment: one.why for one in dialect.needs(given)}
    return told


class Dispatcher:
    """Leads each request to the application whose address it names; others to the shop's own or its pages."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        mounted: Mapping[str, ASGIApp],
        at_root: Mapping[str, ASGIApp],
        pages: ASGIApp,
        is_for_browsers: Callable[[Scope], bool],
    ) -> None:
        self._app = app
        self._pages = pages
        self._is_for_browsers = is_for_browsers
        self._mounted = mounted
        self._at_root = at_root

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app = self._app
        # Nobody else has /v1, and purchases need not be asked about.
        if scope["type"] == "http" and not scope["path"].startswith("/v1/"):
            path = scope["path"]
            first = path[1:].partition("/")[0]
            if path.startswith(PREFIX):
                app = self._mounted.get(path.split("/", 3)[2], app)
            elif first in self._at_root:
                app = self._at_root[first]
            elif self._is_for_browsers(scope):
                app = self._pages
        return app(scope, receive, send)


@cache
def _app(dialect: Dialect, prefix: str) -> Application:
    return Application(
        [*dialect.handlers, _document_page(dialect)],
        errors=dialect.contract.errors,
        prefix=prefix,
        audience=dialect.name,
        before=dialect.admit,
    )


def _document_page(dialect: Dialect) -> Handler:
    @cache
    def written(prefix: str) -> bytes:
        return msgspec.json.encode(dialect.document(prefix=prefix))

    @get("/openapi.json")
    async def document(request: ShopRequest) -> Response[bytes]:
        """The dialect's OpenAPI document."""
        prefix = request.scope["path"].rstrip("/").removesuffix("/openapi.json")
        content = await asyncio.to_thread(written, prefix)
        return Response(content, headers={"Cache-Control": "no-cache"})

    return document
