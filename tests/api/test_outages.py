"""What callers see while the database is away, and that nobody has to start the service again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import serving
from tests.conftest import own_cluster, set_up

READS = ("/v1/products", "/v1/products/1", "/v1/images/1")
LOGIN = {"username": "ada", "password": "ginger and lime"}


@pytest.mark.postgres
async def test_reads_are_503_while_postgresql_is_down_and_come_back_with_it(tmp_path: Path) -> None:
    with own_cluster() as cluster:
        url = cluster.create_database("shop")
        await set_up(url)
        async with serving(url) as api:
            assert (await api.client.get("/v1/products")).status_code == 200
            cluster.stop("immediate")
            for path in READS:
                answer = await api.client.get(path)
                assert (answer.status_code, answer.json()["type"]) == (
                    503,
                    "urn:tuckshop:problem:unavailable",
                )
                assert "Retry-After" in answer.headers
            assert (await api.client.post("/v1/auth/login", json=LOGIN)).status_code == 503
            assert (await api.client.get("/health/ready")).status_code == 503
            cluster.start()
            for _ in range(20):
                assert (await api.client.get("/v1/products")).status_code == 200
            assert (await api.client.post("/v1/auth/login", json=LOGIN)).status_code == 401
