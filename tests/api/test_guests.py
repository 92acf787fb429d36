"""Guests over HTTP: served by machines, cashiers and admins; what they leave behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, People, serving
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.refunds import UndoMode
from tuckshop.identity import guests
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import Restock
from tuckshop.till.commands.wallet import Deposit


@dataclass
class Kiosk:
    """A machine that asks with its key, and a product in it."""

    api: Api
    id: int
    key: str
    cola: int

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        given = {
            "Authorization": f"Machine {self.key}",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        return await self.api.post(path, body, headers=given)

    async def balance(self, guest: str) -> httpx.Response:
        given = {"Authorization": f"Machine {self.key}"}
        return await self.api.get("/v1/wallet", params={"guest": guest}, headers=given)


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """A shop whose machines take back what their guests undo."""
    async with serving(database_url, machine_undo=UndoMode.CONTRACT) as served:
        yield served


@pytest.fixture
async def kiosk(api: Api, people: People) -> Kiosk:
    added = (await api.post("/v1/machines", {"name": "Hall"}, by=people.root)).json()
    key = (await api.post(f"/v1/machines/{added['id']}/key", by=people.root)).json()["key"]
    cola = (await api.shop.product("cola", stock=0)).product_id
    await api.shop.do(Restock(OPERATOR, cola, 5, machine_id=added["id"]))
    return Kiosk(api, added["id"], key, cola)


async def test_a_guest_puts_coins_in_buys_gives_back_and_is_paid(api: Api, kiosk: Kiosk) -> None:
    put = await kiosk.post("/v1/wallet/deposits", {"coins": {"100": 2, "50": 2}, "guest": "door"})
    assert (put.status_code, put.json()["balance"]) == (201, 300)
    order = {"lines": [{"product": kiosk.cola, "quantity": 1}], "guest": "Door", "client_ref": "r-1"}
    bought = await kiosk.post("/v1/orders", order)
    assert (bought.status_code, bought.json()["machine"], bought.json()["balance"]) == (201, kiosk.id, 150)
    again = await kiosk.post("/v1/orders", order)
    assert (again.status_code, again.json()["order"]) == (409, bought.json()["id"])
    back = await kiosk.post("/v1/guests/refunds", {"guest": "door", "product": kiosk.cola})
    assert (back.status_code, back.json()["order"], back.json()["balance"]) == (201, bought.json()["id"], 300)
    none = await kiosk.post("/v1/guests/refunds", {"guest": "door", "product": kiosk.cola})
    assert (none.status_code, none.json()["type"]) == (404, "urn:tuckshop:problem:unknown-purchase")
    second = await kiosk.post("/v1/orders", {**order, "client_ref": "r-2"})
    by_number = await kiosk.post(f"/v1/orders/{second.json()['id']}/refunds", {})
    assert (by_number.status_code, by_number.json()["amount"]) == (201, 150)
    assert (await kiosk.balance("door")).json() == {"balance": 300, "coins": {"100": 3}, "owed": 0}
    paid = await kiosk.post("/v1/wallet/payout", {"guest": "door"})
    assert (paid.status_code, paid.json()["coins"]) == (200, {"100": 2, "50": 2})
    await api.shop.assert_clean()


async def test_a_guest_of_a_users_name_has_a_wallet_of_its_own(
    api: Api, people: People, kiosk: Kiosk
) -> None:
    await api.shop.do(Deposit(OPERATOR, wallet_of(people.ada.user_id), {100: 5}))
    for path, body in (
        ("/v1/wallet/payout", {"guest": "ada"}),
        ("/v1/orders", {"guest": "ada", "lines": [{"product": kiosk.cola, "quantity": 1}]}),
        ("/v1/guests/refunds", {"guest": "ada", "product": kiosk.cola}),
    ):
        answer = await kiosk.post(path, body)
        assert (answer.status_code, answer.json()["guest"]) == (404, "ada"), path
    await kiosk.post("/v1/wallet/deposits", {"coins": {"50": 1}, "guest": "ada"})
    assert (await kiosk.balance("ada")).json()["balance"] == 50
    assert (await api.get("/v1/wallet", by=people.ada)).json()["balance"] == 500


async def test_only_machines_and_staff_serve_guests(api: Api, people: People, kiosk: Kiosk) -> None:
    await kiosk.post("/v1/wallet/deposits", {"coins": {"100": 3}, "guest": "door"})
    calls: list[tuple[str, dict[str, Any]]] = [
        ("/v1/wallet/deposits", {"coins": {"50": 1}, "guest": "door", "machine": kiosk.id}),
        (
            "/v1/orders",
            {"guest": "door", "machine": kiosk.id, "lines": [{"product": kiosk.cola, "quantity": 1}]},
        ),
        ("/v1/guests/refunds", {"guest": "door", "machine": kiosk.id, "product": kiosk.cola}),
        ("/v1/wallet/payout", {"guest": "door", "machine": kiosk.id}),
    ]
    before = await api.shop.books()
    for path, body in calls:
        for by, status in ((None, 401), (people.ada, 403), (people.sam, 403)):
            for guest in ("door", "never seen"):  # Whether somebody was here is not theirs to know.
                assert (await api.post(path, {**body, "guest": guest}, by=by)).status_code == status
        bad = await api.post(path, body, headers={"Authorization": f"Machine {kiosk.key[:-1]}!"})
        assert bad.status_code == 401
    assert (await api.get("/v1/wallet", params={"guest": "door"}, by=people.ada)).status_code == 403
    assert await api.shop.books() == before
    for path, body in calls:
        assert (await api.post(path, body, by=people.cas)).status_code in (200, 201), path
    await api.shop.assert_clean()


async def test_a_machine_names_its_guest_and_nobody_both(api: Api, people: People, kiosk: Kiosk) -> None:
    line = {"lines": [{"product": kiosk.cola, "quantity": 1}]}
    for path, body in (
        ("/v1/orders", line),
        ("/v1/wallet/deposits", {"coins": {"50": 1}}),
        ("/v1/wallet/payout", {}),
        ("/v1/wallet/deposits", {"coins": {"50": 1}, "guest": "door", "user": people.ada.user_id}),
    ):
        answer = await kiosk.post(path, body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "guest"), path
    other = await kiosk.post("/v1/orders", {**line, "guest": "door", "machine": 1})
    assert other.status_code == 404  # Nobody of that name has been here yet.
    await kiosk.post("/v1/wallet/deposits", {"coins": {"100": 3}, "guest": "door"})
    assert (await kiosk.post("/v1/orders", {**line, "guest": "door", "machine": 1})).status_code == 403


async def test_a_name_that_is_none_makes_no_guest(api: Api, kiosk: Kiosk) -> None:
    for name in ("", " door", "a/b", "x" * 65, "bell\u0007", "\u200b"):
        answer = await kiosk.post("/v1/wallet/deposits", {"coins": {"50": 1}, "guest": name})
        assert answer.status_code == 422, name
    assert await api.shop.rows("guests") == []


async def test_a_guest_named_by_many_at_once_is_one(api: Api, kiosk: Kiosk) -> None:
    put = [kiosk.post("/v1/wallet/deposits", {"coins": {"5": 1}, "guest": f"{way}oor"}) for way in "dD" * 10]
    assert {answer.status_code for answer in await asyncio.gather(*put)} == {201}
    assert len(await api.shop.rows("guests")) == 1
    assert (await kiosk.balance("door")).json()["balance"] == 100


async def test_a_key_is_the_guests(api: Api, kiosk: Kiosk) -> None:
    for guest, replayed in (("ann", None), ("bob", None), ("ann", "true")):
        body = {"coins": {"50": 1}, "guest": guest}
        answer = await kiosk.post("/v1/wallet/deposits", body, Idempotency_Key="one")
        assert (answer.status_code, answer.headers.get("idempotent-replayed")) == (201, replayed)
    assert (await kiosk.balance("ann")).json()["balance"] == 50
    reused = await kiosk.post("/v1/wallet/payout", {"guest": "ann"}, Idempotency_Key="one")
    assert reused.status_code == 422


async def test_ids_known_by_heart_are_bounded(
    api: Api, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "KNOWN_MAX", 2)
    for name in ("ann", "bob", "cleo", "ann"):
        assert (
            await kiosk.post("/v1/wallet/deposits", {"coins": {"50": 1}, "guest": name})
        ).status_code == 201
        assert len(api.running.guest_ids) <= 2
    assert len(await api.shop.rows("guests")) == 3


async def test_money_left_behind_goes_to_nobody_and_is_listed(api: Api, people: People, kiosk: Kiosk) -> None:
    for name, cents in (("ann", 100), ("bob", 50), ("cleo", 20)):
        await kiosk.post("/v1/wallet/deposits", {"coins": {str(cents): 1}, "guest": name})
    await kiosk.post("/v1/wallet/payout", {"guest": "cleo"})
    api.clock.forward(20 * 86_400)
    await kiosk.post("/v1/wallet/deposits", {"coins": {"50": 1}, "guest": "bob"})
    api.clock.forward(11 * 86_400)

    async def listed(path: str, **query: int) -> list[dict[str, Any]]:
        answer = await api.get(path, params=query, by=people.cas)
        assert answer.status_code == 200
        items: list[dict[str, Any]] = answer.json()["items"]
        return [
            {k: v for k, v in one.items() if k not in ("id", "created_at", "touched_at")} for one in items
        ]

    assert await listed("/v1/guests") == [{"guest": "ann", "balance": 100}, {"guest": "bob", "balance": 100}]
    assert await listed("/v1/guests", days=30) == [{"guest": "ann", "balance": 100}]
    page = (await api.get("/v1/guests", params={"limit": 1}, by=people.cas)).json()
    rest = await api.get("/v1/guests", params={"limit": 1, "cursor": page["next"]}, by=people.cas)
    assert (rest.json()["items"][0]["guest"], rest.json()["next"]) == ("bob", None)
    for by, status in ((None, 401), (people.ada, 403), (people.cas, 403)):
        assert (await api.post("/v1/guests/unclaimed", {"days": 30}, by=by)).status_code == status
    swept = await api.post("/v1/guests/unclaimed", {"days": 30}, by=people.root)
    assert (swept.status_code, swept.json()) == (201, {"count": 1, "amount": 100})
    assert (await api.post("/v1/guests/unclaimed", {"days": 30}, by=people.root)).json()["count"] == 0
    assert await listed("/v1/guests/unclaimed") == [{"guest": "ann", "user": None, "amount": 100}]
    for path in ("/v1/guests", "/v1/guests/unclaimed"):
        assert (await api.get(path, by=people.ada)).status_code == 403
    await api.shop.assert_clean()


async def test_a_machine_says_when_it_takes_exact_money_only(api: Api, people: People, kiosk: Kiosk) -> None:
    async def exact_only() -> bool:
        given = {"Authorization": f"Machine {kiosk.key}"}
        answer = await api.get(f"/v1/machines/{kiosk.id}", headers=given)
        assert answer.status_code == 200
        told: bool = answer.json()["exact_money_only"]
        return told

    assert await exact_only()  # Nothing is in it yet.
    fill = {"coins": {"50": 1, "20": 2, "5": 1}}
    await api.post(f"/v1/machines/{kiosk.id}/coins/fill", fill, by=people.cas)
    assert await exact_only()  # 10 cannot be paid.
    await api.post(f"/v1/machines/{kiosk.id}/coins/fill", {"coins": {"5": 1}}, by=people.cas)
    assert await exact_only()  # 5, 10, 20, 25, 30 ... and not 15.
    await api.post(f"/v1/machines/{kiosk.id}/coins/fill", {"coins": {"10": 1}}, by=people.cas)
    assert not await exact_only()
    listed = (await api.get("/v1/machines", by=people.ada)).json()["items"]
    assert [one["exact_money_only"] for one in listed] == [False, False]
