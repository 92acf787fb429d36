"""What a call takes, wherever it stands: in a JSON object, in a form, in the query, each thing once."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeVar, get_type_hints
from urllib.parse import parse_qsl

import msgspec

from tuckshop.http import multipart
from tuckshop.http.errors import Malformed, complaint
from tuckshop.http.openapi import FORMS
from tuckshop.http.request import Body, ShopRequest

FIELDS_MAX = 10  # No call takes more than three.
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_URLENCODED, _MULTIPART = FORMS

Asked = TypeVar("Asked", bound=Body)


async def read(request: ShopRequest, kind: type[Asked], **query: Any) -> Asked:
    """The call's parameters. `kind`: all its fields are None by default; `query`: those that the address had.

    Raises:
        Malformed: given twice, not known here, or not what the type says; or a body of another media type.
    """
    body = await request.body()
    declared = request.given(b"content-type")
    media_type = declared[0].partition(b";")[0].strip().lower().decode("latin-1") if declared else ""
    if not body:
        read = kind()
    elif len(declared) == 1 and media_type in FORMS:
        read = _converted(_fields(request, body, media_type), kind)
    elif media_type != "application/json":
        raise Malformed(("Content-Type", f"must be application/json, {' or '.join(FORMS)}"), status=415)
    else:
        read = await request.parsed(kind)
    for name, value in query.items():
        if value is not None:
            if getattr(read, name) is not None:
                raise Malformed((name, "must be given only once"))
            setattr(read, name, value)
    return read


def _fields(request: ShopRequest, body: bytes, media_type: str) -> list[tuple[str, str]]:
    try:
        if media_type == _URLENCODED:
            return parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=FIELDS_MAX,
            )
        parts = multipart.read(body, request.given(b"content-type")[0])
        if any(part.filename is not None for part in parts):
            raise Malformed(("body", "must not contain files"))
        return [(part.name, part.text) for part in parts]
    except ValueError:
        raise Malformed(("body", f"must be {media_type}")) from None


def _converted(fields: list[tuple[str, str]], kind: type[Asked]) -> Asked:
    """Texts as what they stand for; numbers are written as we write them."""
    values: dict[str, Any] = {}
    for name, text in fields:
        if name in values:
            raise Malformed((name, "must be given only once"))
        if name in _numbers(kind) and not _WHOLE.fullmatch(text):
            raise Malformed((name, "must be a whole number"))
        values[name] = int(text) if name in _numbers(kind) else text
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise Malformed(complaint(str(error))) from None


@cache
def _numbers(kind: type[Body]) -> frozenset[str]:
    return frozenset(name for name, hint in get_type_hints(kind).items() if hint == int | None)
