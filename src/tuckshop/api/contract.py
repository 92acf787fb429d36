"""/v1 as a document: what its handlers cannot say of themselves."""

from __future__ import annotations

from tuckshop.api.problems import PROBLEMS
from tuckshop.api.walkthrough import WALK
from tuckshop.http.openapi import Contract, one_of

_ABOUT = """\
A prepaid shop in which every coin is accounted for. Amounts are whole numbers of minor units (cents), times
are RFC 3339 in UTC. Every error is a problem (RFC 9457) whose `type` never changes. Requests are read
strictly: unknown or repeated names, wrong types and wrong media types are refused, whoever asks. Answers are
JSON whatever `Accept` says. Instead of a token, pages of the shop's own may bring a log-in's cookie; from
other pages, or with a token, it is refused. Lists are read page by page: give `next` of one page as `cursor`
of the next.
"""
_TAGS = {
    "users": "People and their accounts.",
    "auth": "Logging in, staying logged in, logging out.",
    "products": "What is on sale, its stock and its pictures.",
    "wallet": "Money of buyers: in, out, and the statement.",
    "orders": "Buying and giving back.",
    "tabs": "What buyers owe.",
    "earnings": "What sellers have earned, and paying it.",
    "topups": "Money from the bank into a wallet.",
    "guests": "People without a log-in, whom machines know by a name.",
    "machines": "Places of sale: their shelves and their coin boxes.",
    "admin-log": "What admins, cashiers and the operator did.",
    "reports": "What was sold and earned, and statements.",
    "audit": "Whether the books are right.",
    "events": "What changes, as it happens.",
    "health": "For load balancers and supervisors.",
}
_PROBLEM = {
    "title": "Problem",
    "description": "Why not (RFC 9457). A refusal's facts stand beside these members, under their own names.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri", "pattern": "^urn:tuckshop:problem:[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "description": "What is wrong where, for requests that cannot be read.",
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
        "witness": [{"bearer": []}, {"machine": []}],
        "optional": [{"bearer": []}, {}],
        "none": [],
    },
    rules=_RULES,
    tag_part=_tag,
    walk=WALK,
)
