"""/v1/wallet and /v1/earnings."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api, People
from tuckshop.domain.users import Role

DEPOSITS, PAYOUT = "/v1/wallet/deposits", "/v1/wallet/payout"


async def pay_in(api: Api, people: People, cents: int = 500) -> None:
    body = {"coins": {"5": cents // 5}, "user": people.ada.user_id}
    assert (await api.post(DEPOSITS, body, by=people.cas)).status_code == 201


async def test_shows_the_balance_and_its_coins(api: Api, people: People) -> None:
    assert (await api.get("/v1/wallet", by=people.ada)).json() == {"balance": 0, "coins": {}, "owed": 0}
    await pay_in(api, people, 285)
    wallet = (await api.get("/v1/wallet", by=people.ada)).json()
    assert wallet == {"balance": 285, "coins": {"100": 2, "50": 1, "20": 1, "10": 1, "5": 1}, "owed": 0}
    assert (await api.get("/v1/wallet", by=people.bob)).json()["balance"] == 0


@pytest.mark.parametrize(
    "path", ["/v1/wallet", "/v1/wallet/entries", "/v1/earnings", "/v1/audit", "/v1/orders"]
)
async def test_needs_a_log_in(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/v1/wallet", {"ada", "bob"}),
        ("/v1/wallet/entries", {"ada", "bob"}),
        ("/v1/earnings", {"sam", "sue"}),
        ("/v1/audit", {"root"}),
        ("/v1/orders", {"ada", "bob", "sam", "sue", "cas", "root"}),
    ],
)
async def test_each_room_has_its_role(api: Api, people: People, path: str, who: set[str]) -> None:
    answers = {
        name: (await api.get(path, by=getattr(people, name))).status_code
        for name in ("ada", "bob", "sam", "sue", "cas", "root")
    }
    assert answers == {name: 200 if name in who else 403 for name in answers}


class TestDeposits:
    async def test_are_attested_by_cashiers_and_admins(self, api: Api, people: People) -> None:
        body = {"coins": {"50": 2, "5": 1}, "user": people.ada.user_id}
        answer = await api.post(DEPOSITS, body, by=people.cas)
        assert answer.status_code == 201
        assert answer.json() == {
            "id": answer.json()["id"],
            "amount": 105,
            "balance": 105,
            "created_at": "2025-10-09T08:53:20Z",
        }
        assert (await api.post(DEPOSITS, body, by=people.root)).json()["balance"] == 210
        await api.shop.assert_clean()

    async def test_are_not_declared_by_buyers(self, api: Api, people: People) -> None:
        before = await api.shop.books()
        own = await api.post(DEPOSITS, {"coins": {"50": 2}}, by=people.ada)
        assert (own.status_code, own.json()["type"]) == (403, "urn:tuckshop:problem:coins-not-attested")
        for who in (people.bob, people.sam):
            answer = await api.post(DEPOSITS, {"coins": {"50": 2}, "user": people.ada.user_id}, by=who)
            assert answer.status_code == 403
        assert await api.shop.books() == before

    async def test_are_declared_by_buyers_where_the_setting_says_so(self, api_self: Api) -> None:
        ada = await api_self.shop.person("ada", Role.BUYER)
        answer = await api_self.post(DEPOSITS, {"coins": {"50": 2}}, by=ada)
        assert (answer.status_code, answer.json()["balance"]) == (201, 100)
        sam = await api_self.shop.person("sam", Role.SELLER)
        assert (await api_self.post(DEPOSITS, {"coins": {"50": 2}}, by=sam)).status_code == 403

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ({"coins": {"3": 1}}, "coin-not-accepted"),
            ({"coins": {"100": 10_000, "50": 1}}, "invalid-field"),
        ],
    )
    async def test_take_the_coins_of_this_currency(
        self, api: Api, people: People, body: dict[str, object], kind: str
    ) -> None:
        before = await api.shop.books()
        answer = await api.post(DEPOSITS, {**body, "user": people.ada.user_id}, by=people.cas)
        assert (answer.status_code, answer.json()["type"]) == (422, f"urn:tuckshop:problem:{kind}")
        assert await api.shop.books() == before

    async def test_know_their_user_and_machine(self, api: Api, people: People) -> None:
        answer = await api.post(DEPOSITS, {"coins": {"50": 1}, "user": 999}, by=people.cas)
        assert (answer.status_code, answer.json()["user"]) == (404, 999)
        body = {"coins": {"50": 1}, "user": people.ada.user_id, "machine": 9}
        answer = await api.post(DEPOSITS, body, by=people.cas)
        assert (answer.status_code, answer.json()["machine"]) == (404, 9)


class TestPayOuts:
    async def test_pay_all_that_coins_can_pay(self, api: Api, people: People) -> None:
        await pay_in(api, people, 285)
        answer = await api.post(PAYOUT, {"user": people.ada.user_id}, by=people.cas)
        assert answer.status_code == 200
        told = answer.json()
        assert (told["amount"], told["balance"]) == (285, 0)
        assert told["coins"] == {"100": 2, "50": 1, "20": 1, "10": 1, "5": 1}
        again = await api.post(PAYOUT, {"user": people.ada.user_id}, by=people.cas)
        assert (again.status_code, again.json()["type"]) == (409, "urn:tuckshop:problem:nothing-to-pay-out")
        await api.shop.assert_clean()

    async def test_of_ones_own_need_no_body(self, api_self: Api) -> None:
        ada = await api_self.shop.person("ada", Role.BUYER)
        await api_self.post(DEPOSITS, {"coins": {"50": 2}}, by=ada)
        answer = await api_self.post(PAYOUT, by=ada)
        assert (answer.status_code, answer.json()["coins"]) == (200, {"100": 1})

    async def test_are_attested_too(self, api: Api, people: People) -> None:
        await pay_in(api, people)
        assert (await api.post(PAYOUT, by=people.ada)).status_code == 403
        assert (await api.post(PAYOUT, {"user": people.ada.user_id}, by=people.bob)).status_code == 403


async def test_the_statement_lists_every_movement_newest_first(api: Api, people: People) -> None:
    for cents in (5, 10, 15, 20, 25):
        await pay_in(api, people, cents)
    for limit in (1, 2, 5, 100):
        amounts: list[int] = []
        cursor = ""
        while True:
            page = (await api.get(f"/v1/wallet/entries?limit={limit}{cursor}", by=people.ada)).json()
            amounts += [item["amount"] for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert amounts == [25, 20, 15, 10, 5]
    assert (await api.get("/v1/wallet/entries", by=people.bob)).json() == {"items": [], "next": None}


async def test_the_statement_has_signs_kinds_and_orders(api: Api, people: People) -> None:
    await api.shop.product("lemonade", price_cents=150, seller=people.sam)
    await pay_in(api, people, 500)
    order = (await api.post("/v1/orders", {"lines": [{"product": 1, "quantity": 2}]}, by=people.ada)).json()
    await api.post(
        f"/v1/orders/{order['id']}/refunds", {"lines": [{"product": 1, "quantity": 1}]}, by=people.ada
    )
    await api.post(PAYOUT, {"user": people.ada.user_id}, by=people.cas)
    items = (await api.get("/v1/wallet/entries", by=people.ada)).json()["items"]
    assert [(item["kind"], item["amount"], item["order"]) for item in items] == [
        ("payout", -350, None),
        ("refund", 150, order["id"]),
        ("sale", -300, order["id"]),
        ("deposit", 500, None),
    ]


async def test_earnings_are_payable_once_they_cannot_be_given_back(api: Api, people: People) -> None:
    await api.shop.product("lemonade", price_cents=150, seller=people.sam)
    await api.shop.product("gum", price_cents=30, seller=people.sam, refundable=False)
    await api.shop.product("water", price_cents=10, seller=people.sue)
    await pay_in(api, people, 500)
    lines = [{"product": 1, "quantity": 2}, {"product": 2, "quantity": 1}, {"product": 3, "quantity": 1}]
    order = (await api.post("/v1/orders", {"lines": lines}, by=people.ada)).json()
    earned = (await api.get("/v1/earnings", by=people.sam)).json()
    assert (earned["balance"], earned["payable"]) == (330, 30)
    await api.post(
        f"/v1/orders/{order['id']}/refunds", {"lines": [{"product": 1, "quantity": 1}]}, by=people.ada
    )
    api.clock.forward(301)
    assert (await api.get("/v1/earnings", by=people.sam)).json() == {
        "balance": 180,
        "payable": 180,
        "products": [
            {"product": 1, "name": "lemonade", "quantity": 1, "amount": 150},
            {"product": 2, "name": "gum", "quantity": 1, "amount": 30},
        ],
    }
    assert (await api.get("/v1/earnings", by=people.sue)).json()["balance"] == 10


async def test_an_admin_audits_the_books(api: Api, people: People) -> None:
    await pay_in(api, people)
    report = (await api.get("/v1/audit", by=people.root)).json()
    assert report["clean"]
    assert len(report["checks"]) > 10
    await api.shop.execute("UPDATE accounts SET balance_cents = balance_cents + 1 WHERE kind = 'wallet'")
    report = (await api.get("/v1/audit", by=people.root)).json()
    assert not report["clean"]
    assert any(check["problems"] for check in report["checks"])
