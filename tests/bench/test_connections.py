"""Thousands of connections that one address holds: a buyer beside them is served, in a bound of memory."""

from __future__ import annotations

import pytest

from bench import connections, counts
from bench.seed import Size, make
from bench.server import require_clean_audit, serving
from bench.side import database

CONNECTIONS, PURCHASES = 5_000, 300


@pytest.mark.more
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_every_purchase_beside_five_thousand_connections_is_answered(kind: str) -> None:
    with database(kind) as (url, _):
        shop = make(url, size=Size(buyers=1, sellers=1, products=100))
        with serving(url, workers=1) as server:
            connections.purchases(server, shop, PURCHASES)
            before, held_before = counts.count(url), sum(server.resident_bytes())
            with connections.holding(server.port, CONNECTIONS):
                connections.purchases(server, shop, PURCHASES)
                held = sum(server.resident_bytes()) - held_before
            assert held < connections.MEMORY_BYTES_MAX
            counts.require_all(before, counts.count(url), answered=PURCHASES)
        require_clean_audit(url)
