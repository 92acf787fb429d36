"""Errors sent to Sentry: what kind and where in the code, never what was in them.

Sentry's own integrations stay off: they would send addresses, headers, cookies, bodies and variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tuckshop import __version__, telemetry
from tuckshop.settings import PREFIX, SettingsInvalid

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport
    from sentry_sdk.types import Event

TOLD = ("cause", "command", "method", "request_id")
"""Facts of a line of the log that go with it; the others may name somebody."""


def start(dsn: str, *, transport: Transport | None = None) -> Callable[[], None]:
    """Sends every error of the log from now on, until whoever calls the answer ends that.

    Raises:
        SettingsInvalid: the packages are missing, or the address is none.
    """
    try:
        import sentry_sdk
    except ImportError:
        raise missing("SENTRY_DSN", "sentry") from None
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=__version__,
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            server_name="",
            before_send=_without_values,
            transport=transport,
        )
    except sentry_sdk.utils.BadDsn:
        raise SettingsInvalid(f"{PREFIX}SENTRY_DSN is not the address of a Sentry project.") from None

    def report(event: str, facts: Mapping[str, Any]) -> None:
        with sentry_sdk.new_scope() as scope:
            scope.fingerprint = ["{{ default }}", event, str(facts.get("cause", ""))]
            scope.set_tag("event", event)
            for name in TOLD:
                if facts.get(name):
                    scope.set_tag(name, str(facts[name]))
            error = facts.get("exc_info")
            if isinstance(error, BaseException):
                scope.capture_exception(error)
            else:
                scope.capture_message(event, level="error")

    ends = telemetry.report_errors_to(report)

    def end() -> None:
        ends()
        sentry_sdk.get_client().close()

    return end


def missing(setting: str, extra: str) -> SettingsInvalid:
    """The one sentence on packages that are not installed."""
    return SettingsInvalid(
        f"{PREFIX}{setting} needs packages that are not installed. Install them with"
        f" `pip install 'tuckshop[{extra}]'`."
    )


def _without_values(event: Event, _hint: object) -> Event:
    """An error's message may quote what somebody typed; its type and place do not."""
    for one in event.get("exception", {}).get("values", []):
        one["value"] = ""
    return event
