"""The pages and their forms, asked by browsers: with the session's cookie, a guest's, or a machine's."""

from __future__ import annotations

from typing import Any

from tests.access.requests import Answer, Ask, answered, as_form, browsing
from tests.access.scene import PAIRING_CODE, PASSWORD, Scene
from tests.access.tables import Interface, Key
from tests.api.pictures import painted
from tuckshop.web.ui import assets, uploads

_KEY = {"key": "k" * 22}
_PICTURE = {uploads.PICTURE: ("a.png", "image/png", painted("PNG"))}
_PRODUCT = {"name": "tea", "price": "0.50", "refundable": "on"}
_COINS = {"coin-100": "1"}
_COUNTED = {f"coin-{value}": "0" for value in (5, 10, 20, 50, 100)}
_PICK = {**_KEY, "pick": "{water_id}", "change": "keep"}
_BOUGHT = {"order": "order_id"}
_PLACED = {"order": "placed_id"}
_SOLD = {"order": "sold_id"}
_ORDERED = {"order": "ordered_id"}
_WATER = {"product": "water_id"}


def _one(body: Any = None, **more: Any) -> tuple[Ask, ...]:
    return (Ask(body=body, **more),)


_STOREFRONT: dict[str, tuple[Ask, ...]] = {
    "POST /m/{machine}/coins": _one({**_PICK, "coin": "100"}),
    "POST /m/{machine}/buy": _one({**_PICK, "total": "50"}),
    "POST /m/{machine}/return": _one(_PICK),
    "POST /m/{machine}/undo": _one({**_PICK, "order": "{undone_id}"}),
    "POST /kiosk": _one({"code": PAIRING_CODE}),
    "GET /static/{name}": _one(ids={"name": "asset"}),
    "POST /language": _one({"language": "de", "back": "/"}),
}
_ACCOUNT: dict[str, tuple[Ask, ...]] = {
    "POST /login": _one({"username": "{me}", "password": PASSWORD}),
    "POST /login/others": _one({"next": ""}),
    "POST /register": _one(
        {"username": "newcomer", "password": PASSWORD, "again": PASSWORD, "roles": "buyer"}
    ),
    "GET /account/orders/{order}": (Ask("bought", ids=_BOUGHT), Ask("sold", ids=_SOLD)),
    "POST /account/orders/{order}/give-back": _one({**_KEY, "product": "{water_id}"}, ids=_BOUGHT),
    "POST /account/orders/{order}/cancel": _one(_KEY, ids=_PLACED),
    "POST /account/send": _one({**_KEY, "to": "{payee}", "amount": "0.50"}),
    "POST /account/tokens": _one({"name": "reader", "days": "30", "scope-read": "on"}),
    "POST /account/second-factor/enable": _one({"code": "{code}"}, state="begun"),
    "POST /account/second-factor/codes": _one(state="codes"),
    "POST /account/second-factor/off": _one(state="codes"),
    "POST /account/profile": _one({"username": "{me}", "email": "me@example.org"}),
    "POST /account/password": _one(
        {"current_password": PASSWORD, "password": "battery staple", "again": "battery staple"}
    ),
    "POST /account/close": _one({**_KEY, "name": "{me}"}, state="people"),
}
_DESK: dict[str, tuple[Ask, ...]] = {
    "POST /desk/products/new": _one({**_KEY, **_PRODUCT, "stock": "1"}, files=_PICTURE),
    "GET /desk/orders/{order}": (Ask("sold", ids=_SOLD), Ask("bought", ids=_BOUGHT)),
    "POST /desk/orders/{order}/refund": _one({**_KEY, "product": "all", "way": "shelf"}, ids=_SOLD),
    "POST /desk/orders/{order}/hand-out": _one(_KEY, ids=_ORDERED),
    "POST /desk/orders/{order}/fail": _one(_KEY, ids=_ORDERED),
    "POST /desk/file": _one(
        {**_KEY, "machine": "1"}, files={"file": ("a.csv", "text/csv", b"name,price\ntea,1.00\n")}
    ),
    "POST /desk/file/take": _one({"machine": "1", "upload": "{upload}"}),
    "POST /desk/file/undo": _one({"upload": "{imported}"}),
}
_OFFICE: dict[str, tuple[Ask, ...]] = {
    "POST /office/users/{user}/roles": _one({"role-buyer": "on", "role-admin": "on"}),
    "POST /office/users/{user}/state": _one({"state": "disabled"}),
    "POST /office/users/{user}/tab": _one({"limit": "5.00"}),
    "POST /office/users/{user}/payout-delay": _one({"days": "0"}),
    "POST /office/refunds/{order}/dismiss": _one({"seller": "{seller}"}, ids=_BOUGHT),
    "POST /office/users/{user}/selling": _one({"products": "", "pieces": "20000", "picture_bytes": ""}),
    "POST /office/users/{user}/second-factor": _one(state="codes"),
    "POST /office/users/{user}/close": _one({**_KEY, "name": "{username}"}, state="people"),
    "GET /office/orders/{order}": _one(ids=_BOUGHT),
    "POST /office/orders/{order}/refund": _one(
        {**_KEY, "stock": "restock", "pieces-{water_id}": "1"}, ids=_BOUGHT
    ),
    "POST /office/orders/{order}/hand-out": _one(_KEY, ids=_PLACED),
    "POST /office/orders/{order}/cancel": _one(_KEY, ids=_PLACED),
    "POST /office/products/new": _one(
        {**_KEY, **_PRODUCT, "stock": "1", "machine": "1", "seller": ""}, files=_PICTURE
    ),
    "POST /office/machines": _one({"name": "yard", "timezone": "UTC", "box_kind": "counted"}),
    "POST /office/machines/{machine}/settings": _one(
        {
            "name": "yard",
            "timezone": "UTC",
            "box_kind": "counted",
            "coin_input": "drawn",
            "fulfil": "either",
            "deposit_max": "50",
            "hourly_deposit_max": "200",
        }
    ),
    "POST /office/machines/{machine}/screens": _one({"screen": "Tablet"}),
    "POST /office/machines/{machine}/shelves": _one({"product": "water"}),
    "GET /office/machines/{machine}/shelves/{product}": _one(ids=_WATER),
    "POST /office/machines/{machine}/shelves/{product}/plan": _one(
        {**_KEY, "seen": '["A1",50,8,50]', "slot": "A1", "capacity": "9", "par_level": "8", "price": "0.50"},
        ids=_WATER,
    ),
    "POST /office/machines/{machine}/shelves/{product}/restock": _one({**_KEY, "quantity": "1"}, ids=_WATER),
    "POST /office/machines/{machine}/shelves/{product}/move": _one(
        {**_KEY, "quantity": "1", "to": "1"}, ids=_WATER
    ),
    "POST /office/machines/{machine}/coins/fill": _one({**_KEY, **_COINS}),
    "POST /office/machines/{machine}/coins/collect": _one({**_KEY, **_COINS}),
    "GET /office/machines/{machine}/coins/count": _one(query=_COUNTED),
    "POST /office/machines/{machine}/coins/count": _one({**_KEY, **_COUNTED, "expected": "{hall_coins}"}),
    "POST /office/payouts/{seller}": _one({**_KEY, "external_ref": "bank-1"}),
    "POST /office/topups": _one({**_KEY, "user": "{username}", "amount": "1.00", "external_ref": "bank-1"}),
    "POST /office/transfers/{transfer}/reverse": (
        Ask("a deposit", body={**_KEY, "reason": "typed wrong", "owe": "on"}),
        Ask("a top-up", body={**_KEY, "reason": "typed wrong"}, ids={"transfer": "topup_id"}),
    ),
    "POST /office/tabs/{user}/coins": _one({**_KEY, "machine": "1", "coin-50": "1"}),
    "POST /office/tabs/{user}/bank": _one({**_KEY, "amount": "0.50", "external_ref": "bank-1"}),
    "POST /office/counter/deposit": _one(
        {**_KEY, **_COINS, "machine": "1", "who": "user", "name": "{username}"}
    ),
    "POST /office/counter/pay-out": _one({**_KEY, "machine": "1", "who": "user", "name": "{username}"}),
    "POST /office/left-behind": _one({"days": "30"}),
}
_PRODUCTS: dict[str, tuple[Ask, ...]] = {
    f"POST /{room}/products/{{product}}{path}": asks
    for room in ("desk", "office")
    for path, asks in {
        "": _one({**_KEY, **_PRODUCT, "version": "{version}"}),
        "/picture": _one(_KEY, files=_PICTURE),
        "/picture/remove": _one(_KEY),
        "/stock": _one({**_KEY, "what": "came", "pieces": "1", "machine": "1"}),
        "/remove": _one(_KEY),
    }.items()
} | {"POST /office/products/{product}/approve": _one(_KEY, ids={"product": "waiting_id"})}


async def _ask(scene: Scene, key: Key, ask: Ask, who: str) -> Answer:
    headers, token = browsing(scene, who)
    things, body = scene.things[who], b""
    if key.method == "POST":
        kind, body = as_form(ask, things, token)
        headers |= kind
    scene.things[who]["asset"] = assets.path("machine.css").removeprefix("/static/")
    return await answered(scene, key.method, key.path, ask, who, headers, body)


def _routes(scene: Scene) -> list[tuple[str, str]]:
    return [(route.method, route.path) for route in scene.dispatcher._pages.routes]


PAGES = Interface(
    "pages",
    "Who is shown which page, and whose forms are taken.",
    _routes,
    _STOREFRONT | _ACCOUNT | _DESK | _OFFICE | _PRODUCTS,
    _ask,
)
