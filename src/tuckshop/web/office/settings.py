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
    say = words.say
    return [
        (
            say("The shop"),
            {
                "shop_name": say("What stands on its sign"),
                "timezone": say("By whose clock its days are counted"),
                "day_starts": say("When a day’s sales begin"),
                "refund_window_seconds": say("For how many seconds buyers may give something back"),
            },
        ),
        (
            say("Money"),
            {
                "coins": say("Who may say that coins were put in"),
                "coins_daily_cap_cents": say("What a buyer may declare in coins in a day, in cents"),
                "tab_limit_cents": say("What a buyer without a limit of their own may owe, in cents"),
            },
        ),
        (
            say("Who may come in"),
            {
                "registration": say("Whether anybody may register"),
                "seller_registration": say("Whether anybody may register to sell"),
                "kiosk_open": say("Whether a kiosk needs no key; in a demo alone"),
                "first_code_hash": say("The code that makes the first admin"),
            },
        ),
        (
            say("Where it is kept"),
            {
                "home": say("The folder of what lies outside the database"),
                "database_url": say("The books"),
                "secret": say("What log-ins are signed with"),
                "unsafe_durability": say("Whether it starts though a power cut may lose sales"),
            },
        ),
        (
            say("Where it is found"),
            {
                "public_url": say("Its address for browsers"),
                "allowed_hosts": say("The names that it answers to; empty: any"),
                "trusted_proxies": say("Proxies that are believed where a request comes from"),
                "host": say("The address that the server listens at"),
                "port": say("The port that the server listens at"),
                "dialects": say("Older contracts that it speaks as well"),
                "root_dialect": say("The one of them that has the shortest addresses"),
            },
        ),
        (
            say("How it runs"),
            {
                "workers": say("Server processes"),
                "event_streams": say("How many may watch live, for each process"),
                "metrics": say("Whether anybody may read its figures"),
                "metrics_token": say("What opens its figures to those who send it"),
                "metrics_folder": say("Where several processes put their figures together"),
                "access_log": say("Whether every request leaves a line in the log"),
            },
        ),
    ]


def _variables(meanings: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"{PREFIX}{name.upper()}", said) for name, said in meanings.items()]
