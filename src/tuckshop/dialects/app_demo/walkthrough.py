"""A walk through the dialect, call by call: a user who sells, one who orders."""

from __future__ import annotations

from tuckshop.http.openapi import Step

_PASSWORD = "123abc#$%"  # As the document has it.
_SAM = {"name": "sam-{{run}}", "password": _PASSWORD}
_ADA = {"name": "ada-{{run}}", "password": _PASSWORD}
_REDBULL = {"product_id": "{{redbull_id}}"}

WALK = (
    Step("register", body=_SAM),
    Step("register", body=_ADA),
    Step("register", body=_ADA, status=409),
    Step("logIn", body=_SAM, keep={"sam": "access"}),
    Step("logIn", body=_ADA, keep={"ada_refresh": "refresh"}),
    Step("refreshToken", body={"refresh": "{{ada_refresh}}"}),
    Step("refreshToken", body={"refresh": "{{ada_refresh}}"}, keep={"ada": "access"}),
    Step(
        "createProduct",
        by="sam",
        body={"name": "RedBull {{run}}", "price": "2.2", "stock": "100"},
        keep={"redbull_id": "id"},
        shows={"price": "2.20", "stock": 100},
    ),
    Step("listProducts", by="ada", query={"limit": 5, "offset": 5}),
    Step(
        "listProducts",
        by="ada",
        query={"max_price": "5.3", "keyword": "redbull {{run}}"},
        shows={"count": 1, "results.0.price": "2.20"},
    ),
    Step("getProduct", by="ada", path=_REDBULL, shows={"stock": 100}),
    Step("putProduct", by="ada", path=_REDBULL, body={"price": "0.01"}, status=403),
    Step("putProduct", by="sam", path=_REDBULL, body={"price": 1.1}, shows={"price": "1.10"}),
    Step(
        "createOrder",
        by="ada",
        body={"products": [{"id": "{{redbull_id}}", "quantity": 15}]},
        shows={"status": "placed", "total": "16.50"},
    ),
    Step("createOrder", by="ada", body={"products": [{"id": "{{redbull_id}}", "quantity": 86}]}, status=409),
    Step("listOrders", by="ada", shows={"count": 1, "results.0.products.0.quantity": 15}),
    Step("deleteProduct", by="sam", path=_REDBULL),
    Step("getProduct", by="ada", path=_REDBULL, status=404),
)
