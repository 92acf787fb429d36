"""`/office/sales`: what was sold from day to day, as a picture and as a file."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from tuckshop.domain.users import Role
from tuckshop.http import downloads
from tuckshop.http.handlers import get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import reports
from tuckshop.queries.reports import By, Named, Sales
from tuckshop.web.ui import charts, i18n, periods, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.charts import Point
from tuckshop.web.ui.rooms import SignedInUser

BARS_MAX = 62  # Days beyond that are added up by the week, or nobody could tell the bars apart.
WEEK = 7
YEAR = 365
LISTED_MAX = 20
_BY = [by.value for by in (By.PRODUCT, By.SELLER, By.MACHINE)]


@get("/office/sales")
async def show(request: ShopRequest) -> Response[Any]:
    """By the day, and by what else was asked for."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    form = _asked(request)
    by = By(form.one_of("by", _BY))
    days = await _sold(request, member, form, By.DAY)
    listed = await _sold(request, member, form, by) if days is not None else None
    if days is None or listed is None:
        return _page(request, member, form)
    words, currency = i18n.of(request), request.shop.currency
    rows = sorted(listed.rows, key=lambda row: -row.figures.amount_cents)
    return _page(
        request,
        member,
        form,
        total=days.total,
        sales=charts.columns(_bars(request, days), written=lambda cents: words.money(cents, currency)),
        by_name=charts.lying(
            [Point(_name(row.keys[by]), row.figures.amount_cents) for row in rows[:LISTED_MAX]],
            written=lambda cents: words.money(cents, currency),
        ),
        more=max(len(rows) - LISTED_MAX, 0),
        file=f"/office/sales/file?{urlencode(form.typed)}",
    )


@get("/office/sales/file")
async def save(request: ShopRequest) -> Response[Any]:
    """The same for a spreadsheet: by the day and by what else was asked for."""
    member = await rooms.member(request, Role.CASHIER, Role.ADMIN)
    form = _asked(request)
    by = By(form.one_of("by", _BY))
    found = await _sold(request, member, form, By.DAY, by)
    if found is None:
        return _page(request, member, form)
    return await asyncio.to_thread(_written, found, (By.DAY, by))


HANDLERS = (
    show,
    save,
)


def _asked(request: ShopRequest) -> BoundForm:
    return periods.asked(request, by=By.PRODUCT.value)


async def _sold(request: ShopRequest, member: SignedInUser, form: BoundForm, *by: By) -> Sales | None:
    """The report; None if what was asked for is wrong, which the form tells."""
    return await periods.report(
        request,
        form,
        lambda period: reports.sell_through(request.shop, actor=member.actor, period=period, by=by),
    )


def _page(request: ShopRequest, member: SignedInUser, form: BoundForm, **shown: Any) -> Response[Any]:
    usual: dict[str, Any] = {"total": None, "sales": None, "by_name": (), "more": 0, "file": ""}
    return rooms.page(
        request,
        "office/sales.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        **usual | shown,
    )


def _bars(request: ShopRequest, sold: Sales) -> list[Point]:
    """Each day of the period, those without a sale too; by the week where there are many."""
    figures = {row.keys[By.DAY]: row.figures.amount_cents for row in sold.rows}
    count = (sold.period.last - sold.period.first).days + 1
    step = 1 if count <= BARS_MAX else WEEK
    words = i18n.of(request)
    days = [sold.period.first + timedelta(days=number) for number in range(count)]
    label = words.short_day if count < YEAR else words.day  # Within one, it goes without saying which.
    return [
        Point(label(days[start]), sum(figures.get(day, 0) for day in days[start : start + step]))
        for start in range(0, count, step)
    ]


def _name(key: object) -> str:
    assert isinstance(key, Named)
    return key.name


def _written(found: Sales, by: tuple[By, By]) -> Response[Any]:
    return downloads.sheet(reports.sales_table(found, by), "sales")
