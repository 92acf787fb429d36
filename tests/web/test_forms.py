"""What a form may bring: fields, files, and what people type into them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tuckshop.domain.field_problems import AmountTooLarge, NotADecimal
from tuckshop.domain.money import BALANCE_CENTS_MAX, EURO
from tuckshop.domain.refusals import InsufficientFunds, InvalidField, NameTaken, TooManyTries
from tuckshop.http.bodies import Bodies
from tuckshop.http.errors import Errors, Malformed
from tuckshop.http.handlers import post
from tuckshop.http.middleware import Middleware
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.http.router import Application
from tuckshop.http.state import RUNNING
from tuckshop.http.timeouts import BodyTimeouts
from tuckshop.web.ui import forms
from tuckshop.web.ui.bound_form import BoundForm

CURRENCY_ONLY: Any = SimpleNamespace(
    shop=SimpleNamespace(currency=EURO, tokens=SimpleNamespace(seal=lambda text: text)),
    body_timeouts=BodyTimeouts(),
    bodies=Bodies(),
    settings=SimpleNamespace(is_https=False),
)
TYPED = [
    ("2.20", 220, None),
    ("2,20", 220, None),
    (" 2 ", 200, None),
    ("", 1, "This field is required."),
    ("0", 0, "Must be at least €0.01."),
    ("-1", 1, "Must be a number such as 2.20."),
    ("1.234,50", 1, "Must be a number such as 2.20."),
    ("1.005", 1, "Must have at most 2 decimals."),
    ("9" * 40, 1, "Must be a number such as 2.20."),
    (str(BALANCE_CENTS_MAX // 10), 1, "Must be at most €10,000,000,000,000.00."),
    ("<script>", 1, "Must be a number such as 2.20."),
    ("\N{ARABIC-INDIC DIGIT ONE}", 1, "Must be a number such as 2.20."),
]


@pytest.fixture
def call() -> ShopRequest:
    """A request of somebody who speaks English."""
    return ShopRequest({"type": "http", "scheme": "http", "headers": [], RUNNING: CURRENCY_ONLY})


@pytest.mark.parametrize(("typed", "cents", "wrong"), TYPED)
def test_amounts_are_read_as_people_write_them(
    call: ShopRequest, typed: str, cents: int, wrong: str | None
) -> None:
    form = BoundForm(call, {"amount": typed})
    assert form.amount("amount") == cents
    assert form.wrong.get("amount") == wrong
    assert form.is_wrong == (wrong is not None)


@pytest.mark.parametrize(
    ("typed", "number", "wrong"),
    [
        ("7", 7, None),
        (" 10 ", 10, None),
        ("11", 1, "Must be from 1 to 10."),
        ("0", 1, "Must be from 1 to 10."),
        ("-3", 1, "Must be from 1 to 10."),
        ("1.5", 1, "Must be a whole number."),
        ("1e3", 1, "Must be a whole number."),
        ("9" * 99, 1, "Must be a whole number."),
        ("", 1, "This field is required."),
    ],
)
def test_whole_numbers_have_limits(call: ShopRequest, typed: str, number: int, wrong: str | None) -> None:
    form = BoundForm(call, {"count": typed})
    assert form.whole("count", least=1, most=10) == number
    assert form.wrong.get("count") == wrong


def test_all_that_is_wrong_is_told_at_once_and_the_first_of_each_field(call: ShopRequest) -> None:
    form = BoundForm(call, {"name": "x" * 11, "kind": "other", "note": ""})
    form.text("name", length_max=10)
    form.text("note", length_max=10, needed=False)
    form.one_of("kind", ("a", "b"))
    form.complain("name", NotADecimal())
    assert form.wrong == {
        "name": "Use at most 10 characters.",
        "kind": "Choose one of the options.",
    }


def test_a_refusal_is_told_beside_the_field_that_it_concerns(call: ShopRequest) -> None:
    form = BoundForm(call, {"username": "ada", "amount": "5"})
    form.refuse(NameTaken(name="ada"), beside={NameTaken: "username"})
    form.refuse(InvalidField("amount", AmountTooLarge(500)))
    form.refuse(InsufficientFunds(needed_cents=500, balance_cents=120))
    assert form.wrong == {
        "username": "The name ada is taken. Choose another one.",
        "amount": "Must be at most €5.00.",
    }
    assert (form.trouble, form.status) == ("This costs €5.00, but the wallet has only €1.20.", 422)
    form.refuse(InvalidField("elsewhere", AmountTooLarge(500)))
    assert form.trouble == "elsewhere must be at most €5.00."
    form.refuse(TooManyTries(retry_seconds=9))
    assert form.status == 429


SEED = "s" * 32
TOKEN = urlsafe_b64encode(b"form\0" + SEED.encode()).rstrip(b"=").decode()  # As our stand-in seals.
PICTURE = ("a.png", b"\x89PNG", "image/png")


@post("/upload", status_code=200, body_bytes_max=2_000)
async def upload(request: ShopRequest) -> dict[str, Any]:
    """Says what it was sent."""
    posted, files = await forms.read_with_files(request, "name", files=("picture",))
    return {
        "posted": posted,
        "files": {name: [one.name, one.media_type, one.content.hex()] for name, one in files.items()},
    }


class Plain(Errors):
    """What is wrong, without a page around it."""

    def of_malformed(self, error: Malformed) -> Response[str]:
        """The first of it."""
        return Response(" ".join(error.errors[0]), error.status, media_type="text/plain")

    def shaped(self, *, status: int, **_: Any) -> Any:
        """The status alone."""
        return status


@pytest.fixture
async def uploading() -> AsyncIterator[httpx.AsyncClient]:
    """A browser before a form for files."""
    middleware = Middleware(Application([upload], errors=Plain({})))
    middleware.running = CURRENCY_ONLY
    transport = httpx.ASGITransport(app=middleware)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        client.cookies.set("tuckshop_visit", SEED)
        yield client


async def test_takes_files_beside_fields(uploading: httpx.AsyncClient) -> None:
    answer = await uploading.post("/upload", data={"form": TOKEN, "name": "cola"}, files={"picture": PICTURE})
    assert answer.json() == {
        "posted": {"name": "cola"},
        "files": {"picture": ["a.png", "image/png", b"\x89PNG".hex()]},
    }


async def test_a_file_that_nobody_has_chosen_is_none(uploading: httpx.AsyncClient) -> None:
    parts = (("form", TOKEN), ("name", ""), ('picture"; filename="', ""))
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await uploading.post("/upload", content=body + "--x--\r\n", headers=headers)
    assert answer.json() == {"posted": {"name": ""}, "files": {}}


async def test_takes_no_other_files_and_no_other_forms(uploading: httpx.AsyncClient) -> None:
    fields = {"form": TOKEN, "name": "cola"}
    told: list[tuple[int, str]] = []
    for data, files in (
        (fields, {"other": PICTURE}),
        (fields, [("picture", PICTURE), ("picture", PICTURE)]),
        (fields | {"price": "5"}, {"picture": PICTURE}),
        (fields | {"form": "x"}, {"picture": PICTURE}),
        (fields, {"name": PICTURE}),
        (fields, {"picture": ("a.png", b"x" * 2_000, "image/png")}),
    ):
        answer = await uploading.post("/upload", data=data, files=files)
        told.append((answer.status_code, answer.text))
    assert told == [
        (400, "body has a file that this form does not have"),
        (400, "body has a file that this form does not have"),
        (400, "body has a field that this form does not have"),
        (400, "form belongs to another session. Load the page again"),
        (400, "body has a file that this form does not have"),
        (413, "body must have at most 2000 bytes"),
    ]
    assert (await uploading.post("/upload", data=fields)).status_code == 415
    for body in (b"", b"--x", b"--x\r\n\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"):
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert (await uploading.post("/upload", content=body, headers=headers)).status_code == 400, body
    for media_type in ("multipart/form-data", "multipart/form-data; boundary=" + "x" * 500):
        headers = {"Content-Type": media_type}
        assert (await uploading.post("/upload", content=b"--x--", headers=headers)).status_code == 400
