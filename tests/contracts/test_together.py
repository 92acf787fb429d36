"""All contracts over one shop: what is made through one is seen through the others, and the books agree."""

from __future__ import annotations

from tests.contracts.conftest import Client, speaking
from tuckshop.dialects import NAMES
from tuckshop.domain.machines import DEFAULT_MACHINE_ID
from tuckshop.domain.users import OPERATOR
from tuckshop.operations import machines as machine_operations

PASSWORD = "a word for everybody"


def of(client: Client, dialect: str, **header: str) -> Client:
    """The same shop, spoken to in another contract."""
    return Client(client.api, client.client, dialect, f"/dialects/{dialect}", "", header)


async def test_one_shop_in_five_contracts(database_url: str) -> None:
    async with speaking(database_url, ",".join(NAMES)) as opened:
        simple, vending, kiosk, app, shop = (
            of(opened, name) for name in ("simple-payment", "vending-challenge", "kiosk", "app-demo", "shop")
        )

        # A seller of simple-payment; her product stands on every list, with the same stock.
        sue = {"username": "sue", "email": "sue@example.org", "role": "seller", "password": PASSWORD}
        await simple.says("POST", "/api/create_user", sue, status=201)
        token = (await simple.says("POST", "/api/get_token", _log_in("sue"), status=200))["token"]
        cola = {"name": "Cola", "cost": 65, "amount": 10}
        await simple.bearing(Authorization=f"Token {token}").says("POST", "/api/products", cola, status=201)

        # A buyer of vending-challenge logs in at each.
        ada = {**_log_in("ada"), "role": "buyer"}
        await vending.says("POST", "/api/v1/users/", ada, status=201)
        access = (await opened.api.logged_in("ada", PASSWORD))["access"]
        vending = await _entered(vending, "/api/v1/auth/login/", _log_in("ada"))
        app = await _entered(app, "/api/token/", {"name": "ada", "password": PASSWORD})
        shop = await _entered(shop, "/api/token/", _log_in("ada"))

        async def left() -> int:
            """The stock, which everybody tells alike."""
            (listed,) = await simple.says("GET", "/api/products", status=200)
            (seen,) = (await vending.says("GET", "/api/v1/product/", status=200))["results"]
            (stood,) = await kiosk.says("GET", "/api/v1/products", status=200)
            (found,) = (await app.says("GET", "/api/product/", status=200))["results"]
            (had,) = (await shop.says("GET", "/api/products/", status=200))["results"]
            (canonical,) = (await opened.api.get("/v1/products")).json()["items"]
            assert {one["id"] for one in (listed, seen, stood, found, had, canonical)} == {listed["id"]}
            assert (listed["cost"], found["price"], had["price"], canonical["price"]) == (
                65,
                "0.65",
                "0.65",
                65,
            )
            stocks = {
                listed["amount"],
                seen["amountAvailable"],
                stood["count"],
                found["stock"],
                had["quantity"],
                canonical["stock"],
            }
            (stock,) = stocks
            return int(stock)

        assert await left() == 10
        product = (await vending.says("GET", "/api/v1/product/", status=200))["results"][0]["id"]

        await vending.says("POST", "/api/v1/wallet/deposit", {"coins": [100, 50]}, status=200)
        buy = {"name": "Cola"}
        key = (await simple.says("POST", "/api/get_token", _log_in("ada"), status=200))["token"]
        bought = await simple.bearing(Authorization=f"Token {key}").says(
            "POST", "/api/buyer/buy", buy, status=200
        )
        assert bought == {"name": "Cola", "spent": 65, "deposit": 85}
        assert (await vending.says("GET", "/api/v1/wallet/balance", status=200))["deposit"] == 85
        again = await vending.says("POST", "/buy", {"productId": product, "amount": 1}, status=200)
        assert again["change"] == [20]
        assert await left() == 8

        wanted = {"products": [{"id": product, "quantity": 1}]}
        await app.says("POST", "/api/order/", wanted, status=201)
        named = await shop.says("POST", "/api/orders/mine-1/", wanted, status=201)
        assert named["id"] == "mine-1"
        assert (await app.says("GET", "/api/order/", status=200))["count"] >= 2
        assert (await opened.api.get("/v1/wallet", by=access)).json() == {
            "balance": 0,
            "coins": {},
            "owed": 130,
        }

        # A guest of the kiosk called as the buyer is somebody else.
        running = opened.api.running
        opening = await machine_operations.new_key(running, actor=OPERATOR, machine_id=DEFAULT_MACHINE_ID)
        stand = kiosk.bearing(**{"X-Kiosk-Key": opening})
        coins = {"user_name": "ada", "amount": 100}
        assert (await stand.says("POST", "/api/v1/users/0/add_balance", coins, status=200))["balance"] == 100
        sold = await stand.says("POST", f"/api/v1/products/{product}/buy", {"user_name": "ada"}, status=201)
        assert sold["balance"] == 35
        assert (await opened.api.get("/v1/wallet", by=access)).json()["balance"] == 0
        assert await left() == 5

        # Ended in one, ended in all.
        await vending.says("POST", "/logout/all", _log_in("ada"), status=200)
        for client, path in (
            (vending, "/api/v1/wallet/balance"),
            (app, "/api/order/"),
            (shop, "/api/orders/"),
        ):
            await client.says("GET", path, status=401)


def _log_in(name: str) -> dict[str, str]:
    return {"username": name, "password": PASSWORD}


async def _entered(client: Client, path: str, body: dict[str, str]) -> Client:
    """The same client, logged in."""
    access = (await client.says("POST", path, body, status=200))["access"]
    return client.bearing(Authorization=f"Bearer {access}")
