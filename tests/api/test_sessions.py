"""/v1/auth: logging in, staying logged in, logging out."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

from tests.api.conftest import SECRET, Api
from tuckshop.identity.access_tokens import ACCESS_SECONDS, REFRESH_SECONDS
from tuckshop.identity.sessions import ACTIVE_ELSEWHERE, SESSION_DAYS

ENDED = "urn:tuckshop:problem:session-ended"
ME = "/v1/users/me"


async def is_in(api: Api, logged_in: dict[str, Any]) -> bool:
    """Whether the access token is good for reading, and for the till too."""
    reads = (await api.get(ME, by=logged_in["access"])).status_code
    pays = (await api.post("/v1/wallet/payout", by=logged_in["access"])).status_code
    assert (reads == 401) == (pays == 401)
    return reads == 200


class TestLogIn:
    async def test_gives_tokens_and_says_who_you_are(self, api: Api) -> None:
        first = await api.registered("ada")
        assert first["expires_in"] == ACCESS_SECONDS == 300
        assert first["user"]["username"] == "ada"
        assert first["active_sessions"] == 0
        assert "message" not in first
        assert await is_in(api, first)

    async def test_tells_of_other_active_sessions_and_succeeds(self, api: Api) -> None:
        first = await api.registered("ada")
        second = await api.logged_in("ada")
        third = await api.logged_in("ADA")
        assert (second["active_sessions"], second["message"]) == (1, ACTIVE_ELSEWHERE)
        assert third["active_sessions"] == 2
        assert all([await is_in(api, one) for one in (first, second, third)])

    async def test_does_not_count_sessions_that_are_over(self, api: Api) -> None:
        first = await api.registered("ada")
        await api.post("/v1/auth/logout", by=first["access"])
        assert (await api.logged_in("ada"))["active_sessions"] == 0
        api.clock.forward(SESSION_DAYS * 86_400)
        assert (await api.logged_in("ada"))["active_sessions"] == 0

    async def test_answers_alike_to_unknown_names_wrong_passwords_and_inactive_users(self, api: Api) -> None:
        for name in ("ada", "bob", "cyd"):
            await api.registered(name)
        await api.shop.execute("UPDATE users SET state = 'disabled' WHERE username = 'bob'")
        await api.shop.execute("UPDATE users SET state = 'pending' WHERE username = 'cyd'")
        answers = [
            await api.post("/v1/auth/login", {"username": name, "password": password})
            for name, password in [
                ("ada", "wrong horse"),
                ("bob", "correct horse"),
                ("cyd", "correct horse"),
                ("nobody", "correct horse"),
                ("nobody/", "x"),
            ]
        ]
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.text for answer in answers}) == 1
        headers = [
            {k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id")}
            for answer in answers
        ]
        assert all(one == headers[0] for one in headers)
        assert headers[0]["www-authenticate"] == "Bearer"

    async def test_keeps_the_device_as_text_of_bounded_length(self, api: Api) -> None:
        await api.registered("ada")
        body = {"username": "ada", "password": "correct horse"}
        await api.post("/v1/auth/login", body, headers={"User-Agent": "x" * 5000})
        await api.post("/v1/auth/login", body, headers=[(b"User-Agent", "fridge \u00fc".encode())])
        devices = [row["device"] for row in await api.shop.rows("sessions")]
        assert len(devices[1]) == 200
        assert devices[2].startswith("fridge")


class TestRefresh:
    async def test_rotates(self, api: Api) -> None:
        first = await api.registered("ada")
        answer = await api.post("/v1/auth/refresh", {"refresh": first["refresh"]})
        assert answer.status_code == 200
        assert answer.json()["refresh"] != first["refresh"]
        assert await is_in(api, answer.json())
        third = await api.post("/v1/auth/refresh", {"refresh": answer.json()["refresh"]})
        assert third.status_code == 200

    async def test_used_twice_ends_the_session(self, api: Api) -> None:
        first = await api.registered("ada")
        other = await api.logged_in("ada")
        second = (await api.post("/v1/auth/refresh", {"refresh": first["refresh"]})).json()
        again = await api.post("/v1/auth/refresh", {"refresh": first["refresh"]})
        assert (again.status_code, again.json()["type"]) == (401, "urn:tuckshop:problem:credential-reused")
        for refresh in (first["refresh"], second["refresh"]):
            answer = await api.post("/v1/auth/refresh", {"refresh": refresh})
            assert (answer.status_code, answer.json()["type"]) == (401, ENDED)
        assert not await is_in(api, second)
        assert await is_in(api, other)

    async def test_two_at_once_have_at_most_one_winner(self, api: Api) -> None:
        first = await api.registered("ada")
        for _ in range(3):
            answers = await asyncio.gather(
                *(api.post("/v1/auth/refresh", {"refresh": first["refresh"]}) for _ in range(4))
            )
            assert [answer.status_code for answer in answers].count(200) <= 1
            assert {answer.status_code for answer in answers} <= {200, 401}
            first = await api.logged_in("ada")

    async def test_outlives_the_access_token_but_not_a_day(self, api: Api) -> None:
        first = await api.registered("ada")
        api.clock.forward(ACCESS_SECONDS + 1)
        assert not await is_in(api, first)
        second = (await api.post("/v1/auth/refresh", {"refresh": first["refresh"]})).json()
        assert await is_in(api, second)
        api.clock.forward(REFRESH_SECONDS + 1)
        assert (await api.post("/v1/auth/refresh", {"refresh": second["refresh"]})).status_code == 401

    async def test_ends_for_good_when_the_session_does(self, api: Api) -> None:
        logged_in = await api.registered("ada")
        for _ in range(2 * SESSION_DAYS - 1):  # Every half day, for as long as a session lasts.
            api.clock.forward(REFRESH_SECONDS / 2)
            answer = await api.post("/v1/auth/refresh", {"refresh": logged_in["refresh"]})
            assert answer.status_code == 200
            logged_in = answer.json()
        api.clock.forward(REFRESH_SECONDS / 2)
        assert (await api.post("/v1/auth/refresh", {"refresh": logged_in["refresh"]})).status_code == 401

    async def test_takes_no_access_token_nor_the_other_way_round(self, api: Api) -> None:
        first = await api.registered("ada")
        assert (await api.post("/v1/auth/refresh", {"refresh": first["access"]})).status_code == 401
        assert (await api.get(ME, by=first["refresh"])).status_code == 401


class TestLogOut:
    async def test_ends_this_session_at_once_and_no_other(self, api: Api) -> None:
        first = await api.registered("ada")
        second = await api.logged_in("ada")
        assert await is_in(api, first)  # Its token is known to the server's cache now.
        answer = await api.post("/v1/auth/logout", by=first["access"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert not await is_in(api, first)
        assert (await api.post("/v1/auth/refresh", {"refresh": first["refresh"]})).status_code == 401
        assert (await api.post("/v1/auth/logout", by=first["access"])).status_code == 401
        assert await is_in(api, second)

    async def test_everywhere_ends_all_of_them(self, api: Api) -> None:
        first = await api.registered("ada")
        second = await api.logged_in("ada")
        bob = await api.registered("bob")
        answer = await api.post("/v1/auth/logout-all", by=second["access"])
        assert (answer.status_code, answer.json()) == (200, {"ended": 2})
        assert not await is_in(api, first)
        assert not await is_in(api, second)
        assert await is_in(api, bob)

    async def test_everywhere_takes_name_and_password_too(self, api: Api) -> None:
        first = await api.registered("ada")
        wrong = await api.post("/v1/auth/logout-all", {"username": "ada", "password": "wrong horse"})
        assert wrong.status_code == 401
        assert await is_in(api, first)
        answer = await api.post("/v1/auth/logout-all", {"username": "ada", "password": "correct horse"})
        assert (answer.status_code, answer.json()) == (200, {"ended": 1})
        assert not await is_in(api, first)
        assert (await api.post("/v1/auth/logout-all")).status_code == 401

    async def test_a_disabled_user_is_out_at_once(self, api: Api) -> None:
        first = await api.registered("ada")
        assert await is_in(api, first)
        await api.shop.execute("UPDATE users SET state = 'disabled'")
        assert not await is_in(api, first)
        assert (await api.post("/v1/auth/refresh", {"refresh": first["refresh"]})).status_code == 401


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, claims, _ = token.split(".")
    return (
        json.loads(base64.urlsafe_b64decode(head + "==")),
        json.loads(base64.urlsafe_b64decode(claims + "==")),
    )


def _signed(header: Any, claims: Any, *, secret: str = SECRET, digest: str = "sha256") -> str:
    signed = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    return f"{signed}.{_b64(hmac.digest(secret.encode(), signed.encode(), digest))}"


def _with_header(**more: Any) -> Callable[[str], str]:
    def forge(token: str) -> str:
        header, claims = _parts(token)
        return _signed({**header, **more}, claims)

    return forge


def _with_claims(**more: Any) -> Callable[[str], str]:
    def forge(token: str) -> str:
        header, claims = _parts(token)
        claims = {name: value for name, value in {**claims, **more}.items() if value is not ...}
        return _signed(header, claims)

    return forge


def _unsigned(alg: Any) -> Callable[[str], str]:
    def forge(token: str) -> str:
        header, claims = _parts(token)
        return f"{_b64(json.dumps({**header, 'alg': alg}).encode())}.{_b64(json.dumps(claims).encode())}."

    return forge


FORGED: dict[str, Callable[[str], str]] = {
    "alg none": _unsigned("none"),
    "alg None": _unsigned("None"),
    "alg empty": _unsigned(""),
    "alg null": _unsigned(None),
    "alg list": _unsigned(["HS256"]),
    "alg HS512": lambda token: _signed({"alg": "HS512", "typ": "JWT"}, _parts(token)[1], digest="sha512"),
    "alg RS256": _with_header(alg="RS256"),
    "alg lower case": _with_header(alg="hs256"),
    "no alg": lambda token: _signed({"typ": "JWT"}, _parts(token)[1]),
    "another secret": lambda token: _signed(*_parts(token), secret="another secret, just as long as that"),
    "empty secret": lambda token: _signed(*_parts(token), secret=""),
    "kid": _with_header(kid="../../dev/null"),
    "kid of a wrong type": _with_header(kid={"a": 1}),
    "jku": _with_header(jku="https://evil.example/keys"),
    "x5u": _with_header(x5u="https://evil.example/keys"),
    "jwk": _with_header(jwk={"kty": "oct", "k": _b64(SECRET.encode())}),
    "crit": _with_header(crit=["exp"]),
    "crit unknown": _with_header(crit=["x"], x=1),
    "b64 false": _with_header(b64=False, crit=["b64"]),
    "cty": _with_header(cty="JWT"),
    "zip": _with_header(zip="DEF"),
    "expired": _with_claims(exp=1_000_000),
    "no exp": _with_claims(exp=...),
    "exp null": _with_claims(exp=None),
    "exp text": _with_claims(exp="9999999999"),
    "exp bool": _with_claims(exp=True),
    "exp huge": _with_claims(exp=10**400),
    "not yet": _with_claims(nbf=9_999_999_999),
    "no nbf": _with_claims(nbf=...),
    "issued later": _with_claims(iat=9_999_999_999),
    "wrong audience": _with_claims(aud="another/shop"),
    "refresh as access": _with_claims(aud="tuckshop/refresh"),
    "audiences": _with_claims(aud=["tuckshop/refresh", "another"]),
    "no audience": _with_claims(aud=...),
    "no sub": _with_claims(sub=...),
    "sub of another": _with_claims(sub="999"),
    "sub no number": _with_claims(sub="ada"),
    "sub unicode": _with_claims(sub="\u0661"),
    "sub number": _with_claims(sub=1),
    "sub huge": _with_claims(sub="9" * 900),
    "no sid": _with_claims(sid=...),
    "sid text": _with_claims(sid="1"),
    "sid bool": _with_claims(sid=True),
    "sid of another": _with_claims(sid=999),
    "sid negative": _with_claims(sid=-1),
    "sid huge": _with_claims(sid=2**63),
    "claims no object": lambda token: _signed(_parts(token)[0], [1]),
    "header no object": lambda token: _signed(["HS256"], _parts(token)[1]),
    "header nested deep": lambda token: f"{_b64(b'[' * 1200)}.{token.partition('.')[2]}",
    "header not base64": lambda token: f"!!!.{token.partition('.')[2]}",
    "header not UTF-8": lambda token: f"{_b64(bytes([255, 254]))}.{token.partition('.')[2]}",
    "signature cut": lambda token: token[:-1],
    "signature empty": lambda token: token.rpartition(".")[0] + ".",
    "signature of another text": lambda token: token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"),
    "four parts": lambda token: f"{token}.{token}",
    "two parts": lambda token: token.rpartition(".")[0],
    "five parts": lambda token: "a.b.c.d.e",
    "one part": lambda token: "token",
    "empty": lambda token: "",
    "JSON serialization": lambda token: json.dumps({"payload": token.split(".")[1]}),
    "very long": lambda token: token + "A" * 5000,
    "padding": lambda token: token + "=",
    "space inside": lambda token: token.replace(".", ". "),
}


async def test_takes_no_forged_token(api: Api) -> None:
    logged_in = await api.registered("ada")
    order = {"lines": [{"product": 1, "quantity": 1}]}
    taken = []
    for how, forge in FORGED.items():
        by = {"headers": {"Authorization": f"Bearer {forge(logged_in['access'])}".strip()}}
        refresh = forge(logged_in["refresh"])
        answers = [await api.get(ME, **by), await api.post("/v1/orders", order, **by)]
        if how != "refresh as access":
            answers.append(await api.post("/v1/auth/refresh", {"refresh": refresh}))
        for answer in answers:
            too_long = answer.status_code == 422 and len(refresh) > 2048
            if not (too_long or (answer.status_code, answer.json().get("type")) == (401, ENDED)):
                taken.append((how, answer.request.url.path, answer.text))
    assert taken == []
    assert await is_in(api, logged_in)


async def test_takes_no_other_scheme_and_one_header_only(api: Api) -> None:
    token = (await api.registered("ada"))["access"]
    for value in (
        "",
        "Bearer",
        "Basic YWRhOng=",
        f"Token {token}",
        token,
        f"Bearer x {token}",
        f'Bearer "{token}"',
        f"Bearer {token},x",
        f"Bearer\u00e9 {token}",
        f"Bearer {token}\u00e9",
    ):
        answer = await api.client.get(ME, headers=[(b"Authorization", value.encode())])
        assert (answer.status_code, answer.json()["type"]) == (401, ENDED), value
    good = ("Authorization", f"bearer {token}")
    assert (await api.client.get(ME, headers=[good])).status_code == 200
    assert (await api.client.get(ME, headers=[good, good])).status_code == 401
    assert (await api.client.get(ME)).status_code == 401
