"""The dialects' OpenAPI documents: stable, complete, and the ones that are served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contracts.conftest import speaking
from tests.contracts.documents import document, operations
from tuckshop.dialects import NAMES
from tuckshop.dialects.shared.mounting import find

FOLDER = Path(__file__).parents[2] / "docs" / "dialects"


@pytest.mark.parametrize("dialect", NAMES)
def test_is_the_committed_one(dialect: str) -> None:
    path = FOLDER / f"{dialect}.json"
    refresh = f"refresh it: tuckshop export openapi --dialect {dialect} --output docs/dialects/{path.name}"
    assert json.loads(path.read_text()) == document(dialect), f"look at the difference, then {refresh}"


def test_none_is_left_behind() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(NAMES)


@pytest.mark.parametrize("dialect", NAMES)
def test_tells_of_every_handler(dialect: str) -> None:
    told = {(method, path) for method, path, _ in operations(dialect)}
    served = {
        (handler.method, path.replace(":int}", "}").replace(":str}", "}"))
        for handler in find(dialect).handlers
        for path in handler.paths
        if path != "/"  # A door for people.
    }
    assert told == served


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("at_root", [False, True])
async def test_is_served_with_the_address_it_is_found_at(
    database_url: str, dialect: str, *, at_root: bool
) -> None:
    async with speaking(database_url, dialect, (at_root, "")) as client:
        mounted = (await client.client.get(f"/dialects/{dialect}/openapi.json")).json()
        assert mounted == document(dialect)
        assert mounted["servers"] == [{"url": f"/dialects/{dialect}"}]
        # At the root, that of /v1 stands in its place.
        assert (await client.client.get("/openapi.json")).json()["info"]["title"] == "Tuckshop"
