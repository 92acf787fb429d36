"""A walk through /v1, call by call: the first day of a shop, from its first seller to the audit.

It needs an admin (`admin_name`, `admin_password`), buyers who may declare their coins (TUCKSHOP_COINS=self)
and a tab limit. `streamEvents` is left out: its answer never ends.
"""

from __future__ import annotations

from tuckshop.http.openapi import Step

_PASSWORD = "{{run}} correct horse"
_NEW_PASSWORD = "{{run}} battery staple"


def _person(name: str) -> dict[str, str]:
    return {"username": f"{name}-{{{{run}}}}", "password": _PASSWORD}


def _one(product: str, quantity: int = 1) -> list[dict[str, object]]:
    return [{"product": f"{{{{{product}_id}}}}", "quantity": quantity}]


_COLA = {"product_id": "{{cola_id}}"}
_HALL = {"machine_id": "{{hall_id}}"}
_ADA = {"user_id": "{{ada_id}}"}
_MISTAKE = {"transfer_id": "{{mistake_id}}"}
_ADMIN = {"username": "{{admin_name}}", "password": "{{admin_password}}"}

_USERS = (
    Step("isReady", shows={"status": "ready"}),
    Step("isLive"),
    Step("registerUser", body={**_person("sam"), "roles": ["seller"]}, keep={"sam_id": "id"}),
    Step("registerUser", body={**_person("ada"), "roles": ["buyer"]}, keep={"ada_id": "id"}),
    Step("registerUser", body={**_person("bob"), "roles": ["buyer"]}, keep={"bob_id": "id"}),
    Step("registerUser", body={**_person("ada"), "roles": ["buyer"]}, status=409),
    Step("logIn", body=_person("sam"), keep={"sam": "access"}),
    Step("logIn", body=_person("bob"), keep={"bob": "access"}),
    Step("logIn", body=_person("ada"), keep={"ada": "access", "ada_refresh": "refresh"}),
    Step("refreshTokens", body={"refresh": "{{ada_refresh}}"}, keep={"ada": "access"}),
    Step("logIn", body=_ADMIN, keep={"admin": "access"}),
    Step("getMe", by="ada", shows={"roles": ["buyer"], "state": "active"}),
    Step("confirm", by="ada", body={"password": _PASSWORD}),
    Step("listSessions", by="ada", keep={"session_id": "items.0.id"}),
    Step("getSecondFactor", by="ada", shows={"enabled": False, "recovery_codes": 0}),
    Step("beginSecondFactor", by="ada"),
    Step("enableSecondFactor", by="ada", body={"code": "a code"}, status=401),
    Step("renewRecoveryCodes", by="ada", status=409),
    Step("disableSecondFactor", by="ada", status=409),
    Step("resetSecondFactor", by="admin", path=_ADA, status=409),
    Step("makeToken", by="ada", body={"name": "reader", "scopes": ["read"]}, keep={"token_id": "id"}),
    Step("listTokens", by="ada", shows={"items.0.name": "reader"}),
    Step("revokeToken", by="ada", path={"token_id": "{{token_id}}"}),
)

_PRODUCTS = (
    Step(
        "addProduct",
        by="sam",
        body={"name": "Cola {{run}}", "price": 150, "stock": 10},
        keep={"cola_id": "id"},
        shows={"price": 150, "stock": 10, "version": 1},
    ),
    Step("listProducts", query={"keyword": "{{run}}"}, shows={"items.0.stock": 10}),
    Step("changeProduct", by="sam", path=_COLA, body={"price": 130}, shows={"price": 130, "version": 2}),
    Step("changeProduct", by="ada", path=_COLA, body={"price": 1}, status=403),
    Step("replaceProduct", by="sam", path=_COLA, body={"name": "Cola {{run}}", "price": 140, "stock": 10}),
    Step("changeStock", by="sam", path=_COLA, body={"restock": 2}, shows={"stock": 12}),
    Step("getProduct", path=_COLA, shows={"price": 140, "stock": 12}),
    Step("putProductImage", by="sam", path=_COLA, status=415),
    Step("removeProductImage", by="sam", path=_COLA),
    Step("approveProduct", by="admin", path=_COLA),
    Step("getImage", path={"image_id": 1_000_000_000}, status=404),
)

_BUYING = (
    Step("depositCoins", by="ada", body={"coins": {"100": 5}}, shows={"amount": 500, "balance": 500}),
    Step("depositCoins", by="ada", body={"coins": {"3": 1}}, status=422),
    Step("getWallet", by="ada", shows={"balance": 500, "coins": {"100": 5}}),
    Step(
        "placeOrder",
        by="ada",
        body={"lines": _one("cola", 2), "expected_total": 280},
        keep={"order_id": "id"},
        shows={"total": 280, "balance": 220, "status": "dispensed"},
    ),
    Step("getOrder", by="ada", path={"order_id": "{{order_id}}"}, shows={"total": 280}),
    Step("getOrder", by="bob", path={"order_id": "{{order_id}}"}, status=404),
    Step(
        "refundOrder",
        by="ada",
        path={"order_id": "{{order_id}}"},
        body={"lines": _one("cola")},
        shows={"amount": 140, "balance": 360},
    ),
    Step("placeOrder", by="bob", body={"lines": _one("cola")}, status=409),
    Step("sendMoney", by="ada", body={"to": "{{bob_id}}", "amount": 100}),
    Step("topUp", by="admin", body={"user": "{{bob_id}}", "amount": 200, "external_ref": "in-{{run}}"}),
    Step(
        "topUp",
        by="admin",
        body={"user": "{{bob_id}}", "amount": 200, "external_ref": "in-{{run}}"},
        status=409,
    ),
    Step(
        "topUp",
        by="admin",
        body={"user": "{{bob_id}}", "amount": 70, "external_ref": "of-ada-{{run}}"},
        keep={"mistake_id": "id"},
    ),
    Step(
        "reverseTransfer", by="admin", path=_MISTAKE, body={"reason": "Came from Ada"}, shows={"amount": 70}
    ),
    Step("reverseTransfer", by="admin", path=_MISTAKE, body={"reason": "Came from Ada"}, status=409),
    Step("payOutWallet", by="bob", shows={"amount": 300, "coins": {"100": 3}, "balance": 0}),
    Step("listEntries", by="ada"),
    Step("listOrders", by="ada", shows={"items.0.total": 280}),
    Step(
        "placeOrder",
        by="bob",
        body={"lines": _one("cola", 3), "payment": "tab"},
        keep={"tab_order_id": "id"},
        shows={"status": "placed", "owed": 420},
    ),
    Step(
        "changeOrder",
        by="bob",
        path={"order_id": "{{tab_order_id}}"},
        body={"lines": _one("cola", 2)},
        shows={"status": "placed"},
    ),
    Step(
        "changeOrder",
        by="admin",
        path={"order_id": "{{tab_order_id}}"},
        body={"status": "dispensed"},
        shows={"status": "dispensed"},
    ),
    Step("settleTab", by="admin", path={"user_id": "{{bob_id}}"}, body={"coins": {"100": 2}}),
)

_MACHINES = (
    Step("addMachine", by="admin", body={"name": "Hall {{run}}"}, keep={"hall_id": "id"}),
    Step("renewMachineKey", by="admin", path=_HALL, keep={"hall_machine_key": "key"}),
    Step("addScreen", by="admin", path=_HALL, body={"name": "Tablet"}),
    Step(
        "listScreens",
        by="admin",
        path=_HALL,
        shows={"items.0.name": "Tablet"},
        keep={"screen_id": "items.0.id"},
    ),
    Step("removeScreen", by="admin", path=_HALL | {"screen_id": "{{screen_id}}"}),
    Step("listMachines", by="admin"),
    Step("getMachine", by="admin", path=_HALL, shows={"box_kind": "counted"}),
    Step("getSelling", by="sam", path={"user_id": "{{sam_id}}"}, shows={"products.max": 200}),
    Step(
        "changeSelling",
        by="admin",
        path={"user_id": "{{sam_id}}"},
        body={"pieces": 20_000, "machines": ["{{hall_id}}"]},
        shows={"pieces.max": 20_000},
    ),
    Step("changeMachine", by="admin", path=_HALL, body={"timezone": "Europe/Berlin"}),
    Step(
        "moveStock",
        by="admin",
        path={"machine_id": 1},
        body={"product": "{{cola_id}}", "quantity": 3, "to": "{{hall_id}}"},
    ),
    Step(
        "setShelves",
        by="admin",
        path=_HALL,
        body={"shelves": [{"product": "{{cola_id}}", "slot": "A1", "price": 150, "par_level": 2}]},
    ),
    Step("listShelves", by="admin", path=_HALL, shows={"items.0.slot": "A1"}),
    Step("fillCoins", by="admin", path=_HALL, body={"coins": {"50": 10, "20": 5}}),
    Step(
        "depositCoins",
        by="hall_machine_key",
        body={"coins": {"100": 2}, "guest": "guest-{{run}}"},
        shows={"balance": 200},
    ),
    Step(
        "placeOrder",
        by="hall_machine_key",
        body={"lines": _one("cola"), "guest": "guest-{{run}}", "change": "return"},
        shows={"total": 150, "change": {"50": 1}, "balance": 0},
    ),
    Step(
        "refundGuest",
        by="admin",
        body={"guest": "guest-{{run}}", "product": "{{cola_id}}", "machine": "{{hall_id}}"},
        shows={"amount": 150},
    ),
    Step("listGuests", by="admin"),
    Step("listUnclaimed", by="admin"),
    Step("sweep", by="admin", body={"days": 30}),
    Step(
        "countCoins",
        by="admin",
        path=_HALL,
        body={
            "counted": [
                {"value": value, "count": count}
                for value, count in ((5, 0), (10, 0), (20, 5), (50, 8), (100, 2))
            ]
        },
        shows={"over_short": -50},
    ),
    Step("collectCoins", by="admin", path=_HALL, body={"coins": {"100": 2}}),
    Step("getCoins", by="admin", path=_HALL),
)

_BOOKS = (
    Step("getEarnings", by="sam"),
    Step("listEarningsEntries", by="sam"),
    Step(
        "paySeller",
        by="admin",
        path={"seller_id": "{{sam_id}}"},
        body={"external_ref": "out-{{run}}"},
        status=409,
    ),
    Step("reportSales", by="admin", query={"by": "product"}),
    Step("reportEarnings", by="sam"),
    Step("reportStatement", by="ada", query={"account": "wallet"}),
    Step("listUsers", by="admin"),
    Step("getUser", by="admin", path=_ADA),
    Step("changeUser", by="admin", path=_ADA, body={"roles": ["buyer", "cashier"]}),
    Step("listAdminLog", by="admin"),
    Step("auditBooks", by="admin", shows={"clean": True}),
)

_LEAVING = (
    Step("logIn", body=_person("ada"), keep={"ada": "access"}),
    Step(
        "changeMe",
        by="ada",
        body={"password": _NEW_PASSWORD, "current_password": _PASSWORD},
    ),
    Step("logIn", body={**_person("ada"), "password": _NEW_PASSWORD}, keep={"ada": "access"}),
    Step("listSessions", by="ada", keep={"session_id": "items.0.id"}),
    Step("exportMe", by="ada"),
    Step("payOutWallet", by="ada"),
    Step("closeMe", by="ada"),
    Step("getMe", by="ada", status=401),
    Step("removeProduct", by="sam", path=_COLA),
    Step("logOut", by="sam"),
    Step("logOutEverywhere", body=_person("sam"), shows={"ended": 0}),
    Step("logIn", body=_person("bob"), keep={"bob": "access"}),
    Step("listSessions", by="bob", keep={"session_id": "items.0.id"}),
    Step("endSession", by="bob", path={"session_id": "{{session_id}}"}),
    Step("closeUser", by="admin", path={"user_id": "{{bob_id}}"}, status=409),
)

WALK = _USERS + _PRODUCTS + _BUYING + _MACHINES + _BOOKS + _LEAVING
