"""The OpenAPI document: complete, stable, and the one that is served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.contract import document, operations, resolve
from tuckshop.app import api as contract
from tuckshop.domain.users import Role

SNAPSHOT = Path(__file__).parents[2] / "docs" / "openapi.json"
REFRESH = "look at the difference, then refresh it: tuckshop export openapi --output docs/openapi.json"
OPEN = {
    "registerUser",
    "logIn",
    "refreshTokens",
    "listProducts",
    "getProduct",
    "getImage",
    "isLive",
    "isReady",
}


def test_is_the_committed_one() -> None:
    assert json.loads(SNAPSHOT.read_text()) == document(), REFRESH


async def test_is_served(api: Api) -> None:
    answer = await api.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document()
    again = await api.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_tells_of_every_route() -> None:
    routes = {
        (route.method, route.path)
        for route in contract().routes
        if not route.path.startswith(("/docs", "/openapi.json"))
    }
    assert {(method, path) for method, path, _ in operations()} == routes


def test_every_reference_leads_somewhere() -> None:
    found = 0

    def walk(node: Any) -> None:
        nonlocal found
        if isinstance(node, dict):
            if "$ref" in node:
                found += 1
                assert resolve(node)
            for child in node.values():
                walk(child)
        if isinstance(node, list):
            for child in node:
                walk(child)

    walk(document())
    assert found > 100


@pytest.mark.parametrize(("method", "path", "operation"), operations())
def test_every_operation_is_told_in_full(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in {tag["name"] for tag in document()["tags"]}
    for status, response in operation["responses"].items():
        said = resolve(response)
        assert said["description"], status
        if int(status) >= 400 and not path.startswith("/health"):
            assert list(said["content"]) == ["application/problem+json"]
            assert said["content"]["application/problem+json"]["schema"] == {
                "$ref": "#/components/schemas/Problem"
            }
    named = {one["name"] for one in map(resolve, operation["parameters"]) if one["in"] == "path"}
    assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    is_open = operation["operationId"] in OPEN
    assert (operation["security"] == []) == is_open
    assert ("401" in operation["responses"]) == (
        not is_open or operation["operationId"] in {"logIn", "refreshTokens"}
    )
    assert ("413" in operation["responses"]) == ("requestBody" in operation)


def test_operation_ids_are_each_ones_own() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)


def test_bodies_say_what_is_enforced() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["LineBody"]["properties"]["quantity"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 1_000_000,
    }
    assert schemas["AddProductBody"]["properties"]["price"]["maximum"] == 1_000_000_000
    assert schemas["RegisterBody"]["properties"]["username"]["maxLength"] == 64
    assert schemas["Role"]["enum"] == sorted(role.value for role in Role)
    bodies = [schema for name, schema in schemas.items() if name.endswith("Body")]
    assert len(bodies) > 10
    assert all(body["additionalProperties"] is False for body in bodies)
