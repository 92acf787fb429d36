"""The contract `vending-challenge`, from its document's own text: the vending machine of the exercise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.conftest import Client, speaking

PASSWORD = "a machine for coins"


@pytest.fixture
async def machine(database_url: str, way: tuple[bool, str]) -> AsyncIterator[Client]:
    async with speaking(database_url, "vending-challenge", way) as client:
        yield client


async def entered(client: Client, name: str, role: str = "buyer") -> Client:
    """A new user, logged in."""
    body = {"username": name, "password": PASSWORD, "role": role}
    await client.says("POST", "/api/v1/users/", body, status=201)
    told = await log_in(client, name)
    return client.bearing(Authorization=f"Bearer {told['access']}")


async def log_in(client: Client, name: str) -> dict[str, Any]:
    body = {"username": name, "password": PASSWORD}
    told: dict[str, Any] = await client.says("POST", "/api/v1/auth/login/", body, status=200)
    return told


async def test_a_buyer_buys_and_gets_all_change(machine: Client) -> None:
    sam, ada = await entered(machine, "sam", "seller"), await entered(machine, "ada")
    cola = {"productName": "Cola", "cost": 65, "amountAvailable": 3}
    made = await sam.says("POST", "/api/v1/product/", cola, status=201)
    assert made == {"id": made["id"], **cola, "sellerId": made["sellerId"]}
    assert await ada.says("POST", "/api/v1/wallet/deposit", {"coin": 100}, status=200) == {"deposit": 100}
    assert await ada.says("POST", "/deposit", {"coins": [50, 50]}, status=200) == {"deposit": 200}
    assert await ada.says("GET", "/api/v1/wallet/balance", status=200) == {
        "deposit": 200,
        "change": [100, 100],
    }
    bought = await ada.says("POST", "/buy", {"productId": made["id"], "amount": 2}, status=200)
    assert bought == {
        "total": 130,
        "products": [{"productId": made["id"], "productName": "Cola", "amount": 2, "cost": 65}],
        "change": [50, 20],
        "deposit": 0,
    }
    listed = await machine.says("GET", "/product", status=200)
    assert listed == {"count": 1, "next": None, "previous": None, "results": [{**made, "amountAvailable": 1}]}
    assert await ada.says("POST", "/reset", status=200) == {"deposit": 0, "returned": []}


async def test_whoever_logs_in_twice_is_told_so_and_can_end_all(machine: Client) -> None:
    await entered(machine, "ada")
    again = await log_in(machine, "ada")
    assert again["active_sessions"] == 1
    assert again["message"] == "There is already an active session using your account"
    ada = machine.bearing(Authorization=f"Bearer {again['access']}")
    body = {"username": "ada", "password": PASSWORD}
    assert await machine.says("POST", "/logout/all", body, status=200) == {"ended": 2}
    await ada.says("GET", "/api/v1/wallet/balance", status=401)


async def test_a_product_goes_once_however_often_it_is_asked(machine: Client) -> None:
    sam = await entered(machine, "sam", "seller")
    cola = {"productName": "Cola", "cost": 65, "amountAvailable": 3}
    made = await sam.says("POST", "/product", cola, status=201)
    for _ in range(2):
        key = {"Idempotency-Key": "gone-1"}
        await sam.says("DELETE", f"/product/{made['id']}", status=204, headers=key)
    await sam.says("DELETE", f"/product/{made['id']}", status=404)
