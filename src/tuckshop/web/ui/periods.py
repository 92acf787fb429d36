"""What is asked for from day to day: the fields `from` and `to`, and the report of that period."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tuckshop.domain.days import Period
from tuckshop.domain.refusals import Refusal
from tuckshop.http.request import Call
from tuckshop.queries import reports
from tuckshop.web.ui.bound_form import Filled

FIELDS = {"from": "", "to": ""}
"""Empty for the usual days."""

R = TypeVar("R")


def asked(request: Call, **more: str) -> Filled:
    """The form as the address fills it in; `more` fields with what they are unless the address says so."""
    usual = FIELDS | more
    return Filled(request, {name: request.query_params.get(name, text) for name, text in usual.items()})


async def report(request: Call, form: Filled, find: Callable[[Period], Awaitable[R]]) -> R | None:
    """What is found for the form's days; None if it is refused, which the form tells."""
    period = read(request, form)
    if period is None:
        return None
    try:
        return await find(period)
    except Refusal as refusal:
        form.refuse(refusal)
        return None


def read(request: Call, form: Filled) -> Period | None:
    """The form's days; None if they are no period, which the form tells."""
    first, last = form.day("from"), form.day("to")
    if form.is_wrong:
        return None
    try:
        return reports.period_of(request.shop, first, last)
    except Refusal as refusal:
        form.refuse(refusal)
        return None
