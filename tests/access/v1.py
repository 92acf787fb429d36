"""/v1 and what stands beside it, asked with access tokens and machine keys."""

from __future__ import annotations

from typing import Any

from tests.access.requests import Answer, Ask, answered, as_json, bearing
from tests.access.scene import METRICS_TOKEN, PASSWORD, Scene
from tests.access.tables import Interface, Key
from tests.api.pictures import painted

_WATER = [{"product": "{water_id}", "quantity": 1}]
_NAMED = {"username": "{me}", "password": PASSWORD}
_EURO = {"coins": {"100": 1}}
_PEOPLE_ALONE = Ask(state="people")  # Who has money or owes some cannot leave.


def _one(body: Any) -> tuple[Ask, ...]:
    return (Ask(body=body),)


ASKS: dict[str, tuple[Ask, ...]] = {
    "GET /metrics": (Ask(), Ask("with its own token")),
    "POST /v1/users": _one({"username": "newcomer", "password": PASSWORD, "roles": ["buyer"]}),
    "PATCH /v1/users/me": (
        Ask("name", body={"username": "somebody"}),
        Ask("email", body={"email": "me@example.org"}),
        Ask("password", body={"password": "battery staple"}),
        Ask(
            "password, with the current one",
            body={"password": "battery staple", "current_password": PASSWORD},
        ),
    ),
    "DELETE /v1/users/me": (_PEOPLE_ALONE,),
    "PATCH /v1/users/{user_id}": _one({"roles": ["buyer", "admin"]}),
    "DELETE /v1/users/{user_id}": (_PEOPLE_ALONE,),
    "PATCH /v1/users/{user_id}/selling": _one({"pieces": 20_000}),
    "POST /v1/auth/login": _one(_NAMED),
    "POST /v1/auth/confirm": _one({"password": PASSWORD}),
    "POST /v1/auth/second-factor/enable": (Ask(body={"code": "{code}"}, state="begun"),),
    "POST /v1/auth/second-factor/recovery-codes": (Ask(state="codes"),),
    "DELETE /v1/auth/second-factor": (Ask(state="codes"),),
    "DELETE /v1/users/{user_id}/second-factor": (Ask(state="codes"),),
    "POST /v1/auth/logout-all": _one(_NAMED),
    "POST /v1/auth/refresh": _one({"refresh": "{refresh}"}),
    "POST /v1/auth/tokens": _one({"name": "reader", "scopes": ["read"]}),
    "POST /v1/products": (
        Ask(body={"name": "tea", "price": 50, "stock": 1}),
        Ask("of the house", body={"name": "tea", "price": 50, "stock": 1, "house": True}),
    ),
    "PUT /v1/products/{product_id}": _one({"name": "tea", "price": 50, "stock": 1}),
    "PATCH /v1/products/{product_id}": _one({"price": 55}),
    "POST /v1/products/{product_id}/approval": (Ask(ids={"product_id": "waiting_id"}),),
    "POST /v1/products/{product_id}/stock": _one({"restock": 1}),
    "PUT /v1/products/{product_id}/image": (Ask(raw=("image/png", painted("PNG"))),),
    "GET /v1/wallet": (Ask(), Ask("of a guest", query={"guest": "{guest}"})),
    "POST /v1/wallet/deposits": (
        Ask(body=_EURO),
        Ask("to the owner", body={**_EURO, "user": "{user_id}"}),
        Ask("to a guest", body={**_EURO, "guest": "{guest}"}),
        Ask("to a guest, in another machine", body={**_EURO, "guest": "{guest}", "machine": 1}),
    ),
    "POST /v1/wallet/payout": (
        Ask(body={}),
        Ask("of the owner", body={"user": "{user_id}"}),
        Ask("of a guest", body={"guest": "{guest}"}),
        Ask("of a guest, in another machine", body={"guest": "{guest}", "machine": 1}),
    ),
    "POST /v1/machines/{machine_id}/screens": _one({"name": "Tablet"}),
    "POST /v1/wallet/transfers": _one({"to": "{payee_id}", "amount": 50}),
    "GET /v1/orders": (
        Ask(),
        Ask("everybody's", query={"whose": "all"}),
        Ask("of what is sold", query={"whose": "sold"}),
        Ask("of the owner", query={"whose": "all", "buyer": "{user_id}"}),
    ),
    "POST /v1/orders": (
        Ask(body={"lines": _WATER}),
        Ask("on the tab", body={"lines": _WATER, "payment": "tab"}),
        Ask("for a guest", body={"lines": _WATER, "guest": "{guest}"}),
        Ask("for a guest, in another machine", body={"lines": _WATER, "guest": "{guest}", "machine": 1}),
    ),
    "GET /v1/orders/{order_id}": (Ask("bought"), Ask("sold", ids={"order_id": "sold_id"})),
    "PATCH /v1/orders/{order_id}": (
        Ask("bought, cancelled", ids={"order_id": "placed_id"}, body={"status": "cancelled"}),
        Ask("bought, other lines", ids={"order_id": "placed_id"}, body={"lines": _WATER}),
        Ask("bought, handed out", ids={"order_id": "placed_id"}, body={"status": "dispensed"}),
        Ask("sold, cancelled", ids={"order_id": "ordered_id"}, body={"status": "cancelled"}),
        Ask("sold, handed out", ids={"order_id": "ordered_id"}, body={"status": "dispensed"}),
    ),
    "POST /v1/orders/{order_id}/refunds": (
        Ask("bought", body={}),
        Ask("sold", body={}, ids={"order_id": "sold_id"}),
        Ask("a guest's, in the machine", body={}, ids={"order_id": "hall_order_id"}),
        Ask("a guest's, in another machine", body={}, ids={"order_id": "first_order_id"}),
    ),
    "POST /v1/tabs/{user_id}/settlements": _one({"coins": {"50": 1}}),
    "POST /v1/earnings/{seller_id}/payouts": _one({"external_ref": "bank-1"}),
    "POST /v1/topups": _one({"user": "{user_id}", "amount": 100, "external_ref": "bank-1"}),
    "POST /v1/transfers/{transfer_id}/reversal": (
        Ask("a deposit", body={"reason": "typed wrong", "owe": True}),
        Ask("a top-up", body={"reason": "typed wrong"}, ids={"transfer_id": "topup_id"}),
    ),
    "POST /v1/guests/refunds": (Ask(body={"guest": "{guest}", "product": "{water_id}"}),),
    "POST /v1/guests/unclaimed": _one({"days": 30}),
    "POST /v1/machines": _one({"name": "yard"}),
    "GET /v1/machines/{machine_id}": (Ask("itself"), Ask("another", ids={"machine_id": "first_id"})),
    "PATCH /v1/machines/{machine_id}": _one({"name": "yard"}),
    "PUT /v1/machines/{machine_id}/shelves": _one({"shelves": [{"product": "{water_id}", "slot": "A2"}]}),
    "POST /v1/machines/{machine_id}/moves": (
        Ask("the house's", body={"product": "{water_id}", "quantity": 1, "to": 1}),
        Ask("the owner's", body={"product": "{product_id}", "quantity": 1, "to": 1}),
    ),
    "POST /v1/machines/{machine_id}/coins/fill": _one(_EURO),
    "POST /v1/machines/{machine_id}/coins/collect": _one(_EURO),
    "POST /v1/machines/{machine_id}/coins/count": _one(
        {"counted": [{"value": value, "count": 0} for value in (5, 10, 20, 50, 100)]}
    ),
    "GET /v1/reports/sales": (Ask(), Ask("of the owner", query={"seller": "{user_id}"})),
    "GET /v1/reports/statement": (
        Ask("wallet", query={"account": "wallet"}),
        Ask("earnings", query={"account": "earnings"}),
        Ask("wallet of the owner", query={"account": "wallet", "user": "{user_id}"}),
        Ask("earnings of the owner", query={"account": "earnings", "user": "{user_id}"}),
    ),
}


async def ask_with_cookie(scene: Scene, key: Key, ask: Ask, who: str) -> Answer:
    """As a script of our own pages asks: by the session's cookie."""
    headers, body = as_json(ask, scene.things[who])
    headers |= {"cookie": f"tuckshop={scene.people[who].secret}", "sec-fetch-site": "same-origin"}
    return await answered(scene, key.method, key.path, ask, who, headers, body)


async def _ask(scene: Scene, key: Key, ask: Ask, who: str) -> Answer:
    headers, body = as_json(ask, scene.things[who])
    headers = bearing(scene, who) | headers
    if ask.what == "with its own token":
        headers["authorization"] = f"Bearer {METRICS_TOKEN}"
    return await answered(scene, key.method, key.path, ask, who, headers, body)


def _routes(scene: Scene) -> list[tuple[str, str]]:
    return [(route.method, route.path) for route in scene.dispatcher._app.routes]


V1 = Interface("v1", "Who is answered what by /v1 and what stands beside it.", _routes, ASKS, _ask)
