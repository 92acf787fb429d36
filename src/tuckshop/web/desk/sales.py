"""`/desk/sales`: what was sold from day to day, by day and by product."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from tuckshop.domain.days import Period
from tuckshop.domain.refusals import Refusal
from tuckshop.domain.users import Role
from tuckshop.http import downloads
from tuckshop.http.handlers import get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import reports
from tuckshop.queries.reports import By
from tuckshop.web.desk import sales_charts
from tuckshop.web.ui import charts, i18n, periods, rooms
from tuckshop.web.ui.bound_form import BoundForm
from tuckshop.web.ui.rooms import SignedInUser

SPANS_DAYS = (7, 30, 90, 365)
BARS_MAX = 45  # On a phone, more of them would be hairs; a line says it.


@get("/desk/sales")
async def show(request: ShopRequest) -> Response[Any]:
    """Both plots; the last thirty days unless `?from=` and `?to=` say otherwise."""
    member = await rooms.member(request, Role.SELLER)
    form = periods.asked(request)
    return await _shown(request, member, form, periods.read(request, form))


@get("/desk/sales/file")
async def save(request: ShopRequest) -> Response[Any]:
    """The same for a spreadsheet, each product on each day."""
    member = await rooms.member(request, Role.SELLER)
    form = periods.asked(request)
    period = periods.read(request, form)
    if period is None:
        return await _shown(request, member, form, None)
    by = (By.DAY, By.PRODUCT)
    try:
        report = await reports.sell_through(request.shop, actor=member.as_seller, period=period, by=by)
    except Refusal as refusal:
        form.refuse(refusal)
        return await _shown(request, member, form, period)
    return await asyncio.to_thread(downloads.sheet, reports.sales_table(report, by), "sales")


HANDLERS = (show, save)


async def _shown(
    request: ShopRequest, member: SignedInUser, form: BoundForm, period: Period | None
) -> Response[Any]:
    """What was asked for; of a period that is none, the usual one."""
    shop, words = request.shop, i18n.of(request)
    usual = reports.period_of(shop, None, None)
    shown = period or usual
    if period is not None:
        form.typed |= {"from": f"{shown.first}", "to": f"{shown.last}"}
    seller = member.as_seller
    daily = await reports.sell_through(shop, actor=seller, period=shown)
    products = await reports.sell_through(shop, actor=seller, period=shown, by=[By.PRODUCT])

    def written(cents: int) -> str:
        return words.money(cents, shop.currency)

    points = sales_charts.by_day(daily, words)
    return rooms.page(
        request,
        "desk/sales.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        period=shown,
        spans={days: Period(usual.last - timedelta(days=days - 1), usual.last) for days in SPANS_DAYS},
        total=daily.total,
        plot=charts.columns(points, written=written),
        kind="bars" if len(points) <= BARS_MAX else "line",
        bars=charts.lying(sales_charts.by_product(products, words), written=written),
    )
