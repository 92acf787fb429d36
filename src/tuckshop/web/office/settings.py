"""`/office/settings`: what is set, what it is for, and where it comes from; changed where it is set."""

from __future__ import annotations

from typing import Any, NamedTuple

from tuckshop.domain.users import Role
from tuckshop.http.handlers import get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.http.state import running
from tuckshop.settings import PREFIX, Source
from tuckshop.web.ui import i18n, rooms
from tuckshop.web.ui.i18n import Words


class Setting(NamedTuple):
    """One setting in force."""

    variable: str
    meaning: str
    value: str
    source: Source


@get("/office/settings")
async def show(request: ShopRequest) -> Response[Any]:
    """Every setting in force, without secrets."""
    member = await rooms.member(request, Role.ADMIN)
    shown, sources = request.settings.redacted(), running(request.scope).sources
    cards = [
        (title, [Setting(one, said, shown[one], sources[one]) for one, said in _variables(meanings)])
        for title, meanings in meant(i18n.of(request))
    ]
    return rooms.page(request, "office/settings.html", member=member, cards=cards)


HANDLERS = (show,)


def meant(words: Words) -> list[tuple[str, dict[str, str]]]:
    """What each setting is for, by what they have in common."""
    _ = words.gettext
    return [
        (
            _("Shop"),
            {
                "shop_name": _("Shop name"),
                "timezone": _("Time zone"),
                "day_starts": _("Start of the business day"),
                "refund_window_seconds": _("Seconds in which buyers can undo or return a purchase"),
                "machine_undo": _("What buyers can return by themselves at a machine"),
                "placed_hours": _("Hours until an order that was not dispensed is cancelled"),
            },
        ),
        (
            _("Money"),
            {
                "coins": _("Who may confirm that coins were inserted"),
                "coins_daily_cap_cents": _("Daily limit of coins that a buyer can add, in cents"),
                "coins_machine_daily_cap_cents": _(
                    "Daily limit of coins that buyers can add at a machine, in cents"
                ),
                "tab_limit_cents": _("Default tab limit, in cents"),
                "payout_delay_days": _("Days from a sale to its payout"),
                "tab_for": _("Who may have a tab"),
                "tab_exposure_cents": _("What users without an approved tab may owe together, in cents"),
            },
        ),
        (
            _("Access"),
            {
                "registration": _("Anyone can register as a buyer"),
                "seller_registration": _("Anyone can register as a seller"),
                "staff_second_factor": _("Second step at the log-in of staff"),
                "registrations_per_hour": _("Registrations an hour from one network"),
                "kiosk_open": _("Kiosks need no key (demo only)"),
                "first_code_hash": _("Setup code for the first admin"),
            },
        ),
        (
            _("Storage"),
            {
                "home": _("Data folder"),
                "database_url": _("Database"),
                "secret": _("Key that signs log-ins"),
                "unsafe_durability": _("Start even if a power failure can lose sales"),
            },
        ),
        (
            _("Network"),
            {
                "public_url": _("Public address"),
                "allowed_hosts": _("Host names that are accepted; *: any"),
                "trusted_proxies": _("Trusted proxies"),
                "host": _("Address to listen on"),
                "port": _("Port to listen on"),
                "dialects": _("Dialects (older contracts) that are served"),
                "root_dialect": _("Dialect that is served at the root"),
            },
        ),
        (
            _("Running"),
            {
                "workers": _("Server processes"),
                "connections": _("Open connections for each process"),
                "idle_seconds": _("Seconds until an idle connection is closed"),
                "event_streams": _("Live connections for each process"),
                "event_streams_per_address": _("Live connections from one address"),
                "metrics": _("Metrics are public"),
                "metrics_token": _("Token for metrics"),
                "metrics_folder": _("Folder for metrics of several processes"),
                "access_log": _("Log every request"),
            },
        ),
    ]


def _variables(meanings: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"{PREFIX}{name.upper()}", said) for name, said in meanings.items()]
