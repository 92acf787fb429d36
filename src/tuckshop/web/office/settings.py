"""`/office/settings`: what is set, what it is for, and where it comes from; changed where it is set."""

from __future__ import annotations

from typing import Any, NamedTuple

from tuckshop.domain.users import Role
from tuckshop.http.handlers import get
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.http.state import running
from tuckshop.settings import PREFIX, Source
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui import rooms
from tuckshop.web.ui.i18n import Words


class Told(NamedTuple):
    """One setting in force."""

    variable: str
    meaning: str
    value: str
    source: Source


@get("/office/settings")
async def show(request: Call) -> Response[Any]:
    """Every setting in force, without secrets."""
    member = await rooms.member(request, Role.ADMIN)
    shown, sources = request.settings.shown(), running(request.scope).sources
    cards = [
        (title, [Told(one, said, shown[one], sources[one]) for one, said in _variables(meanings)])
        for title, meanings in meant(texts.of(request))
    ]
    return rooms.page(request, "office/settings.html", member=member, cards=cards)


HANDLERS = (show,)


def meant(words: Words) -> list[tuple[str, dict[str, str]]]:
    """What each setting is for, by what they have in common."""
    _ = words.gettext
    return [
        (
            _("The shop"),
            {
                "shop_name": _("What stands on its sign"),
                "timezone": _("By whose clock its days are counted"),
                "day_starts": _("When a day’s sales begin"),
                "refund_window_seconds": _("For how many seconds buyers may give something back"),
            },
        ),
        (
            _("Money"),
            {
                "coins": _("Who may say that coins were put in"),
                "coins_daily_cap_cents": _("What a buyer may declare in coins in a day, in cents"),
                "tab_limit_cents": _("What a buyer without a limit of their own may owe, in cents"),
            },
        ),
        (
            _("Who may come in"),
            {
                "registration": _("Whether anybody may register"),
                "seller_registration": _("Whether anybody may register to sell"),
                "kiosk_open": _("Whether a kiosk needs no key; in a demo alone"),
                "first_code_hash": _("The code that makes the first admin"),
            },
        ),
        (
            _("Where it is kept"),
            {
                "home": _("The folder of what lies outside the database"),
                "database_url": _("The books"),
                "secret": _("What log-ins are signed with"),
                "unsafe_durability": _("Whether it starts though a power cut may lose sales"),
            },
        ),
        (
            _("Where it is found"),
            {
                "public_url": _("Its address for browsers"),
                "allowed_hosts": _("The names that it answers to; empty: any"),
                "trusted_proxies": _("Proxies that are believed where a request comes from"),
                "host": _("The address that the server listens at"),
                "port": _("The port that the server listens at"),
                "dialects": _("Older contracts that it speaks as well"),
                "root_dialect": _("The one of them that has the shortest addresses"),
            },
        ),
        (
            _("How it runs"),
            {
                "workers": _("Server processes"),
                "event_streams": _("How many may watch live, for each process"),
                "metrics": _("Whether anybody may read its figures"),
                "metrics_token": _("What opens its figures to those who send it"),
                "metrics_folder": _("Where several processes put their figures together"),
                "access_log": _("Whether every request leaves a line in the log"),
            },
        ),
    ]


def _variables(meanings: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"{PREFIX}{name.upper()}", said) for name, said in meanings.items()]
