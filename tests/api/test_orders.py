"""/v1/orders: buying, giving back, and doing neither twice."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, People
from tuckshop.domain.users import Role

ORDERS = "/v1/orders"
TWO_CANS = {"lines": [{"product": 1, "quantity": 2}]}


@pytest.fixture
async def stocked(api: Api, people: People) -> Api:
    """Lemonade at 150 and gum, which nobody takes back, at 30; ada has 500."""
    await api.shop.product("lemonade", price_cents=150, stock=5, seller=people.sam)
    await api.shop.product("gum", price_cents=30, stock=5, seller=people.sue, refundable=False)
    body = {"coins": {"100": 5}, "user": people.ada.user_id}
    assert (await api.post("/v1/wallet/deposits", body, by=people.cas)).status_code == 201
    return api


async def refused(api: Api, body: dict[str, Any], by: Any, status: int, kind: str) -> dict[str, Any]:
    """The problem that an order is answered with; nothing may be written."""
    before = await api.shop.books()
    answer = await api.post(ORDERS, body, by=by)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:tuckshop:problem:{kind}")
    assert await api.shop.books() == before
    told: dict[str, Any] = answer.json()
    return told


class TestBuying:
    async def test_takes_money_and_pieces_and_says_what_is_left(self, stocked: Api, people: People) -> None:
        body = {
            "lines": [{"product": 1, "quantity": 2}, {"product": 2, "quantity": 1}],
            "client_ref": "till-1",
        }
        answer = await stocked.post(ORDERS, body, by=people.ada)
        assert answer.status_code == 201
        assert answer.json() == {
            "id": 1,
            "client_ref": "till-1",
            "status": "dispensed",
            "payment": "wallet",
            "machine": 1,
            "lines": [
                {"product": 1, "name": "lemonade", "quantity": 2, "price": 150, "refunded": 0},
                {"product": 2, "name": "gum", "quantity": 1, "price": 30, "refunded": 0},
            ],
            "total": 330,
            "balance": 170,
            "change": {},
            "owed": None,
            "created_at": "2025-10-09T08:53:20Z",
        }
        assert (await stocked.get("/v1/products/1")).json()["stock"] == 3
        await stocked.shop.assert_clean()

    async def test_counts_a_product_named_twice_together(self, stocked: Api, people: People) -> None:
        line = {"product": 1, "quantity": 1}
        answer = await stocked.post(ORDERS, {"lines": [line, line]}, by=people.ada)
        assert [one["quantity"] for one in answer.json()["lines"]] == [2]

    async def test_returns_the_change_to_those_who_may_have_coins(self, stocked: Api, people: People) -> None:
        body = TWO_CANS | {"change": "return"}
        await refused(stocked, body, people.ada, 403, "coins-not-attested")
        till = await stocked.shop.person("till", Role.BUYER, Role.CASHIER)
        deposit = {"coins": {"100": 4}, "user": till.user_id}
        await stocked.post("/v1/wallet/deposits", deposit, by=people.cas)
        answer = (await stocked.post(ORDERS, body, by=till)).json()
        assert (answer["balance"], answer["change"]) == (0, {"100": 1})

    async def test_refuses_by_name_and_writes_nothing(self, stocked: Api, people: People) -> None:
        def order(product: int, quantity: int, **more: Any) -> dict[str, Any]:
            return {"lines": [{"product": product, "quantity": quantity}], **more}

        told = await refused(stocked, order(1, 6), people.ada, 409, "out-of-stock")
        assert (told["product"], told["available"]) == (1, 5)
        told = await refused(stocked, order(1, 4), people.ada, 409, "insufficient-funds")
        assert (told["needed_cents"], told["balance_cents"]) == (600, 500)
        await refused(stocked, order(9, 1), people.ada, 404, "unknown-product")
        await refused(stocked, order(1, 1, machine=9), people.ada, 404, "unknown-machine")
        await refused(stocked, order(1, 1), people.bob, 409, "insufficient-funds")
        for who in (people.sam, people.cas, people.root):
            await refused(stocked, order(1, 1), who, 403, "role-missing")
        many = {"lines": [{"product": 1, "quantity": 1_000_000}, {"product": 1, "quantity": 1}]}
        await refused(stocked, many, people.ada, 422, "invalid-field")
        told = await refused(stocked, order(1, 1, payment="tab"), people.ada, 409, "tab-limit-exceeded")
        assert (told["limit_cents"], told["owed_cents"], told["needed_cents"]) == (0, 0, 150)
        await refused(stocked, order(1, 1, client_ref="a\n"), people.ada, 422, "invalid-request")

    async def test_sells_at_no_other_price_than_the_buyer_saw(self, stocked: Api, people: People) -> None:
        # Seen at 1.50 and refundable; the seller makes it 5.00 for good before the buyer presses.
        seen = {"lines": [{"product": 1, "quantity": 1, "expected_price": 150}], "expected_total": 150}
        dear = {"price": 500, "refundable": False}
        assert (await stocked.call("PATCH", "/v1/products/1", dear, by=people.sam)).status_code == 200
        told = await refused(stocked, seen, people.ada, 409, "price-changed")
        assert (told["total_cents"], told["product"], told["price_cents"]) == (500, 1, 500)
        told = await refused(
            stocked, seen | {"lines": [{"product": 1, "quantity": 1}]}, people.ada, 409, "price-changed"
        )
        assert (told["total_cents"], told["product"], told["price_cents"]) == (500, None, None)
        agreed = {"lines": [{"product": 1, "quantity": 1, "expected_price": 500}], "expected_total": 500}
        assert (await stocked.post(ORDERS, agreed, by=people.ada)).status_code == 201
        await stocked.shop.assert_clean()

    @pytest.mark.parametrize("wrong", [0, -1, "150", 1.5, True, 2**63, None])
    async def test_takes_no_price_that_is_none(self, stocked: Api, people: People, wrong: Any) -> None:
        # None means: not said.
        for body in (
            {"lines": [{"product": 2, "quantity": 1}], "expected_total": wrong},
            {"lines": [{"product": 2, "quantity": 1, "expected_price": wrong}]},
        ):
            if wrong is None:
                assert (await stocked.post(ORDERS, body, by=people.ada)).status_code == 201
            else:
                await refused(stocked, body, people.ada, 422, "invalid-request")

    async def test_expects_one_price_of_a_product_named_twice(self, stocked: Api, people: People) -> None:
        lines = [{"product": 2, "quantity": 1, "expected_price": price} for price in (30, 31)]
        await refused(stocked, {"lines": lines}, people.ada, 422, "invalid-request")
        lines[1]["expected_price"] = 30
        assert (await stocked.post(ORDERS, {"lines": lines}, by=people.ada)).status_code == 201

    async def test_takes_a_client_reference_once_for_ever(self, stocked: Api, people: People) -> None:
        body = TWO_CANS | {"client_ref": "till-1"}
        assert (await stocked.post(ORDERS, body, by=people.ada)).status_code == 201
        told = await refused(stocked, body, people.ada, 409, "client-ref-taken")
        assert told["order"] == 1

    async def test_sells_the_last_can_once(self, stocked: Api, people: People) -> None:
        await stocked.post("/v1/products/1/stock", {"correct": 1}, by=people.sam)
        deposit = {"coins": {"100": 5}, "user": people.bob.user_id}
        await stocked.post("/v1/wallet/deposits", deposit, by=people.cas)
        can = {"lines": [{"product": 1, "quantity": 1}]}
        answers = await asyncio.gather(
            *(stocked.post(ORDERS, can, by=who) for who in (people.ada, people.bob) * 5)
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
        await stocked.shop.assert_clean()


class TestIdempotency:
    async def test_the_same_request_is_answered_again_and_done_once(
        self, stocked: Api, people: People
    ) -> None:
        key = {"Idempotency-Key": "one"}
        first = await stocked.post(ORDERS, TWO_CANS, by=people.ada, headers=key)
        before = await stocked.shop.books()
        stocked.clock.forward(60)
        again = await stocked.post(ORDERS, TWO_CANS, by=people.ada, headers=key)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert await stocked.shop.books() == before

    async def test_a_refusal_is_answered_again_too(self, stocked: Api, people: People) -> None:
        key = {"Idempotency-Key": "one"}
        poor = await stocked.post(ORDERS, TWO_CANS, by=people.bob, headers=key)
        assert poor.status_code == 409
        deposit = {"coins": {"100": 5}, "user": people.bob.user_id}
        await stocked.post("/v1/wallet/deposits", deposit, by=people.cas)
        again = await stocked.post(ORDERS, TWO_CANS, by=people.bob, headers=key)
        assert (again.status_code, again.content) == (409, poor.content)
        assert again.headers["idempotent-replayed"] == "true"
        other = {"Idempotency-Key": "two"}
        assert (await stocked.post(ORDERS, TWO_CANS, by=people.bob, headers=other)).status_code == 201

    async def test_another_request_with_the_key_is_refused(self, stocked: Api, people: People) -> None:
        key = {"Idempotency-Key": "one"}
        await stocked.post(ORDERS, TWO_CANS, by=people.ada, headers=key)
        before = await stocked.shop.books()
        one_can = {"lines": [{"product": 1, "quantity": 1}]}
        for path, body in ((ORDERS, one_can), (f"{ORDERS}/1/refunds", TWO_CANS)):
            answer = await stocked.post(path, body, by=people.ada, headers=key)
            assert (answer.status_code, answer.json()["type"]) == (422, "urn:tuckshop:problem:key-reused")
        assert await stocked.shop.books() == before

    async def test_keys_are_each_users_own(self, stocked: Api, people: People) -> None:
        key = {"Idempotency-Key": "one"}
        first = await stocked.post(ORDERS, TWO_CANS, by=people.ada, headers=key)
        other = await stocked.post(ORDERS, TWO_CANS, by=people.bob, headers=key)
        assert (first.status_code, other.status_code) == (201, 409)
        assert "idempotent-replayed" not in other.headers

    async def test_ten_at_once_have_one_effect(self, stocked: Api, people: People) -> None:
        key = {"Idempotency-Key": "one"}
        answers = await asyncio.gather(
            *(stocked.post(ORDERS, TWO_CANS, by=people.ada, headers=key) for _ in range(10))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotent-replayed" in answer.headers for answer in answers) == 9
        assert len(await stocked.shop.rows("orders")) == 1

    async def test_a_malformed_request_uses_no_key_up(self, stocked: Api, people: People) -> None:
        key = {"Idempotency-Key": "one"}
        assert (await stocked.post(ORDERS, {"lines": []}, by=people.ada, headers=key)).status_code == 422
        assert (await stocked.post(ORDERS, TWO_CANS, by=people.ada, headers=key)).status_code == 201

    async def test_every_till_command_heeds_its_key(self, stocked: Api, people: People) -> None:
        ada, sam, cas = people.ada, people.sam, people.cas
        calls: list[tuple[str, str, Any, Any]] = [
            ("POST", "/v1/wallet/deposits", {"coins": {"100": 1}, "user": ada.user_id}, cas),
            ("POST", ORDERS, TWO_CANS, ada),
            ("POST", f"{ORDERS}/1/refunds", {"lines": [{"product": 1, "quantity": 1}]}, ada),
            ("POST", "/v1/wallet/payout", {"user": ada.user_id}, cas),
            ("POST", "/v1/products", {"name": "water", "price": 1, "stock": 1}, sam),
            ("PATCH", "/v1/products/1", {"price": 160}, sam),
            ("PUT", "/v1/products/1", {"name": "tea", "price": 1, "stock": 1}, sam),
            ("POST", "/v1/products/1/stock", {"restock": 1}, sam),
            ("DELETE", "/v1/products/1", None, sam),
        ]
        for number, (method, path, body, who) in enumerate(calls):
            key = {"Idempotency-Key": f"key-{number}"}
            first = await stocked.call(method, path, body, by=who, headers=key)
            assert first.is_success, first.text
            before = await stocked.shop.books()
            again = await stocked.call(method, path, body, by=who, headers=key)
            assert (again.status_code, again.content) == (first.status_code, first.content)
            assert again.headers["idempotent-replayed"] == "true"
            assert await stocked.shop.books() == before
        await stocked.shop.assert_clean()

    async def test_a_session_that_has_ended_replays_nothing(self, stocked: Api, people: People) -> None:
        key = {"Idempotency-Key": "one"}
        await stocked.post(ORDERS, TWO_CANS, by=people.ada, headers=key)
        await stocked.post("/v1/auth/logout", by=people.ada)
        assert (await stocked.post(ORDERS, TWO_CANS, by=people.ada, headers=key)).status_code == 401


class TestLookingUp:
    async def test_lists_ones_own_newest_first(self, stocked: Api, people: People) -> None:
        deposit = {"coins": {"100": 5}, "user": people.bob.user_id}
        await stocked.post("/v1/wallet/deposits", deposit, by=people.cas)
        gum = {"lines": [{"product": 2, "quantity": 1}]}
        for who in (people.ada, people.bob, people.ada, people.ada):
            await stocked.post(ORDERS, gum, by=who)
        ids: list[int] = []
        cursor = ""
        while True:
            page = (await stocked.get(f"{ORDERS}?limit=2{cursor}", by=people.ada)).json()
            ids += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert ids == [4, 3, 1]
        one = (await stocked.get(f"{ORDERS}/1", by=people.ada)).json()
        assert one == page["items"][-1]

    async def test_others_orders_are_not_there(self, stocked: Api, people: People) -> None:
        await stocked.post(ORDERS, TWO_CANS, by=people.ada)

        async def seen(by: Any) -> httpx.Response:
            return await stocked.get(f"{ORDERS}/1", by=by)

        for who in (people.bob, people.sue):
            assert (await seen(who)).status_code == 404
            missing = await stocked.get(f"{ORDERS}/2", by=who)
            assert (await seen(who)).text.replace("1", "2") == missing.text
        for who in (people.ada, people.sam, people.cas, people.root):
            assert (await seen(who)).status_code == 200


class TestGivingBack:
    async def refund(self, api: Api, by: Any, body: Any = None) -> httpx.Response:
        return await api.post(f"{ORDERS}/1/refunds", body, by=by)

    async def test_makes_the_buyer_whole(self, stocked: Api, people: People) -> None:
        await stocked.post(ORDERS, TWO_CANS, by=people.ada)
        one = await self.refund(
            stocked, people.ada, {"lines": [{"product": 1, "quantity": 1}], "reason": "warm"}
        )
        assert one.status_code == 201
        assert one.json() == {
            "id": 1,
            "order": 1,
            "status": "partly_refunded",
            "lines": [{"product": 1, "quantity": 1}],
            "amount": 150,
            "balance": 350,
            "created_at": "2025-10-09T08:53:20Z",
        }
        rest = await self.refund(stocked, people.ada)
        assert (rest.json()["status"], rest.json()["balance"]) == ("refunded", 500)
        again = await self.refund(stocked, people.ada)
        assert (again.status_code, again.json()["refundable_quantity"]) == (409, 0)
        assert (await stocked.get("/v1/products/1")).json()["stock"] == 5
        await stocked.shop.assert_clean()

    async def test_is_not_for_others(self, stocked: Api, people: People) -> None:
        await stocked.post(ORDERS, TWO_CANS, by=people.ada)
        before = await stocked.shop.books()
        for who in (people.bob, people.sue):
            assert (await self.refund(stocked, who)).status_code == 404
        assert await stocked.shop.books() == before
        by_seller = await self.refund(stocked, people.sam, {"lines": [{"product": 1, "quantity": 1}]})
        assert (by_seller.status_code, by_seller.json()["balance"]) == (201, None)
        assert (await self.refund(stocked, people.cas)).json()["balance"] == 500

    async def test_ends_with_the_window_for_buyers_alone(self, stocked: Api, people: People) -> None:
        await stocked.post(ORDERS, TWO_CANS, by=people.ada)
        stocked.clock.forward(301)
        late = await self.refund(stocked, people.ada)
        assert (late.status_code, late.json()["window_seconds"]) == (409, 300)
        assert (await self.refund(stocked, people.sam)).status_code == 201

    async def test_is_not_for_what_is_sold_for_good(self, stocked: Api, people: People) -> None:
        await stocked.post(ORDERS, {"lines": [{"product": 2, "quantity": 1}]}, by=people.ada)
        answer = await self.refund(stocked, people.ada)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:not-refundable")
        assert (await self.refund(stocked, people.root)).status_code == 201

    async def test_takes_back_no_more_than_was_sold(self, stocked: Api, people: People) -> None:
        await stocked.post(ORDERS, TWO_CANS, by=people.ada)
        for product, quantity, left in ((1, 3, 2), (2, 1, 0)):
            body = {"lines": [{"product": product, "quantity": quantity}]}
            answer = await self.refund(stocked, people.cas, body)
            assert (answer.status_code, answer.json()["refundable_quantity"]) == (409, left)


class TestChanging:
    @pytest.fixture
    async def placed(self, stocked: Api, people: People) -> str:
        """Two cans, to be handed out later, on ada's tab."""
        await stocked.shop.execute("UPDATE users SET tab_limit_cents = 500 WHERE username = 'ada'")
        answer = await stocked.post(ORDERS, TWO_CANS | {"payment": "tab"}, by=people.ada)
        told = answer.json()
        assert (answer.status_code, told["status"], told["payment"]) == (201, "placed", "tab")
        assert (told["balance"], told["owed"]) == (500, 300)
        return f"{ORDERS}/{told['id']}"

    async def test_makes_smaller_and_cancels(self, stocked: Api, people: People, placed: str) -> None:
        body = {"lines": [{"product": 1, "quantity": 1}]}
        answer = await stocked.call("PATCH", placed, body, by=people.ada)
        assert (answer.status_code, answer.json()["lines"][0]["refunded"]) == (200, 1)
        assert (await stocked.get("/v1/wallet", by=people.ada)).json()["owed"] == 150
        body = {"lines": [{"product": 1, "quantity": 2}]}
        assert (await stocked.call("PATCH", placed, body, by=people.ada)).status_code == 422
        answer = await stocked.call("PATCH", placed, {"status": "cancelled"}, by=people.ada)
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        answer = await stocked.call("PATCH", placed, {"status": "cancelled"}, by=people.ada)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:tuckshop:problem:wrong-status")
        await stocked.shop.assert_clean()

    @pytest.mark.parametrize("status", ["dispensed", "failed"])
    async def test_sellers_say_what_became_of_it(
        self, stocked: Api, people: People, placed: str, status: str
    ) -> None:
        body = {"status": status}
        for who, refused in ((people.ada, 403), (people.bob, 404), (people.sue, 404)):
            assert (await stocked.call("PATCH", placed, body, by=who)).status_code == refused
        answer = await stocked.call("PATCH", placed, body, by=people.sam)
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        await stocked.shop.assert_clean()

    async def test_takes_one_thing_at_a_time(self, stocked: Api, people: People, placed: str) -> None:
        both = {"status": "cancelled", "lines": [{"product": 1, "quantity": 1}]}
        wrong: list[dict[str, Any]] = [{}, both, {"status": "refunded"}, {"lines": []}, {"status": None}]
        for body in wrong:
            answer = await stocked.call("PATCH", placed, body, by=people.ada)
            assert answer.status_code == 422, body
        assert (await stocked.get(placed, by=people.ada)).json()["status"] == "placed"

    async def test_a_cashier_settles_the_tab(self, stocked: Api, people: People, placed: str) -> None:
        path = f"/v1/tabs/{people.ada.user_id}/settlements"
        coins = {"coins": {"100": 1}}
        for who, status in ((people.ada, 403), (people.sam, 403), (None, 401)):
            assert (await stocked.post(path, coins, by=who)).status_code == status
        key = {"Idempotency-Key": "settle"}
        first = await stocked.post(path, coins, by=people.cas, headers=key)
        assert (first.status_code, first.json()["owed"], first.json()["balance"]) == (201, 200, 500)
        assert (await stocked.post(path, coins, by=people.cas, headers=key)).content == first.content
        bank = {"bank": {"amount": 200, "external_ref": "bank-1"}}
        assert (await stocked.post(path, bank, by=people.cas)).json()["owed"] == 0
        again = await stocked.post(path, bank, by=people.cas)
        assert (again.status_code, again.json()["type"]) == (409, "urn:tuckshop:problem:external-ref-taken")
        await stocked.shop.assert_clean()

    async def test_only_the_shop_writes_off(self, stocked: Api, people: People) -> None:
        order = (await stocked.post(ORDERS, TWO_CANS, by=people.ada)).json()["id"]
        path, body = f"{ORDERS}/{order}/refunds", {"stock": "write_off"}
        assert (await stocked.post(path, body, by=people.ada)).status_code == 403
        assert (await stocked.post(path, body, by=people.sam)).status_code == 201
        assert (await stocked.get("/v1/products/1")).json()["stock"] == 3


async def test_a_sellers_month(stocked: Api, people: People) -> None:
    """Lemonade at 150. Every sale counts at once; what is payable of it is worked out here."""
    shop, ada, sam = stocked.shop, people.ada, people.sam
    await shop.execute("UPDATE users SET tab_limit_cents = 1000 WHERE username = 'ada'")
    await stocked.post("/v1/products/1/stock", {"restock": 50}, by=sam)

    async def earned() -> tuple[int, int]:
        told = (await stocked.get("/v1/earnings", by=sam)).json()
        return told["balance"], told["payable"]

    async def buy(quantity: int, **more: Any) -> int:
        body = {"lines": [{"product": 1, "quantity": quantity}], **more}
        answer = await stocked.post(ORDERS, body, by=ada)
        assert answer.status_code == 201, answer.text
        order: int = answer.json()["id"]
        return order

    first = await buy(2)
    assert await earned() == (300, 0)  # All of it within the window.
    await stocked.post(f"{ORDERS}/{first}/refunds", {"lines": [{"product": 1, "quantity": 1}]}, by=ada)
    assert await earned() == (150, 0)
    stocked.clock.forward(301)
    assert await earned() == (150, 150)
    late = await stocked.post(f"{ORDERS}/{first}/refunds", by=ada)
    assert late.status_code == 409  # Past the window the buyer asks in vain, but not a cashier.

    old, new = await buy(2, payment="tab"), await buy(1, payment="tab")
    stocked.clock.forward(301)
    assert await earned() == (600, 150)  # 450 on the tab, neither handed out nor settled.
    for order in (old, new):
        done = await stocked.call("PATCH", f"{ORDERS}/{order}", {"status": "dispensed"}, by=sam)
        assert done.status_code == 200
    stocked.clock.forward(301)
    assert await earned() == (600, 150)  # Handed out, and still owed.

    settlements = f"/v1/tabs/{ada.user_id}/settlements"
    await stocked.post(settlements, {"bank": {"amount": 299, "external_ref": "b1"}}, by=people.cas)
    assert await earned() == (600, 150)  # A cent of the older order is owed: none of it is payable.
    await stocked.post(settlements, {"bank": {"amount": 1, "external_ref": "b2"}}, by=people.cas)
    assert await earned() == (600, 450)  # 150 + 300; the newer 150 are owed.

    await stocked.post(f"{ORDERS}/{old}/refunds", {"lines": [{"product": 1, "quantity": 1}]}, by=people.cas)
    assert await earned() == (
        450,
        300,
    )  # One can of the settled order back, into the wallet: the newer is owed.
    await stocked.post(f"{ORDERS}/{first}/refunds", by=people.cas)
    assert await earned() == (300, 150)
    await shop.assert_clean()
