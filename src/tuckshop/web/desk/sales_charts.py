"""Sales as points of plots."""

from __future__ import annotations

from datetime import date, timedelta

from tuckshop.domain.days import Period
from tuckshop.queries.reports import By, Named, Sales
from tuckshop.web.ui.charts import Point
from tuckshop.web.ui.i18n import Words

PRODUCTS_MAX = 12  # Bars that are looked at; the rest is one.


def by_day(report: Sales, words: Words) -> list[Point]:
    """What each day of the period brought, those without sales too."""
    brought = {row.keys[By.DAY]: row.figures.amount_cents for row in report.rows}
    return [Point(words.short_day(day), brought.get(day, 0)) for day in _days(report.period)]


def by_product(report: Sales, words: Words) -> list[Point]:
    """What each product brought, the best first."""
    points = []
    for row in report.rows:
        product = row.keys[By.PRODUCT]
        assert isinstance(product, Named)
        points.append(Point(product.name, row.figures.amount_cents))
    return best(points, words)


def best(points: list[Point], words: Words) -> list[Point]:
    """Those that brought most, and all others as one."""
    points = sorted(points, key=lambda point: -point.value)
    if len(points) <= PRODUCTS_MAX:
        return points
    rest = points[PRODUCTS_MAX:]
    told = words.ngettext("%(num)s other", "%(num)s others", len(rest))
    return [*points[:PRODUCTS_MAX], Point(told, sum(point.value for point in rest))]


def _days(period: Period) -> list[date]:
    length = (period.last - period.first).days + 1
    return [period.first + timedelta(days=number) for number in range(length)]
