"""A walk through the dialect, call by call: a guest, a drink, and back.

It needs the key of a machine that sells something refundable, the first of its list, for at most 5.00.
"""

from __future__ import annotations

from tuckshop.http.openapi import Step

_GUEST = {"user_name": "door-{{run}}"}
_FIRST = {"path_id": "{{cola_id}}"}
_KIOSK = "machine_key"

WALK = (
    Step("listProducts", by=_KIOSK, keep={"cola_id": "0.id", "cola": "0.name"}),
    Step(
        "addBalance", by=_KIOSK, path={"user_id": 0}, body={**_GUEST, "amount": 500}, keep={"guest_id": "id"}
    ),
    Step("buy", by=_KIOSK, path=_FIRST, body=_GUEST, keep={"order_id": "order_id"}),
    Step(
        "refund", by=_KIOSK, path=_FIRST, body={**_GUEST, "product_id": "{{cola_id}}"}, shows={"balance": 500}
    ),
    Step("refund", by=_KIOSK, path=_FIRST, body=_GUEST, status=404),
    Step("getUser", by=_KIOSK, path={"user_id": "{{guest_id}}"}, query=_GUEST, shows={"balance": 500}),
)
