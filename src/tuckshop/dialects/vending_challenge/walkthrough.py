"""A walk through the dialect, call by call: a seller, a buyer, a drink, and the way out."""

from __future__ import annotations

from tuckshop.http.openapi import Step

_PASSWORD = "a machine for coins"  # of people who exist for one walk
_SAM = {"username": "sam-{{run}}", "password": _PASSWORD}
_ADA = {"username": "ada-{{run}}", "password": _PASSWORD}
_MINE = {"user_id": "{{ada_id}}"}
_COLA = {"product_id": "{{cola_id}}"}

WALK = (
    Step("createUser", body={**_SAM, "role": "seller"}, shows={"role": "seller", "deposit": 0}),
    Step("createUser", body={**_ADA, "role": "buyer"}, keep={"ada_id": "id"}),
    Step("login", body=_SAM, keep={"sam": "access"}),
    Step("login", body=_ADA, keep={"ada": "access"}, shows={"active_sessions": 0}),
    Step(
        "createProduct",
        by="sam",
        body={"productName": "Cola {{run}}", "cost": 65, "amountAvailable": 3},
        keep={"cola_id": "id"},
        shows={"cost": 65, "amountAvailable": 3},
    ),
    Step("listProducts"),
    Step("getProduct", path=_COLA, shows={"cost": 65}),
    Step("patchProduct", by="sam", path=_COLA, body={"cost": 60}, shows={"cost": 60}),
    Step("putProduct", by="sam", path=_COLA, body={"amountAvailable": 5}, shows={"amountAvailable": 5}),
    Step("deposit", by="ada", body={"coin": 100}, shows={"deposit": 100}),
    Step("deposit", by="ada", body={"coins": [50, 20]}, shows={"deposit": 170}),
    Step("balance", by="ada", shows={"deposit": 170, "change": [100, 50, 20]}),
    Step(
        "buy",
        by="ada",
        body={"productId": "{{cola_id}}", "amount": 2},
        shows={"total": 120, "change": [50], "deposit": 0},
    ),
    Step("buy", by="ada", body={"productId": "{{cola_id}}", "amount": 1}, status=409),
    Step("deposit", by="ada", body={"coin": 5}),
    Step("reset", by="ada", shows={"deposit": 0, "returned": [5]}),
    Step("listUsers", by="ada", shows={"count": 1}),
    Step("getUser", by="ada", path=_MINE, shows={"role": "buyer"}),
    Step("patchUser", by="ada", path=_MINE, body={"email": "ada-{{run}}@example.org"}),
    Step("putUser", by="ada", path=_MINE, body={"username": "lady-{{run}}", "role": "buyer", "deposit": 0}),
    Step(
        "login",
        body={"username": "lady-{{run}}", "password": _PASSWORD},
        keep={"ada": "access", "ada_refresh": "refresh"},
        shows={"active_sessions": 1, "message": "There is already an active session using your account"},
    ),
    Step("refresh", body={"refresh": "{{ada_refresh}}"}, keep={"ada": "access"}),
    Step("deleteProduct", by="sam", path=_COLA),
    Step("logout", by="sam"),
    Step("logoutAll", body=_SAM, shows={"ended": 0}),
    Step("deleteUser", by="ada", path=_MINE),
    Step("getUser", by="ada", path=_MINE, status=401),
)
