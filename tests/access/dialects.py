"""The older contracts, each asked as its own clients ask, mounted under /dialects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.access.requests import Answer, Ask, answered, as_json, bearing
from tests.access.scene import MACHINE_KEY, PASSWORD, Scene
from tests.access.tables import Interface, Key
from tuckshop.dialects.shared import mounting

_BASKET = {"products": [{"id": "{water_id}", "quantity": 1}]}
_GUEST = {"user_name": "{guest}"}
_NAMED = {"username": "{me}", "password": PASSWORD}
_NEW = {"username": "newcomer", "password": PASSWORD, "role": "buyer"}
_PEOPLE_ALONE = Ask(state="people")  # Who has money or owes some cannot leave.
_REFRESH = {"refresh": "{refresh}"}
_OTHER_EMAIL = {"email": "me@example.org"}
_OTHER_PASSWORD = {"password": "battery staple"}
_CURRENT = {"current_password": PASSWORD}
_CHANGES = (
    Ask("name", body={"username": "somebody"}),
    Ask("email", body=_OTHER_EMAIL),
    Ask("email, with the password", body={**_OTHER_EMAIL, **_CURRENT}),
    Ask("password", body=_OTHER_PASSWORD),
    Ask("password, with the current one", body={**_OTHER_PASSWORD, **_CURRENT}),
)
"""What may be said of a user. Nobody's session is fresh here."""


def _one(body: Any) -> tuple[Ask, ...]:
    return (Ask(body=body),)


_APP_DEMO = {
    "POST /api/register": _one({"name": "newcomer", "password": PASSWORD}),
    "POST /api/token": _one({"name": "{me}", "password": PASSWORD}),
    "POST /api/token/refresh": _one(_REFRESH),
    "POST /api/product": _one({"name": "tea", "price": "0.50", "stock": 1}),
    "PUT /api/product/{product_id}": _one({"price": "0.60"}),
    "POST /api/order": _one(_BASKET),
}
_KIOSK = {
    "POST /api/v1/products/{path_id}/buy": _one(_GUEST),
    "POST /api/v1/products/{path_id}/refund": _one(_GUEST),
    "POST /api/v1/users/{user_id}/add_balance": (
        Ask(body={**_GUEST, "amount": 100}, ids={"user_id": "guest_id"}),
    ),
    "GET /api/v1/users/{user_id}": (Ask(query=_GUEST, ids={"user_id": "guest_id"}),),
}
_SHOP = {
    "POST /api/token": _one(_NAMED),
    "POST /api/token/refresh": _one(_REFRESH),
    "POST /api/orders": _one(_BASKET),
    "POST /api/orders/{order_id}": (Ask(body=_BASKET, ids={"order_id": "new_basket"}),),
    "GET /api/orders/{order_id}": (Ask("by number"), Ask("by name", ids={"order_id": "basket"})),
    "PATCH /api/orders/{order_id}": (
        Ask("by number", body={"status": "cancelled"}, ids={"order_id": "placed_id"}),
        Ask("by name", body={"status": "cancelled"}, ids={"order_id": "basket"}),
    ),
}
_SIMPLE_PAYMENT = {
    "POST /api/create_user": _one({**_NEW, "email": "new@example.org"}),
    "POST /api/get_token": _one(_NAMED),
    "PATCH /api/user/{username}": _CHANGES,
    "DELETE /api/user/{username}": (_PEOPLE_ALONE,),
    "POST /api/products": _one({"name": "tea", "cost": 50, "amount": 1}),
    "PUT /api/product/{name}": _one({"cost": 55}),
    "PATCH /api/buyer/deposit": _one({"deposit": 5}),
    "POST /api/buyer/buy": _one({"name": "water"}),
}
_VENDING = {
    "POST /auth/login": _one(_NAMED),
    "POST /auth/logout-all": _one(_NAMED),
    "POST /logout/all": _one(_NAMED),
    "POST /auth/refresh": _one(_REFRESH),
    "POST /users": _one(_NEW),
    "POST /user": _one(_NEW),
    "PUT /users/{user_id}": _CHANGES,
    "PUT /user/{user_id}": _CHANGES,
    "PATCH /users/{user_id}": _CHANGES,
    "PATCH /user/{user_id}": _CHANGES,
    "DELETE /users/{user_id}": (_PEOPLE_ALONE,),
    "DELETE /user/{user_id}": (_PEOPLE_ALONE,),
    "POST /wallet/deposit": _one({"coin": 5}),
    "POST /deposit": _one({"coin": 5}),
    "POST /wallet/buy": _one({"productId": "{water_id}", "amount": 1}),
    "POST /buy": _one({"productId": "{water_id}", "amount": 1}),
    "POST /product": _one({"productName": "tea", "cost": 50, "amountAvailable": 1}),
    "PUT /product/{product_id}": _one({"productName": "tea", "cost": 50, "amountAvailable": 1}),
    "PATCH /product/{product_id}": _one({"cost": 55}),
}
_AT = {
    "app-demo": _APP_DEMO,
    "kiosk": _KIOSK,
    "shop": _SHOP,
    "simple-payment": _SIMPLE_PAYMENT,
    "vending-challenge": _VENDING,
}


def _asks() -> Iterator[tuple[str, tuple[Ask, ...]]]:
    """By whole path; a vending machine's paths stand at its root and under /api/v1."""
    for name, asks in _AT.items():
        prefix = f"/dialects/{name}"
        unused = set(asks)
        for route in mounting.find(name).app(prefix=prefix).routes:
            inside = route.path.removeprefix(prefix)
            if name == "vending-challenge":
                inside = inside.removeprefix("/api/v1")
            short = f"{route.method} {inside}"
            if short in asks:
                unused.discard(short)
                yield f"{route.method} {route.path}", asks[short]
        assert not unused, f"no route of {name} takes {sorted(unused)}"


async def _ask(scene: Scene, key: Key, ask: Ask, who: str) -> Answer:
    headers, body = as_json(ask, scene.things[who])
    return await answered(scene, key.method, key.path, ask, who, _credential(scene, key, who) | headers, body)


def _credential(scene: Scene, key: Key, who: str) -> dict[str, str]:
    """As the contract wants it: of a kiosk's machine the key, of simple payment the opaque token."""
    dialect = key.path.split("/")[2]
    if dialect == "kiosk" and who == "machine":
        return {"x-kiosk-key": MACHINE_KEY}
    if dialect == "simple-payment" and who in scene.people:
        return {"authorization": f"Token {scene.people[who].secret}"}
    return bearing(scene, who)


def _routes(scene: Scene) -> list[tuple[str, str]]:
    return [
        (route.method, route.path)
        for application in scene.dispatcher._mounted.values()
        for route in application.routes
    ]


DIALECTS = Interface("dialects", "Who is answered what by the older contracts.", _routes, dict(_asks()), _ask)
