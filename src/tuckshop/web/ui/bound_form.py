"""A form as somebody has filled it in: what was typed, what it means, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date

from tuckshop.domain import days, money, products
from tuckshop.domain.field_problems import (
    AmountTooLarge,
    AmountTooSmall,
    FieldProblem,
    NotAWholeNumber,
    OutOfRange,
)
from tuckshop.domain.refusals import InvalidField, Refusal, Throttled
from tuckshop.http.request import ShopRequest
from tuckshop.web.ui import error_pages, i18n, refusal_texts

WHOLE_MAX = 10**15  # Whatever rule comes after it: nobody counts that far.
_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)


class BoundForm:
    """Typed texts by field; `wrong` has a sentence for each field that is not as it must be.

    Each value is asked for by what it is to be. One that is wrong is remembered, and stands as the least
    value of its kind meanwhile, so that all can be told at once; nothing may be done while it `is_wrong`.
    """

    def __init__(self, request: ShopRequest, typed: Mapping[str, str] | None = None) -> None:
        self.typed = dict(typed or {})
        self.wrong: dict[str, str] = {}
        self.trouble = ""
        """What is wrong with the whole of it."""
        self.status = 422
        self._request = request
        self.words = i18n.of(request)

    @property
    def is_wrong(self) -> bool:
        """Whether there is anything to be told."""
        return bool(self.wrong or self.trouble)

    def text(self, name: str, *, length_max: int, needed: bool = True) -> str:
        """The text, without space at its ends."""
        typed = self.typed[name].strip()
        if needed and not typed:
            self.miss(name)
        if len(typed) > length_max:
            told = self.words.ngettext(
                "Use at most %(num)s character.", "Use at most %(num)s characters.", length_max
            )
            self.tell(name, told)
        return typed

    def whole(self, name: str, *, least: int = 0, most: int = WHOLE_MAX) -> int:
        """A whole number within these limits."""
        typed = self.typed[name].strip()
        if not typed:
            self.miss(name)
            return least
        if not _WHOLE.fullmatch(typed):
            self.complain(name, NotAWholeNumber())
            return least
        if not least <= int(typed) <= most:
            self.complain(name, OutOfRange(least, most))
            return least
        return int(typed)

    def amount(self, name: str, *, least_cents: int = 1, most_cents: int = money.BALANCE_CENTS_MAX) -> int:
        """An amount of money, in minor units, as it is written: 2.20 or 2,20."""
        typed = self.typed[name].strip()
        currency = self._request.shop.currency
        try:
            cents = money.parse_typed(typed, exponent=currency.exponent, field=name)
        except InvalidField as refusal:
            if typed:
                self.complain(name, refusal.problem)
            else:
                self.miss(name)
            return least_cents
        if cents < least_cents:
            self.complain(name, AmountTooSmall(least_cents))
        if cents > most_cents:
            self.complain(name, AmountTooLarge(most_cents))
        return cents

    def tax(self, name: str) -> int:
        """Per cent, in basis points, as it is written: 5.5 or 5,5; nothing is 0."""
        typed = self.typed[name].strip().removesuffix("%").rstrip()
        try:
            return products.parse_tax(typed.replace(",", ".", 1)) if typed else 0
        except InvalidField as refusal:
            self.complain(name, refusal.problem)
            return 0

    def day(self, name: str) -> date | None:
        """A day as date fields send it; None where none is named."""
        typed = self.typed[name].strip()
        try:
            return days.read(typed) if typed else None
        except ValueError:
            self.tell(name, self.words.gettext("Enter a date such as 2025-12-31."))
            return None

    def one_of(self, name: str, known: Collection[str]) -> str:
        """One of the texts that the form offers."""
        if self.typed[name] not in known:
            self.tell(name, self.words.gettext("Choose one of the options."))
            return next(iter(known))
        return self.typed[name]

    def tell(self, name: str, sentence: str) -> None:
        """Says beside a field, in the reader's language, what is wrong with it. The first sentence stays."""
        self.wrong.setdefault(name, sentence)

    def miss(self, name: str) -> None:
        """Says beside a field that it is empty and must not be."""
        self.tell(name, self.words.gettext("This field is required."))

    def complain(self, name: str, problem: FieldProblem) -> None:
        """Says beside a field which rule its value breaks."""
        self.tell(name, refusal_texts.sentence(problem, self.words, self._request.shop.currency))

    def refuse(self, refusal: Refusal, *, beside: Mapping[type[Refusal], str] | None = None) -> None:
        """Tells a refusal beside the field that it names, or that `beside` says it concerns; else on top.

        Raises:
            SessionEnded: that is the refusal; see `error_pages.said`.
        """
        if isinstance(refusal, Throttled):
            self.status = 429
        name = (beside or {}).get(type(refusal), "")
        if isinstance(refusal, InvalidField) and refusal.field in self.typed:
            self.complain(refusal.field, refusal.problem)
        elif name:
            self.tell(name, error_pages.said(refusal, self.words, self._request))
        else:
            self.trouble = error_pages.said(refusal, self.words, self._request)
