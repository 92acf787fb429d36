"""What stands in bodies, paths and answers, whatever the contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from tuckshop.domain.money import PRICE_CENTS_MAX
from tuckshop.domain.products import PRODUCT_NAME_LENGTH_MAX, QUANTITY_MAX, REASON_LENGTH_MAX
from tuckshop.domain.users import (
    EMAIL_LENGTH_MAX,
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    USERNAME_LENGTH_MAX,
)
from tuckshop.identity.passwords import FIRST_TRIED

ID_MAX = 2**63 - 1

Id = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, examples=[1])]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
PathId = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX)]

# Unicode's Cc, Cf, Zl and Zp, which regular expressions cannot name everywhere, and what is drawn as nothing.
_INVISIBLE = (
    "\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd"
    "\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f\u034f\u115f-\u1160\u17b4-\u17b5\u2800\u3164\uffa0"
)
NAME_PATTERN = f"^[^\\s/{_INVISIBLE}]([^/{_INVISIBLE}]*[^\\s/{_INVISIBLE}])?$"
"""The rule of `domain.users.check_name`, for documents."""
TEXT_PATTERN = r"^[^\x00]*$"
EMAIL_PATTERN = f"^[^\\s@/{_INVISIBLE}]+@[^\\s@/{_INVISIBLE}]+$"


def name_meta(length_max: int, *, example: str, description: str | None = None) -> msgspec.Meta:
    """What documents say of a name. Only its length is checked here; the domain checks the rest."""
    return msgspec.Meta(
        min_length=1,
        max_length=length_max,
        description=description,
        examples=[example],
        extra_json_schema={"pattern": NAME_PATTERN},
    )


Username = Annotated[
    str,
    name_meta(
        USERNAME_LENGTH_MAX,
        example="ada",
        description="Without slashes, invisible characters, and space at the ends; case does not count.",
    ),
]
Password = Annotated[
    str,
    msgspec.Meta(
        max_length=PASSWORD_LENGTH_MAX,
        examples=["correct horse"],
        extra_json_schema={"pattern": TEXT_PATTERN},
    ),
]
NewPassword = Annotated[
    str,
    msgspec.Meta(
        min_length=PASSWORD_LENGTH_MIN,
        max_length=PASSWORD_LENGTH_MAX,
        description="Not one of the most common passwords.",
        examples=["correct horse"],
        extra_json_schema={"pattern": TEXT_PATTERN, "not": {"enum": sorted(FIRST_TRIED)}},
    ),
]
Email = Annotated[
    str,
    msgspec.Meta(
        min_length=3,
        max_length=EMAIL_LENGTH_MAX,
        examples=["ada@example.org"],
        extra_json_schema={"pattern": EMAIL_PATTERN},
    ),
]


ProductName = Annotated[
    str,
    name_meta(
        PRODUCT_NAME_LENGTH_MAX,
        example="Cola",
        description="Without slashes, invisible characters, and space at the ends; unique while on sale.",
    ),
]
Price = Annotated[int, msgspec.Meta(ge=1, le=PRICE_CENTS_MAX, examples=[150])]
Stock = Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX, examples=[10])]
Pieces = Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX, examples=[12])]
Reason = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=REASON_LENGTH_MAX,
        examples=["delivery 17"],
        extra_json_schema={"pattern": TEXT_PATTERN},
    ),
]


class ResponseBody(msgspec.Struct, kw_only=True):
    """An answer's JSON object."""


def moment(us: int) -> datetime:
    """Microseconds since 1970 as a time with its zone."""
    return datetime.fromtimestamp(us / 1_000_000, tz=UTC)
