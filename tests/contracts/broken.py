"""Bodies that are none, whatever the contract."""

from __future__ import annotations

from tests.contracts.conftest import Client

_JSON = {"Content-Type": "application/json"}
_BROKEN = (
    b"",
    b"{",
    b"null",
    b'"x"',
    b"[]",
    b"{'coin': 5}",
    b'{"coin": NaN}',
    b"\xff\xfe",
    b"[" * 30_000,
    b'{"x":' * 6_000,
    b'{"coin": 5, "coin": 5}',
    b'{"x": "\\u0000"}',
    b'{"x": "\\ud800"}',
    b'{"\\ud800": 1}',
)


async def refuses_what_is_no_body(client: Client, method: str, path: str) -> None:
    """Each is told to be no body, in the contract's own words."""
    for content in _BROKEN:
        await client.says(method, path, status=400, content=content, headers=_JSON)
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp"):
        headers = {"Content-Type": media_type}
        await client.says(method, path, status=415, content=b'{"coin": 5}', headers=headers)
    await client.says(method, path, status=413, content=b" " * 70_000, headers=_JSON)
