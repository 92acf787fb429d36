"""`/desk/earnings`: what somebody has earned, what of it can be paid out now, and what was."""

from __future__ import annotations

import asyncio
from typing import Any

from tuckshop.domain.ledger import AccountKind
from tuckshop.domain.users import Role
from tuckshop.http import downloads
from tuckshop.http.handlers import get
from tuckshop.http.request import Call
from tuckshop.http.response import Response
from tuckshop.queries import earnings as earnings_queries
from tuckshop.queries import statements
from tuckshop.web.desk import sales_charts as figures
from tuckshop.web.ui import charts as plots
from tuckshop.web.ui import i18n as texts
from tuckshop.web.ui import periods, rooms
from tuckshop.web.ui.bound_form import Filled
from tuckshop.web.ui.charts import Point
from tuckshop.web.ui.rooms import Member

PAGE = 25


@get("/desk/earnings")
async def show(request: Call) -> Response[Any]:
    """All that moved them, the newest first."""
    member = await rooms.member(request, Role.SELLER)
    return await _shown(request, member, Filled(request, periods.FIELDS))


@get("/desk/earnings/file")
async def save(request: Call) -> Response[Any]:
    """The same for a spreadsheet, from day to day."""
    member = await rooms.member(request, Role.SELLER)
    form = periods.asked(request)
    report = await periods.report(
        request,
        form,
        lambda period: statements.statement(
            request.shop,
            actor=member.as_seller,
            user_id=member.user_id,
            account=AccountKind.EARNINGS,
            period=period,
        ),
    )
    if report is None:
        return await _shown(request, member, form)
    return await asyncio.to_thread(downloads.sheet, statements.table(report), "earnings")


HANDLERS = (show, save)


async def _shown(request: Call, member: Member, form: Filled) -> Response[Any]:
    shop, words = request.shop, texts.of(request)
    earned = await earnings_queries.earnings(shop, seller_id=member.user_id)
    points = [Point(one.name, one.amount_cents) for one in earned.products]
    before_id = rooms.before(request)
    found = await statements.newest(
        shop, user_id=member.user_id, account=AccountKind.EARNINGS, before_id=before_id, limit=PAGE + 1
    )
    return rooms.page(
        request,
        "desk/earnings.html",
        member=member,
        status=form.status if form.is_wrong else 200,
        form=form,
        earned=earned,
        bars=plots.lying(
            figures.best(points, words), written=lambda cents: words.money(cents, shop.currency)
        ),
        movements=found[:PAGE],
        before=found[PAGE - 1].id if len(found) > PAGE else None,
    )
