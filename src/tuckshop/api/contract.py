"""/v1 as a document: what its handlers cannot say of themselves."""

from __future__ import annotations

from tuckshop.api.problems import PROBLEMS
from tuckshop.api.walkthrough import WALK
from tuckshop.http.openapi import Contract, one_of

_ABOUT = """\
Prepaid shop and vending backend. Amounts are whole numbers of minor units (cents), times
are RFC 3339 in UTC. Every error is a problem (RFC 9457) whose `type` never changes. Requests are read
strictly: unknown or repeated names, wrong types and wrong media types are refused. Responses are
JSON whatever `Accept` says. Pages of the shop itself may send a session cookie instead of a token; it is
refused from other sites, or together with a token. Lists come in pages: send `next` of one page as
`cursor` of the next.
"""
_TAGS = {
    "users": "Users: registration, profile, roles.",
    "auth": "Log-in, log-out, sessions and tokens.",
    "products": "Products on sale, their stock and pictures.",
    "wallet": "Wallets: deposits, payouts, statements.",
    "orders": "Orders and refunds.",
    "tabs": "Tabs: what buyers owe.",
    "earnings": "Earnings of sellers and their payouts.",
    "topups": "Top-ups by bank transfer.",
    "transfers": "Correcting mistakes.",
    "guests": "Guests: wallets without a log-in.",
    "machines": "Machines: shelves and coin boxes.",
    "admin-log": "Changes by admins, cashiers and the operator.",
    "reports": "Sales, earnings and statements.",
    "audit": "Audit of all balances, coins, stock and orders.",
    "events": "Live events.",
    "health": "For load balancers and supervisors.",
}
_PROBLEM = {
    "title": "Problem",
    "description": "A problem (RFC 9457). A refusal's facts are further members.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri", "pattern": "^urn:tuckshop:problem:[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "description": "The fields that are wrong, for invalid requests.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                "required": ["field", "reason"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}


# Null is as good as nothing.
_NOT_BOTH = {
    "not": {
        "required": ["user", "guest"],
        "properties": {"user": {"type": "integer"}, "guest": {"type": "string"}},
    }
}
_RULES = {
    "StockBody": one_of("restock", "correct"),
    "ChangeOrderBody": one_of("lines", "status"),
    "SettleTabBody": one_of("bank", "coins"),
    "DepositBody": _NOT_BOTH,
    "PayOutBody": _NOT_BOTH,
}


def _tag(path: str) -> str:
    name = path.removeprefix("/v1").split("/")[1]
    return "products" if name == "images" else name


V1 = Contract(
    title="Tuckshop",
    summary="A prepaid shop in which every coin is accounted for",
    about=_ABOUT,
    tags=_TAGS,
    errors=PROBLEMS,
    error=("Problem", _PROBLEM),
    schemes={
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access` token of `POST /v1/auth/login`, or an API token of "
            "`POST /v1/auth/tokens`, which does what its scopes allow.",
        },
        "machine": {
            "type": "http",
            "scheme": "Machine",
            "description": "The `key` of `POST /v1/machines/{machine_id}/key`, for its own coins "
            "and its guests.",
        },
    },
    logins={
        "needed": [{"bearer": []}],
        "session": [{"bearer": []}],
        "attester": [{"bearer": []}, {"machine": []}],
        "optional": [{"bearer": []}, {}],
        "none": [],
    },
    rules=_RULES,
    tag_part=_tag,
    walk=WALK,
)
