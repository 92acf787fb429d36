"""A year of orders, made in one go: as right in the books as if each had been sold by the till."""

from __future__ import annotations

import asyncio

from bench import history
from bench.seed import Size, make
from tests.bench.conftest import audited


def test_a_years_orders_pass_the_audit(empty_url: str) -> None:
    make(empty_url, size=Size(buyers=30, sellers=3, products=12))

    sums = history.sell(empty_url, orders=400)
    history.book(empty_url)

    assert sums == 400  # Few enough that no two meet on one day, on one machine, with one product.
    assert asyncio.run(audited(empty_url)).clean
