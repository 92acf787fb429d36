"""Every input of every operation, given wrongly in every way: refused by name, and nothing is written.

The cases come from the OpenAPI document, so a new operation or field is tried from the day it is there.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.api.conftest import Api, People
from tests.api.contract import check_problem, document, operations, resolve
from tests.api.pictures import painted
from tests.limits import until
from tuckshop.app import api as api_of
from tuckshop.http.bodies import STRANGER_BYTES_MAX
from tuckshop.http.fields import NAME_PATTERN
from tuckshop.http.handlers import BODY_BYTES_MAX

HUGE = (2**63, 10**30)
OPERATIONS = {operation["operationId"]: (method, path) for method, path, operation in operations()}
OF_STRANGERS = {
    route.handler.operation.operation_id
    for route in api_of().routes
    if route.handler.operation is not None and route.handler.operation.login in ("none", "optional")
}
WITH_BODY = [
    operation["operationId"]
    for _, _, operation in operations()
    if "application/json" in operation.get("requestBody", {}).get("content", {})
]


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is refused before any database hears of it."""


class Case(NamedTuple):
    """One wrong request: its body as sent, and the field that the answer must name."""

    why: str
    content: bytes
    field: str


class Field(NamedTuple):
    """One value in a body: where it stands, and the schema that it has."""

    path: tuple[str | int, ...]
    schema: dict[str, Any]
    required: bool
    nullable: bool

    @property
    def name(self) -> str:
        return str(next(part for part in reversed(self.path) if isinstance(part, str)))


def example(schema: dict[str, Any]) -> Any:
    """A value that the schema takes."""
    schema = resolve(schema)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][0])
    match schema.get("type"):
        case "object":
            others = {name for one in schema.get("oneOf", [])[1:] for name in one["required"]}
            others.update(schema.get("not", {}).get("required", [])[1:])
            return {name: example(one) for name, one in schema["properties"].items() if name not in others}
        case "array":
            return [example(schema["items"])]
        case "integer":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return True
        case _:
            return "example"


def fields(schema: dict[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[Field]:
    """Every value below an object."""
    schema = resolve(schema)
    for name, given in schema.get("properties", {}).items():
        one = resolve(given)
        nullable = {"type": "null"} in one.get("anyOf", [])
        plain = resolve(one["anyOf"][0]) if "anyOf" in one else one
        here = (*path, name)
        yield Field(here, plain, name in schema.get("required", []), nullable)
        if plain.get("type") == "array":
            item = resolve(plain["items"])
            if "properties" in item:
                yield from fields(item, (*here, 0))
            else:
                yield Field((*here, 0), item, False, False)


def replaced(body: Any, path: tuple[str | int, ...], value: Any) -> bytes:
    """The body with another value at the path; text is put in as JSON that it need not be."""
    hole = "\x1d"
    copy = json.loads(json.dumps(body))
    here = copy
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = hole
    return (
        json.dumps(copy)
        .replace(json.dumps(hole), value if isinstance(value, str) else json.dumps(value))
        .encode()
    )


def encoded(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def without(body: Any, path: tuple[str | int, ...]) -> bytes:
    copy = json.loads(json.dumps(body))
    here = copy
    for part in path[:-1]:
        here = here[part]
    del here[path[-1]]
    return json.dumps(copy).encode()


WRONG: dict[str, tuple[str, ...]] = {
    "integer": (
        '"1"',
        "true",
        "1.5",
        "1.0",
        "1e0",
        "null",
        "[]",
        "{}",
        "-1",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "01",
        "+1",
        "0x1",
        "1_000",
        '""',
        *(str(huge) for huge in HUGE),
    ),
    "string": (
        "1",
        "true",
        "null",
        "[]",
        "{}",
        "1.5",
        '"\\u0000"',
        '"a\\u0000b"',
        '"\\ud800"',
        '"\\udc00x"',
        '"\\ud800\\ud800"',
    ),
    "boolean": ('"true"', "1", "0", "null", "[]", "{}", '"yes"', "1.0"),
    "array": ('"1"', "1", "true", "{}", "[null]", "[[]]", "[1.5]"),
    "object": (
        '"1"',
        "1",
        "true",
        "[]",
        '{"x": 1}',
        '{"5": "1"}',
        '{"5": 1.5}',
        '{"5": null}',
        '{"5": -1}',
        '{"5": 0}',
        '{"-5": 1}',
        '{"0": 1}',
        '{"05": 1}',
        '{"5.0": 1}',
        '{"5": 1, "5": 1}',
        '{"5": 10000000000000000000}',
        '{"100000000000000000000": 1}',
        "{}",
    ),
}


def is_json(text: str) -> bool:
    """Whether it is; Python takes NaN for JSON."""
    try:
        return json.loads(text, parse_constant=lambda _: 1 // 0) is not ...
    except (ValueError, ZeroDivisionError):
        return False


def wrong_values(field: Field) -> Iterator[str]:
    kind = "string" if "enum" in field.schema else field.schema["type"]
    for value in WRONG[kind]:
        if value == "null" and field.nullable:
            continue
        yield value
    schema = field.schema
    if kind == "integer":
        if schema.get("minimum", 0) > 0:
            yield "0"
        if "maximum" in schema:
            yield str(schema["maximum"] + 1)
    if kind == "string":
        if schema.get("minLength"):
            yield '""'
        if "maxLength" in schema:
            yield json.dumps("x" * (schema["maxLength"] + 1))
        if "enum" in schema:
            yield '"example"'
    if kind == "array" and "minItems" in schema:
        yield "[]"
        item = json.dumps(example(schema["items"]))
        yield f"[{', '.join([item] * (schema['maxItems'] + 1))}]"


def cases(schema: dict[str, Any]) -> Iterator[Case]:
    """Every wrong body for a schema."""
    body = example(schema)
    yield Case("a list", b"[]", "body")
    yield Case("a text", b'"x"', "body")
    yield Case("a number", b"1", "body")
    yield Case("true", b"true", "body")
    yield Case("cut off", json.dumps(body).encode()[:-1], "body")
    yield Case("more behind", json.dumps(body).encode() + b"x", "body")
    yield Case("two", json.dumps(body).encode() * 2, "body")
    yield Case("a mark before", b"\xef\xbb\xbf" + json.dumps(body).encode(), "body")
    yield Case("UTF-16", json.dumps(body).encode("utf-16"), "body")
    yield Case("not UTF-8", b'{"\xff": 1}', "body")
    yield Case("half a character", json.dumps(body).encode()[:-1] + b', "a": "\xed\xa0\x80"}', "body")
    yield Case("nested lists", b"[" * 8_000 + b"]" * 8_000, "body")
    yield Case("nested objects", b'{"a":' * 2_500 + b"1" + b"}" * 2_500, "body")
    yield Case("nested in a field", b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", "a")
    yield Case("many names", json.dumps({f"x{n}": 1 for n in range(1_200)}).encode(), "x0")
    yield Case("a name with NUL", b'{"a\\u0000": 1}', "a\0")
    yield Case("a name with half a pair", b'{"\\ud800": 1}', "\\ud800")
    for unknown in ("unknown", "id", "__class__", "constructor", "caller", "request", ""):
        yield Case("unknown", replaced(body, (unknown,), "1"), unknown or "is not a known field")
    for field in fields(schema):
        if field.required:
            yield Case(f"{field.path} missing", without(body, field.path), field.name)
        for value in wrong_values(field):
            named = field.name if is_json(value) else "body"
            named = "5" if value == '{"5": 1, "5": 1}' else named
            yield Case(f"{field.path} = {value[:60]}", replaced(body, field.path, value), named)
        if isinstance(field.path[-1], str):
            twice = f"1, {json.dumps(field.path[-1])}: 1"
            yield Case(f"{field.path} twice", replaced(body, field.path, twice), field.name)


def body_schema(operation_id: str) -> dict[str, Any]:
    method, path = OPERATIONS[operation_id]
    operation = document()["paths"][path][method.lower()]
    schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


def sent_with(operation_id: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of a good request."""
    if operation_id in WITH_BODY:
        return {"Content-Type": "application/json"}, json.dumps(example(body_schema(operation_id))).encode()
    if operation_id == "putProductImage":
        return {"Content-Type": "image/png"}, painted("PNG")
    return {}, b""


def path_of(operation_id: str) -> str:
    """The operation's path with ids of things that are there."""
    return concrete(OPERATIONS[operation_id][1])


def concrete(path: str) -> str:
    return re.sub(r"\{[a-z_]+\}", "1", path)


@pytest.fixture
async def stocked(api: Api, people: People) -> Api:
    """A shop with a product, an order and the guest of the examples to do things to."""
    ada = people.ada
    await api.shop.guest("door 17")
    await api.shop.product("lemonade", seller=people.sam, stock=10)
    deposit = {"coins": {"100": 5}, "user": ada.user_id}
    assert (await api.post("/v1/wallet/deposits", deposit, by=people.cas)).status_code == 201
    bought = await api.post("/v1/orders", {"lines": [{"product": 1, "quantity": 1}]}, by=ada)
    assert bought.status_code == 201
    return api


async def attempts(
    api: Api, operation_id: str, people: People, wrong: list[Case], **headers: str
) -> list[tuple[Case, httpx.Response]]:
    method, path = OPERATIONS[operation_id][0], path_of(operation_id)
    token = api.token(people.root)
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    return [
        (case, await api.client.request(method, path, content=case.content, headers=sent)) for case in wrong
    ]


@pytest.mark.parametrize("half", [0, 1])
async def test_refuses_every_wrong_body_by_name(stocked: Api, people: People, half: int) -> None:
    api = stocked
    for operation_id in WITH_BODY[half::2]:
        wrong = list(cases(body_schema(operation_id)))
        assert len(wrong) > 30
        before = await api.shop.books()
        unexpected = await wrongly_answered(api, operation_id, people, wrong)
        assert not unexpected, operation_id + "\n" + "\n".join(map(str, unexpected))
        assert await api.shop.books() == before, operation_id


async def wrongly_answered(
    api: Api, operation_id: str, people: People, wrong: list[Case]
) -> list[tuple[Any, ...]]:
    unexpected: list[tuple[Any, ...]] = []
    for case, answer in await attempts(api, operation_id, people, wrong, **{"Idempotency-Key": "one"}):
        if answer.status_code != 422:
            unexpected.append((case.why, answer.status_code, answer.text[:200]))
            continue
        told = check_problem(answer)
        if told["type"] != "urn:tuckshop:problem:invalid-request" or case.field not in told["detail"]:
            unexpected.append((case.why, case.field, told["detail"][:200]))
    return unexpected


@ON_SQLITE
async def test_takes_json_alone(stocked: Api, people: People) -> None:
    api = stocked
    for operation_id in WITH_BODY:
        method, path = OPERATIONS[operation_id][0], path_of(operation_id)
        body = json.dumps(example(body_schema(operation_id))).encode()
        by = (b"Authorization", f"Bearer {api.token(people.root)}".encode())
        before = await api.shop.books()
        for media_type in (
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "multipart/form-data",
            "application/msgpack",
            "application/x-msgpack",
            "application/json-patch+json",
            "application/jsonx",
            "json",
            "*/*",
            ";",
            "application/json, application/json",
            "\u00e9",
        ):
            headers = [by, (b"Content-Type", media_type.encode())]
            answer = await api.client.request(method, path, content=body, headers=headers)
            assert (answer.status_code, check_problem(answer)["errors"][0]["field"]) == (
                415,
                "Content-Type",
            ), media_type
        assert (await api.client.request(method, path, content=body, headers=[by])).status_code == 415
        twice = [by, (b"Content-Type", b"application/json"), (b"Content-Type", b"application/json")]
        assert (await api.client.request(method, path, content=body, headers=twice)).status_code == 415
        assert await api.shop.books() == before


@ON_SQLITE
async def test_says_when_the_body_is_missing(stocked: Api, people: People) -> None:
    api = stocked
    for operation_id in WITH_BODY:
        method, path = OPERATIONS[operation_id]
        if not document()["paths"][path][method.lower()]["requestBody"]["required"]:
            continue
        before = await api.shop.books()
        for headers in ({}, {"Content-Type": "application/json"}):
            answer = await api.call(method, path_of(operation_id), by=people.root, headers=headers)
            assert (answer.status_code, check_problem(answer)["detail"]) == (422, "body is missing.")
        blank = Case("blank", b" ", "body")
        ((_, answer),) = await attempts(api, operation_id, people, [blank])
        assert answer.status_code == 422
        assert await api.shop.books() == before


@ON_SQLITE
async def test_refuses_a_body_that_is_too_large(stocked: Api, people: People) -> None:
    api = stocked
    huge = b'{"a": "' + b"x" * 10_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}

    async def chunked() -> AsyncIterator[bytes]:
        for start in range(0, len(huge), 65_536):
            yield huge[start : start + 65_536]

    for operation_id in WITH_BODY:
        method, path = OPERATIONS[operation_id][0], path_of(operation_id)
        before = await api.shop.books()
        most = STRANGER_BYTES_MAX if operation_id in OF_STRANGERS else BODY_BYTES_MAX
        for content in (huge, chunked(), b" " * (most + 1)):
            answer = await api.call(method, path, by=people.root, headers=headers, content=content)
            assert (answer.status_code, check_problem(answer)["errors"][0]["field"]) == (413, "body")
        just = b'{"a": "' + b"x" * (most - 9) + b'"}'
        answer = await api.call(method, path, by=people.root, headers=headers, content=just)
        assert answer.status_code == 422
        assert await api.shop.books() == before


QUERIES = {
    operation["operationId"]: [one for one in map(resolve, operation["parameters"]) if one["in"] == "query"]
    for _, _, operation in operations()
}


ANY_TEXT = r"^[^\x00]*$"


async def test_refuses_every_wrong_query_by_name(stocked: Api, people: People) -> None:
    api = stocked
    for operation_id in OPERATIONS:
        method, path = OPERATIONS[operation_id][0], path_of(operation_id)
        before = await api.shop.books()
        tries: list[tuple[str, str]] = [("unknown", "unknown=1"), ("unknown", "unknown"), ("a b", "a%20b=1")]
        tries += [("is not a parameter", "=1"), ("\ufffd", "%FF=1"), ("[]", "limit[]=1")]
        for parameter in QUERIES[operation_id]:
            name, schema = parameter["name"], parameter["schema"]
            values = [
                "",
                "%00",
                "%FF",
                "-1",
                "1,2",
                "[]",
                "{}",
                "%D9%A1",
                "1%0A",
                "%201",
                "+1",
                "1_0",
                str(2**63),
                "x" * 3000,
            ]
            if schema["type"] == "integer":
                values += [
                    "0",
                    "a",
                    "1.0",
                    "1.5",
                    "1e0",
                    "1e400",
                    "NaN",
                    "true",
                    "null",
                    "01",
                    "0x1",
                    str(10**30),
                ]
            if "enum" in schema:
                values.append("null")
            if "maximum" in schema:
                values.append(str(schema["maximum"] + 1))
            if schema.get("minimum") == 0:
                values.remove("0")
            if schema.get("pattern") == ANY_TEXT:
                values = ["%00", "a%00b", "x" * 3000]
            if schema.get("pattern") == NAME_PATTERN:
                values = ["", "%00", "1%0A", "%201", "+1", "a%2Fb", "x" * 3000]
            tries += [(name, f"{name}={value}") for value in values]
            tries += [(name, f"{name}=1&{name}=1"), (name.upper(), f"{name.upper()}=1")]
            if schema.get("pattern") != ANY_TEXT:
                tries.append((name, name))
        headers, body = sent_with(operation_id)
        unexpected = []
        for field, query in tries:
            answer = await api.call(method, f"{path}?{query}", by=people.root, content=body, headers=headers)
            if answer.status_code != 422 or field not in check_problem(answer)["detail"]:
                unexpected.append((query[:50], answer.status_code, answer.text[:200]))
        assert not unexpected, "\n".join(map(str, unexpected))
        assert await api.shop.books() == before


PATHS = [name for name, (_, path) in OPERATIONS.items() if "{" in path]


@ON_SQLITE
async def test_knows_no_id_that_is_written_otherwise(stocked: Api, people: People) -> None:
    api = stocked
    for operation_id in PATHS:
        method, template = OPERATIONS[operation_id]
        name = template.partition("{")[2].partition("}")[0]
        headers, body = sent_with(operation_id)
        before = await api.shop.books()
        unexpected = []
        for written, status in [
            *(
                (value, 404)
                for value in ("a", "1.0", "1.5", "1e0", "01", "+1", "1_0", "%D9%A1", "%201", "1%20", "NaN")
            ),
            *(
                (value, 404)
                for value in ("true", "null", "1%00", "%00", "%FF", "1%2F1", "9" * 5000, "..%2F1", "-0")
            ),
            *((value, 422) for value in ("0", "-1", str(2**63), str(10**30))),
            (str(2**63 - 1), 404),
            (str(2**53), 404),
        ]:
            path = re.sub("{.*?}", "1", template.replace("{" + name + "}", written))
            answer = await api.call(method, path, by=people.root, content=body, headers=headers)
            told = check_problem(answer)
            if answer.status_code != status or (status == 422 and name not in told["detail"]):
                unexpected.append((written[:50], answer.status_code, answer.text[:200]))
        assert not unexpected, "\n".join(map(str, unexpected))
        assert await api.shop.books() == before


KEYED = [
    operation["operationId"]
    for _, _, operation in operations()
    if {"$ref": "#/components/parameters/Idempotency-Key"} in operation["parameters"]
]
MATCHED = [
    operation["operationId"]
    for _, _, operation in operations()
    if {"$ref": "#/components/parameters/If-Match"} in operation["parameters"]
]


HEADED = [*((one, "Idempotency-Key") for one in KEYED), *((one, "If-Match") for one in MATCHED)]


@ON_SQLITE
async def test_refuses_every_wrong_header_by_name(stocked: Api, people: People) -> None:
    api = stocked
    for operation_id, header in HEADED:
        method, path = OPERATIONS[operation_id][0], path_of(operation_id)
        before = await api.shop.books()
        wrong: dict[str, tuple[str | bytes, ...]] = {
            "Idempotency-Key": ("", "a b", "x" * 256, "\u00fc".encode(), "a\tb", b"\xff"),
            "If-Match": (
                "",
                "1",
                '"0"',
                '"-1"',
                '"01"',
                '"x"',
                '"1',
                '"1", "2"',
                "W/1",
                '"1-"',
                '"1"x',
                '"1.0"',
                '"9999999999"',
                '"1-' + "0" * 65 + '"',
                b"\xff",
                "\u0661".encode(),
            ),
        }
        by = (b"Authorization", f"Bearer {api.token(people.root)}".encode())
        more, body = sent_with(operation_id)
        sent = [by, *((name.encode(), value.encode()) for name, value in more.items())]
        good = "key" if header == "Idempotency-Key" else '"1"'
        tries: list[list[str | bytes]] = [[value] for value in wrong[header]] + [[good, good]]
        unexpected = []
        for values in tries:
            headers = [*sent, *((header.encode(), encoded(value)) for value in values)]
            answer = await api.client.request(method, path, content=body, headers=headers)
            if answer.status_code != 422 or header not in check_problem(answer)["detail"]:
                unexpected.append((values, answer.status_code, answer.text[:200]))
        assert not unexpected, "\n".join(map(str, unexpected))
        assert await api.shop.books() == before


NOWHERE = (
    "/v1",
    "/v2/products",
    "/v1/product",
    "/v1/products/1/2",
    "/schema",
    "/schema/openapi.json",
    "/docs/openapi.json",
    "/docs/swagger",
    "/docs/redoc",
    "/docs/x",
    "/docs/../settings.py",
    "/docs/docs.py",
    "/docs/%2e%2e/openapi.py",
    "/metrics",
    "/health",
    "/admin",
    "/%00",
    "/%FF",
    "/v1/products/%2e%2e/users/me",
    "/.env",
    "/" + "x" * 5000,
)


@ON_SQLITE
async def test_other_paths_are_not_found(api: Api) -> None:
    for path in NOWHERE:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"):
            answer = await api.call(method, path)
            assert answer.status_code == 404, (method, path, answer.text)
            check_problem(answer)


@ON_SQLITE
async def test_other_methods_are_refused_with_those_there_are(api: Api) -> None:
    for path in {path for _, path in OPERATIONS.values()}:
        known = {method for method, known in OPERATIONS.values() if known == path} | {"OPTIONS"}
        if "GET" in known:
            known.add("HEAD")
        there = concrete(path)
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            if method in known:
                continue
            answer = await api.call(method, there)
            assert answer.status_code == 405, (method, path, answer.text)
            assert set(answer.headers["allow"].split(", ")) == known, path
            check_problem(answer)
        options = await api.call("OPTIONS", there)
        assert options.status_code == 204, path
        assert set(options.headers["allow"].split(", ")) == known, path


@ON_SQLITE
async def test_head_is_get_without_the_body(api: Api) -> None:
    for path in ("/health/live", "/v1/products", "/openapi.json", "/docs", "/docs/docs.js"):
        get, head = await api.get(path), await api.call("HEAD", path)
        assert (head.status_code, head.content) == (get.status_code, b""), path
        told = [
            {k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id")}
            for answer in (head, get)
        ]
        assert told[0] == told[1]


@ON_SQLITE
async def test_wants_no_particular_accept(api: Api) -> None:
    for accept in ("text/html", "application/xml", "", "*/*;q=0", "nonsense"):
        answer = await api.get("/v1/products", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


RAW = {
    "a nameless host": b"GET /v1/products HTTP/1.1\r\nHost: a b\r\n\r\n",
    "no host": b"GET /v1/products HTTP/1.1\r\n\r\n",
    "two lengths": (
        b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"
    ),
    "a length that is none": b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n{}",
    "a negative length": b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}",
    "a chunk that is none": (
        b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"
    ),
    "NUL in a header": b"GET /v1/products HTTP/1.1\r\nHost: x\r\nIf-None-Match: a\0b\r\n\r\n",
    "a million headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
    "an endless line": b"GET /" + b"x" * 500_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an upgrade": (
        b"GET /v1/products HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ),
}


@ON_SQLITE
async def test_survives_what_is_no_request(api: Api) -> None:
    before = await api.shop.books()
    for how, sent in RAW.items():
        try:
            answer = await api.raw(sent)
        except ConnectionError:
            answer = b""
        assert b" 500 " not in answer.partition(b"\r\n")[0], how
        assert (await api.get("/health/live")).status_code == 200, how
    assert await api.shop.books() == before


async def test_a_client_that_goes_away_in_the_middle_changes_nothing(api: Api, people: People) -> None:
    head = (
        "POST /v1/products HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
        f"Authorization: Bearer {api.token(people.sam)}\r\n\r\n"
    )
    before = await api.shop.books()
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head.encode() + b'{"name": "cola"')
    await until(lambda: api.body_timeouts._waiting)  # For what is to come yet.
    writer.close()
    await until(lambda: not api.body_timeouts._waiting)  # The server has noticed.
    assert (await api.get("/health/live")).status_code == 200
    assert await api.shop.books() == before
