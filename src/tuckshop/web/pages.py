"""Pages: put together from a template, in the reader's language, with what browsers must be told of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response

from tuckshop.http import browser
from tuckshop.http.calls import Call
from tuckshop.web import assets, texts

# Nothing inline, nothing from elsewhere, and nobody may frame it: a press on a page moves money.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
    "Vary": "Accept-Language, Cookie",
}
"""Of every page; what every answer has, `http.edge` adds."""


def page(request: Call, template: str, *, status: int = 200, **shown: Any) -> Response[str]:
    """The template with what is shown in it."""
    words = texts.of(request)
    currency = request.shop.currency
    seed = browser.seed(request)
    content = (
        _templates()
        .get_template(template)
        .render(
            say=words.say,
            money=lambda cents: words.money(cents, currency),
            language=words.language,
            shop_name=request.app.state.settings.shop_name,
            here=here(request),
            form_token=browser.form_token(request, seed=seed),
            **shown,
        )
    )
    response = Response(content, status_code=status, media_type="text/html", headers=dict(HEADERS))
    browser.keep_seed(response, request, seed=seed)
    return response


def here(request: Call) -> str:
    """The address of the page, for a form that leads back to it."""
    if request.method != "GET":
        return "/"
    query: bytes = request.scope["query_string"]
    path = request.scope["path"]
    return f"{path}?{query.decode('latin-1')}" if query else path


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("tuckshop.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(asset=assets.path, languages=texts.LANGUAGES)
    return made
