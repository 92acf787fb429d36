"""Errors as pages, for those who look at them with a browser."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from html import escape

import msgspec
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from tuckshop.http.content_negotiation import prefers_pages
from tuckshop.http.response import Response

_STYLE = """
:root { color-scheme: light dark;
  --ink: #1c2733; --soft: #5b6875; --paper: #f3f5f7; --card: #fff; --line: #d9dfe5 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf2; --soft: #a3b0bd; --paper: #12181f; --card: #1b232c; --line: #303c48 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  font: 1.125rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
main { max-width: 32rem; padding: 2.5rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1rem }
.status { margin: 0; font-weight: 600; letter-spacing: .08em; color: var(--soft) }
h1 { margin: .25rem 0 1rem; font-size: 2rem; line-height: 1.2 }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
a { display: inline-block; padding: .6rem 0; color: inherit; font-weight: 600 }
"""
_PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{title}}</title>
<style>{_STYLE.replace("{", "{{").replace("}", "}}")}</style>
<main>
<p class="status">{{status}}</p>
<h1>{{title}}</h1>
<p>{{detail}}</p>
<a href="/">To the beginning</a>
</main>
</html>
"""
_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)


class EitherWay(Response[bytes]):
    """An error that was told as JSON: for browsers, its sentence on a page."""

    def __init__(self, told: Response[bytes], *, title: str) -> None:
        headers = {**told.headers, "Vary": "Accept"}
        super().__init__(bytes(told.body), told.status_code, headers=headers)
        self._title = title

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the one or the other."""
        if not prefers_pages(", ".join(Headers(scope=scope).getlist("accept"))):
            await super().__call__(scope, receive, send)
            return
        detail = escape(msgspec.json.decode(self.body)["detail"])
        page = _PAGE.format(status=self.status_code, title=escape(self._title), detail=detail)
        kept = {name: value for name, value in self.headers.items() if not name.startswith("content-")}
        headers = {**kept, "Content-Security-Policy": POLICY}
        await Response(page, self.status_code, headers=headers, media_type="text/html")(scope, receive, send)
