"""Holding a dialect's answers against its OpenAPI document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx

from tuckshop.app import openapi_document


@cache
def document(dialect: str) -> dict[str, Any]:
    """The dialect's document, made once."""
    return openapi_document(dialect)


def operations(dialect: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of the whole document."""
    return [
        (method.upper(), path, operation)
        for path, item in document(dialect)["paths"].items()
        for method, operation in item.items()
    ]


def check_answer(response: httpx.Response, *, dialect: str, prefix: str) -> None:
    """Every answer is one that the document names, and every error tells a sentence and a code."""
    status, method = response.status_code, response.request.method
    assert response.headers["x-content-type-options"] == "nosniff"
    assert status < 500, response.text
    if status >= 400 and method != "HEAD":
        _check_error(response)
    path = response.request.url.path.removeprefix(prefix).rstrip("/") or "/"
    operation = _operation(dialect, method, path)
    if operation is None or status == 405:
        return
    name = f"{operation['operationId']} answers {status}"
    said = operation["responses"].get(str(status))
    assert said is not None, f"{name}, of which the document knows nothing: {response.text}"
    if "$ref" in said:
        said = document(dialect)["components"]["responses"][said["$ref"].rpartition("/")[2]]
    if status >= 400 and method != "HEAD":
        (content,) = said["content"].values()
        code = response.json()["code"]
        assert code in content["examples"], f"{name} as {code}, of which the document knows nothing"


def _operation(dialect: str, method: str, path: str) -> dict[str, Any] | None:
    paths = document(dialect)["paths"]
    # What is written out comes before what stands for many.
    for template in sorted(paths, key=lambda one: one.count("{")):
        if re.fullmatch(re.sub(r"\{.*?\}", "[^/]+", template), path):
            found: dict[str, Any] | None = paths[template].get(method.lower())
            return found
    return None


def _check_error(response: httpx.Response) -> None:
    assert response.headers["content-type"].partition(";")[0] == "application/json", response.headers
    told = response.json()
    assert set(told) == {"detail", "code"}, told
    assert told["detail"]
    assert re.fullmatch("[a-z0-9-]+", told["code"])
    for leak in ("Traceback", "sqlalchemy", "asyncpg", "sqlite", "SELECT ", "INSERT ", "/src/", ".py"):
        assert leak.lower() not in response.text.lower(), response.text
