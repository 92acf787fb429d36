"""A contract as a Postman collection (format 2.1): its walk, call by call, with variables and tests.

The source is the OpenAPI document and the walk of its contract, and nothing else.
https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from tuckshop.http.openapi import Step

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

# Names are taken once: every run makes its own.
_NEW_RUN = "pm.collectionVariables.get('run') || pm.collectionVariables.set('run', Date.now().toString(36))"
_NUMBER = re.compile(r'"(\{\{\w+_id\}\})"')
"""What is named so in a body is a number, and stands there without quotes."""


def collection(document: dict[str, Any], walk: tuple[Step, ...], *, address: str) -> dict[str, Any]:
    """The collection for a server at `address`. KeyError if a step calls what the document does not have."""
    operations = {
        operation["operationId"]: (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    tagged = [(operations[step.operation_id][2]["tags"][0], step) for step in walk]
    folders = [
        {"name": tag, "item": [_item(document, operations[step.operation_id], step) for _, step in steps]}
        for tag, steps in groupby(tagged, key=lambda one: one[0])
    ]
    names = dict.fromkeys(name for step in walk for name in step.keep)
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": SCHEMA,
        },
        "item": folders,
        "event": [_script("prerequest", _NEW_RUN)],
        "variable": [
            {"key": "base_url", "value": address.rstrip("/") + document["servers"][0]["url"].rstrip("/")},
            {"key": "admin_name", "value": "admin"},
            {"key": "admin_password", "value": ""},
            {"key": "machine_key", "value": ""},
            {"key": "run", "value": ""},
            *({"key": name, "value": ""} for name in names),
        ],
    }


def _item(document: dict[str, Any], called: tuple[str, str, dict[str, Any]], step: Step) -> dict[str, Any]:
    method, path, operation = called
    for name, value in step.path.items():
        path = path.replace(f"{{{name}}}", str(value))
    query = f"?{urlencode(step.query, safe='{}')}" if step.query else ""
    headers = [] if step.by is None else [_credential(document, operation, step.by)]
    request: dict[str, Any] = {
        "method": method,
        "description": operation.get("description", ""),
        "url": {
            "raw": f"{{{{base_url}}}}{path}{query}",
            "host": ["{{base_url}}"],
            "path": [part for part in path.split("/") if part],
            **({"query": [{"key": k, "value": str(v)} for k, v in step.query.items()]} if query else {}),
        },
    }
    if step.body is not None:
        headers.append({"key": "Content-Type", "value": "application/json"})
        raw = _NUMBER.sub(r"\1", json.dumps(step.body, indent=2, ensure_ascii=False))
        request["body"] = {"mode": "raw", "raw": raw}
    request["header"] = headers
    return {
        "name": operation["summary"],
        "request": request,
        "event": [_script("test", *_tests(operation, step))],
    }


def _credential(document: dict[str, Any], operation: dict[str, Any], variable: str) -> dict[str, str]:
    """The header that carries it, as the first scheme that the operation takes says."""
    names = [name for taken in operation["security"] for name in taken]
    scheme = document["components"]["securitySchemes"]["machine" if "machine_key" in variable else names[0]]
    if scheme["type"] == "apiKey":
        return {"key": scheme["name"], "value": f"{{{{{variable}}}}}"}
    word = {"bearer": "Bearer"}.get(scheme["scheme"], scheme["scheme"])
    return {"key": "Authorization", "value": f"{word} {{{{{variable}}}}}"}


def _tests(operation: dict[str, Any], step: Step) -> list[str]:
    status = step.status or min(int(status) for status in operation["responses"] if status < "300")
    expected = f"pm.expect(pm.response.code, pm.response.text()).to.eql({status})"
    lines = [f"pm.test('answers {status}', () => {expected});"]
    if step.keep or step.shows:
        lines.append("const told = pm.response.json();")
    for place, value in step.shows.items():
        test, shown = json.dumps(f"shows {place}"), json.dumps(value, ensure_ascii=False)
        lines.append(f"pm.test({test}, () => pm.expect({_at(place)}).to.eql({shown}));")
    lines += [f"pm.collectionVariables.set('{name}', {_at(place)});" for name, place in step.keep.items()]
    return lines


def _at(place: str) -> str:
    return "told" + "".join(f"[{part}]" if part.isdigit() else f"['{part}']" for part in place.split("."))


def _script(listen: str, *lines: str) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": list(lines)}}
