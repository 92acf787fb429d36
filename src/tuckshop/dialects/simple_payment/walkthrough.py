"""A walk through the dialect, call by call: two accounts, a drink, and the way out."""

from __future__ import annotations

from tuckshop.http.openapi import Step

_PASSWORD = "superSecret"  # of people who exist for one walk
_SAM = {"username": "sam-{{run}}", "password": _PASSWORD}
_ADA = {"username": "ada-{{run}}", "password": _PASSWORD}
_MINE = {"username": "ada-{{run}}"}
_COLA = {"name": "Cola {{run}}"}

WALK = (
    Step(
        "createUser",
        body={**_ADA, "email": "ada-{{run}}@test.com", "deposit": 100, "role": "buyer"},
        shows={"role": "buyer", "deposit": 100},
    ),
    Step(
        "createUser",
        body={**_SAM, "email": "sam-{{run}}@test.com", "role": "seller"},
        shows={"role": "seller", "deposit": 0},
    ),
    Step("getToken", body=_SAM, keep={"sam": "token"}),
    Step("getToken", body=_ADA, keep={"ada": "token"}),
    Step("addProduct", by="sam", body={**_COLA, "cost": 65, "amount": 3}, shows={"cost": 65, "amount": 3}),
    Step("listProducts"),
    Step("putProduct", by="sam", path=_COLA, body={"cost": 60, "amount": 2}, shows={"cost": 60}),
    Step("putProduct", by="ada", path=_COLA, body={"cost": 5}, status=403),
    Step("deposit", by="ada", body={"deposit": 5}, shows={"deposit": 105}),
    Step("deposit", by="ada", body={"deposit": 7}, status=400),
    Step("buy", by="ada", body=_COLA, shows={"spent": 60, "deposit": 45}),
    Step("buy", by="ada", body=_COLA, status=409),
    Step("getUser", by="ada", path=_MINE, shows={"role": "buyer", "deposit": 45}),
    Step("reset", by="ada", shows={"deposit": 0, "returned": {"20": 2, "5": 1}}),
    Step("patchUser", by="ada", path=_MINE, body={"email": "lady-{{run}}@test.com"}),
    Step("deleteProduct", by="sam", path=_COLA),
    Step("deleteUser", by="ada", path=_MINE),
    Step("getUser", by="ada", path=_MINE, status=401),
)
