"""From an address to its handler: what is found, what is refused, and what the handler is called with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Any

import httpx
import msgspec
import pytest

from tests.api.conftest import serving
from tuckshop.api.problems import PROBLEMS
from tuckshop.http.handlers import Router, get, patch, post
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.http.router import Application

Number = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
Word = Annotated[str, msgspec.Meta(max_length=5, pattern=r"^[a-z]+\Z")]


class Sort(StrEnum):
    """Some order."""

    NAME = "name"
    PRICE = "-price"


@get("/things")
async def index(
    request: ShopRequest,
    limit: Number = 50,
    word: Word | None = None,
    sort: Sort = Sort.NAME,
    from_: Word = "a",
) -> list[Any]:
    """What it was called with."""
    return [limit, word, sort, from_]


@post("/things", status_code=202)
async def add(request: ShopRequest) -> None:
    """Nothing."""


@get("/things/new")
async def new(request: ShopRequest) -> str:
    """A path that could be a parameter's."""
    return "new"


@get("/things/{thing_id:int}")
async def show(request: ShopRequest, thing_id: Number) -> int:
    """The id."""
    return thing_id


@patch(["/things/{thing_id:int}/parts/{name:str}", "/{name:str}/of/{thing_id:int}"])
async def change(request: ShopRequest, name: Word, thing_id: Number) -> list[Any]:
    """Whatever the order of its parameters, each is its own; and where it was found."""
    return [name, thing_id, request.scope["path"], request.scope["path_template"]]


APP = Application([Router("/v1", [index, add, new, show, change])], errors=PROBLEMS)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application without a shop."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://shop") as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/things", [50, None, "name", "a"]),
        ("/v1/things?limit=7&word=null&sort=-price&from=b", [7, "null", "-price", "b"]),
        ("/v1/things?word=a%62c", [50, "abc", "name", "a"]),
        ("/v1/things/", [50, None, "name", "a"]),
        ("/v1///things//", [50, None, "name", "a"]),
        ("/v1/things/new", "new"),
        ("/v1/things/7", 7),
        ("/v1/things/%37/", 7),
    ],
)
async def test_finds_the_handler_and_its_arguments(client: httpx.AsyncClient, path: str, answer: Any) -> None:
    found = await client.get(path)
    assert (found.status_code, found.json()) == (200, answer)
    assert found.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/v1/things/7/parts/abc", "/v1/abc/of/7", "/v1//abc/of/7/"])
async def test_each_parameter_is_its_own_at_every_address(client: httpx.AsyncClient, path: str) -> None:
    name, thing_id, found_at, template = (await client.patch(path)).json()
    assert (name, thing_id) == ("abc", 7)
    assert found_at == path.replace("//", "/").rstrip("/")
    assert template.format(name="abc", thing_id=7) == found_at


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v2/things",
        "/v1/things/new/more",
        "/v1/things/7/parts",
        *(
            f"/v1/things/{wrong}"
            for wrong in ("07", "+7", "7.0", "1_0", "seven", "%D9%A7", "-0", "9" * 5_000)
        ),
        "/v1/{}/things",
    ],
)
async def test_nothing_is_anywhere_else(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code in (404, 405), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("limit=0", [("limit", "must be at least 1")]),
        ("limit=1001", [("limit", "must be at most 1000")]),
        ("limit=" + "9" * 30, [("limit", "must be at most 1000")]),
        *(
            (f"limit={wrong}", [("limit", "must be a whole number")])
            for wrong in ("", "07", "1_0", "null", "9" * 5_000)
        ),
        ("word=A", [("word", "has the wrong format")]),
        ("sort=price", [("sort", "is not one of the allowed values")]),
        ("sort=null", [("sort", "is not one of the allowed values")]),
        ("from=", [("from", "has the wrong format")]),
        ("from_=b", [("from_", "is not a parameter of this address")]),
        ("request=1", [("request", "is not a parameter of this address")]),
        ("limit=7&limit=7", [("limit", "must be given only once")]),
        ("limit=0&word=", [("limit", "must be at least 1"), ("word", "has the wrong format")]),
    ],
)
async def test_the_query_is_what_the_signature_says(
    client: httpx.AsyncClient, query: str, errors: list[tuple[str, str]]
) -> None:
    answer = await client.get(f"/v1/things?{query}")
    assert answer.status_code == 422
    assert [(error["field"], error["reason"]) for error in answer.json()["errors"]] == errors


async def test_ids_have_their_bounds(client: httpx.AsyncClient) -> None:
    for wrong in ("0", "-1", "1001", "9" * 30):
        answer = await client.get(f"/v1/things/{wrong}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "thing_id")


async def test_says_which_methods_there_are(client: httpx.AsyncClient) -> None:
    for path, allowed in (
        ("/v1/things", "GET, HEAD, OPTIONS, POST"),
        ("/v1/abc/of/7", "OPTIONS, PATCH"),
    ):
        asked = await client.options(path)
        assert (asked.status_code, asked.headers["allow"], asked.content) == (204, allowed, b"")
        refused = await client.delete(path)
        assert (refused.status_code, refused.headers["allow"]) == (405, allowed)


async def test_what_is_no_response_becomes_one(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/things")
    assert (answer.status_code, answer.content) == (202, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(
    ("host", "status"), [("shop", 200), ("[::1]:80", 200), ("", 200), ("a b", 400), ("a/b", 400), ('a"', 400)]
)
async def test_a_host_is_one(client: httpx.AsyncClient, host: str, status: int) -> None:
    answer = await client.get("/v1/things", headers={"Host": host})
    assert answer.status_code == status


def test_text_is_json_unless_it_is_said_to_be_text() -> None:
    assert bytes(Response("é").body).decode() == '"é"'
    assert bytes(Response("é", media_type="text/plain").body).decode() == "é"


@get("/things/{thing_id:int}")
async def deaf(request: ShopRequest) -> None:
    """Takes less than its path gives."""


@get("/things/{thing_id:str}")
async def misspelt(request: ShopRequest, thing_id: Number) -> None:
    """Takes a number where its path gives a text."""


@pytest.mark.parametrize("wrong", [[show, show], [deaf], [misspelt]])
def test_wrong_handlers_are_found_at_the_start(wrong: list[Any]) -> None:
    with pytest.raises(ValueError, match="things"):
        Application(wrong, errors=PROBLEMS)


async def test_a_defect_is_told_as_one(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret")

    async with serving(sqlite_url) as api:
        token = api.token(await api.shop.buyer("ada"))
        monkeypatch.setattr(type(api.running.till), "execute", broken)
        order = {"lines": [{"product": 1, "quantity": 1}]}
        answer = await api.post("/v1/orders", order, by=token)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:tuckshop:problem:internal-error")
    assert "secret" not in answer.text
