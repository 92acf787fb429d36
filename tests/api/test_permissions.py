"""Who may do what: every route with an id in its path, tried by everybody (S10 of docs/guarantees.md).

The table says it, a route without a row fails, and a refusal must have changed nothing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, serving
from tests.api.contract import operations, resolve
from tests.api.pictures import painted
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.domain.wallet import CoinsPolicy
from tuckshop.operations import pictures
from tuckshop.store.tables import metadata
from tuckshop.till.callers import OPERATOR, SessionCaller
from tuckshop.till.commands.orders import OrderPlaced, PlaceOrder
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit

WHO = ("anonymous", "other buyer", "other seller", "owner", "cashier", "admin")
"""`owner`: whose it is. Of an order that is the buyer, of a machine the machine itself, with its key."""

BUY = {"coins": {"100": 1}}
COUNTED = {"counted": [{"value": value, "count": 0} for value in (5, 10, 20, 50, 100)]}
FILL = {"coins": {"50": 4}}
PICTURE = painted("PNG")


@dataclass(frozen=True, slots=True)
class Row:
    """What each of WHO is answered, for a request with this body."""

    statuses: tuple[int, int, int, int, int, int]
    body: Any = None
    bytes_: bytes | None = None


TABLE: dict[str, Row] = {
    "closeUser": Row((401, 403, 403, 204, 403, 204)),
    "getUser": Row((401, 403, 403, 403, 403, 200)),
    "changeUser": Row((401, 403, 403, 403, 403, 200), {"roles": ["buyer", "admin"]}),
    "getSelling": Row((401, 403, 403, 200, 403, 200)),
    "changeSelling": Row((401, 403, 403, 403, 403, 200), {"pieces": 5, "machines": []}),
    "endSession": Row((401, 404, 404, 204, 404, 404)),
    "resetSecondFactor": Row((401, 403, 403, 403, 403, 204)),
    "revokeToken": Row((401, 404, 404, 204, 404, 404)),
    "getImage": Row((200, 200, 200, 200, 200, 200)),
    "getProduct": Row((200, 200, 200, 200, 200, 200)),
    "changeProduct": Row((401, 403, 403, 200, 403, 200), {"price": 1}),
    "replaceProduct": Row((401, 403, 403, 200, 403, 200)),
    "removeProduct": Row((401, 403, 403, 204, 403, 204)),
    "putProductImage": Row((401, 403, 403, 200, 403, 200), bytes_=PICTURE),
    "removeProductImage": Row((401, 403, 403, 204, 403, 204)),
    "approveProduct": Row((401, 403, 403, 403, 403, 204)),
    "changeStock": Row((401, 403, 403, 200, 403, 200), {"correct": 0, "reason": "mine now"}),
    "getOrder": Row((401, 404, 404, 200, 200, 200)),
    "changeOrder": Row((401, 404, 404, 200, 200, 200), {"status": "cancelled"}),
    "refundOrder": Row((401, 404, 404, 201, 201, 201), {}),
    "settleTab": Row((401, 403, 403, 403, 201, 201), BUY),
    "paySeller": Row((401, 403, 403, 403, 403, 409), {"external_ref": "bank-1"}),
    "reverseTransfer": Row((401, 403, 403, 403, 201, 201), {"reason": "typed twice"}),
    "getMachine": Row((401, 200, 200, 200, 200, 200)),
    "changeMachine": Row((401, 403, 403, 401, 403, 200), {"name": "Mine"}),
    "getCoins": Row((401, 403, 403, 200, 200, 200)),
    "listScreens": Row((401, 403, 403, 401, 403, 200)),
    "addScreen": Row((401, 403, 403, 401, 403, 201), {"name": "Tablet"}),
    "removeScreen": Row((401, 403, 403, 401, 403, 204)),
    "collectCoins": Row((401, 403, 403, 401, 201, 201), {"coins": {"100": 1}}),
    "countCoins": Row((401, 403, 403, 401, 201, 201), COUNTED),
    "fillCoins": Row((401, 403, 403, 401, 201, 201), FILL),
    "renewMachineKey": Row((401, 403, 403, 401, 403, 201)),
    "moveStock": Row((401, 403, 403, 401, 403, 200)),
    "listShelves": Row((401, 403, 200, 200, 200, 200)),
    "setShelves": Row((401, 403, 403, 401, 403, 200)),
}

WITH_ID = {
    operation["operationId"]: (method, path, operation)
    for method, path, operation in operations()
    if "_id}" in path
}


class Scene:
    """A shop with somebody of each kind, and new things for each try."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.number = 0

    async def open(self) -> None:
        person = self.api.shop.person
        self.people = {
            "other buyer": await person("bob", Role.BUYER),
            "other seller": await person("sue", Role.SELLER),
            "cashier": await person("cas", Role.CASHIER),
            "admin": await person("root", Role.ADMIN),
        }
        self.sam = await person("sam", Role.SELLER)
        self.ada = await person("ada", Role.BUYER)
        await self.api.shop.do(Deposit(self.ada, wallet_of(self.ada.user_id), {100: 100}))
        await self.api.shop.execute(
            "INSERT INTO seller_quotas (seller_id, products) VALUES (:sam, 10000)", sam=self.sam.user_id
        )

    async def things(self, name: str) -> tuple[dict[str, Any], SessionCaller | str, Any]:
        """Ids for the path, the owner of what they name, and the body if it names them too."""
        self.number += 1
        shop, number = self.api.shop, self.number
        product = await shop.product(f"cola {number}", price_cents=50, stock=5, seller=self.sam)
        match re.findall(r"{(\w+)}", WITH_ID[name][1])[0]:
            case "user_id":
                ada = await shop.buyer(f"ada {number}")
                if name == "resetSecondFactor":
                    await shop.execute("UPDATE users SET second_factor_us = 1 WHERE id = :id", id=ada.user_id)
                if name == "settleTab":
                    await self._order(ada, product.product_id, payment=Payment.TAB)
                    await self._order(ada, product.product_id, payment=Payment.TAB)
                return {"user_id": ada.user_id}, ada, None
            case "session_id":
                ada = await shop.buyer(f"ada {number}")
                return {"session_id": ada.session_id}, ada, None
            case "token_id":
                made = await self.api.post(
                    "/v1/auth/tokens", {"name": "reader", "scopes": ["read"]}, by=self.ada
                )
                return {"token_id": made.json()["id"]}, self.ada, None
            case "image_id":
                image_id = await pictures.add(
                    self.api.running, media_type="image/png", content=painted("PNG")
                )
                return {"image_id": image_id}, self.sam, None
            case "product_id":
                other = {"name": f"bola {number}", "price": 1, "stock": 0}
                return {"product_id": product.product_id}, self.sam, {"replaceProduct": other}
            case "seller_id":
                return {"seller_id": self.sam.user_id}, self.sam, None
            case "transfer_id":
                ada = await shop.buyer(f"ada {number}")
                deposited = await shop.do(Deposit(OPERATOR, wallet_of(ada.user_id), {100: 1}))
                assert isinstance(deposited, CoinsDeposited)
                return {"transfer_id": deposited.transfer_id}, ada, None
            case "order_id":
                paying = Payment.TAB if name == "changeOrder" else Payment.WALLET
                order = await self._order(self.ada, product.product_id, payment=paying)
                return {"order_id": order.order_id}, self.ada, None
            case _:
                return await self._machine(product.product_id)

    async def _machine(self, product_id: int) -> tuple[dict[str, Any], str, Any]:
        machine_id = await self.api.shop.machine(f"hall {self.number}")
        path = f"/v1/machines/{machine_id}"
        admin = self.people["admin"]
        key = (await self.api.post(f"{path}/key", by=admin)).json()["key"]
        assert (await self.api.post(f"{path}/coins/fill", BUY, by=admin)).status_code == 201
        to_hall = {"product": product_id, "quantity": 2, "to": machine_id}
        assert (await self.api.post("/v1/machines/1/moves", to_hall, by=admin)).status_code == 200
        bodies = {
            "moveStock": {"product": product_id, "quantity": 1, "to": 1},
            "setShelves": {"shelves": [{"product": product_id, "price": 1}]},
        }
        await self.api.shop.pairing_code(machine_id)
        screen_id = max(row["id"] for row in await self.api.shop.rows("screens"))
        return {"machine_id": machine_id, "screen_id": screen_id}, f"Machine {key}", bodies

    async def _order(self, buyer: SessionCaller, product_id: int, *, payment: Payment) -> OrderPlaced:
        order = PlaceOrder(buyer, wallet_of(buyer.user_id), ((product_id, 1),), payment=payment)
        placed = await self.api.shop.do(order)
        assert isinstance(placed, OrderPlaced)
        return placed

    async def tried(self, name: str, who: str) -> tuple[httpx.Response, bool]:
        """The answer, and whether the books are as they were."""
        method, path, _ = WITH_ID[name]
        ids, owner, bodies = await self.things(name)
        row = TABLE[name]
        by = owner if who == "owner" else self.people.get(who)
        headers = {}
        if isinstance(by, str):
            headers["Authorization"], by = by, None
        body = (bodies or {}).get(name, row.body)
        more: dict[str, Any] = {}
        if row.bytes_ is not None:
            headers["Content-Type"] = "image/png"
            more["content"] = row.bytes_
        before = await self.api.shop.books()
        answer = await self.api.call(method, path.format(**ids), body, by=by, headers=headers, **more)
        return answer, await self.api.shop.books() == before


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    async with serving(database_url, coins=CoinsPolicy.SELF, tab_limit_cents=10_000) as api:
        scene = Scene(api)
        await scene.open()
        yield scene
        await api.shop.assert_clean()


def test_every_route_with_an_id_has_a_row() -> None:
    assert set(TABLE) == set(WITH_ID)


async def test_everybody_may_what_the_table_says_and_nothing_more(scene: Scene) -> None:
    wrong = []
    for name, row in TABLE.items():
        for who, status in zip(WHO, row.statuses, strict=True):
            answer, unchanged = await scene.tried(name, who)
            if answer.status_code != status or (status >= 400 and not unchanged):
                wrong.append(f"{name} by {who}: {answer.status_code}, not {status} {answer.text[:90]}")
    assert not wrong, "\n".join(wrong)


async def test_an_ended_session_opens_nothing(scene: Scene) -> None:
    ended = scene.people["ended session"] = await scene.api.shop.person("zoe", *Role)
    await scene.api.shop.execute("UPDATE sessions SET ended_us = 1 WHERE id = :id", id=ended.session_id)
    wrong = []
    for method, path, operation in operations():
        if not operation["security"]:
            continue  # For everybody.
        name, known = operation["operationId"], {401}
        if name in WITH_ID:
            answer, unchanged = await scene.tried(name, "ended session")
        else:
            before, with_body = await scene.api.shop.books(), "requestBody" in operation
            known |= {422} if with_body else set()  # Whose body is incomplete need not be looked up.
            answer = await scene.api.call(method, path, {} if with_body else None, by=ended)
            unchanged = await scene.api.shop.books() == before
        if answer.status_code not in known or not unchanged:
            wrong.append(f"{name}: {answer.status_code} {answer.text[:90]}")
    assert not wrong, "\n".join(wrong)


def _stored_fields() -> list[str]:
    return sorted({column.name for table in metadata.sorted_tables for column in table.columns})


async def test_no_body_takes_a_stored_field_that_is_not_its_own(scene: Scene) -> None:
    """Mass assignment: each column's name in each body, by an admin, who may do most."""
    before = await scene.api.shop.books()
    for method, path, operation in operations():
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        own = resolve(content["application/json"]["schema"])["properties"]
        address = re.sub(r"{\w+}", "1", path)
        for field in _stored_fields():
            if field in own:
                continue
            body = {field: 1, **dict.fromkeys(own, None)}  # It stands first, and is complained of first.
            answer = await scene.api.call(method, address, body, by=scene.people["admin"])
            assert answer.status_code == 422, (operation["operationId"], field, answer.text)
            assert answer.json()["errors"] == [{"field": field, "reason": "is not a known field"}]
    assert await scene.api.shop.books() == before
