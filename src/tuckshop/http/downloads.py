"""Files to be saved, never shown: whoever could name a product would have a page at the shop's address."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response

from tuckshop.services import sheets
from tuckshop.services.reports import Rows


def sheet(rows: Rows, name: str) -> Response[Any]:
    """A table for spreadsheets; `name` without its ending."""
    return _file("".join(sheets.write(rows)).encode(), "text/csv", f"{name}.csv")


def document(content: Any, name: str) -> Response[Any]:
    """Whatever it is, as JSON that people can read too; `name` without its ending."""
    written = msgspec.json.format(msgspec.json.encode(content))
    return _file(written, "application/json", f"{name}.json")


def _file(content: bytes, media_type: str, name: str) -> Response[Any]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
