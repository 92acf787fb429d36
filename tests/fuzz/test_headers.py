"""Headers: credentials, keys, hosts, addresses, cookies, versions and wishes, each read in one way."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.texts import asked, fuzzed, headers, near, near_bytes
from tuckshop.api.etags import expected_version, tagged
from tuckshop.dialects.shared.errors import Details
from tuckshop.domain.refusals import SessionEnded
from tuckshop.http import browser_login, cookies
from tuckshop.http.content_negotiation import prefers_pages
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ResponseBody
from tuckshop.http.hosts import LOOPBACK_HOSTS, HostCheck
from tuckshop.http.middleware import Middleware
from tuckshop.http.request import KEY_LENGTH_MAX, ShopRequest
from tuckshop.identity import addresses, devices, first_admin
from tuckshop.identity.access_tokens import Tokens
from tuckshop.settings import Settings
from tuckshop.till.callers import MachineCaller, SessionCaller
from tuckshop.web.ui import i18n, visitors

pytestmark = pytest.mark.proof

NOW_US = 1_700_000_000_000_000
TOKENS = Tokens(secret=b"s" * 32, clock=lambda: NOW_US)
CALLER = SessionCaller(7, 9)
ACCESS, REFRESH = TOKENS.access(CALLER), TOKENS.refresh(CALLER, generation=3)


def part(value: object) -> str:
    """A part of a token that holds this."""
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


ODD: list[object] = [
    [], 1, None, "a", {}, {"alg": []}, {"alg": {}}, {"alg": None}, {"alg": "none"}, {"alg": "HS512"},
    {"alg": "HS256", "typ": "JWT", "crit": ["a"]}, {"alg": "HS256", "b64": False}, {"alg": "RS256"},
    {"alg": "HS256", "kid": {}}, {"alg": "HS256", "jwk": 1}, {"enc": "A128GCM", "alg": "dir"},
]  # fmt: skip
FORGED = st.sampled_from([".".join([part(header), *ACCESS.split(".")[1:]]) for header in ODD])
DEEP = urlsafe_b64encode(b"[" * 1_400).decode().rstrip("=")


@fuzzed
@given(near(ACCESS, REFRESH, FORGED, f"{DEEP}.a.b", "a.b.c", "....", ACCESS.rpartition(".")[0] + "."))
def test_no_token_is_taken_but_those_we_have_signed(token: str) -> None:
    for read, good in ((TOKENS.caller, ACCESS), (TOKENS.refreshing, REFRESH)):
        try:
            read(token)
        except SessionEnded:
            assert token != good
        else:
            assert decoded(token) == decoded(good)


def decoded(token: str) -> list[bytes]:
    """What a token says; its last letters have bits that say nothing."""
    return [urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in token.split(".")]


KEY = devices.new_key(12)


@fuzzed
@given(near(KEY, devices.new_key(10**17), "0-" + KEY.partition("-")[2], KEY + "A", "٣" + KEY[2:]))
def test_a_machines_key_names_its_machine(text: str) -> None:
    try:
        caller = devices.caller(text)
    except SessionEnded:
        assert text != KEY
    else:
        number, _, secret = text.partition("-")
        assert (caller.machine_id, len(secret)) == (int(number), 43)
        assert caller.key_hash == devices.hashed(text)
        assert text.isascii()


@fuzzed
@given(
    near_bytes(
        f"Bearer {ACCESS}", f"bearer  {ACCESS} ", f"Machine {KEY}", f"Bearer{ACCESS}", "Token a", "Bearer "
    )
)
def test_a_credential_is_a_token_or_a_key_or_none(given_: bytes) -> None:
    request = asked(authorization=given_)
    request.shop.tokens = TOKENS  # type: ignore[misc]
    try:
        attester = request.attester
    except SessionEnded:
        return
    match attester:
        case MachineCaller():
            assert given_.lower().startswith(b"machine ")
        case _:
            assert attester == CALLER == request.caller
            assert given_.lower().startswith(b"bearer ")


@fuzzed
@given(near_bytes("key-1", "a b", "", "x" * 255, "x" * 256, "k\u00e4se"), st.integers(1, 2))
async def test_an_idempotency_key_is_visible_ascii(key: bytes, times: int) -> None:
    request = asked(idempotency_key=[key] * times)
    request._whole = b""
    is_good = times == 1 and 1 <= len(key) <= KEY_LENGTH_MAX and all(0x21 <= byte <= 0x7E for byte in key)
    try:
        envelope = await request.enveloped(None)  # type: ignore[arg-type]
    except Malformed:
        assert not is_good
    else:
        assert is_good
        assert (envelope.key or "").encode() == key


PROXIES = Settings(trusted_proxies="127.0.0.1, 10.0.0.0/8, fd00::/8")
HOPS = near(
    "203.0.113.9",
    "10.0.0.1, 10.0.0.2",
    "203.0.113.9,fd00::1",
    "::ffff:10.0.0.1",
    "unknown",
    "10.0.0.1:80",
    "",
)


@fuzzed
@given(HOPS)
def test_who_asks_is_the_last_whom_no_trusted_proxy_wrote(text: str) -> None:
    said = text.encode("latin-1", "replace")
    request = asked(x_forwarded_for=said)
    request.scope.update(client=("10.9.9.9", 1))
    request.scope["tuckshop_running"].settings = PROXIES
    wanted = "10.9.9.9"
    for hop in reversed([one.strip() for one in said.decode("latin-1").split(",")]):
        try:
            address = ip_address(hop)
        except ValueError:
            break
        if not any(ip_address(wanted) in ip_network(one) for one in ("127.0.0.1", "10.0.0.0/8", "fd00::/8")):
            break
        wanted = str(getattr(address, "ipv4_mapped", None) or address)
    assert request.address == wanted


CHECK = HostCheck(None, hosts=LOOPBACK_HOSTS, errors=Details(challenge=""))  # type: ignore[arg-type]


@fuzzed
@given(
    near_bytes(
        "localhost", "localhost:8000", "[::1]:80", "[::1]", "127.0.0.1:", "evil.example", "LOCALHOST:٣"
    )
)
def test_a_request_is_for_a_name_of_the_shop(host: bytes) -> None:
    name = host.decode("latin-1").lower()
    own = {one + end for one in LOOPBACK_HOSTS for end in ("", ":" + name.rpartition(":")[2])}
    is_port = all(byte in b"0123456789" for byte in host.rpartition(b":")[2])
    is_own = name in LOOPBACK_HOSTS or (name in own and is_port and name[-1:] != ":")
    for _ in range(2):  # The second time from memory.
        assert (CHECK._reason(headers(host=host)) is None) == is_own


@fuzzed
@given(near_bytes("a=1; b=2", "a=1;a=2", " a = 1", "a", "b=a=1", ";;a=;"), st.integers(1, 2))
def test_a_cookie_that_stands_twice_is_none(header: bytes, times: int) -> None:
    pairs = [one.strip() for one in header.decode("latin-1").split(";")] * times
    values = [one[2:] for one in pairs if one.startswith("a=")] + ["" for one in pairs if one == "a"]
    assert cookies.read(asked(cookie=[header] * times), "a") == (values[0] if len(values) == 1 else None)


@fuzzed
@given(
    near(
        "text/html",
        "text/html;q=0.5, application/json",
        "*/*",
        "application/json;q=0, text/html;Q=0.001",
        "text/html;q=2",
    )
)
def test_pages_are_for_those_who_want_them_more(accept: str) -> None:
    wanted = prefers_pages(accept)
    assert not wanted or "text/html" in accept.lower()
    assert not prefers_pages(accept + ", application/json;q=1") or not wanted
    if accept.strip().lower() == "text/html":
        assert wanted


@fuzzed
@given(
    near_bytes("de", "de-AT, en;q=0.5", "en;q=0, de;q=0.1", "*", "fr;q=1, de;q=0.1", "d\u00e9", "de;q=1.0000")
)
def test_a_language_is_one_that_there_is(header: bytes) -> None:
    words = i18n.of(asked(accept_language=header))
    assert words.language in i18n.languages()
    if words.language != i18n.ENGLISH:
        assert words.language.partition("-")[0].encode() in header.lower()


@fuzzed
@given(near_bytes('"1"', 'W/"12-ab"', "*", '"0"', '"1-"', '"1","2"', '"999999999-ffffffffffffffff"'))
def test_a_version_is_one_that_an_etag_had(given_: bytes) -> None:
    try:
        version = expected_version(asked(if_match=given_))
    except Malformed:
        return
    assert (version is None) == (given_ == b"*")
    assert version is None or given_.strip().removeprefix(b"W/").startswith(b'"%d' % version)


class Shown(ResponseBody):
    """An answer."""

    name: str


ETAG = tagged(asked(), Shown(name="cola")).headers["ETag"]


@fuzzed
@given(near_bytes(ETAG, f"W/{ETAG}", f'"x", {ETAG}', "*", '"a,b"', ETAG.strip('"')))
def test_only_who_has_the_answer_is_sent_none(known: bytes) -> None:
    answer = tagged(asked(if_none_match=known), Shown(name="cola"))
    assert answer.status_code in (200, 304)
    if answer.status_code == 304:
        assert ETAG.encode() in known or b"*" in known


@fuzzed
@given(near_bytes("abc-1/2+3=", "x" * 64, "x" * 65, "a\nb", "a b", ""))
async def test_a_requests_id_is_the_callers_if_no_log_can_mistake_it(given_: bytes) -> None:
    ids = []

    async def app(scope: object, receive: object, send: object) -> None:
        ids.append(scope["request_id"])  # type: ignore[index]

    await Middleware(app)(dict(asked(x_request_id=given_).scope), None, None)  # type: ignore[arg-type]
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+=-"
    is_good = 1 <= len(given_) <= 64 and all(byte in letters for byte in given_)
    assert (ids == [given_]) == is_good


@fuzzed
@given(near("A" * 32, "A" * 128, "A" * 129, "é" * 32), near("A" * 43, ""))
def test_a_form_belongs_to_a_browser_that_has_its_secret(seed: str, token: str) -> None:
    request = asked(cookie=f"{browser_login.VISIT}={seed}".encode("latin-1", "replace"))
    request.shop.tokens = TOKENS  # type: ignore[misc]
    with pytest.raises(Malformed):
        browser_login.require_form_token(request, token)
    known = browser_login.seed(request)
    assert browser_login._SEED.fullmatch(known)
    assert (known == seed) == (browser_login._known_seed(request) == seed)
    assert visitors._SECRET.fullmatch(seed) is None or len(seed) == 32


ORIGINS = near_bytes("http://shop.example", "https://shop.example", "null", "http://shop.example.evil", "")


@fuzzed
@given(ORIGINS, near_bytes("same-origin", "cross-site", "none", ""), st.sampled_from(["GET", "POST"]))
def test_what_changes_anything_comes_from_our_own_pages(origin: bytes, site: bytes, method: str) -> None:
    request = asked(host=b"shop.example", origin=origin, sec_fetch_site=site)
    request.scope["method"] = method
    is_own = origin in (b"http://shop.example", b"https://shop.example")
    is_good = is_own and (site == b"same-origin" or (method == "GET" and site == b"none"))
    try:
        browser_login.require_own_page(request)
        assert is_good
    except Malformed:
        assert not is_good


@fuzzed
@given(near("abcd-efgh", "ABCD-EFGH", " abcdefgh\n", "a-b-c-d-e-f-g-h"))
def test_a_setup_code_may_be_typed_with_dashes_and_capitals(text: str) -> None:
    plain = text.strip().replace("-", "").lower()
    assert (first_admin._hash(text) == first_admin._hash("abcdefgh")) == (plain == "abcdefgh")


def test_a_request_without_any_header_has_none() -> None:
    assert asked().given(b"authorization") == []
    assert isinstance(asked(), ShopRequest)


@fuzzed
@given(
    near("203.0.113.9", "2001:db8::1", "fe80::1%eth0", "::ffff:1.2.3.4", "fe80::1%a/64", "/run/shop.sock", "")
)
@example("::%ffff:1.2.3.4")
def test_every_address_belongs_to_a_network_for_counting_log_ins(address: str) -> None:
    for name in (addresses.place(address), addresses.network(address, v4_bits=24, v6_bits=48)):
        assert isinstance(name, str)
        try:
            ip_address(address)
        except ValueError:
            assert name == address
        else:
            assert ip_network(name).version == ip_address(name.partition("/")[0]).version
            assert str(ip_network(name)) == name
            assert "%" not in name
