"""What is told to the operator, and what becomes of the shop if nobody can be told."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from tests.shop import Shop
from tuckshop import telemetry
from tuckshop.domain.ledger import wallet_of
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit


class Full(io.StringIO):
    """Standard error on a disk without room, or in a pipe that nobody reads any more."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """As in a server."""
    before = structlog.get_config()
    telemetry.set_up_logs()
    yield
    structlog.configure(**before)


STREAMS = pytest.mark.parametrize("stream", [Full(), closed()], ids=["full", "closed"])


@STREAMS
def test_a_line_that_cannot_be_written_is_lost(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    structlog.get_logger("anybody").warning("shop.opened")


@STREAMS
async def test_a_log_that_cannot_be_written_stops_nobody(
    shop: Shop, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a machine's key does is logged once its batch is durable: the till must outlive the line."""
    ada = await shop.buyer()
    hall = await shop.machine()
    await shop.log_in_at(hall, ada)
    key = await shop.machine_key(hall)
    monkeypatch.setattr(sys, "stderr", stream)
    for _ in range(2):
        assert isinstance(await shop.do(Deposit(key, wallet_of(ada.user_id), {50: 1}, hall)), CoinsDeposited)


def test_a_line_goes_where_standard_error_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    log = structlog.get_logger("anybody")
    log.info("before")
    now = io.StringIO()
    monkeypatch.setattr(sys, "stderr", now)
    log.warning("shop.opened", products=3)
    assert '"products": 3' in now.getvalue()
    assert now.getvalue().count("\n") == 1
