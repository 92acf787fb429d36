"""Errors sent to Sentry: their kind and place, and nothing of what was in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
import structlog
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from tuckshop import telemetry
from tuckshop.operations import error_reports
from tuckshop.settings import SettingsInvalid

DSN = "https://key@sentry.example.org/1"
SECRET = "correct horse battery"


class Kept(Transport):
    """Where the reports end up here."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events.append(envelope.get_event())


@pytest.fixture
def kept() -> Iterator[Kept]:
    before = structlog.get_config()
    telemetry.set_up_logs()
    transport = Kept()
    end = error_reports.start(DSN, transport=transport)
    yield transport
    end()
    sentry_sdk.init()
    structlog.configure(**before)


def _fails(password: str) -> None:
    raise ValueError(f"{password} is wrong")


def test_an_error_is_told_by_type_and_place(kept: Kept) -> None:
    log = structlog.get_logger("anybody")
    try:
        _fails(SECRET)
    except ValueError as error:
        log.error("api.defect", exc_info=error, request_id="r1", path=f"/v1/{SECRET}", cookie=SECRET)
    (event,) = kept.events
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert exception["stacktrace"]["frames"][-1]["function"] == "_fails"
    assert event["tags"] == {"event": "api.defect", "request_id": "r1"}
    assert SECRET not in repr(event)


def test_a_trouble_is_told_by_its_cause(kept: Kept) -> None:
    structlog.get_logger("anybody").error("shop.trouble", cause="disk-full", remedy="Free /var/lib/secret.")
    (event,) = kept.events
    assert (event["message"], event["tags"]["cause"]) == ("shop.trouble", "disk-full")
    assert "/var/lib/secret" not in repr(event)


def test_warnings_are_no_errors(kept: Kept) -> None:
    structlog.get_logger("anybody").warning("http.failed", status=503)
    assert kept.events == []


def test_without_the_packages_it_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(SettingsInvalid, match=r"pip install 'tuckshop\[sentry\]'"):
        error_reports.start(DSN)


def test_an_address_that_is_none(kept: Kept) -> None:
    with pytest.raises(SettingsInvalid, match="TUCKSHOP_SENTRY_DSN"):
        error_reports.start("sentry.example.org")
