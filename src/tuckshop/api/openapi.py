"""The contract as an OpenAPI 3.1 document, made of the handlers, their types and the table of problems.

Each handler says with `told` what its signature cannot: its name for clients, its refusals, the headers it
heeds. The rest is read from its annotations; bodies and answers are msgspec types, whose JSON Schema says
exactly what is enforced.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable, Iterator
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.routes import BaseRoute, HTTPRoute

from tuckshop import __version__
from tuckshop.api import problems
from tuckshop.domain.refusals import (
    KeyReused,
    LogInNeeded,
    Refusal,
    ScopeMissing,
    SessionEnded,
    TooManyTries,
    VersionChanged,
)

Login = Literal["needed", "session", "optional", "none", "witness"]

_REF = "#/components/schemas/{name}"
_SUCCESSES = {200: "Done", 201: "Made", 204: "Done; there is nothing to say"}

_ABOUT = """\
A prepaid shop in which every coin is accounted for. Amounts are whole numbers of minor units (cents), times
are RFC 3339 in UTC. Every error is a problem (RFC 9457) whose `type` never changes. Requests are read
strictly: unknown or repeated names, wrong types and wrong media types are refused, whoever asks. Answers are
JSON whatever `Accept` says. Lists are read page by page: give `next` of one page as `cursor` of the next.
"""
_TAGS = {
    "users": "People and their accounts.",
    "auth": "Logging in, staying logged in, logging out.",
    "products": "What is on sale, its stock and its pictures.",
    "wallet": "Money of buyers: in, out, and the statement.",
    "orders": "Buying and giving back.",
    "tabs": "What buyers owe.",
    "earnings": "What sellers have earned, and paying it.",
    "topups": "Money from the bank into a wallet.",
    "guests": "People without a log-in, whom machines know by a name.",
    "machines": "Places of sale: their shelves and their coin boxes.",
    "admin-log": "What admins, cashiers and the operator did.",
    "reports": "What was sold and earned, and statements.",
    "audit": "Whether the books are right.",
    "events": "What changes, as it happens.",
    "health": "For load balancers and supervisors.",
}
_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "Yours, one for each thing that you want done once. The same request with the same "
        "key is answered as before, with `Idempotent-Replayed: true`; another request with it is refused. "
        "Kept for 30 days.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]+$", "minLength": 1, "maxLength": 255},
    },
    "If-Match": {
        "description": "Only if the product is still at this version: an ETag that you were given, or the "
        "version itself in quotes.",
        "schema": {"type": "string", "minLength": 3, "pattern": '^(W/)?"[1-9][0-9]{0,8}(-[0-9a-f]{1,64})?"$'},
        "example": '"1"',
    },
    "If-None-Match": {
        "description": "The ETags that you have: where one still is right the answer is 304, without a body.",
        "schema": {"type": "string"},
        "example": '"1-0123456789abcdef"',
    },
}
_ETAG = {"description": "For If-None-Match and If-Match.", "schema": {"type": "string"}}
_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
_REPLAYED = {
    "description": "The key stood for this request already; this is its answer, and nothing was done again.",
    "schema": {"const": "true"},
}
_PROBLEM = {
    "title": "Problem",
    "description": "Why not (RFC 9457). A refusal's facts stand beside these members, under their own names.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri", "pattern": "^urn:tuckshop:problem:[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "description": "What is wrong where, for requests that cannot be read.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                "required": ["field", "reason"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
_EITHER_OR = {
    "StockBody": ("restock", "correct"),
    "ChangeOrderBody": ("lines", "status"),
    "SettleTabBody": ("bank", "coins"),
}
"""Bodies that have exactly one of these, which their types cannot say."""
_NOT_BOTH = {name: {"user": "integer", "guest": "string"} for name in ("DepositBody", "PayOutBody")}
"""Bodies that have at most one of these."""
_FACTS: dict[str, Any] = {
    "field": "stock",
    "rows_max": 50_000,
    "reason": "must be from 0 to 1000000",
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
    "payable_cents": 200,
    "user": 7,
    "guest": "door 17",
    "window_seconds": 300,
}
"""For examples; every fact not named is a 1."""


class Told(NamedTuple):
    """What a handler says of itself."""

    operation_id: str
    refusals: tuple[type[Refusal], ...]
    login: Login
    keyed: bool
    tagged: bool
    matched: bool
    body: Any
    media_type: str
    also: dict[int, str]
    uploads: tuple[str, ...]
    as_csv: bool


def told(
    operation_id: str,
    *refusals: type[Refusal],
    login: Login = "needed",
    query: dict[str, type] | None = None,
    keyed: bool = False,
    tagged: bool = False,
    matched: bool = False,
    body: Any = None,
    media_type: str = "application/json",
    also: dict[int, str] | None = None,
    uploads: Iterable[str] = (),
    body_bytes_max: int | None = None,
    as_csv: bool = False,
) -> dict[str, Any]:
    """A handler's `opt`: its name for clients, what it refuses, and

    - `login`: who may call; `session` for those who logged in, and not for API tokens
    - `query`: the parameters it takes, `int` for whole numbers, `bool` for true or false;
      names that Python keeps for itself have a `_` behind them in the signature
    - `keyed`: it heeds Idempotency-Key; `tagged`: its answer has an ETag; `matched`: it heeds If-Match
    - `body`: what it parses; `X | None` if there need not be one
    - `uploads`: media types of a body that is no JSON, of at most `body_bytes_max`
    - `as_csv`: it answers in CSV too, if asked
    - `also`: other statuses that it answers with its own content, and what they mean
    """
    if login != "none":
        refusals = (SessionEnded, LogInNeeded if login == "session" else ScopeMissing, *refusals)
    if keyed:
        refusals = (*refusals, KeyReused)
    if matched:
        refusals = (*refusals, VersionChanged)
    said = Told(
        operation_id,
        refusals,
        login,
        keyed,
        tagged,
        matched,
        body,
        media_type,
        also or {},
        tuple(uploads),
        as_csv,
    )
    limits = {} if body_bytes_max is None else {"body_bytes_max": body_bytes_max}
    return {"told": said, "query": query or {}, **limits}


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI document of all routes that are told."""
    found = sorted(_operations(routes), key=lambda one: list(_TAGS).index(_tag(one[0])))
    types = {
        kind for _, _, handler in found for kind in (_body(handler)[0], _answer(handler)) if _is_json(kind)
    }
    _, schemas = msgspec.json.schema_components(
        sorted(types, key=lambda kind: kind.__name__), ref_template=_REF
    )
    _write_patterns(schemas)
    for name, either in _EITHER_OR.items():
        schemas[name]["oneOf"] = [{"required": [one]} for one in either]
    for name, both in _NOT_BOTH.items():
        given = {one: {"type": kind} for one, kind in both.items()}
        schemas[name]["not"] = {"required": list(both), "properties": given}
    paths: dict[str, dict[str, Any]] = {}
    for path, method, handler in found:
        paths.setdefault(path, {})[method.lower()] = _operation(path, handler)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tuckshop",
            "version": __version__,
            "summary": "A prepaid shop in which every coin is accounted for",
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**schemas, "Problem": _PROBLEM}.items())),
            "parameters": {
                name: {"name": name, "in": "header", "required": False, **header}
                for name, header in _HEADERS.items()
            },
            "responses": _general_responses(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `access` token of `POST /v1/auth/login`, or an API token of "
                    "`POST /v1/auth/tokens`, which does what its scopes allow.",
                },
                "machine": {
                    "type": "http",
                    "scheme": "Machine",
                    "description": "The `key` of `POST /v1/machines/{machine_id}/key`, for its own coins "
                    "and its guests.",
                },
            },
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


def _operations(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in sorted(routes, key=lambda route: route.path_format):
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in sorted(route.route_handler_map.items()):
                if "told" in handler.opt:
                    yield route.path_format or "/", method, handler


def _tag(path: str) -> str:
    name = path.removeprefix("/v1").split("/")[1]
    return "products" if name == "images" else name


def _operation(path: str, handler: HTTPRouteHandler) -> dict[str, Any]:
    said: Told = handler.opt["told"]
    body, required = _body(handler)
    operation: dict[str, Any] = {
        "operationId": said.operation_id,
        "tags": [_tag(path)],
        "summary": handler.summary,
        "description": inspect.getdoc(handler.fn),
        "security": {
            "needed": [{"bearer": []}],
            "session": [{"bearer": []}],
            "witness": [{"bearer": []}, {"machine": []}],
            "optional": [{"bearer": []}, {}],
            "none": [],
        }[said.login],
        "parameters": list(_parameters(handler)),
    }
    if body is not None:
        operation["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": {"$ref": _REF.format(name=body.__name__)}}},
        }
    if said.uploads:
        operation["requestBody"] = {"required": True, "content": {one: {} for one in said.uploads}}
    operation["responses"] = {
        str(status): response for status, response in sorted(_responses(handler).items())
    }
    return operation


def _parameters(handler: HTTPRouteHandler) -> Iterator[dict[str, Any]]:
    said: Told = handler.opt["told"]
    hints = get_type_hints(handler.fn, include_extras=True)
    signature = inspect.signature(handler.fn).parameters
    in_query = {name if name in signature else f"{name}_": name for name in handler.opt["query"]}
    in_path = [name for name in signature if name not in ("request", *in_query)]
    for given in (*in_path, *in_query):
        name = in_query.get(given, given)
        schema, description = _parameter_schema(hints[given])
        default = signature[given].default
        if default is not inspect.Parameter.empty and default is not None:
            schema["default"] = default
        yield {
            "name": name,
            "in": "path" if given in in_path else "query",
            "required": given in in_path,
            "description": description,
            "schema": schema,
        }
    for name, heeded in (
        ("Idempotency-Key", said.keyed),
        ("If-Match", said.matched),
        ("If-None-Match", said.tagged),
    ):
        if heeded:
            yield {"$ref": f"#/components/parameters/{name}"}


def _parameter_schema(hint: Any) -> tuple[dict[str, Any], str]:
    kind, *rules = get_args(hint) if get_origin(hint) is not UnionType else (hint,)
    if get_origin(kind) in (UnionType, Union):
        kind = next(one for one in get_args(kind) if one is not NoneType)
    schema: dict[str, Any] = {"type": "integer" if kind is int else "string"}
    if get_origin(kind) is Literal:
        schema["enum"] = list(get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, StrEnum):
        schema["enum"] = [one.value for one in kind]
    description = ""
    for rule in rules:
        if isinstance(rule, ParameterKwarg):
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


def _responses(handler: HTTPRouteHandler) -> dict[int, dict[str, Any]]:
    said: Told = handler.opt["told"]
    success = _success(handler)
    responses: dict[int, dict[str, Any]] = {handler.status_code: success}
    if said.tagged:
        responses[304] = {"description": "You have it already", "headers": {"ETag": _ETAG}}
    for status, meaning in said.also.items():
        responses[status] = {**success, "description": meaning}

    told_of: dict[int, list[dict[str, Any]]] = {}
    for refusal in dict.fromkeys(said.refusals):
        row = problems.TABLE[refusal]
        told_of.setdefault(row.status, []).append(_example(refusal))
    general = {400: "BadRequest", 500: "InternalError", 503: "Unavailable"}
    if _body(handler)[0] is not None or said.uploads:
        general |= {413: "TooLarge", 415: "WrongMediaType"}
    told_of.setdefault(422, []).insert(0, _INVALID)  # If only for a query that nobody asked for.
    if any(name.endswith("_id") for name in inspect.signature(handler.fn).parameters):
        told_of.setdefault(404, []).append(_NO_PAGE)
    for status, examples in told_of.items():
        responses[status] = _problem_response(examples)
        if status == problems.TABLE[TooManyTries].status:
            responses[status]["headers"] = _RETRY
    for status, name in general.items():
        responses.setdefault(status, {"$ref": f"#/components/responses/{name}"})
    return responses


def _success(handler: HTTPRouteHandler) -> dict[str, Any]:
    said: Told = handler.opt["told"]
    success: dict[str, Any] = {"description": _SUCCESSES[handler.status_code]}
    headers = {}
    if said.tagged:
        headers["ETag"] = _ETAG
    if said.keyed:
        headers["Idempotent-Replayed"] = _REPLAYED
    if headers:
        success["headers"] = headers
    answer = _answer(handler)
    if _is_json(answer):
        success["content"] = {said.media_type: {"schema": {"$ref": _REF.format(name=answer.__name__)}}}
    elif answer is bytes:
        success["content"] = {said.media_type: {"schema": {}}}
    if said.as_csv:
        success["content"]["text/csv"] = {"schema": {"type": "string"}}
    return success


def _general_responses() -> dict[str, Any]:
    busy = _plain_problem(503, "Unavailable", "The shop cannot answer now; nothing has happened. Try again.")
    unknown = _plain_problem(
        503, "Outcome unknown", "Whether this has happened is unknown: retry with your key."
    )
    return {
        "BadRequest": _problem_response([_plain_problem(400, "Bad request", "Host is not valid.")]),
        "TooLarge": _problem_response(
            [_plain_problem(413, "Body too large", "body must have at most 65536 bytes.")]
        ),
        "WrongMediaType": _problem_response(
            [_plain_problem(415, "Unsupported media type", "Content-Type must be application/json.")]
        ),
        "InternalError": _problem_response(
            [_plain_problem(500, "Internal error", "This is a defect of the shop's.")]
        ),
        "Unavailable": {
            **_problem_response([busy, unknown]),
            "headers": _RETRY,
        },
    }


def _problem_response(examples: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "description": ". ".join(dict.fromkeys(example["title"] for example in examples)),
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {"$ref": _REF.format(name="Problem")},
                "examples": {
                    example["type"].rpartition(":")[2]: {"summary": example["title"], "value": example}
                    for example in examples
                },
            }
        },
    }


def _example(refusal: type[Refusal]) -> dict[str, Any]:
    response = problems.of_refusal(refusal(**example_facts(refusal)))
    example: dict[str, Any] = msgspec.json.decode(response.content)
    return example


def _plain_problem(status: int, title: str, detail: str, **more: Any) -> dict[str, Any]:
    response = problems.problem(status, title, type_name=title, detail=detail, **more)
    example: dict[str, Any] = msgspec.json.decode(response.content)
    return example


_INVALID = _plain_problem(
    422, "Invalid request", "price is missing.", errors=[{"field": "price", "reason": "is missing"}]
)
_NO_PAGE = _plain_problem(404, "Not found", "Not found.")


def _body(handler: HTTPRouteHandler) -> tuple[Any, bool]:
    """The type of the body, None for none, and whether there must be one."""
    hint = handler.opt["told"].body
    kinds = [kind for kind in (get_args(hint) or (hint,)) if kind is not NoneType]
    return kinds[0], len(get_args(hint)) < 2


def _answer(handler: HTTPRouteHandler) -> Any:
    hint = get_type_hints(handler.fn)["return"]
    return get_args(hint)[0] if get_origin(hint) is Response else hint


def _is_json(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
