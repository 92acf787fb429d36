"""What goes wrong, as a page in the shop's look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.types import Receive, Scope, Send

from tuckshop.domain.refusals import Refusal, SessionEnded
from tuckshop.http.errors import Errors
from tuckshop.http.refusal_rows import TABLE
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.till.sql.books import OutcomeUnknown
from tuckshop.web.ui import flash, forms, i18n, layout, refusal_texts
from tuckshop.web.ui.flash import Mood
from tuckshop.web.ui.i18n import N_, Words

_UNREADABLE = N_("The request could not be read. Go back and try again.")
_BROKEN = N_("Something went wrong on our side. Check your orders before you try again.")
HTTP_ERRORS: Mapping[int, tuple[str, str]] = {
    400: (N_("Bad request"), _UNREADABLE),
    401: (N_("Not logged in"), N_("Log in to continue.")),
    403: (N_("Not allowed"), N_("You do not have access to this page.")),
    404: (N_("Not found"), N_("This page does not exist.")),
    405: (N_("Method not allowed"), N_("This address does not support that. Go back to the machine.")),
    406: (N_("Not acceptable"), _BROKEN),
    408: (N_("Request timeout"), N_("The request took too long. Try again.")),
    413: (N_("Body too large"), N_("The request is too large. Send less.")),
    415: (N_("Unsupported media type"), _UNREADABLE),
    422: (N_("Invalid request"), _UNREADABLE),
    429: (N_("Too many requests"), N_("Too many attempts. Wait a moment and try again.")),
    500: (N_("Internal error"), _BROKEN),
    503: (N_("Unavailable"), N_("The shop is not available. Nothing was changed. Try again.")),
}
"""The title of its page, and what to do, by status."""
OTHER = (N_("Error"), _BROKEN)
OUTCOME_UNKNOWN = (
    N_("Outcome unknown"),
    N_("It is not known whether your request was completed. Check before you try again."),
)


class _Pages(Errors):
    """Every error as a page; what a refusal has to say, in the reader's language."""

    def of_refusal(self, refusal: Refusal, *, headers: dict[str, str] | None = None) -> Response[Any]:
        """The page for a refusal."""
        told = super().of_refusal(refusal, headers=headers)
        return _ErrorPage(told.status_code, told.headers, refusal)

    def shaped(self, *, status: int, title: str, name: str, detail: str, more: dict[str, Any]) -> Any:
        """Nothing: the page says it."""
        return None

    def problem_response(self, status: int, title: str, **more: Any) -> Response[Any]:
        """One error's page."""
        told = super().problem_response(status, title, **more)
        if more.get("name") == OutcomeUnknown.__name__:
            return _ErrorPage(told.status_code, told.headers, OUTCOME_UNKNOWN)
        return _ErrorPage(told.status_code, told.headers, HTTP_ERRORS.get(status, OTHER))


class _ErrorPage(Response[Any]):
    """A page that is made once it is known who asked: of a refusal, or of a title and a sentence."""

    def __init__(self, status: int, headers: Any, told: Refusal | tuple[str, str]) -> None:
        super().__init__(b"", status_code=status, headers=headers)
        self._told = status, told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        status, told = self._told
        asked = ShopRequest(scope, receive, send)
        if isinstance(told, SessionEnded):
            await to_log_in(asked)(scope, receive, send)
            return
        words = i18n.of(asked)
        if isinstance(told, Refusal):
            title, detail = refusal_texts.REFUSALS[type(told)][0], said(told, words, asked)
        else:
            title, detail = told[0], words.gettext(told[1])
        shown = layout.page(
            asked, "error.html", status=status, title=words.gettext(title), detail=detail, code=status
        )
        kept = {name: value for name, value in self.headers.items() if not name.startswith("content-")}
        shown.headers.update(kept)
        await shown(scope, receive, send)


ERRORS = _Pages(TABLE)


def to_log_in(request: ShopRequest) -> Response[None]:
    """To the log-in, and from there back to where somebody was."""
    return forms.to_page(f"/login?{urlencode({'next': layout.here(request)})}")


def said(refusal: Refusal, words: Words, request: ShopRequest) -> str:
    """The refusal's sentence, amounts written as they are here.

    Raises:
        SessionEnded: that is the refusal. No page tells it: it leads to the log-in.
    """
    if isinstance(refusal, SessionEnded):
        raise refusal
    return refusal_texts.of_refusal(refusal, words, request.shop.currency)


def leave(response: Response[Any], request: ShopRequest, refusal: Refusal) -> None:
    """The refusal, for the page that the browser is led to. Raises SessionEnded: see `said`."""
    flash.leave(response, request, said(refusal, i18n.of(request), request), mood=Mood.BAD)
