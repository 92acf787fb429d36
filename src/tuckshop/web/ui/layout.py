"""Pages: put together from a template, in the reader's language, with what browsers must be told of them."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from tuckshop.http import browser_login, cookies
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.web.ui import assets, forms, i18n, visitors
from tuckshop.web.ui.labels import Labels

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
"""Of every page; what every answer has, the middleware adds."""


def page(request: ShopRequest, template: str, *, status: int = 200, **shown: Any) -> Response[str]:
    """The template with what is shown in it."""
    words = i18n.of(request)
    currency = request.shop.currency
    zone = request.shop.till.policy.days.timezone
    seed = browser_login.seed(request)
    content = (
        _templates()
        .get_template(template)
        .render(
            _=words.gettext,
            gettext=words.gettext,
            ngettext=words.ngettext,
            money=lambda cents: words.money(cents, currency),
            plain=lambda cents: words.plain(cents, currency),
            when=lambda instant_us: words.when(instant_us, zone),
            on=lambda instant_us: words.on(instant_us, zone),
            day=words.day,
            called=Labels(words),
            language=words.language,
            languages=i18n.languages(),
            shop_name=request.settings.shop_name,
            here=here(request),
            path=request.scope["path"],
            is_at_kiosk=cookies.read(request, visitors.SCREEN) is not None,
            form_token=browser_login.form_token(request, seed=seed),
            **shown,
        )
    )
    response = Response(content, status_code=status, media_type="text/html", headers=dict(HEADERS))
    browser_login.keep_seed(response, request, seed=seed)
    return response


def here(request: ShopRequest) -> str:
    """The address of the page that is looked at: of a posted form, that of the page on which it stood."""
    if request.method == "GET":
        query: bytes = request.scope["query_string"]
        path = request.scope["path"]
        return forms.own_path(f"{path}?{query.decode('latin-1')}" if query else path)
    try:
        from_page = urlsplit(request.headers.get("referer", ""))
    except ValueError:  # What no browser sends: an address such as `http://[`.
        return "/"
    return forms.own_path(f"{from_page.path}?{from_page.query}" if from_page.query else from_page.path)


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("tuckshop.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_null_translations(newstyle=True)  # type: ignore[attr-defined] # A page brings its language's.
    made.globals.update(asset=assets.path)
    return made
