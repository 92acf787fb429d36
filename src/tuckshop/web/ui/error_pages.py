"""What goes wrong, as a page in the shop's look."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.types import Receive, Scope, Send

from tuckshop.domain.refusals import InvalidField, Refusal, SessionEnded
from tuckshop.http.errors import TABLE, Errors
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.web.ui import forms
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui import layout as pages
from tuckshop.web.ui import refusal_texts as reasons
from tuckshop.web.ui.i18n import Words

HELP = {
    400: "The page sent something that cannot be read. Go back and try again.",
    401: "Log in to go on.",
    403: "This is not for you.",
    404: "There is nothing here.",
    405: "This address takes no visitors. Go back to the machine.",
    408: "The request took too long. Try again.",
    409: "Somebody was faster, or this has been done already.",
    413: "That was more than we take.",
    415: "The page sent something that cannot be read. Go back and try again.",
    422: "The page sent something that cannot be read. Go back and try again.",
    429: "Too many tries. Wait a little.",
    500: "Something broke on our side. Nothing was taken from you that is not in the books.",
    503: "The shop cannot answer now; nothing has happened. Try again.",
}


class _Pages(Errors):
    """Every error as a page; what a refusal has to say, in the reader's language."""

    def of_refusal(self, refusal: Refusal, *, headers: dict[str, str] | None = None) -> Response[Any]:
        """The page for a refusal."""
        told = super().of_refusal(refusal, headers=headers)
        return _ErrorPage(told.status_code, self.table[type(refusal)].title, told.headers, refusal)

    def shaped(self, *, status: int, title: str, name: str, detail: str, more: dict[str, Any]) -> Any:
        """Nothing: the page says it."""
        return None

    def told(self, status: int, title: str, **more: Any) -> Response[Any]:
        """One error's page."""
        told = super().told(status, title, **more)
        return _ErrorPage(told.status_code, title, told.headers, None)


class _ErrorPage(Response[Any]):
    """A page that is made once it is known who asked."""

    def __init__(self, status: int, title: str, headers: Any, refusal: Refusal | None) -> None:
        super().__init__(b"", status_code=status, headers=headers)
        self._told = status, title, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        status, title, refusal = self._told
        asked = Call(scope, receive, send)
        if isinstance(refusal, SessionEnded):
            await to_log_in(asked)(scope, receive, send)
            return
        words = texts.of(asked)
        shown = pages.page(
            asked,
            "error.html",
            status=status,
            title=words.say(title),
            detail=words.say(HELP.get(status, HELP[500])) if refusal is None else said(refusal, words, asked),
            code=status,
        )
        kept = {name: value for name, value in self.headers.items() if not name.startswith("content-")}
        shown.headers.update(kept)
        await shown(scope, receive, send)


ERRORS = _Pages(TABLE)


def to_log_in(request: Call) -> Response[None]:
    """To the log-in, and from there back to where somebody was."""
    return forms.to_page(f"/login?{urlencode({'next': pages.here(request)})}")


def said(refusal: Refusal, words: Words, request: Call) -> str:
    """The refusal's sentence, amounts written as they are here."""

    def written(name: str, fact: object) -> object:
        if isinstance(fact, tuple):
            return ", ".join(str(written(name, one)) for one in fact)
        if isinstance(fact, int) and ("cents" in name or name == "accepted"):
            return words.money(fact, request.shop.currency)
        return fact

    facts = {name: written(name, fact) for name, fact in refusal.facts().items()}
    if isinstance(refusal, InvalidField):
        facts["reason"] = reasons.said(refusal.reason, words)
    return words.say(TABLE[type(refusal)].detail, **facts)
