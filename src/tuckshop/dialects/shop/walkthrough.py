"""A walk through the dialect, call by call: somebody who may order, in a shop that sells something."""

from __future__ import annotations

from tuckshop.http.openapi import Step

_ORDER = {"order_id": "basket-{{run}}"}
_TWO = {"products": [{"id": "{{product_id}}", "quantity": 2}]}
_ONE = {"products": [{"id": "{{product_id}}", "quantity": 1}]}

WALK = (
    Step(
        "logIn",
        body={"username": "{{admin_name}}", "password": "{{admin_password}}"},
        keep={"buyer_refresh": "refresh"},
    ),
    Step("refreshToken", body={"refresh": "{{buyer_refresh}}"}),
    Step("refreshToken", body={"refresh": "{{buyer_refresh}}"}, keep={"buyer": "access"}),
    Step("listProducts", by="buyer", query={"limit": 1}, keep={"product_id": "results.0.id"}),
    Step("getProduct", by="buyer", path={"product_id": "{{product_id}}"}),
    Step("createNamedOrder", by="buyer", path=_ORDER, body=_TWO, shows={"status": "placed"}, status=201),
    Step("createNamedOrder", by="buyer", path=_ORDER, body=_TWO, shows={"products.0.quantity": 2}),
    Step("createNamedOrder", by="buyer", path=_ORDER, body=_ONE, status=409),
    Step("getOrder", by="buyer", path=_ORDER, shows={"products.0.quantity": 2}),
    Step("changeOrder", by="buyer", path=_ORDER, body=_ONE, shows={"products.0.quantity": 1}),
    Step("changeOrder", by="buyer", path=_ORDER, body=_TWO, status=400),
    Step("changeOrder", by="buyer", path=_ORDER, body={"status": "cancelled"}, shows={"status": "cancelled"}),
    Step("changeOrder", by="buyer", path=_ORDER, body={"status": "cancelled"}, status=409),
    Step("createOrder", by="buyer", body=_ONE, keep={"order_id": "id"}),
    Step("getOrder", by="buyer", path={"order_id": "{{order_id}}"}),
    Step("listOrders", by="buyer", query={"limit": 1}, shows={"results.0.status": "placed"}),
    Step("getOrder", by="buyer", path={"order_id": "nothing-{{run}}"}, status=404),
)
