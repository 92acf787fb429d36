"""A contract as an OpenAPI 3.1 document, made of the handlers, their types and the table of refusals.

Each handler says with `describe` what its signature cannot: its name for clients, its refusals, the headers
it heeds. The rest is read from its annotations; bodies and answers are msgspec types, whose JSON Schema says
exactly what is enforced.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from tuckshop import __version__
from tuckshop.domain.field_problems import OutOfRange
from tuckshop.domain.refusals import (
    LogInNeeded,
    Refusal,
    ScopeMissing,
    TooManyTries,
)
from tuckshop.http.errors import Errors, Malformed, kind
from tuckshop.http.handlers import Handler, Login, Operation
from tuckshop.http.response import Response
from tuckshop.http.router import Route

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

_REF = "#/components/schemas/{name}"
_SUCCESSES = {200: "Done", 201: "Created", 204: "No content"}

_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "A key of your own, one for each operation. The same request with the same "
        "key gets the stored response, with `Idempotent-Replayed: true`; another request with it is refused. "
        "Kept for 30 days.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]+$", "minLength": 1, "maxLength": 255},
    },
    "If-Match": {
        "description": "Change the product only if it is at this version: an ETag from a response, or the "
        "version itself in quotes.",
        "schema": {"type": "string", "minLength": 3, "pattern": '^(W/)?"[1-9][0-9]{0,8}(-[0-9a-f]{1,64})?"$'},
        "example": '"1"',
    },
    "If-None-Match": {
        "description": "ETags of stored responses: if one is current, the response is 304 without a body.",
        "schema": {"type": "string"},
        "example": '"1-0123456789abcdef"',
    },
}
_ETAG = {"description": "For If-None-Match and If-Match.", "schema": {"type": "string"}}
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
_REPLAYED = {
    "description": "The stored response to an earlier request with this key; nothing was done again.",
    "schema": {"const": "true"},
}
_FACTS: dict[str, Any] = {
    "field": "stock",
    "rows_max": 50_000,
    "problem": OutOfRange(0, 1_000_000),
    "accepted": (5, 10, 20, 50, 100),
    "roles": ("cashier", "admin"),
    "scopes": ("buy", "admin"),
    "retry_seconds": 60,
    "count_max": 100,
    "role": "admin",
    "thing": "product",
    "needed_cents": 300,
    "limit_cents": 2000,
    "owed_cents": 1850,
    "status": "dispensed",
    "balance_cents": 250,
    "value_cents": 3,
    "balance_cents_max": 10**15,
    "change_cents": 35,
    "name": "Cola",
    "email": "ada@example.org",
    "key": "6f0d2c1e-purchase-1",
    "client_ref": "till-7-0001",
    "external_ref": "bank-2025-10-09-17",
    "form": "order.placed",
    "form_version": 2,
    "recorded_at": "2025-10-09T17:00:00Z",
    "payable_cents": 200,
    "user": 7,
    "guest": "door 17",
    "window_seconds": 300,
}
"""For examples; every fact not named is a 1."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One call of a walk through a contract. Texts may name what is known by then: `{{buyer_token}}`.

    - `by`: the name under which the credential is known
    - `keep`: what to remember of the answer, each name with the place of its value, `user.id`
    - `shows`: what must stand where in the answer
    - `status`: what is answered, if not the operation's own success
    """

    operation_id: str
    by: str | None = None
    body: Any = None
    path: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    query: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    keep: Mapping[str, str] = dataclasses.field(default_factory=dict)
    shows: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    status: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a document says that its handlers do not.

    - `tags`: groups of operations, in their order, by the part of the path at `tag_part` after `prefix`
    - `prefix`: what stands before every path, and is the document's server
    - `error`: name and JSON Schema of an error's body
    - `schemes`: how credentials are carried; `logins`: which of them each kind of log-in takes
    - `takes_api_tokens`: or else nobody is refused for having one
    - `walk`: calls that lead through the whole contract, each after what it needs
    - `rules`: JSON Schema for bodies, where their types cannot say it
    """

    title: str
    summary: str
    about: str
    tags: dict[str, str]
    errors: Errors
    error: tuple[str, dict[str, Any]]
    schemes: dict[str, dict[str, Any]]
    logins: dict[Login, list[dict[str, list[str]]]]
    rules: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    tag_part: Callable[[str], str] = lambda path: path.split("/")[1]
    prefix: str = ""
    takes_api_tokens: bool = True
    walk: tuple[Step, ...] = ()


def one_of(*members: str) -> dict[str, Any]:
    """The rule of a body that has exactly one of these members."""
    return {"oneOf": [{"required": [member]} for member in members]}


def document(routes: Iterable[Route], contract: Contract) -> dict[str, Any]:
    """The OpenAPI document of all routes that are told."""
    found = sorted(
        _operations(routes, contract), key=lambda one: list(contract.tags).index(contract.tag_part(one[0]))
    )
    types = {
        kind
        for _, _, handler in found
        for kind in (_body(handler)[0], *(get_args(_answer(handler)) or [_answer(handler)]))
        if _is_json(kind)
    }
    _, schemas = msgspec.json.schema_components(
        sorted(types, key=lambda kind: kind.__name__), ref_template=_REF
    )
    _write_patterns(schemas)
    for name, rules in contract.rules.items():
        schemas[name] |= rules
    error_name, error_schema = contract.error
    paths: dict[str, dict[str, Any]] = {}
    # A handler may stand at several addresses: the longest has its name, the others a number behind it.
    names: Counter[str] = Counter()
    for path, method, handler in sorted(found, key=lambda one: -len(one[0])):
        operation = _operation(contract, path, handler)
        names[operation["operationId"]] += 1
        if (number := names[operation["operationId"]]) > 1:
            operation["operationId"] += str(number)
        paths.setdefault(path, {})[method.lower()] = operation
    paths = {path: paths[path] for path, _, _ in found}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": contract.title,
            "version": __version__,
            "summary": contract.summary,
            "description": contract.about,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": contract.prefix or "/"}],
        "tags": [{"name": name, "description": about} for name, about in contract.tags.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**schemas, error_name: error_schema}.items())),
            "parameters": {
                name: {"name": name, "in": "header", "required": False, **header}
                for name, header in _HEADERS.items()
            },
            "responses": _general_responses(contract),
            "securitySchemes": contract.schemes,
        },
    }


def _write_patterns(node: Any) -> None:
    """Python's end of text as JSON Schema writes it: there, `$` does not match before a line's end."""
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            node["pattern"] = node["pattern"].replace("\\Z", "$")
        for child in node.values():
            _write_patterns(child)
    elif isinstance(node, list):
        for child in node:
            _write_patterns(child)


def example_facts(refusal: type[Refusal]) -> dict[str, Any]:
    """Facts with which a refusal of this class may come."""
    return {field.name: _FACTS.get(field.name, 1) for field in dataclasses.fields(refusal)}


def _operations(routes: Iterable[Route], contract: Contract) -> Iterator[tuple[str, str, Handler]]:
    for path, method, handler, *_ in sorted(routes, key=lambda route: route[:2]):
        if handler.operation is not None:
            yield path.removeprefix(contract.prefix) or "/", method, handler


def _operation(contract: Contract, path: str, handler: Handler) -> dict[str, Any]:
    said = _said(handler)
    body, required = _body(handler)
    operation: dict[str, Any] = {
        "operationId": said.operation_id,
        "tags": [contract.tag_part(path)],
        "summary": handler.summary,
        "description": inspect.getdoc(handler.fn),
        "security": contract.logins[said.login],
        "parameters": list(_parameters(handler)),
    }
    if body is not None:
        schema = {"schema": {"$ref": _REF.format(name=body.__name__)}}
        media_types = ("application/json", *(FORMS if said.forms else ()))
        operation["requestBody"] = {"required": required, "content": dict.fromkeys(media_types, schema)}
    if said.uploads:
        operation["requestBody"] = {"required": True, "content": {one: {} for one in said.uploads}}
    operation["responses"] = {
        str(status): response for status, response in sorted(_responses(contract, handler).items())
    }
    return operation


def _parameters(handler: Handler) -> Iterator[dict[str, Any]]:
    for parameter in sorted(handler.parameters, key=lambda one: not one.in_path):
        schema, description = _parameter_schema(parameter.kind)
        if parameter.default is not inspect.Parameter.empty and parameter.default is not None:
            schema["default"] = parameter.default
        yield {
            "name": parameter.name,
            "in": "path" if parameter.in_path else "query",
            "required": parameter.in_path,
            "description": description,
            "schema": schema,
        }
    said = _said(handler)
    for name, heeded in (
        ("Idempotency-Key", said.keyed),
        ("If-Match", said.matched),
        ("If-None-Match", said.tagged),
    ):
        if heeded:
            yield {"$ref": f"#/components/parameters/{name}"}


def _parameter_schema(hint: Any) -> tuple[dict[str, Any], str]:
    kind, *rules = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    schema: dict[str, Any] = {"type": "integer" if kind is int else "string"}
    if get_origin(kind) is Literal:
        schema["enum"] = list(get_args(kind))
    elif issubclass(kind, StrEnum):
        schema["enum"] = [one.value for one in kind]
    description = ""
    for rule in rules:
        told_rules = {
            "minimum": rule.ge,
            "maximum": rule.le,
            "pattern": rule.pattern,
            "maxLength": rule.max_length,
        }
        schema |= {name: value for name, value in told_rules.items() if value is not None}
        _write_patterns(schema)
        description = rule.description or ""
    return schema, description


def _responses(contract: Contract, handler: Handler) -> dict[int, dict[str, Any]]:
    said = _said(handler)
    success = _success(handler)
    responses: dict[int, dict[str, Any]] = {handler.status_code: success}
    if said.tagged:
        responses[304] = {"description": "Not modified", "headers": {"ETag": _ETAG}}
    for status, meaning in said.also.items():
        responses[status] = {**success, "description": meaning}

    told_of: dict[int, list[_Example]] = {}
    for refusal in dict.fromkeys(said.refusals):
        if refusal in (ScopeMissing, LogInNeeded) and not contract.takes_api_tokens:
            continue
        status, example = _example(contract, refusal)
        told_of.setdefault(status, []).append(example)
    general = {400: "BadRequest", 500: "InternalError", 503: "Unavailable"}
    if _body(handler)[0] is not None or said.uploads:
        general |= {408: "TooSlow", 413: "TooLarge", 415: "WrongMediaType"}
    told_wrongly = contract.errors.of_malformed(Malformed(("price", "is missing")))
    status = told_wrongly.status_code
    example = _Example("invalid-request", "Invalid request", msgspec.json.decode(told_wrongly.body))
    told_of.setdefault(status, []).insert(0, example)  # If only for a query that nobody asked for.
    if any(parameter.argument.endswith("_id") for parameter in handler.parameters):
        told_of.setdefault(404, []).append(_plain(contract, 404, "Not found", "Not found.")[1])
    for status, examples in told_of.items():
        responses[status] = _error_response(contract, examples)
        if status == contract.errors.table[TooManyTries].status:
            responses[status]["headers"] = _RETRY
    for status, name in general.items():
        responses.setdefault(status, {"$ref": f"#/components/responses/{name}"})
    return responses


def _success(handler: Handler) -> dict[str, Any]:
    said = _said(handler)
    success: dict[str, Any] = {"description": _SUCCESSES[handler.status_code]}
    headers = {}
    if said.tagged:
        headers["ETag"] = _ETAG
    if said.keyed:
        headers["Idempotent-Replayed"] = _REPLAYED
    if headers:
        success["headers"] = headers
    answer = _answer(handler)
    if get_origin(answer) is list:
        items = {"$ref": _REF.format(name=get_args(answer)[0].__name__)}
        success["content"] = {said.media_type: {"schema": {"type": "array", "items": items}}}
    elif _is_json(answer):
        success["content"] = {said.media_type: {"schema": {"$ref": _REF.format(name=answer.__name__)}}}
    elif answer is bytes:
        success["content"] = {said.media_type: {"schema": {}}}
    if said.as_csv:
        success["content"]["text/csv"] = {"schema": {"type": "string"}}
    return success


def _general_responses(contract: Contract) -> dict[str, Any]:
    told_of = {
        "BadRequest": (400, "Bad request", "Host is not valid."),
        "TooSlow": (408, "Request timeout", "body did not arrive in time."),
        "TooLarge": (413, "Body too large", "body must have at most 65536 bytes."),
        "WrongMediaType": (415, "Unsupported media type", "Content-Type must be application/json."),
        "InternalError": (500, "Internal error", "Something went wrong in the shop."),
    }
    responses = {
        name: _error_response(contract, [_plain(contract, *told)[1]]) for name, told in told_of.items()
    }
    away = (
        ("Unavailable", "The shop is not available. Nothing was changed. Try again."),
        ("Outcome unknown", "It is not known whether this happened. Retry with the same Idempotency-Key."),
    )
    examples = [_plain(contract, 503, *told)[1] for told in away]
    responses["Unavailable"] = {**_error_response(contract, examples), "headers": _RETRY}
    return responses


def _error_response(contract: Contract, examples: list[_Example]) -> dict[str, Any]:
    return {
        "description": ". ".join(dict.fromkeys(example.title for example in examples)),
        "content": {
            contract.errors.media_type: {
                "schema": {"$ref": _REF.format(name=contract.error[0])},
                "examples": {
                    example.name: {"summary": example.title, "value": example.body} for example in examples
                },
            }
        },
    }


class _Example(NamedTuple):
    name: str
    title: str
    body: Any


def _example(contract: Contract, refusal: type[Refusal]) -> tuple[int, _Example]:
    response = contract.errors.of_refusal(refusal(**example_facts(refusal)))
    title = contract.errors.table[refusal].title
    body = msgspec.json.decode(response.body)
    return response.status_code, _Example(refusal.code, title, body)


def _plain(contract: Contract, status: int, title: str, detail: str) -> tuple[int, _Example]:
    response = contract.errors.problem_response(status, title, detail=detail)
    return response.status_code, _Example(kind(title), title, msgspec.json.decode(response.body))


def _said(handler: Handler) -> Operation:
    assert handler.operation is not None
    return handler.operation


def _body(handler: Handler) -> tuple[Any, bool]:
    """The type of the body, None for none, and whether there must be one."""
    hint = _said(handler).body
    kinds = [kind for kind in (get_args(hint) or (hint,)) if kind is not NoneType]
    return kinds[0], len(get_args(hint)) < 2


def _answer(handler: Handler) -> Any:
    hint = get_type_hints(handler.fn)["return"]
    return get_args(hint)[0] if get_origin(hint) is Response else hint


def _is_json(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
