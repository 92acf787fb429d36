"""The contract `kiosk`, from its document's own text: a front end that makes up its guests' names."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any

import pytest

from tests.contracts.conftest import Client, speaking
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.refusals import NotOwner
from tuckshop.domain.users import OPERATOR as OPERATOR_ACTOR
from tuckshop.identity import guests
from tuckshop.operations import machines as machine_operations
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import ChangeProduct, Restock
from tuckshop.till.commands.wallet import Deposit

DOOR = {"user_name": "door 17"}


@dataclass
class Kiosk:
    """A machine whose front end holds its key, and what is in it: five colas at 1.50, three cups at 0.65."""

    client: Client
    machine_id: int
    cola: int
    cup: int

    async def says(self, method: str, path: str, body: Any = None, *, status: int, **more: Any) -> Any:
        return await self.client.says(method, path, body, status=status, **more)

    async def paid_in(self, cents: int = 500, name: str = "door 17") -> dict[str, Any]:
        """A guest with money."""
        body = {"user_name": name, "amount": cents}
        told: dict[str, Any] = await self.says("POST", "/api/v1/users/0/add_balance", body, status=200)
        return told

    async def buy(self, product: int, *, status: int = 201, **body: Any) -> Any:
        return await self.says("POST", f"/api/v1/products/{product}/buy", {**DOOR, **body}, status=status)

    async def refund(self, product: int, *, status: int = 200, **body: Any) -> Any:
        return await self.says("POST", f"/api/v1/products/{product}/refund", {**DOOR, **body}, status=status)

    async def balance(self, name: str = "door 17") -> int:
        told = await self.says("GET", f"/api/v1/users/0?user_name={name}", status=200)
        return int(told["balance"])

    async def books(self) -> Any:
        return await self.client.api.shop.books()


async def opened(client: Client, machine_id: int) -> Kiosk:
    api = client.api
    key = await machine_operations.new_key(api.running, actor=OPERATOR_ACTOR, machine_id=machine_id)
    cola = (await api.shop.product("cola", price_cents=150, stock=0)).product_id
    cup = (await api.shop.product("cup", price_cents=65, stock=0)).product_id
    for product_id, quantity in ((cola, 5), (cup, 3)):
        await api.shop.do(Restock(OPERATOR, product_id, quantity, machine_id=machine_id))
    return Kiosk(client.bearing(**{"X-Kiosk-Key": key}), machine_id, cola, cup)


@pytest.fixture
async def kiosk(database_url: str) -> AsyncIterator[Kiosk]:
    async with speaking(database_url, "kiosk") as client:
        yield await opened(client, await client.api.shop.machine(box_kind="counted"))


@pytest.fixture
async def anywhere(database_url: str, way: tuple[bool, str]) -> AsyncIterator[Kiosk]:
    async with speaking(database_url, "kiosk", way) as client:
        yield await opened(client, DEFAULT_MACHINE_ID)


async def test_a_guest_puts_money_in_buys_and_gives_back(anywhere: Kiosk) -> None:
    kiosk = anywhere
    listed = await kiosk.says("GET", "/api/v1/products", status=200)
    assert listed[0] == {
        "id": kiosk.cola,
        "name": "cola",
        "price": 150,
        "count": 5,
        "image": None,
        "is_refundable": True,
    }
    body = {**DOOR, "amount": 200}
    guest = await kiosk.says("POST", "/api/v1/users/4711/add_balance", body, status=200)
    assert guest == {"id": guest["id"], "user_name": "door 17", "balance": 200}
    bought = await kiosk.buy(kiosk.cola, product_id=kiosk.cola)
    assert bought == {"order_id": bought["order_id"], "product": "cola", "price": 150, "balance": 50}
    shown = await kiosk.says("GET", f"/api/v1/users/{guest['id']}?user_name=door+17", status=200)
    assert shown == {**guest, "balance": 50}
    back = await kiosk.refund(kiosk.cola, product_id=kiosk.cola)
    assert back == {"order_id": bought["order_id"], "refunded": 150, "balance": 200}
    await kiosk.refund(kiosk.cola, status=404)
    assert await kiosk.says("GET", "/api/v1/products", status=200) == listed
    for path in ("/api/v2/products", "/api/products", "/api/v1/orders", "/api/v1/products/1/price"):
        assert (await kiosk.says("GET", path, status=404))["code"] == "not-found"
    refused = await kiosk.client.call("DELETE", "/api/v1/products")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    front = await kiosk.client.client.get(f"{kiosk.client.prefix}/", follow_redirects=True)
    assert (front.status_code, front.headers["content-type"].partition(";")[0]) == (200, "text/html")


async def test_shelves_and_coins_are_those_of_the_keys_machine(kiosk: Kiosk) -> None:
    shop = kiosk.client.api.shop
    await shop.do(Restock(OPERATOR, kiosk.cola, 9))
    keyless = kiosk.client.bearing()
    for client, count in ((kiosk.client, 5), (keyless, 9)):
        listed = await client.says("GET", "/api/v1/products?limit=1", status=200)
        assert [product["count"] for product in listed] == [count]
    await keyless.bearing(**{"X-Kiosk-Key": "1-no"}).says("GET", "/api/v1/products", status=401)
    await kiosk.paid_in(265)
    await kiosk.buy(kiosk.cola)
    coins = await shop.rows("coin_boxes")
    held = {row["value_cents"]: row["count"] for row in coins if row["machine_id"] == kiosk.machine_id}
    assert {value: count for value, count in held.items() if count} == {100: 2, 50: 1, 10: 1, 5: 1}
    sold = {(row["machine_id"], row["product_id"]): row["quantity"] for row in await shop.rows("shelves")}
    assert (sold[kiosk.machine_id, kiosk.cola], sold[DEFAULT_MACHINE_ID, kiosk.cola]) == (4, 9)


async def test_pictures_have_addresses(kiosk: Kiosk) -> None:
    shop = kiosk.client.api.shop
    await shop.execute(
        "INSERT INTO images (media_type, content, created_us) VALUES ('image/webp', :content, 1)",
        content=b"x",
    )
    (image,) = await shop.rows("images")
    await shop.do(ChangeProduct(OPERATOR, kiosk.cola, image_id=image["id"], refundable=False))
    (cola, _) = await kiosk.says("GET", "/api/v1/products", status=200)
    assert (cola["image"], cola["is_refundable"]) == (f"/v1/images/{image['id']}", False)


async def test_a_call_may_be_json_a_form_or_a_query(kiosk: Kiosk) -> None:
    path = "/api/v1/users/0/add_balance"
    ways: tuple[dict[str, Any], ...] = (
        {"json": {"user_name": "Zoë & co", "amount": 5}},
        {"data": {"user_name": "Zoë & co", "amount": "5"}},
        {"files": {"user_name": (None, "Zoë & co"), "amount": (None, "5")}},
        {"params": {"user_name": "Zoë & co", "amount": "5"}},
        {"params": {"amount": "5"}, "json": {"user_name": "Zoë & co"}},
        {"params": {"user_name": "Zoë & co"}, "data": {"amount": "5"}},
    )
    for number, sent in enumerate(ways, 1):
        told = await kiosk.says("POST", path, status=200, **sent)
        assert told["balance"] == 5 * number, sent
    product = f"/api/v1/products/{kiosk.cup}"
    await kiosk.paid_in()
    await kiosk.says("POST", f"{product}/buy", status=201, data={**DOOR, "product_id": str(kiosk.cup)})
    await kiosk.says("POST", f"{product}/refund", status=200, params={**DOOR, "product_id": str(kiosk.cup)})


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=b"}


def part(head: str, value: str) -> str:
    return f'--b\r\nContent-Disposition: form-data; name="user_name"{head}\r\n\r\n{value}\r\n--b--\r\n'


UNREADABLE: list[tuple[int, dict[str, Any]]] = [
    (400, {}),
    (400, {"json": {}}),
    (400, {"json": {"user_name": None}}),
    (400, {"json": {"user_name": ""}}),
    (400, {"json": {"user_name": 7}}),
    (400, {"json": {"user_name": "x" * 65}}),
    (400, {"json": {"user_name": "a/b"}}),
    (400, {"json": {"user_name": " a"}}),
    (400, {"json": {"user_name": "a\0b"}}),
    (400, {"content": '{"user_name": "\\ud800"}', "headers": JSON}),
    (400, {"content": '{"user_name": "a", "user_name": "b"}', "headers": JSON}),
    (400, {"content": '{"user_name": "a"', "headers": JSON}),
    (400, {"content": "[" * 30_000, "headers": JSON}),
    (400, {"content": "[]", "headers": JSON}),
    (400, {"json": {**DOOR, "role": 300}}),
    (400, {"json": {**DOOR, "product_id": True}}),
    (400, {"json": {**DOOR, "product_id": "1"}}),
    (400, {"json": {**DOOR, "product_id": 1.0}}),
    (400, {"json": {**DOOR, "product_id": 999}}),
    (400, {"data": {**DOOR, "product_id": "999"}}),
    (400, {"data": {**DOOR, "product_id": "01"}}),
    (400, {"data": {**DOOR, "product_id": ""}}),
    (400, {"data": {**DOOR, "product_id": "9" * 5_000}}),
    (400, {"data": {**DOOR, "role": "300"}}),
    (400, {"content": "user_name=a&user_name=b", "headers": FORM}),
    (400, {"content": "user_name=%ff", "headers": FORM}),
    (400, {"content": "user_name=a%00b", "headers": FORM}),
    (400, {"content": "user_name", "headers": FORM}),
    (400, {"content": "&".join("ab"), "headers": FORM}),
    (400, {"content": "&".join(f"a{n}=1" for n in range(11)), "headers": FORM}),
    (400, {"content": b"user_name=\xff", "headers": FORM}),
    (400, {"content": "no parts", "headers": PARTS}),
    (400, {"content": part("", "a"), "headers": {"Content-Type": "multipart/form-data"}}),
    (400, {"content": part('; filename="x"', "a"), "headers": PARTS}),
    (400, {"content": part("\r\nContent-Type: text/plain; charset=none", "a"), "headers": PARTS}),
    (400, {"content": b"--b\r\n\r\n\r\n--b--\r\n", "headers": PARTS}),
    (400, {"files": {"user_name": (None, b"\xff")}}),
    (400, {"params": {"user_name": "a\0b"}}),
    (400, {"params": {"user_name": "x" * 65}}),
    (400, {"params": {**DOOR, "product_id": "1e3"}}),
    (400, {"params": {**DOOR, "amount": "5"}}),
    (400, {"params": DOOR, "json": DOOR}),
    (400, {"params": DOOR, "data": DOOR}),
    (400, {"params": [("user_name", "a"), ("user_name", "b")]}),
    (413, {"content": "x" * 70_000, "headers": FORM}),
    (415, {"content": "user_name=a", "headers": {"Content-Type": "text/plain"}}),
    (415, {"content": "user_name=a"}),
]


async def test_what_cannot_be_read_changes_nothing(kiosk: Kiosk) -> None:
    await kiosk.paid_in()
    await kiosk.buy(kiosk.cola)
    before = await kiosk.books()
    for act in ("buy", "refund"):
        for status, sent in UNREADABLE:
            answer = await kiosk.client.call("POST", f"/api/v1/products/{kiosk.cola}/{act}", **sent)
            assert answer.status_code == status, (sent, answer.text)
    assert await kiosk.books() == before


async def test_ids_in_addresses_are_ids(kiosk: Kiosk) -> None:
    await kiosk.paid_in()
    before = await kiosk.books()
    wrong: tuple[tuple[Any, int], ...] = (("-1", 400), ("01", 404), ("1_0", 404), ("x", 404), (10**30, 400))
    for number, status in (*wrong, (0, 400), (999, 404)):
        await kiosk.says("POST", f"/api/v1/products/{number}/buy", DOOR, status=status)
    for number, status in wrong:
        body = {**DOOR, "amount": 5}
        await kiosk.says("POST", f"/api/v1/users/{number}/add_balance", body, status=status)
    assert await kiosk.books() == before


async def test_amounts_are_payable_in_coins(kiosk: Kiosk) -> None:
    path = "/api/v1/users/0/add_balance"
    before = await kiosk.books()
    for amount in (0, -5, 3, 68, 2.5, 5.0, True, "5", "", 10**15, 10**19, 10**40, [5]):
        await kiosk.says("POST", path, {**DOOR, "amount": amount}, status=400)
    for text in ("0", "-5", "3", "5.0", "+5", " 5", "\u0665", "", "0x5", "5e0", "9" * 30):
        await kiosk.says("POST", path, data={**DOOR, "amount": text}, status=400)
        await kiosk.says("POST", path, params={**DOOR, "amount": text}, status=400)
    assert await kiosk.books() == before
    assert await kiosk.client.api.shop.rows("guests") == []  # Not even a guest is made.
    assert (await kiosk.paid_in(5))["balance"] == 5


async def test_without_an_amount_nothing_moves(kiosk: Kiosk) -> None:
    before = await kiosk.books()
    for number in (4711, 0, 1):  # Nobody yet: 0 is the number of who is known by a name alone.
        asked = await kiosk.says("POST", f"/api/v1/users/{number}/add_balance", DOOR, status=200)
        assert asked == {"id": 0, "user_name": "door 17", "balance": 0}
    assert await kiosk.books() == before
    assert await kiosk.client.api.shop.rows("guests") == []
    paid = await kiosk.paid_in(100)
    before = await kiosk.books()
    same = {"user_name": "DOOR 17", "amount": None}
    assert await kiosk.says("POST", "/api/v1/users/0/add_balance", same, status=200) == paid
    assert await kiosk.books() == before


async def test_a_known_guests_id_is_its_own_or_none(kiosk: Kiosk) -> None:
    guest = await kiosk.paid_in(100)
    other = await kiosk.paid_in(100, name="other")
    before = await kiosk.books()
    for wrong in (other["id"], 4711):
        for body in ({**DOOR, "amount": 5}, DOOR):
            await kiosk.says("POST", f"/api/v1/users/{wrong}/add_balance", body, status=400)
        await kiosk.says("GET", f"/api/v1/users/{wrong}?user_name=door 17", status=400)
    assert await kiosk.books() == before
    path = f"/api/v1/users/{guest['id']}/add_balance"
    assert (await kiosk.says("POST", path, {**DOOR, "amount": 5}, status=200))["balance"] == 105
    await kiosk.says("GET", f"/api/v1/users/{guest['id']}", status=400)
    await kiosk.says("GET", f"/api/v1/users/{guest['id']}?user_name=nobody", status=404)


async def test_a_guest_never_seen_is_unknown(kiosk: Kiosk) -> None:
    before = await kiosk.books()
    for act in (kiosk.buy, kiosk.refund):
        assert (await act(kiosk.cola, status=404))["code"] == "unknown-guest"
    await kiosk.says("GET", "/api/v1/users/0?user_name=door 17", status=404)
    assert await kiosk.books() == before


async def test_a_guest_named_like_a_user_is_somebody_else(kiosk: Kiosk) -> None:
    shop = kiosk.client.api.shop
    ada = await shop.buyer("ada")
    await shop.do(Deposit(OPERATOR, wallet_of(ada.user_id), {100: 5}))
    await kiosk.buy(kiosk.cola, user_name="ada", status=404)
    await kiosk.says("GET", "/api/v1/users/0?user_name=ada", status=404)
    assert (await kiosk.paid_in(50, name="ada"))["balance"] == 50
    assert (await kiosk.buy(kiosk.cola, user_name="ada", status=409))["code"] == "insufficient-funds"
    await kiosk.buy(kiosk.cola, user_name="root", status=404)


async def test_the_newest_purchase_goes_back_first(kiosk: Kiosk) -> None:
    await kiosk.paid_in(1000)
    first, second = await kiosk.buy(kiosk.cola), await kiosk.buy(kiosk.cola)
    await kiosk.buy(kiosk.cup)
    await kiosk.paid_in(1000, name="other")
    await kiosk.buy(kiosk.cola, user_name="other")
    assert [(await kiosk.refund(kiosk.cola))["order_id"] for _ in range(2)] == [
        second["order_id"],
        first["order_id"],
    ]
    told = await kiosk.refund(kiosk.cola, status=404)
    assert told["code"] == "unknown-purchase"
    assert await kiosk.balance() == 1000 - 65


async def test_refunds_have_their_limits(kiosk: Kiosk) -> None:
    shop = kiosk.client.api.shop
    await kiosk.paid_in(2000)
    await shop.do(ChangeProduct(OPERATOR, kiosk.cup, refundable=False))
    await kiosk.buy(kiosk.cup)
    assert (await kiosk.refund(kiosk.cup, status=409))["code"] == "not-refundable"
    await kiosk.buy(kiosk.cola)
    shop.clock.forward(301)
    assert (await kiosk.refund(kiosk.cola, status=409))["code"] == "refund-window-over"
    for _ in range(3):
        await kiosk.buy(kiosk.cola)
        await kiosk.refund(kiosk.cola)
    await kiosk.buy(kiosk.cola)
    before = await kiosk.books()
    assert (await kiosk.refund(kiosk.cola, status=409))["code"] == "refunds-exhausted"
    assert await kiosk.books() == before
    shop.clock.forward(86_400)
    await kiosk.buy(kiosk.cola)
    await kiosk.refund(kiosk.cola)


async def test_the_last_item_and_the_exact_money_are_enough(kiosk: Kiosk) -> None:
    await kiosk.paid_in(195)
    assert [(await kiosk.buy(kiosk.cup))["balance"] for _ in range(3)] == [130, 65, 0]
    await kiosk.paid_in(65)
    assert (await kiosk.buy(kiosk.cup, status=409))["code"] == "out-of-stock"
    assert (await kiosk.buy(kiosk.cola, status=409))["code"] == "insufficient-funds"
    assert await kiosk.balance() == 65


async def test_two_guests_never_get_the_last_item(kiosk: Kiosk) -> None:
    names = [f"guest {number}" for number in range(8)]
    await asyncio.gather(*(kiosk.paid_in(100, name=name) for name in names))
    calls = [kiosk.client.call("POST", f"/api/v1/products/{kiosk.cup}/buy", {"user_name": n}) for n in names]
    answers = sorted(answer.status_code for answer in await asyncio.gather(*calls))
    assert answers == [201] * 3 + [409] * 5


async def test_a_piece_goes_back_once_however_often_it_is_asked(kiosk: Kiosk) -> None:
    await kiosk.paid_in(150)
    await kiosk.buy(kiosk.cola)
    path = f"/api/v1/products/{kiosk.cola}/refund"
    answers = await asyncio.gather(*(kiosk.client.call("POST", path, DOOR) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 5
    assert await kiosk.balance() == 150


async def test_whoever_comes_first_makes_the_guest(kiosk: Kiosk) -> None:
    path = "/api/v1/users/0/add_balance"
    calls = [kiosk.says("POST", path, {**DOOR, "amount": 5}, status=200) for _ in range(6)]
    told = await asyncio.gather(*calls)
    assert len({guest["id"] for guest in told}) == 1
    assert sorted(guest["balance"] for guest in told) == [5, 10, 15, 20, 25, 30]


async def test_writes_need_the_machines_key(kiosk: Kiosk) -> None:
    api = kiosk.client.api
    await kiosk.paid_in()
    await kiosk.buy(kiosk.cola)
    old = kiosk.client.header["X-Kiosk-Key"]
    new = await machine_operations.new_key(api.running, actor=OPERATOR_ACTOR, machine_id=kiosk.machine_id)
    before = await kiosk.books()
    calls: list[tuple[str, dict[str, Any]]] = [
        (f"/api/v1/products/{kiosk.cola}/buy", DOOR),
        (f"/api/v1/products/{kiosk.cola}/refund", DOOR),
        ("/api/v1/users/0/add_balance", {**DOOR, "amount": 5}),
        ("/api/v1/users/0/add_balance", DOOR),
        ("/api/v1/users/0/add_balance", {"user_name": "never seen"}),
        (f"/api/v1/products/{kiosk.cola}/buy", {"user_name": "never seen"}),
        (f"/api/v1/products/{kiosk.cola}/buy", {}),
    ]
    for path, body in calls:
        for key in (
            None,
            "",
            "1",
            old,
            f"{DEFAULT_MACHINE_ID}-{new.partition('-')[2]}",
            f"999-{'A' * 43}",
            "ü",
        ):
            client = kiosk.client.bearing(**({} if key is None else {"X-Kiosk-Key": key.encode()}))  # type: ignore[arg-type]
            if body or not key:
                answer = await client.call("POST", path, body)
                assert answer.status_code == 401, (path, key, answer.text)
                assert answer.headers["www-authenticate"] == "X-Kiosk-Key"
        twice = [("X-Kiosk-Key", new), ("X-Kiosk-Key", new)]
        doubled = await kiosk.client.client.post(f"{kiosk.client.prefix}{path}", json=body, headers=twice)
        assert doubled.status_code == 401
        bearer = kiosk.client.bearing(Authorization=f"Machine {new}")
        await bearer.says("POST", path, body, status=401)
    assert await kiosk.books() == before
    await kiosk.client.bearing(**{"X-Kiosk-Key": new}).says("POST", calls[0][0], DOOR, status=201)


async def test_keys_for_once_are_each_guests_own(kiosk: Kiosk) -> None:
    once = {"headers": {"Idempotency-Key": "tap-1"}}
    path = f"/api/v1/products/{kiosk.cup}/buy"
    await kiosk.paid_in(500)
    await kiosk.paid_in(500, name="other")
    first = await kiosk.client.call("POST", path, DOOR, **once)
    again = await kiosk.client.call("POST", path, DOOR, **once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert (await kiosk.says("POST", path, {"user_name": "other"}, status=201, **once)) != first.json()
    other = {**DOOR, "product_id": kiosk.cup}
    assert (await kiosk.says("POST", path, other, status=422, **once))["code"] == "key-reused"
    await kiosk.says("POST", f"/api/v1/products/{kiosk.cup}/refund", DOOR, status=422, **once)
    # What the query says is part of what is done once.
    again = await kiosk.client.call("POST", path, params=DOOR, headers={"Idempotency-Key": "tap-2"})
    assert again.status_code == 201
    other = {**DOOR, "product_id": str(kiosk.cup)}
    await kiosk.says("POST", path, params=other, status=422, headers={"Idempotency-Key": "tap-2"})
    assert await kiosk.balance() == 500 - 130


async def test_the_call_that_made_a_guest_can_be_repeated(kiosk: Kiosk) -> None:
    once = {"headers": {"Idempotency-Key": "coin-1"}}
    path, body = "/api/v1/users/4711/add_balance", {**DOOR, "amount": 100}
    made = await kiosk.says("POST", path, body, status=200, **once)
    assert await kiosk.says("POST", path, body, status=200, **once) == made
    await kiosk.says("POST", path, {**DOOR, "amount": 50}, status=422, **once)
    await kiosk.says("POST", path, body, status=400, headers={"Idempotency-Key": "coin-2"})
    assert await kiosk.balance() == 100
    body = {"user_name": "other", "amount": 100}
    calls = (kiosk.says("POST", path, body, status=200, **once) for _ in range(6))
    assert {tuple(guest.items()) for guest in await asyncio.gather(*calls)} == {
        (("id", made["id"] + 1), ("user_name", "other"), ("balance", 100))
    }
    # As if the call had been cut off between the guest and the money.
    await guests.known(kiosk.client.api.running, name="third", make=True)
    await kiosk.says("POST", path, {"user_name": "third", "amount": 5}, status=400)
    await kiosk.says("POST", path, {"user_name": "third", "amount": 5}, status=200, **once)


async def test_a_kiosk_is_open_in_a_demo_alone(database_url: str) -> None:
    async with speaking(database_url, "kiosk", kiosk_open=True) as client:
        kiosk = await opened(client, DEFAULT_MACHINE_ID)
        await client.says("POST", "/api/v1/users/0/add_balance", {**DOOR, "amount": 500}, status=401)
        await client.api.shop.execute("UPDATE shop SET is_demo = :yes", yes=True)
    async with speaking(database_url, "kiosk", root=False) as client:
        await client.says("POST", "/api/v1/users/0/add_balance", {**DOOR, "amount": 500}, status=401)
    async with speaking(database_url, "kiosk", kiosk_open=True, root=False) as client:
        await client.says("POST", "/api/v1/users/0/add_balance", {**DOOR, "amount": 500}, status=200)
        bought = await client.says("POST", f"/api/v1/products/{kiosk.cola}/buy", DOOR, status=201)
        assert bought["balance"] == 350
        await client.says("POST", f"/api/v1/products/{kiosk.cola}/refund", DOOR, status=200)
        bad = client.bearing(**{"X-Kiosk-Key": f"1-{'A' * 43}"})
        await bad.says("POST", f"/api/v1/products/{kiosk.cola}/buy", DOOR, status=401)
        held = await client.api.shop.rows("coin_boxes")
        assert {row["machine_id"] for row in held if row["count"]} == {DEFAULT_MACHINE_ID}


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


ACCEPTS = (
    (BROWSER, True),
    ("text/html", True),
    ("TEXT/HTML;q=0.5, application/json;q=0.4", True),
    ("application/json", False),
    ("application/json, text/html", False),
    ("text/html;q=0.5, application/json", False),
    ("*/*", False),
    ("text/html;q=0", False),
    ("text/html;q=inf", True),
    (";;,,=", False),
    ("", False),
)


async def test_browsers_see_pages(kiosk: Kiosk) -> None:
    http, prefix = kiosk.client.client, kiosk.client.prefix
    calls = (("GET", "/api/v1/nothing", 404), ("POST", f"/api/v1/products/{kiosk.cola}/buy", 401))
    for accept, is_page in ACCEPTS:
        for method, path, status in calls:
            answer = await http.request(method, f"{prefix}{path}", headers={"Accept": accept})
            assert (answer.status_code, answer.headers["vary"]) == (status, "Accept")
            kind = answer.headers["content-type"].partition(";")[0]
            assert kind == ("text/html" if is_page else "application/json"), accept
            assert ("content-security-policy" in answer.headers) == is_page
            if is_page:
                policy = answer.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                style = answer.text.partition("<style>")[2].partition("</style>")[0]
                assert b64encode(sha256(style.encode()).digest()).decode() in policy
                assert f'<p class="status">{status}</p>' in answer.text
                head = await http.head(f"{prefix}/api/v1/nothing", headers={"Accept": accept})
                assert (head.status_code, head.content) == (404, b"")


async def test_pages_take_nothing_for_markup(kiosk: Kiosk) -> None:
    answer = await kiosk.client.client.post(
        f"{kiosk.client.prefix}/api/v1/products/{kiosk.cola}/buy",
        json={"user_name": "<script>alert(1)</script>".replace("/", "")},
        headers={"Accept": BROWSER, **kiosk.client.header},
    )
    assert answer.status_code == 404
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (NotOwner(thing="product"), 403, "This product belongs to somebody else."),
        (RuntimeError("the story"), 500, "Something went wrong on our side. Try again later."),
    ],
)
async def test_what_goes_wrong_below_is_told_both_ways(
    kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, sentence: str
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("tuckshop.queries.catalogue.page", broken)
    address = f"{kiosk.client.prefix}/api/v1/products"
    page = await kiosk.client.client.get(address, headers={"Accept": BROWSER})
    told = await kiosk.client.client.get(address)
    assert (page.status_code, told.status_code) == (status, status)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert told.json()["detail"] == sentence
    assert escape(sentence) in page.text
    assert "story" not in page.text


@pytest.mark.parametrize("key", [None, "", "1-" + "x" * 43, "2-" + "k" * 43, "tsk_x"])
async def test_whoever_knows_a_guest_s_name_is_not_told_what_the_guest_has(
    kiosk: Kiosk, key: str | None
) -> None:
    await kiosk.paid_in()
    stranger = kiosk.client.bearing(**({} if key is None else {"X-Kiosk-Key": key}))
    for name in ("door 17", "nobody"):  # Nor whether there is one.
        refused = await stranger.says("GET", f"/api/v1/users/0?user_name={name}", status=401)
        assert refused["code"] == "session-ended"
    assert (await kiosk.says("GET", "/api/v1/users/0?user_name=door 17", status=200))["balance"] > 0
