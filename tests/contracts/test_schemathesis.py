"""Schemathesis over each dialect's OpenAPI document: no failure in any phase.

A short run with a fixed seed in `make test.more`; TUCKSHOP_PROOF=1 makes it a long one on both databases.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.test_schemathesis import PROOF, SHOWN, Good, LoggedIn, run, undone
from tests.contracts.conftest import Client, speaking
from tests.shop import Shop
from tuckshop.dialects import NAMES
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.users import OPERATOR as OPERATOR_ACTOR
from tuckshop.domain.users import Role
from tuckshop.identity import browser_sessions, login_throttle
from tuckshop.identity.api_tokens import hashed
from tuckshop.identity.audiences import ANY
from tuckshop.operations import machines as machine_operations
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.wallet import Deposit

# Whose rules no schema says: which coins there are, what prices they can pay, how many decimals these have.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
"""
# Each thing at one of its addresses: what was deleted there is gone at the others too, which it takes for a
# loss. That all of them lead to the same is shown by the transcripts.
ALIASES = {"vending-challenge": "^/(?!api/v1/(auth|users|wallet|product)(/|$))"}
# Whoever is no admin is told that there is no such user: also of one whom they have just registered.
OTHERS = """
[[operations]]
include-path-regex = "/users?/[{]"
checks.ensure_resource_availability.enabled = false
"""
LEFT_OUT = """
[[operations]]
include-path-regex = "{}"
enabled = false
"""


class WithToken(LoggedIn):
    """As `LoggedIn`, where sessions are known by a secret."""

    @staticmethod
    def secret(caller: SessionCaller) -> str:
        """The one that the caller's session is given."""
        return f"{browser_sessions.PREFIX}{caller.session_id}"

    def credential(self, caller: SessionCaller) -> str:
        """What the header says for this caller."""
        return f"Token {self.secret(caller)}"

    async def successor(self, name: str, *roles: Role) -> SessionCaller:
        """With such a secret."""
        caller = await super().successor(name, *roles)
        assert self.api is not None
        await self.keep(self.api.shop, caller)
        return caller

    @classmethod
    async def keep(cls, shop: Shop, caller: SessionCaller) -> None:
        """As if the caller had logged in with it."""
        await shop.execute(
            "INSERT INTO api_tokens (session_id, name, secret_hash) VALUES (:id, 'log-in', :hash)",
            id=caller.session_id,
            hash=hashed(cls.secret(caller)),
        )


@pytest.mark.more
@pytest.mark.proof
@pytest.mark.parametrize("database_url", ["sqlite", "postgres"] if PROOF else ["sqlite"], indirect=True)
@pytest.mark.parametrize("who", ["nobody", "buyer", "admin"] if PROOF else ["admin"])
@pytest.mark.parametrize("dialect", NAMES)
async def test_finds_nothing(
    dialect: str, who: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Or all that it would see of a log-in or a registration were 429.
    for limit in ("PAIR", "USER", "NETWORK"):
        monkeypatch.setattr(login_throttle, limit, login_throttle.Limit(1_000_000, 1))
    wrapped: list[LoggedIn] = []

    def wrap(app: Any) -> LoggedIn:
        wrapped.append(WithToken(app) if dialect == "simple-payment" else LoggedIn(app))
        return wrapped[0]

    async with speaking(database_url, dialect, wrap=wrap, registrations_per_hour=3_600) as client:
        shop = client.api.shop
        buyer = await shop.person("ada", Role.BUYER)
        admin = await shop.person("anna", Role.ADMIN, Role.BUYER, Role.SELLER)
        for number in range(3):
            await shop.product(f"can {number}", seller=admin, stock=1000, price_cents=5)
        for caller in (buyer, admin):
            await shop.do(Deposit(OPERATOR, wallet_of(caller.user_id), {100: 10}))
            await WithToken.keep(shop, caller)
        wrapped[0].api = client.api
        wrapped[0].callers = {b"Bearer buyer": buyer, b"Bearer admin": admin}
        key = await machine_operations.new_key(
            client.api.running, actor=OPERATOR_ACTOR, machine_id=DEFAULT_MACHINE_ID
        )
        config, but = CONFIG, ALIASES.get(dialect, "(?!)")
        if dialect in ALIASES:
            config += LEFT_OUT.format(but)
        if dialect == "vending-challenge" and who == "buyer":
            config += OTHERS
        good = await _good(client.bearing(**{"X-Kiosk-Key": key}), buyer) if who == "admin" else {}
        code, report = await run(
            client.api,
            who,
            tmp_path,
            good=good,
            path=client.prefix,
            config=config,
            headers={"X-Kiosk-Key": key},
        )
        assert code == 0, report[-SHOWN:]
        assert who != "admin" or await undone(client.api, wrapped[0].done, path=client.prefix, but=but) == []


async def _good(client: Client, buyer: SessionCaller) -> Good:
    """Somebody with a password, and a guest at the kiosk."""
    await client.api.registered("lena")
    named = "name" if client.dialect == "app-demo" else "username"
    password = {named: "lena", "password": "correct horse"}
    refresh = {"refresh": client.api.running.tokens.refresh(buyer, generation=1, audience=ANY)}
    good: Good = {name: {"body": refresh} for name in ("refresh", "refreshToken")}
    good |= {name: {"body": password} for name in ("login", "logIn")}
    await client.api.registered("otto")  # Else the refresh token would be over with all other sessions.
    good["logoutAll"] = {"body": password | {"username": "otto"}}
    if client.dialect == "kiosk":
        guest = {"user_name": "door"}
        product = (await client.says("GET", "/api/v1/products", status=200))[-1]["id"]
        paid = await client.says("POST", "/api/v1/users/0/add_balance", {**guest, "amount": 500}, status=200)
        await client.says("POST", f"/api/v1/products/{product}/buy", guest, status=201)
        good |= {name: {"path": {"path_id": product}, "body": guest} for name in ("buy", "refund")}
        good["addBalance"] = {"path": {"user_id": paid["id"]}, "body": {**guest, "amount": 500}}
        good["getUser"] = {"path": {"user_id": paid["id"]}, "query": guest}
    return good
