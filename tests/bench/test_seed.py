"""The shop that the bench measures on: as right in its books as any other."""

from __future__ import annotations

import asyncio

import pytest

from bench.counts import Counts, count, require_all
from bench.measure import BenchFailed
from bench.seed import Size, make
from tests.bench.conftest import audited

SMALL = Size(buyers=20, sellers=3, products=7)
NOTHING_SOLD = Counts(
    orders=0,
    order_lines=0,
    transfers=0,
    stock_movements=0,
    keys=0,
    pieces=0,
    sold=0,
    taken_cents=0,
    paid_cents=0,
    earned_cents=0,
)


def test_fills_a_shop_that_passes_the_audit(empty_url: str) -> None:
    shop = make(empty_url, size=SMALL)

    assert len(shop.buyers) == len(shop.session_ids) == 20
    assert len(shop.product_ids) == 7
    assert asyncio.run(audited(empty_url)).clean


def test_counts_what_was_sold(empty_url: str) -> None:
    make(empty_url, size=SMALL)

    counted = count(empty_url)

    assert counted.orders == counted.transfers == counted.keys == counted.taken_cents == 0
    assert counted.pieces == -7 * 1_000_000
    assert counted.paid_cents == -20 * 100_000_000


@pytest.mark.parametrize(
    ("sold", "answered", "cut_off", "is_believed"),
    [
        pytest.param(10, 10, 0, True, id="answers that the books confirm"),
        pytest.param(10, 8, 2, True, id="purchases whose answers were cut off"),
        pytest.param(9, 10, 0, False, id="an answered purchase is missing"),
        pytest.param(11, 10, 0, False, id="one too many"),
        pytest.param(13, 10, 2, False, id="more than were cut off"),
    ],
)
def test_believes_what_the_books_confirm(
    sold: int, answered: int, cut_off: int, *, is_believed: bool
) -> None:
    doubts = _doubts(_sold(sold), answered=answered, cut_off=cut_off)
    assert doubts == "" if is_believed else "the books grew by" in doubts


def test_refuses_purchases_in_part() -> None:
    assert "the books grew by" in _doubts(_sold(10, keys=9), answered=10)


def _doubts(after: Counts, *, answered: int, cut_off: int = 0) -> str:
    try:
        require_all(NOTHING_SOLD, after, answered=answered, cut_off=cut_off)
    except BenchFailed as failed:
        return str(failed)
    return ""


def _sold(purchases: int, *, keys: int | None = None) -> Counts:
    return Counts(
        orders=purchases,
        order_lines=purchases,
        transfers=purchases,
        stock_movements=purchases,
        keys=purchases if keys is None else keys,
        pieces=purchases,
        sold=purchases,
        taken_cents=150 * purchases,
        paid_cents=150 * purchases,
        earned_cents=150 * purchases,
    )
