"""`/desk`: what a seller wants to know first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tuckshop.domain.orders import OrderStatus
from tuckshop.domain.users import Role
from tuckshop.http.handlers import get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.queries import earnings, orders, pictures, products, reports
from tuckshop.queries.orders import OrderScope
from tuckshop.web.desk import sales_charts
from tuckshop.web.ui import charts, forms, i18n, rooms

DAYS = 14
SHOWN = 6  # Of what waits; each list has its own page.


@get("/desk")
async def show(request: ShopRequest) -> Response[Any]:
    """What was earned, how it went, what is low, what waits."""
    member = await rooms.member(request, Role.SELLER)
    shop, words = request.shop, i18n.of(request)
    today = reports.period_of(shop, None, None).last
    period = reports.period_of(shop, today - timedelta(days=DAYS - 1), today)
    sold = await reports.sell_through(shop, actor=member.as_seller, period=period)
    waiting = await orders.page(
        shop, actor=member.as_seller, scope=OrderScope.SOLD, status=OrderStatus.PLACED, limit=SHOWN
    )
    return rooms.page(
        request,
        "desk/overview.html",
        member=member,
        earned=await earnings.earnings(shop, seller_id=member.user_id),
        today_cents=sum(row.figures.amount_cents for row in sold.rows if row.keys[reports.By.DAY] == today),
        total_cents=sold.total.amount_cents,
        plot=charts.columns(
            sales_charts.by_day(sold, words), written=lambda cents: words.money(cents, shop.currency)
        ),
        low=await products.low(shop, seller_id=member.user_id, limit=SHOWN),
        waiting=waiting,
        shared=await orders.shared(
            shop, order_ids=[order.order_id for order in waiting], seller=member.as_seller
        ),
        images=await pictures.of_orders(shop, orders=waiting),
        key=forms.new_key(),
    )


HANDLERS = (show,)
