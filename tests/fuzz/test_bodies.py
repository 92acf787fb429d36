"""Bodies and files: JSON, forms, forms with files, tables, settings. What is taken is what was written."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.texts import anything, asked, fuzzed, near, near_bytes
from tuckshop import settings
from tuckshop.dialects.app_demo import amounts
from tuckshop.dialects.kiosk import parameters
from tuckshop.domain.money import EURO, PRICE_CENTS_MAX
from tuckshop.domain.products import QUANTITY_MAX, TAX_BASIS_POINTS_MAX
from tuckshop.domain.refusals import InvalidField
from tuckshop.http import multipart, request
from tuckshop.http.errors import Malformed, complaint, in_words
from tuckshop.http.openapi import FORMS
from tuckshop.http.request import Body
from tuckshop.imports import csv_files, product_rows
from tuckshop.imports.csv_files import CELL_LENGTH_MAX, FileUnreadable
from tuckshop.settings import SettingsInvalid
from tuckshop.web.ui import forms

pytestmark = pytest.mark.proof

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
WRITTEN = near_bytes(
    VALUES.map(json.dumps),
    VALUES.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()),
    '{"a": 1, "a": 2}',
    '{"a": "b:c"}',
    '{"a": {"b": 1, "b": 2}}',
    '{"a": "\\ud800"}',
    '{"a": ["\\u0000"]}',
    "[" * 600 + "]" * 600,
    "NaN",
)


class Anything(Body):
    """Some fields."""

    a: Any = None
    b: str = ""


@fuzzed
@given(WRITTEN)
async def test_a_body_is_json_with_each_name_once(body: bytes) -> None:
    if request._is_plain(body):
        request._CHECKING.decode(body.decode())  # What is plain at a glance, the slow look takes too.
    made = asked(content_type=b"application/json")
    made._whole = body
    try:
        parsed = await made.parsed(Anything)
    except Malformed as refusal:
        assert refusal.errors
        refusal.errors[0][1].encode()
        return
    pairs: list[tuple[str, Any]] = json.loads(body, object_pairs_hook=lambda found: found)
    assert len(dict(pairs)) == len(pairs)
    assert {name for name, _ in pairs} <= {"a", "b"}
    assert parsed.b == dict(pairs).get("b", "")
    assert "\0" not in parsed.b


@fuzzed
@given(
    near_bytes("application/json", "Application/JSON; charset=utf-8", "text/plain", "application/jsonx", "")
)
async def test_a_body_is_declared_as_json(declared: bytes) -> None:
    made = asked(content_type=declared)
    made._whole = b"{}"
    is_json = declared.split(b";")[0].strip().lower() == b"application/json"
    try:
        await made.parsed(Anything)
        assert is_json
    except Malformed:
        assert not is_json


NAMES = st.text(st.characters(codec="utf-8"), max_size=8)


@fuzzed
@given(st.lists(st.tuples(NAMES.filter(bool), NAMES), max_size=8), st.binary(max_size=8))
def test_a_form_with_files_reads_back_as_it_was_written(
    fields: list[tuple[str, str]], content: bytes
) -> None:
    quoted = [
        (name.replace("\\", "").replace('"', "").replace("\r", "").replace("\n", ""), text)
        for name, text in fields
    ]
    body = b"".join(
        b'--x-y\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), text.encode())
        for name, text in [(name or "n", text) for name, text in quoted]
    )
    body += (
        b'--x-y\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n%b\r\n--x-y--\r\n'
        % content
    )
    if b"--x-y" in content or any("--x-y" in text for pair in quoted for text in pair):
        return
    *read, file = multipart.read(body, b"multipart/form-data; boundary=x-y")
    assert [part.text for part in read] == [text for _, text in quoted]
    assert (file.filename, file.content) == ("a.png", content)


FORM = (
    "--x\r\nContent-Disposition: form-data; name=\"a\"; filename*=utf-8''b\r\n"
    "Content-Type: a/b; charset=utf-8\r\n\r\n1\r\n--x--\r\n"
)


@fuzzed
@given(
    near_bytes(FORM, "--x\r\n\r\n--x--", "--x--"),
    near_bytes("multipart/form-data; boundary=x", 'multipart/form-data; boundary*="x'),
    st.booleans(),
)
def test_what_is_no_form_with_files_is_refused(body: bytes, declared: bytes, begun: bool) -> None:
    try:
        parts = multipart.read(body, declared, begun=begun)
    except ValueError:
        return
    assert len(parts) <= multipart.PARTS_MAX
    for part in parts:
        part.name.encode()
        assert part.content in body


TYPED = near_bytes(
    "a=1&form=x", "a=%ff", "a=1&a=2", "b=1", "a=%00", "a=" + "x" * 4_001, "&".join("a=1" for _ in range(60))
)


@fuzzed
@given(
    TYPED,
    near_bytes(
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=utf-8", "text/plain"
    ),
)
async def test_a_form_has_its_own_fields_once(body: bytes, declared: bytes) -> None:
    made = asked(content_type=declared)
    made._whole = body
    made.shop.tokens = Sealing()  # type: ignore[misc, assignment]
    made._given = {b"content-type": [declared], b"cookie": [b"tuckshop_visit=" + b"s" * 32]}
    try:
        posted = await forms.read(made, "a")
    except Malformed:
        return
    assert set(posted) == {"a"}
    assert len(posted["a"]) <= forms.VALUE_LENGTH_MAX
    assert "\0" not in posted["a"]


class Sealing:
    """Seals everything alike, so that the form's token is known."""

    def seal(self, signed: bytes) -> bytes:
        """The token's bytes."""
        return b"x"


class Call(Body):
    """What a kiosk's call takes."""

    name: str | None = None
    amount: int | None = None


CALLS = near_bytes(
    "name=a&amount=5",
    "amount=05",
    "amount=1&amount=2",
    "name=%ff",
    "x=1",
    "amount=" + "9" * 19,
    '{"amount": 5}',
    FORM,
)


@fuzzed
@given(CALLS, st.sampled_from([*FORMS, "application/json", "text/plain"]), st.sampled_from([None, 5]))
async def test_a_kiosks_call_takes_each_thing_once(body: bytes, declared: str, amount: int | None) -> None:
    made = asked(content_type=f"{declared}; boundary=x".encode())
    made._whole = body
    try:
        read = await parameters.read(made, Call, amount=amount)
    except Malformed:
        return
    assert read.amount is None or isinstance(read.amount, int)
    assert amount is None or read.amount == amount


@fuzzed
@given(near('"2.20"', "2.2", "1e3", "-1", '"\\u0032"', "true", " 100 ", '"100"', "0.1", "[1]"))
def test_a_price_is_the_same_as_text_and_as_a_number(written: str) -> None:
    for read, limit in (
        (lambda raw: amounts.read_price(raw, EURO), PRICE_CENTS_MAX),
        (amounts.read_stock, 9_999_999),
    ):
        try:
            json.loads(written, parse_constant=lambda name: json.loads(""))
        except (ValueError, RecursionError):
            return  # Then it never comes so far: the whole body is no JSON.
        try:
            value = read(msgspec.Raw(written.encode()))
        except (Malformed, InvalidField):
            continue
        assert 0 <= value <= limit
        if '"' not in written:
            assert read(msgspec.Raw(f'"{written.strip()}"'.encode())) == value


HEAD = ",".join(product_rows.COLUMNS)
TABLE = near(
    f"{HEAD}\r\nCola,1.50,5,5,sam,yes,19,0.50,Drinks,40063813\r\n",
    "name;price\nKäse;1,50\n",
    'name,price\n"a\nb",1\n',
    "name,name\na,b\n",
    "\ufeffname\tprice\na\t1\n",
    'name\n"open\n',
    "name,stock\na,-1\nb,1000001\nA,1\n",
)


@fuzzed
@given(TABLE.map(lambda text: text.encode()) | near_bytes(TABLE) | st.binary(max_size=50))
def test_a_table_is_read_or_its_line_is_told(content: bytes) -> None:
    try:
        rows = csv_files.read(content, rows_max=20)
    except FileUnreadable as refusal:
        assert refusal.line is None or 1 <= refusal.line <= content.count(b"\n") + content.count(b"\r") + 1
        return
    assert len(rows) <= 21
    assert all(len(cell) <= CELL_LENGTH_MAX for row in rows for cell in row.cells)
    table = product_rows.parse(rows, currency=EURO)
    assert all(
        problem.line is None or problem.line in [row.line for row in rows] for problem in table.problems
    )
    lines = {one.line for one in table.products} | {one.line for one in table.problems}
    assert lines - {None} <= {row.line for row in rows}
    assert not rows or table.problems or len(table.products) == len(rows) - 1  # No row is passed over.
    for good in table.products:
        assert good.price is None or 1 <= good.price <= PRICE_CENTS_MAX
        assert good.cost is None or 0 <= good.cost <= PRICE_CENTS_MAX
        assert good.stock is None or 0 <= good.stock <= QUANTITY_MAX
        assert good.tax is None or 0 <= good.tax <= TAX_BASIS_POINTS_MAX
    assert len({good.key for good in table.products}) == len(table.products)


@fuzzed
@given(st.lists(st.lists(near("a", "=1", "'=x", "a,b", 'a"b', "a\nb"), min_size=2, max_size=2), max_size=4))
def test_a_table_that_we_write_is_one_for_other_programs_too(rows: list[list[str]]) -> None:
    written = "".join(csv_files.write(rows))
    others = list(csv.reader(io.StringIO(written, newline="")))
    assert [[csv_files._unescaped(cell) for cell in row] for row in others] == rows


VARIABLES = {
    "TRUSTED_PROXIES": near("127.0.0.1, 10.0.0.0/8", "10.0.0.1/8", "::1/129", ",,", "localhost"),
    "DAY_STARTS": near("04:00", "24:00", "4:00", "04:60", "٠٤:٠٠"),
    "TIMEZONE": near("Europe/Berlin", "UTC", "../etc/passwd", "Europe/Nowhere", "/etc/localtime", "Europe"),
    "PUBLIC_URL": near(
        "https://shop.example",
        "HTTP://Shop.example:80/",
        "http://[::1]:8000",
        "https://a:99999",
        "https://a/b",
    ),
    "PORT": near("8000", "0", "65536", "8_000", "1e3", " 80 "),
    "METRICS": near("true", "1", "yes", "False", "none"),
    "COINS_DAILY_CAP_CENTS": near("20000", "-1", "1.5", "9" * 20),
    "REGISTRATION": near("open", "OPEN", "closed"),
    "ALLOWED_HOSTS": near("shop.example, Localhost", ",", ""),
    "SECRET": near("s" * 32, "short", ""),
    "UNKNOWN": near("a"),
}


@pytest.mark.parametrize("name", VARIABLES)
@fuzzed
@given(data=st.data())
def test_a_setting_is_usable_or_refused_by_name(name: str, data: st.DataObject) -> None:
    text = data.draw(VARIABLES[name])
    try:
        read = settings.read({f"TUCKSHOP_{name}": text})
    except SettingsInvalid as refusal:
        assert f"TUCKSHOP_{name}" in str(refusal)
        return
    assert 1 <= read.port <= 65_535
    assert read.origin == "" or settings.read({"TUCKSHOP_PUBLIC_URL": read.origin}).origin == read.origin
    assert all(host == host.strip().lower() != "" for host in read.hosts)
    assert read.days.of(0) in (-1, 0)
    read.redacted()


@fuzzed
@given(near("hunter2hunter2", "hun/ter2?x", "hun#ter2", "hun@ter2", "hun:ter2", "[hunter2"))
def test_no_password_of_a_database_is_shown(password: str) -> None:
    secret = "Zq7" + password + "qZ7"
    for url in (f"postgresql://shop:{secret}@db/shop", f"postgresql://db/shop?user=a&password={secret}"):
        shown = settings.Settings(database_url=url).redacted()["TUCKSHOP_DATABASE_URL"]
        assert "Zq7" not in shown
        assert "qZ7" not in shown


@fuzzed
@given(
    anything,
    near("Expected `int` >= 1", "Object contains unknown field `a`", "JSON is malformed: x (byte 1)"),
    near("$.a[0]", "$"),
)
def test_every_complaint_has_a_field_and_words(name: str, message: str, place: str) -> None:
    field, words = complaint(f"{message} - at `{place}`")
    assert field
    assert words
    assert in_words(f"{message}{name}")


def test_a_form_is_written_as_browsers_write_it() -> None:
    assert urlencode({"a": "1 ä"}) == "a=1+%C3%A4"
