"""Taking back what was booked by mistake, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, People
from tuckshop.till.callers import SessionCaller


async def deposited(api: Api, people: People, coins: dict[str, int] | None = None) -> int:
    """Coins for Ada, by the cashier; the transfer's number."""
    body = {"coins": coins or {"100": 2}, "user": people.ada.user_id}
    answer = await api.post("/v1/wallet/deposits", body, by=people.cas)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


async def reverse(api: Api, number: int, by: SessionCaller, **more: Any) -> Any:
    body = {"reason": "typed wrong", **more.pop("body", {})}
    return await api.post(f"/v1/transfers/{number}/reversal", body, by=by, **more)


async def test_a_deposit_is_taken_back_once(api: Api, people: People) -> None:
    number = await deposited(api, people)
    answer = await reverse(api, number, people.cas, headers={"Idempotency-Key": "k"})
    told = answer.json()
    assert answer.status_code == 201
    assert {name: told[name] for name in ("reverses", "kind", "amount", "charged", "owed", "coins")} == {
        "reverses": number, "kind": "deposit", "amount": 200, "charged": 0, "owed": 0, "coins": {"100": -2},
    }  # fmt: skip
    again = await reverse(api, number, people.cas, headers={"Idempotency-Key": "k"})
    assert (again.json(), again.headers["idempotent-replayed"]) == (told, "true")
    twice = (await reverse(api, number, people.cas)).json()
    assert (twice["status"], twice["type"], twice["reversal"]) == (
        409, "urn:tuckshop:problem:already-reversed", told["id"],
    )  # fmt: skip
    entries = (await api.get("/v1/wallet/entries?limit=2", by=people.ada)).json()["items"]
    assert [(one["kind"], one["amount"]) for one in entries] == [("reversal", -200), ("deposit", 200)]
    await api.shop.assert_clean()


async def test_what_is_gone_is_refused_or_owed(api: Api, people: People) -> None:
    number = await deposited(api, people)
    paid = await api.post("/v1/wallet/payout", {"user": people.ada.user_id}, by=people.cas)
    assert paid.json()["balance"] == 0
    refused = (await reverse(api, number, people.cas)).json()
    assert (refused["type"], refused["needed_cents"], refused["balance_cents"]) == (
        "urn:tuckshop:problem:reversal-not-covered", 200, 0,
    )  # fmt: skip
    owed = (await reverse(api, number, people.cas, body={"owe": True})).json()
    assert (owed["charged"], owed["owed"], owed["balance"]) == (200, 200, 0)
    assert (await api.get("/v1/wallet", by=people.ada)).json()["owed"] == 200
    await api.shop.assert_clean()


@pytest.mark.parametrize(
    "body", [{"reason": ""}, {"reason": "x" * 201}, {"reason": 1}, {"owe": "yes"}, {"coins": {"100": 1}}]
)
async def test_strange_bodies_change_nothing(api: Api, people: People, body: dict[str, Any]) -> None:
    number = await deposited(api, people)
    before = await api.shop.books()
    assert (await reverse(api, number, people.cas, body=body)).status_code in (400, 422)
    assert (await api.post(f"/v1/transfers/{number}/reversal", {}, by=people.cas)).status_code in (400, 422)
    assert await api.shop.books() == before


async def test_strange_numbers_are_not_found(api: Api, people: People) -> None:
    for number in ("0", "-1", "x", str(2**63 - 1), str(2**63), "9" * 30):
        answer = await api.post(f"/v1/transfers/{number}/reversal", {"reason": "x"}, by=people.root)
        assert answer.status_code in (404, 422), number
