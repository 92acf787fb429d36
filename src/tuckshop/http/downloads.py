"""Files to be saved, never shown: whoever could name a product would have a page at the shop's address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from starlette.responses import StreamingResponse

from tuckshop.http.response import Response
from tuckshop.imports import csv_files
from tuckshop.queries.reports import Rows

ROWS_AT_ONCE = 200  # Written in some 2 ms: a sale waits no longer than that.


def sheet(rows: Rows, name: str) -> Response[Any]:
    """A table for spreadsheets; `name` without its ending."""
    return _file("".join(csv_files.write(rows)).encode(), "text/csv", f"{name}.csv")


def long_sheet(rows: AsyncIterator[Sequence[object]], name: str) -> StreamingResponse:
    """As `sheet`, sent while it is read: however many rows there are, a few are in memory."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(_lines(rows), media_type="text/csv", headers=headers)


def document(content: Any, name: str) -> Response[Any]:
    """Whatever it is, as JSON that people can read too; `name` without its ending."""
    written = msgspec.json.format(msgspec.json.encode(content))
    return _file(written, "application/json", f"{name}.json")


async def _lines(rows: AsyncIterator[Sequence[object]]) -> AsyncIterator[bytes]:
    some: list[Sequence[object]] = []
    async for row in rows:
        some.append(row)
        if len(some) == ROWS_AT_ONCE:
            yield "".join(csv_files.write(some)).encode()
            some.clear()
    yield "".join(csv_files.write(some)).encode()


def _file(content: bytes, media_type: str, name: str) -> Response[Any]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
