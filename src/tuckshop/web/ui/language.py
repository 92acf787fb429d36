"""The switch from one language to another."""

from __future__ import annotations

from tuckshop.http import cookies
from tuckshop.http.errors import Malformed
from tuckshop.http.handlers import post
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.web.ui import forms
from tuckshop.web.ui import i18n as texts

SECONDS = 400 * 86_400  # As long as browsers keep any cookie.


@post("/language", status_code=303)
async def choose(request: Call) -> Response[None]:
    """The language that was pressed, and back to where it was."""
    posted = await forms.read(request, "language", "back")
    if posted["language"] not in texts.languages():
        raise Malformed(("language", "is not one of ours"), status=400)
    response = forms.to_page(forms.own_path(posted["back"]))
    cookies.put(response, request, texts.COOKIE, posted["language"], seconds=SECONDS)
    return response
