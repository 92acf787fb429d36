"""What is stored, byte for byte: each form as it is written now, and as every release before has written it.

No line is ever changed or removed; the newest of a form stands below those before it. A form without a line
fails, and so does a line that nobody reads any more. docs/stored-forms.md says how a form may change.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import CheckConstraint, LargeBinary, Text, insert

from tests.api.conftest import Api, serving
from tests.api.test_events import watching
from tests.shop import Clock
from tests.stored.make_fixture import PASSWORD, SETTINGS, Recorder, play
from tuckshop.api.requests import cursor_of
from tuckshop.demo.history import MADE
from tuckshop.domain.field_problems import FieldProblem
from tuckshop.domain.transfers import ref_key
from tuckshop.domain.users import OPERATOR as OPERATING
from tuckshop.domain.users import Role, Scope, name_key, read_scopes, write_scopes
from tuckshop.identity import (
    access_tokens,
    api_tokens,
    browser_sessions,
    registration,
    second_factor,
    sessions,
    users,
)
from tuckshop.identity.audiences import ANY
from tuckshop.operations import refund_requests, sellers, selling, signing_key, tabs
from tuckshop.queries.events import EventKind
from tuckshop.store import admin_log, tables
from tuckshop.store.engine import writing
from tuckshop.store.forms import Form, form_of
from tuckshop.till.callers import OPERATOR, MachineCaller, RegistrantCaller, SessionCaller
from tuckshop.till.commands.approvals import ApproveProduct
from tuckshop.till.commands.transfers import ReverseTransfer
from tuckshop.till.state import changed_ids, forms
from tuckshop.till.state.changed_ids import ChangedIds

GOLDEN = Path(__file__).parent / "golden"


def lines(name: str) -> list[str]:
    """The lines of a golden file."""
    return (GOLDEN / name).read_text().splitlines()


ANSWERS = [line.partition(" ")[::2] for name in ("receipts.txt", "refusals.txt") for line in lines(name)]


def test_every_answer_that_was_ever_kept_is_read() -> None:
    unreadable = []
    for kind, outcome in ANSWERS:
        try:
            answer = forms.read(kind, outcome)
        except forms.Unreadable as error:
            unreadable.append((kind, outcome, error.__cause__))
        else:
            newest = form_of(forms.written(answer)[0])
            assert newest.tag == form_of(kind).tag
            assert newest.version >= form_of(kind).version
    assert unreadable == []


def test_every_answer_is_kept_as_its_newest_line_says() -> None:
    declared = forms.declared()
    newest = {(kind, _problem(outcome)): outcome for kind, outcome in ANSWERS if kind in declared}
    written = {key: forms.written(forms.read(key[0], outcome))[1] for key, outcome in newest.items()}
    assert written == newest


def test_every_version_of_every_answer_has_a_line() -> None:
    expected = {
        Form(tag, version).kind
        for tag, newest in map(form_of, forms.declared())
        for version in range(1, newest + 1)
    }
    assert {kind for kind, _ in ANSWERS} == expected


def test_every_problem_with_a_field_has_a_line() -> None:
    kept = {_problem(outcome) for kind, outcome in ANSWERS if form_of(kind).tag == "refusal.invalid-field"}
    assert kept - {None} == {problem.code for problem in FieldProblem.__subclasses__()}


def _problem(outcome: str) -> str | None:
    """The code of the problem with a field, which has facts of its own."""
    code: str | None = json.loads(outcome).get("code")
    return code


@pytest.fixture
async def played(sqlite_url: str) -> Any:
    """The same days as in the fixture of the old release, and the lines that they leave in the admin log."""
    settings: dict[str, Any] = {name: value for name, value in SETTINGS.items() if name != "secret"}
    settings["payout_delay_days"] = 0  # As it was in the old release.
    async with serving(sqlite_url, clock=Clock(), **settings) as api:
        await _add_people(api)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", verify=False) as client:
            await play(Recorder(client, api.clock))  # type: ignore[arg-type]  # It has no more of one.
        (first, *_) = [row["id"] for row in await api.shop.rows("transfers") if row["kind"] == "topup"]
        await api.shop.do(ReverseTransfer(OPERATOR, first, "typed wrong", owe=True))
        await api.shop.execute(
            "INSERT INTO waiting_products (product_id, created_us)"
            " SELECT id, 1 FROM products WHERE name = 'tea'"
        )
        tea = next(row["id"] for row in await api.shop.rows("products") if row["name"] == "tea")
        await api.shop.do(ApproveProduct(OPERATOR, tea))
        max_id = (await users.find_by_name(api.running, username="max")).id
        await sessions.end_all(api.running, user_id=max_id)
        await _act_as_staff(api)
        async with writing(api.shop.engine) as connection:
            await admin_log.record(connection, action=MADE, subject="shop", now_us=api.clock.now_us)
            asked = {"order_id": 1, "seller_id": 2, "amount_cents": 500, "created_us": 1}
            await connection.execute(insert(tables.refund_requests).values(asked))
        await refund_requests.dismiss(api.running, actor=OPERATING, order_id=1, seller_id=2)
        await signing_key.replace(api.running.engine, secret=b"k" * 32, now_us=api.clock.now_us)
        return await api.shop.rows("admin_log")


async def _act_as_staff(api: Api) -> None:
    """What left no line before: a token, an order for a guest, and an audit."""
    root = await api.logged_in("root", PASSWORD)
    headers = {"authorization": f"Bearer {root['access']}"}

    async def ask(method: str, path: str, body: Any = None) -> Any:
        answer = await api.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    token = (await ask("POST", "/auth/tokens", {"name": "till", "scopes": ["read"], "days": 30}))["id"]
    await ask("DELETE", f"/auth/tokens/{token}")
    await ask("POST", "/wallet/deposits", {"guest": "walker", "coins": {"100": 5}})
    product = await ask("POST", "/products", {"name": "mints", "price": 100, "stock": 2, "house": True})
    order = [{"product": product["id"], "quantity": 1}]
    await ask("POST", "/orders", {"guest": "walker", "lines": order})
    await ask("GET", "/audit")
    await api.shop.execute("UPDATE users SET second_factor_us = 1 WHERE username = 'max'")
    max_id = (await users.find_by_name(api.running, username="max")).id
    await second_factor.reset(api.running, user_id=max_id)


async def _add_people(api: Api) -> None:
    """Those whom the operator adds before anything else."""

    async def add(name: str, *roles: Role) -> int:
        user = await registration.add(api.running, username=name, email=None, password=PASSWORD, roles=roles)
        return user.id

    await add("admin", Role.ADMIN)
    await add("root", Role.ADMIN, Role.CASHIER, Role.SELLER)
    await add("max", Role.BUYER)
    tom = await add("tom", Role.BUYER)
    await users.reset_password(api.running, username="tom")
    await tabs.set_limit(api.running, actor=OPERATING, user_id=tom, limit_cents=500)
    await sellers.set_payout_delay(api.running, actor=OPERATING, user_id=tom, days=0)
    await selling.change(api.running, actor=OPERATING, user_id=tom, quota={"pieces": 20_000})


async def test_every_line_of_the_admin_log_is_written_as_its_golden_line_says(
    played: list[dict[str, Any]],
) -> None:
    newest: dict[str, str] = {}
    for row in played:
        action = Form(row["action"], row["version"]).kind
        newest.setdefault(action, f"{action} {row['subject']} {row['before']} {row['after']}")
    golden = {line.partition(" ")[0]: line for line in lines("admin_log.txt")}
    assert newest == {kind: line for kind, line in golden.items() if kind in newest}
    assert set(newest) == {Form(*one).kind for one in admin_log.VERSIONS.items()}
    assert set(golden) == {
        Form(action, version).kind
        for action, newest_version in admin_log.VERSIONS.items()
        for version in range(1, newest_version + 1)
    }


async def test_every_event_is_sent_as_its_golden_line_says(sqlite_url: str) -> None:
    async with serving(sqlite_url) as api:
        ada = await api.shop.buyer("ada", cents=500)
        cola = await api.shop.product("cola", price_cents=150, stock=10)
        async with watching(api, ada) as watcher:
            order = {"lines": [{"product": cola.product_id, "quantity": 2}]}
            told = {"hello": await watcher.until("hello")}
            assert msgspec.convert(told["hello"]["at"], str).endswith("Z")
            told["hello"]["at"] = "2026-10-09T17:00:00.250000Z"
            await api.post("/v1/orders", order, by=ada)
            for kind in ("stock", "balance", "order"):
                told[kind] = await watcher.until(kind)
            await api.shop.execute("UPDATE products SET version = 3")
            api.events.hear(ChangedIds(products={cola.product_id}))
            told["product"] = await watcher.until("product")
    assert [f"{kind} {json.dumps(data, separators=(',', ':'))}" for kind, data in told.items()] == lines(
        "events.txt"
    )
    assert set(told) == set(EventKind)


def test_every_change_is_told_to_other_processes_as_its_golden_line_says() -> None:
    news = {
        "a shelf": ChangedIds(shelves={(1, 7)}),
        "a product": ChangedIds(products={7}),
        "a wallet": ChangedIds(wallets={3}),
        "an order": ChangedIds(orders={(9, 3)}),
    }
    told = [f"{what}: {' '.join(changed_ids.written(one))}" for what, one in news.items()]
    assert told == lines("changes.txt")
    assert [changed_ids.read(line.partition(": ")[2]) for line in lines("changes.txt")] == list(news.values())
    whole = ChangedIds({(1, 7)}, {7}, {3}, {(9, 3)})
    assert len(whole) == len(news)
    assert changed_ids.read(" ".join(changed_ids.written(whole))) == whole


@pytest.mark.parametrize("payload", ["x1", "s1", "s1.2.3", "p", "p1.2", "P1", "p1 q2", "p-1", "hello world"])
def test_a_change_in_an_unknown_form_is_called_by_its_tag(payload: str) -> None:
    with pytest.raises(changed_ids.UnknownForm) as unknown:
        changed_ids.read(payload)
    assert unknown.value.tag in payload


def test_words_in_columns_are_those_of_the_golden_file() -> None:
    known = sorted(
        f"{table.name}.{limit.sqltext}"
        for table in tables.metadata.tables.values()
        for limit in table.constraints
        if isinstance(limit, CheckConstraint) and str(limit.name).endswith("_known")
        if not str(limit.sqltext).startswith("scopes")
    )
    assert known == lines("words.txt")
    assert [write_scopes(frozenset({scope})) for scope in Scope] == ["read", "buy", "sell", "admin"]
    assert write_scopes(frozenset(Scope)) == "read buy sell admin"
    assert read_scopes("read buy sell admin") == frozenset(Scope)


async def test_keys_and_names_are_kept_as_the_golden_file_says(sqlite_url: str) -> None:
    """What is computed, and compared with what an older release has computed."""
    seen: dict[str, str] = {
        "scope of the operator": OPERATOR.scope,
        "scope of user 7": SessionCaller(1, 7).scope,
        "scope of machine 2": MachineCaller(2, None).scope,
        "scope of guest 3": MachineCaller(2, None).serving(3).scope,
        "scope of a newcomer": RegistrantCaller.named("Ädå").scope,
        "key of a name": name_key("Straße \u1e9b\u0323 ŠΣς"),
        "key of a bank's reference": ref_key("RF18\u00a05390 Straße\u200b \uff11"),
        "cursor behind 1234567": cursor_of(1_234_567),
        "API token": api_tokens.PREFIX,
        "browser session": browser_sessions.PREFIX,
        "secret's hash": api_tokens.hashed("tsk_x").hex(),
    }
    clock = Clock()
    tokens = access_tokens.Tokens(secret=b"x" * 32, clock=clock)
    seen["sealed"] = tokens.seal(b"signed").hex()
    caller = SessionCaller(5, 7)
    for name, token in (
        ("access token", tokens.access(caller, audience=ANY)),
        ("refresh token", tokens.refresh(caller, generation=2, audience=ANY)),
        ("access token of /v1", tokens.access(caller)),
        ("refresh token of a dialect", tokens.refresh(caller, generation=2, audience="shop")),
    ):
        head, claims = (_part(part) for part in token.split(".")[:2])
        claims["jti"] = "(random)"
        seen[name] = f"{json.dumps(head)} {json.dumps(claims)}"
    async with serving(sqlite_url) as api:
        ada = await api.shop.buyer("ada", cents=500)
        cola = await api.shop.product("cola", price_cents=150, stock=10)
        body = {"lines": [{"product": cola.product_id, "quantity": 1}]}
        content = json.dumps(body).encode()
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        answer = await api.call("POST", "/v1/orders", by=ada, headers=headers, content=content)
        assert answer.status_code == 201
        (record,) = await api.shop.rows("idempotency")
    assert record["fingerprint"] == hashlib.sha256(b"POST\0/v1/orders\0" + content).digest()
    seen["fingerprint of an order"] = record["fingerprint"].hex()
    assert [f"{name}: {value}" for name, value in seen.items()] == lines("keys.txt")


def _part(part: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return told


def test_nothing_else_lies_among_the_golden_files() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {
        "admin_log.txt",
        "changes.txt",
        "events.txt",
        "keys.txt",
        "receipts.txt",
        "refusals.txt",
        "words.txt",
    }


AS_TYPED = {
    "barcode",
    "category",
    "client_ref",
    "device",
    "email",
    "external_ref",
    "key",
    "name",
    "reason",
    "slot",
    "timezone",
    "username",
}
"""Columns of text that is stored as somebody typed or sent it."""

OTHERS = {"shop.currency", "sessions.address"}
"""An ISO 4217 code, an IP address."""


def test_the_document_names_every_column_that_has_a_form() -> None:
    document = (Path(__file__).parents[2] / "docs" / "stored-forms.md").read_text()
    missing = [
        f"{table.name}.{column.name}"
        for table in tables.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Text | LargeBinary)
        and column.name not in AS_TYPED
        and not any(f"`{name}.{column.name}`" in document for name in (table.name, "*", ""))
    ]
    assert sorted(missing) == sorted(OTHERS)
