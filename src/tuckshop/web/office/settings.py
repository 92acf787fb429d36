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
from tuckshop.web.ui.i18n import N_, Words


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


MEANT: list[tuple[str, dict[str, str]]] = [
    (
        N_("Shop"),
        {
            "shop_name": N_("Shop name"),
            "timezone": N_("Time zone"),
            "day_starts": N_("Start of the business day"),
            "refund_window_seconds": N_("Seconds in which buyers can undo or return a purchase"),
            "machine_undo": N_("What buyers can return by themselves at a machine"),
            "placed_hours": N_("Hours until an order that was not dispensed is cancelled"),
        },
    ),
    (
        N_("Money"),
        {
            "coins": N_("Who may confirm that coins were inserted"),
            "coins_daily_cap_cents": N_("Daily limit of coins that a buyer can add, in cents"),
            "coins_machine_daily_cap_cents": N_(
                "Daily limit of coins that buyers can add at a machine, in cents"
            ),
            "tab_limit_cents": N_("Default tab limit, in cents"),
            "payout_delay_days": N_("Days from a sale to its payout"),
            "tab_for": N_("Who may have a tab"),
            "tab_exposure_cents": N_("What users without an approved tab may owe together, in cents"),
        },
    ),
    (
        N_("Access"),
        {
            "registration": N_("Anyone can register as a buyer"),
            "seller_registration": N_("Anyone can register as a seller"),
            "staff_second_factor": N_("Second step at the log-in of staff"),
            "registrations_per_hour": N_("Registrations an hour from one network"),
            "oidc_issuer": N_("OpenID Connect provider"),
            "oidc_client_id": N_("Client at the OpenID Connect provider"),
            "oidc_client_secret": N_("Secret of that client"),
            "oidc_name": N_("Name of the provider on the log-in page"),
            "oidc_groups_claim": N_("Claim of the ID token that has the groups"),
            "ldap_url": N_("LDAP directory"),
            "ldap_bind_dn": N_("Who searches the directory"),
            "ldap_bind_password": N_("Password for that"),
            "ldap_base": N_("Where the directory has users"),
            "ldap_user_attribute": N_("Attribute of the directory that has the user name"),
            "ldap_group_base": N_("Where the directory has groups"),
            "sign_on_roles": N_("Roles by group"),
            "kiosk_open": N_("Kiosks need no key (demo only)"),
            "first_code_hash": N_("Setup code for the first admin"),
        },
    ),
    (
        N_("Storage"),
        {
            "home": N_("Data folder"),
            "database_url": N_("Database"),
            "replica_url": N_("Replica of the database, for lists and reports"),
            "redis_url": N_("Redis that several nodes share"),
            "secret": N_("Key that signs log-ins"),
            "retention_orders_days": N_("Days for which orders name their buyer"),
            "retention_logs_days": N_("Days for which logs of staff and log-ins are kept"),
            "unsafe_durability": N_("Start even if a power failure can lose sales"),
        },
    ),
    (
        N_("Network"),
        {
            "public_url": N_("Public address"),
            "allowed_hosts": N_("Host names that are accepted; *: any"),
            "trusted_proxies": N_("Trusted proxies"),
            "host": N_("Address to listen on"),
            "port": N_("Port to listen on"),
            "dialects": N_("Dialects (older contracts) that are served"),
            "root_dialect": N_("Dialect that is served at the root"),
        },
    ),
    (
        N_("Running"),
        {
            "workers": N_("Server processes"),
            "connections": N_("Open connections for each process"),
            "idle_seconds": N_("Seconds until an idle connection is closed"),
            "event_streams": N_("Live connections for each process"),
            "event_streams_per_address": N_("Live connections from one address"),
            "metrics": N_("Metrics are public"),
            "metrics_token": N_("Token for metrics"),
            "metrics_folder": N_("Folder for metrics of several processes"),
            "log_format": N_("Format of the log"),
            "access_log": N_("Log every request"),
            "sentry_dsn": N_("Address of Sentry, for errors"),
            "otel": N_("Traces by OpenTelemetry"),
        },
    ),
]
"""What each setting is for, by what they have in common."""


def meant(words: Words) -> list[tuple[str, dict[str, str]]]:
    """The same in the reader's language."""
    _ = words.gettext
    return [(_(title), {name: _(told) for name, told in settings.items()}) for title, settings in MEANT]


def _variables(meanings: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"{PREFIX}{name.upper()}", said) for name, said in meanings.items()]
