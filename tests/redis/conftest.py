"""A Redis server for each test, and no pauses before it is asked again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis.servers import RedisServer, serving_redis


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server with nothing in it."""
    with serving_redis(tmp_path) as server:
        yield server
