"""/v1/machines, and money between accounts over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, People
from tuckshop.store import tables

MACHINES = "/v1/machines"


async def added(api: Api, people: People, **more: Any) -> int:
    answer = await api.post(MACHINES, {"name": "Hall", **more}, by=people.root)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def key_of(api: Api, people: People, machine_id: int) -> str:
    answer = await api.post(f"{MACHINES}/{machine_id}/key", by=people.root)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    return str(answer.json()["key"])


class TestMachines:
    async def test_are_added_and_listed(self, api: Api, people: People) -> None:
        answer = await api.post(MACHINES, {"name": "Hall", "timezone": "Europe/Berlin"}, by=people.root)
        assert (answer.status_code, answer.json()) == (
            201,
            {
                "id": 2,
                "name": "Hall",
                "timezone": "Europe/Berlin",
                "box_kind": "counted",
                "has_key": False,
                "exact_money_only": True,  # There is nothing in it yet.
                "coin_input": "none",
                "fulfil": "now",
                "deposit_max": 5_000,
                "hourly_deposit_max": 20_000,
            },
        )
        listed = (await api.get(MACHINES, by=people.ada)).json()
        assert [one["name"] for one in listed["items"]] == ["default", "Hall"]
        page = (await api.get(f"{MACHINES}?limit=1", by=people.ada)).json()
        rest = (await api.get(f"{MACHINES}?limit=1&cursor={page['next']}", by=people.ada)).json()
        assert ([one["id"] for one in rest["items"]], rest["next"]) == ([2], None)
        assert (await api.get(f"{MACHINES}/2", by=people.ada)).json() == answer.json()
        assert (await api.get(f"{MACHINES}/3", by=people.ada)).status_code == 404
        (logged,) = [row for row in await api.shop.rows("admin_log") if row["action"] == "machine.add"]
        assert (logged["subject"], logged["actor_id"]) == ("machine:2", people.root.user_id)

    async def test_are_an_admins_to_add_and_change(self, api: Api, people: People) -> None:
        for who in (people.ada, people.sam, people.cas):
            for answer in (
                await api.post(MACHINES, {"name": "Hall"}, by=who),
                await api.call("PATCH", f"{MACHINES}/1", {"name": "Hall"}, by=who),
                await api.post(f"{MACHINES}/1/key", by=who),
                await api.call("PUT", f"{MACHINES}/1/shelves", {"shelves": []}, by=who),
            ):
                assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("body", "status", "kind"),
        [
            ({"name": "DEFAULT"}, 409, "name-taken"),
            ({"name": "Hall", "timezone": "Mars/Base"}, 422, "invalid-field"),
        ],
    )
    async def test_refuse_what_is_none(
        self, api: Api, people: People, body: dict[str, str], status: int, kind: str
    ) -> None:
        answer = await api.post(MACHINES, body, by=people.root)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:tuckshop:problem:{kind}")

    async def test_change_what_is_named(self, api: Api, people: People) -> None:
        await added(api, people)
        answer = await api.call("PATCH", f"{MACHINES}/2", {"timezone": "Asia/Tokyo"}, by=people.root)
        assert (answer.json()["name"], answer.json()["timezone"]) == ("Hall", "Asia/Tokyo")
        taken = await api.call("PATCH", f"{MACHINES}/2", {"name": "default"}, by=people.root)
        assert taken.status_code == 409

    async def test_a_box_that_owes_coins_does_not_become_a_counted_one(
        self, api: Api, people: People
    ) -> None:
        body = {"coins": {"100": 1}}
        assert (await api.post(f"{MACHINES}/1/coins/fill", body, by=people.cas)).status_code == 201
        body = {"coins": {"20": 5}}
        assert (await api.post(f"{MACHINES}/1/coins/collect", body, by=people.cas)).status_code == 201
        change = {"box_kind": "counted"}
        refused = await api.call("PATCH", f"{MACHINES}/1", change, by=people.root)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:tuckshop:problem:coins-owed")
        await api.post(f"{MACHINES}/1/coins/fill", {"coins": {"20": 5}}, by=people.cas)
        assert (await api.call("PATCH", f"{MACHINES}/1", change, by=people.root)).status_code == 200
        rows = await api.shop.rows("coin_boxes")
        assert {row["box_kind"] for row in rows} == {"counted"}
        lacking = await api.post(f"{MACHINES}/1/coins/collect", {"coins": {"20": 1}}, by=people.cas)
        assert (lacking.status_code, lacking.json()["available"]) == (409, 0)
        await api.shop.assert_clean()


class TestKeys:
    async def test_attest_coins_of_their_machine(self, api: Api, people: People) -> None:
        hall = await added(api, people)
        key = await key_of(api, people, hall)
        headers = {"Authorization": f"Machine {key}"}
        body = {"coins": {"50": 2}, "user": people.ada.user_id}
        absent = await api.post("/v1/wallet/deposits", body, headers=headers)
        assert (absent.status_code, absent.json()["type"]) == (409, "urn:tuckshop:problem:user-not-present")
        await api.shop.log_in_at(hall, people.ada)
        answer = await api.post("/v1/wallet/deposits", body, headers=headers)
        assert (answer.status_code, answer.json()["balance"]) == (201, 100)
        elsewhere = await api.post("/v1/wallet/deposits", {**body, "machine": 1}, headers=headers)
        assert elsewhere.status_code == 403
        paid = await api.post("/v1/wallet/payout", {"user": people.ada.user_id}, headers=headers)
        assert (paid.status_code, paid.json()["coins"]) == (200, {"50": 2})
        (deposited, _) = await api.shop.rows("transfers")
        assert (deposited["actor_id"], deposited["machine_id"]) == (None, hall)
        await api.shop.assert_clean()

    async def test_end_with_the_next_one_and_are_stored_as_a_hash(self, api: Api, people: People) -> None:
        hall = await added(api, people)
        first, second = await key_of(api, people, hall), await key_of(api, people, hall)
        await api.shop.log_in_at(hall, people.ada)
        body = {"coins": {"50": 2}, "user": people.ada.user_id}
        for key, status in ((first, 401), (second, 201), ("1-x", 401), (second[:-1] + "é", 401)):
            headers = {"Authorization": f"Machine {key}".encode()}
            answer = await api.post("/v1/wallet/deposits", body, headers=headers)
            assert answer.status_code == status
        for table in tables.metadata.tables:
            assert second.partition("-")[2] not in str(await api.shop.rows(table))

    async def test_open_no_other_door(self, api: Api, people: People) -> None:
        headers = {"Authorization": f"Machine {await key_of(api, people, 1)}"}
        for method, path, body in (
            ("GET", "/v1/machines", None),
            ("GET", "/v1/wallet", None),
            ("GET", "/v1/audit", None),
            ("POST", "/v1/machines/1/coins/fill", {"coins": {"50": 2}}),
            ("POST", "/v1/topups", {"user": people.ada.user_id, "amount": 1, "external_ref": "x"}),
        ):
            assert (await api.call(method, path, body, headers=headers)).status_code == 401

    async def test_read_their_own_shelves_coins_and_orders_and_no_others(
        self, api: Api, people: People
    ) -> None:
        headers = {"Authorization": f"Machine {await key_of(api, people, 1)}"}
        hall = await added(api, people)
        for what in ("", "/coins", "/shelves"):
            assert (await api.get(f"{MACHINES}/1{what}", headers=headers)).status_code == 200
            assert (await api.get(f"{MACHINES}/{hall}{what}", headers=headers)).status_code == 403

    async def test_serve_who_logs_in_with_the_key_beside(self, api: Api, people: People) -> None:
        key = await key_of(api, people, 1)
        await api.registered("ida")
        ida = next(row["id"] for row in await api.shop.rows("users") if row["username"] == "ida")
        body = {"coins": {"50": 2}, "user": ida}
        headers = {"Authorization": f"Machine {key}"}
        assert (await api.post("/v1/wallet/deposits", body, headers=headers)).status_code == 409
        log_in = {"username": "ida", "password": "correct horse", "machine_key": key}
        wrong = {**log_in, "machine_key": "1-" + "x" * 43}
        assert (await api.post("/v1/auth/login", wrong)).status_code == 401
        assert (await api.post("/v1/auth/login", log_in)).status_code == 200
        assert (await api.post("/v1/wallet/deposits", body, headers=headers)).status_code == 201


async def test_shelves_are_planned_and_shown(api: Api, people: People) -> None:
    await added(api, people)
    cola = (await api.shop.product("cola", stock=9)).product_id
    moved = {"product": cola, "quantity": 4, "to": 2}
    answer = await api.post(f"{MACHINES}/1/moves", moved, by=people.root)
    assert answer.json() == {"product": cola, "machine": 1, "stock": 5, "to": 2, "to_stock": 4}
    shelf = {"product": cola, "slot": "A1", "capacity": 8, "par_level": 6, "price": 170}
    headers = {"Idempotency-Key": "plan"}
    for replayed in (None, "true"):
        answer = await api.call(
            "PUT", f"{MACHINES}/2/shelves", {"shelves": [shelf]}, by=people.root, headers=headers
        )
        assert answer.json()["items"] == [{**shelf, "name": "cola", "quantity": 4}]
        assert answer.headers.get("idempotent-replayed") == replayed
    assert (await api.get(f"{MACHINES}/2/shelves", by=people.sam)).json() == answer.json()
    assert (await api.get(f"{MACHINES}/2/shelves", by=people.ada)).status_code == 403
    shown = (await api.get(f"/v1/products/{cola}?machine=2")).json()
    assert (shown["price"], shown["stock"]) == (170, 4)


async def test_coins_are_counted(api: Api, people: People) -> None:
    await added(api, people)
    await api.post(f"{MACHINES}/2/coins/fill", {"coins": {"20": 3, "50": 1}}, by=people.cas)
    box = (await api.get(f"{MACHINES}/2/coins", by=people.cas)).json()
    assert box == {
        "box_kind": "counted",
        "coins": {"100": 0, "50": 1, "20": 3, "10": 0, "5": 0},
        "amount": 110,
    }
    counted = [{"value": value, "count": 2 if value == 20 else 0} for value in (5, 10, 20, 50, 100)]
    answer = await api.post(f"{MACHINES}/2/coins/count", {"counted": counted}, by=people.cas)
    told = answer.json()
    assert (answer.status_code, told["over_short"]) == (201, -70)
    assert (told["expected"]["20"], told["counted"]["20"]) == (3, 2)
    twice = {"counted": [*counted, counted[0]]}
    assert (await api.post(f"{MACHINES}/2/coins/count", twice, by=people.cas)).status_code == 422
    assert (await api.get(f"{MACHINES}/2/coins", by=people.sam)).status_code == 403
    await api.shop.assert_clean()


async def test_money_goes_from_the_bank_to_a_wallet_to_another(api: Api, people: People) -> None:
    body = {"user": people.ada.user_id, "amount": 500, "external_ref": "bank 17"}
    answer = await api.post("/v1/topups", body, by=people.root)
    assert (answer.status_code, answer.json()["balance"]) == (201, 500)
    again = await api.post("/v1/topups", body, by=people.root)
    assert (again.status_code, again.json()["transfer"]) == (409, answer.json()["id"])
    assert (await api.post("/v1/topups", body, by=people.cas)).status_code == 403
    send = {"to": people.bob.user_id, "amount": 120}
    sent = await api.post("/v1/wallet/transfers", send, by=people.ada)
    assert (sent.status_code, sent.json()["balance"]) == (201, 380)
    assert (await api.get("/v1/wallet", by=people.bob)).json()["balance"] == 120
    entries = (await api.get("/v1/wallet/entries", by=people.ada)).json()["items"]
    assert [(one["kind"], one["amount"]) for one in entries] == [("transfer", -120), ("topup", 500)]
    await api.shop.assert_clean()


async def test_a_seller_is_paid(api: Api, people: People) -> None:
    cola = await api.shop.product("cola", seller=people.sam)
    body = {"user": people.ada.user_id, "amount": 500, "external_ref": "bank 17"}
    await api.post("/v1/topups", body, by=people.root)
    await api.shop.buy(people.ada, (cola.product_id, 2))
    payouts = f"/v1/earnings/{people.sam.user_id}/payouts"
    early = await api.post(payouts, {"external_ref": "pay 1"}, by=people.root)
    assert (early.status_code, early.json()["payable_cents"]) == (409, 0)
    api.clock.forward(301)
    assert (await api.post(payouts, {"external_ref": "pay 1"}, by=people.sam)).status_code == 403
    paid = await api.post(payouts, {"external_ref": "pay 1", "amount": 200}, by=people.root)
    assert (paid.status_code, paid.json()["balance"], paid.json()["payable"]) == (201, 100, 100)
    again = await api.post(payouts, {"external_ref": "pay 1", "amount": 200}, by=people.root)
    assert (again.status_code, again.json()["transfer"]) == (409, paid.json()["id"])
    await api.shop.assert_clean()
