"""What stands in addresses, cookies and payloads: what we wrote reads back, the rest is refused."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from tests.fuzz.texts import asked, fuzzed, headers, near, scope
from tuckshop.api.product_cursors import place_behind, product_cursor
from tuckshop.api.requests import cursor_id, cursor_of
from tuckshop.app import api
from tuckshop.cli.demo import _require_loopback
from tuckshop.domain.orders import LINES_MAX
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ID_MAX
from tuckshop.http.request import ShopRequest
from tuckshop.queries import catalogue, storefront
from tuckshop.queries.catalogue import Place, Sort
from tuckshop.store import engine
from tuckshop.store.engine import DatabaseUnusable, postgres_dsn, sqlite_path
from tuckshop.store.forms import Form, form_of
from tuckshop.till.commands.products import ProductRecord
from tuckshop.till.state import changed_ids
from tuckshop.till.state.changed_ids import ChangedIds, UnknownForm
from tuckshop.web import routes
from tuckshop.web.office import admin_log, shelves
from tuckshop.web.storefront import cart
from tuckshop.web.storefront import flash as machine_flash
from tuckshop.web.ui import flash, forms, layout, rooms

pytestmark = pytest.mark.proof

ids = st.integers(1, ID_MAX)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=100)


@fuzzed
@given(near(ids.map(cursor_of), "0", "zzzzzzzzzzzz", "1.p150"))
def test_a_cursor_is_one_that_lists_give(text: str) -> None:
    try:
        found = cursor_id(text)
    except Malformed:
        return
    assert found is not None
    assert 1 <= found <= ID_MAX
    assert cursor_of(found) == text


@fuzzed
@given(st.integers(1, 36**12 - 1))
def test_every_cursor_that_lists_give_is_taken(item_id: int) -> None:
    assert cursor_id(cursor_of(item_id)) == item_id


def listed(place: Place) -> ProductRecord:
    """As much of a product as its cursor needs."""
    facts = SimpleNamespace(product_id=place.product_id, price_cents=place.price_cents, name=place.name_key)
    return cast(ProductRecord, facts)


@fuzzed
@given(
    near("1", "1.", "2n.p150", "3.nY29sYQ", "3.nw6TDn8Of", "3.n", "3.nY29sYQ==", "3.nAA"),
    st.sampled_from(Sort),
)
@example("1.", Sort.ID)
def test_a_cursor_of_products_is_one_that_lists_give(text: str, sort: Sort) -> None:
    try:
        place = place_behind(text, sort)
    except Malformed:
        return
    value = "" if place.price_cents is None else f".p{place.price_cents}"
    if place.name_key is not None:
        value = f".n{urlsafe_b64encode(place.name_key.encode()).decode().rstrip('=')}"
    assert f"{cursor_of(place.product_id)}{value}" == text


@fuzzed
@given(ids.filter(lambda one: one < 36**12), st.integers(1, 10**9), TEXTS, st.sampled_from(Sort))
def test_every_cursor_of_products_leads_on(product_id: int, price: int, name: str, sort: Sort) -> None:
    product = listed(Place(product_id, price, name))
    place = place_behind(product_cursor(product, sort), sort)
    assert place == catalogue.place_of(product, sort)


@fuzzed
@given(near("3.2-7", "1-1.9-2", "-".join(map(str, range(1, 150))), f"{ID_MAX}.9", f"{ID_MAX + 1}", "3.0"))
def test_a_cart_holds_what_can_be_carried(text: str) -> None:
    found = cart.read(text)
    assert len(found) <= LINES_MAX
    assert all(1 <= one <= ID_MAX and 1 <= pieces <= cart.EACH_MAX for one, pieces in found.items())
    assert cart.read(cart.write(found)) == found


@fuzzed
@given(near("1", "007", "9" * 18, "9" * 19, "-1", "1_0", "٣", ""))
def test_a_number_in_a_pages_address_is_written_in_one_way(text: str) -> None:
    try:
        number = rooms.number(text)
    except HTTPException:
        number = None
    query = urlencode({"before": text, "after": text}).encode()
    request = ShopRequest(scope(query_string=query))
    assert rooms.before(request) == number
    assert rooms.after(request) == (number or 0)
    assert number is None or (str(number) == text and 1 <= number <= ID_MAX)


OWN = near(
    "/", "/m/1?pick=3.2", "//evil.example", "/\\evil.example", "https://evil.example/", "/a\tb", "/%2f/x"
)


@fuzzed
@given(OWN)
def test_nobody_is_led_elsewhere(text: str) -> None:
    path = forms.own_path(text)
    led = urlsplit(urljoin("https://shop.example/office", path))
    assert (led.scheme, led.netloc) == ("https", "shop.example")
    assert path in (text, "/")
    assert path.isascii()
    assert path.isprintable()


@fuzzed
@given(
    near(
        "http://shop.example/office/users?q=a",
        "http://[",
        "http://[::1]/m/1",
        "//evil.example",
        "http://a]b/c",
    ),
    st.sampled_from(["GET", "POST"]),
)
def test_a_page_knows_where_it_is_whatever_the_browser_says(text: str, method: str) -> None:
    said = text.encode("latin-1", "replace")
    request = ShopRequest(scope(headers(referer=said), method=method, query_string=said, path="/m/1"))
    assert forms.own_path(layout.here(request)) == layout.here(request)


@fuzzed
@given(near("A" * 22, "A" * 16, "-_" * 32, "A" * 65))
def test_a_forms_key_is_the_one_given_or_a_new_one(text: str) -> None:
    key = forms.key_of(text)
    assert forms.key_of(key) == key
    assert (key == text) == (
        16 <= len(text) <= 64 and text.replace("-", "a").replace("_", "a").isalnum() and text.isascii()
    )


FLASHES = near(
    "eyJ0ZXh0IjoiYSJ9",
    "eyJ0ZXh0IjoiYSIsIm1vb2QiOiJiYWQifQ==",
    "eyJldmVudCI6ImJvdWdodCIsInByb2R1Y3RzIjp7IjEiOjJ9fQ==",
    "eyJ0ZXh0IjoiXHVkODAwIn0=",
    "W1tbW1tbW1s=",
)


@fuzzed
@given(FLASHES)
def test_what_the_browser_kept_for_the_next_page_is_ours_or_nothing(text: str) -> None:
    for cookie, read in ((flash.COOKIE, flash.read), (machine_flash.COOKIE, machine_flash.read)):
        found = read(asked(cookie=f"{cookie}={text}".encode("latin-1", "replace")))
        if found is not None:
            found.text.encode()  # No half of a surrogate pair, of which no page could be made.
            assert len(found.text) <= flash.LENGTH_MAX


@fuzzed
@given(near('["A1",5,2,150]', "[null,null,null,null]", '[1,"a"]', "{}", "[[[["))
def test_a_plan_that_a_page_had_is_one_or_refused(text: str) -> None:
    try:
        shelves._seen(1, text)
    except Malformed:
        return


@fuzzed
@given(near("product:7", "user:1", "shop", "product:", ":", "a:b:c"))
def test_a_line_of_the_log_leads_to_a_page_of_the_office_or_nowhere(subject: str) -> None:
    leads = admin_log._page_of(subject)
    assert leads == "" or leads.startswith("/office/")


changes = st.builds(
    ChangedIds,
    shelves=st.sets(st.tuples(ids, ids)),
    products=st.sets(ids),
    wallets=st.sets(ids),
    orders=st.sets(st.tuples(ids, ids)),
)


@fuzzed
@given(changes)
def test_what_changed_reads_back_as_it_was_told(changed: ChangedIds) -> None:
    found = ChangedIds()
    for payload in changed_ids.written(changed):
        assert len(payload.encode()) <= changed_ids.PAYLOAD_BYTES_MAX
        found.add(changed_ids.read(payload))
    assert found == changed


@fuzzed
@given(near("s1.2 p3 w4 o5.6", "s1", "p1.2", "x9", "s1.2.3", "s٣.1", "p" + "9" * 5_000))
def test_what_is_no_change_is_called_unknown(text: str) -> None:
    try:
        found = changed_ids.read(text)
    except UnknownForm:
        return
    assert set(" ".join(changed_ids.written(found)).split()) == {
        re.sub(r"(?<![0-9])0+(?=[0-9])", "", word) for word in text.split()
    }


@fuzzed
@given(near("order.placed/2", "OrderPlaced", "OutOfStock", "order.placed/0", "a/1/2", "refusal.sold-out/1"))
def test_every_kind_of_a_stored_form_has_a_name(kind: str) -> None:
    form = form_of(kind)
    assert form.version == 0 or form_of(form.kind) == form
    assert form.version or form == Form(kind, 0)


@fuzzed
@given(
    near(
        "sqlite:///shop.sqlite3",
        "sqlite:////srv/a.db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://a@b/c",
    )
)
def test_an_address_of_a_database_is_of_one_kind_at_the_most(url: str) -> None:
    kinds = 0
    for read in (sqlite_path, postgres_dsn):
        try:
            assert read(url)
            kinds += 1
        except DatabaseUnusable:
            pass
    assert kinds <= 1


@fuzzed
@given(st.lists(near("A2", "A10", "B1", "10", "A", "ⅷ", "A٣", "A²"), max_size=5))
def test_shelves_stand_in_the_order_of_their_numbers(codes: list[str]) -> None:
    keys = [storefront._by_code(cast(Any, SimpleNamespace(code=code))) for code in codes]
    assert [code for _, _, code in keys] == codes
    assert all(number == int(code[len(letters) :] or 0) for letters, number, code in keys)


APPLICATIONS = (api(), routes.app())
PATHS = near(
    "/v1/products/1",
    "//v1//products/",
    "/v1/products/0x1",
    "/dialects/kiosk/api/v1/products",
    "/dialects//",
    "/office/orders/1",
    "/static/base.css",
    "/v1/images/1%2F2",
    "/" * 200,
    "*",
    "",
)


@fuzzed
@given(PATHS)
def test_every_path_leads_somewhere_or_nowhere(path: str) -> None:
    for application in APPLICATIONS:
        try:
            found, texts = application._find(scope(path=path))
        except HTTPException as nowhere:
            assert nowhere.status_code == 404
        else:
            assert found
            assert all(text and "/" not in text for text in texts)
            assert all(text in path for text in texts)
    assert routes.is_for_browsers(scope(path=path)) == (path[1:].partition("/")[0] in routes.ROOMS)


@fuzzed
@given(near("127.0.0.1", "localhost", "::1", "0.0.0.0", "127.1", "::ffff:127.0.0.1", "localhost.evil"))
def test_a_demo_listens_on_this_computer_alone(host: str) -> None:
    try:
        _require_loopback(host)
    except click.UsageError:
        return
    assert host == "localhost" or ip_address(host).is_loopback


@fuzzed
@given(near("shop.sqlite3", "/srv/a b/ä.db", "/srv/a#b", "/srv/100%.db", "/srv/%41", "a;b"))
def test_the_file_of_a_database_is_the_one_that_is_named(path: str) -> None:
    url = f"sqlite:///{path}"
    try:
        named = sqlite_path(url)
    except DatabaseUnusable:
        return
    if "\0" in named:
        return
    assert engine._file_uri(named).startswith("file:///")
    assert Path(unquote(urlsplit(engine._file_uri(named)).path)) == Path(named).absolute()
