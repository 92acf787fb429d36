"""Holding answers against the OpenAPI document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx

from tuckshop.app import openapi_document

PROBLEM = "application/problem+json"


@cache
def document() -> dict[str, Any]:
    """The document, made once."""
    return openapi_document()


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of the whole document."""
    return [
        (method.upper(), path, operation)
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    ]


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` stands for; anything else is itself."""
    while "$ref" in node:
        found: Any = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = {**found, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The operation that answers a request; None for a path or method outside the document."""
    for template, item in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{.*?\}", r"[1-9][0-9]*", template), path.rstrip("/") or "/"):
            found: dict[str, Any] | None = item.get(method.lower())
            return found
    return None


async def check_answer(response: httpx.Response) -> None:
    """An event hook: every answer is one that the document names, and every error a problem."""
    await response.aread()
    status = response.status_code
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "cache-control" in response.headers
    if status >= 400 and not response.request.url.path.startswith("/health"):
        check_problem(response)
    operation = operation_of(response.request.method, response.request.url.path)
    if operation is None:
        return
    said = operation["responses"].get(str(status))
    name = f"{operation['operationId']} answers {status}"
    assert said is not None, f"{name}, of which the document knows nothing: {response.text}"
    said = resolve(said)
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if "content" in said and "image/*" not in said["content"]:
        assert media_type in said["content"], f"{name} as {media_type}"
    if media_type == PROBLEM:
        kind = response.json()["type"].rpartition(":")[2]
        known = said["content"][PROBLEM].get("examples", {})
        assert kind in known, f"{name} as {kind}, of which the document knows nothing"


def check_problem(response: httpx.Response) -> dict[str, Any]:
    """The problem, if it is one in every respect (RFC 9457)."""
    assert response.headers["content-type"].partition(";")[0] == PROBLEM, response.headers
    if response.request.method == "HEAD":
        return {}
    told: dict[str, Any] = response.json()
    assert told["status"] == response.status_code
    assert re.fullmatch(r"urn:tuckshop:problem:[a-z0-9-]+", told["type"])
    assert told["title"]
    assert told["detail"]
    for leak in ("Traceback", "sqlalchemy", "asyncpg", "sqlite", "SELECT ", "INSERT ", "/src/", ".py"):
        assert leak.lower() not in response.text.lower(), response.text
    return told
