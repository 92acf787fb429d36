"""/v1/reports: what was sold, what was earned, and statements; as JSON, or as CSV for spreadsheets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from tuckshop.domain import days
from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.refusals import InvalidField, NotOwner, ReportTooLarge, RoleMissing, UnknownUser
from tuckshop.http import downloads
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ID_MAX, Moment, ResponseBody, moment
from tuckshop.http.handlers import Router, describe, get
from tuckshop.http.request import ShopRequest
from tuckshop.http.response import Response
from tuckshop.identity import sessions
from tuckshop.queries import reports, statements
from tuckshop.queries.reports import By, Figures, Named

_BY = "|".join(By)


class Format(StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"


class Account(StrEnum):
    """What a statement is about: wallet, tab or earnings."""

    WALLET = "wallet"
    EARNINGS = "earnings"
    TAB = "tab"


_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"
From = Annotated[
    str,
    msgspec.Meta(pattern=_DATE, description="The first day; by default 29 days before the last."),
]
To = Annotated[str, msgspec.Meta(pattern=_DATE, description="The last day, included; by default today.")]
ByThese = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^({_BY})(,({_BY})){{0,3}}\Z", description="What to group by, separated by commas."
    ),
]
Only = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, description="Only this one.")]
OrderScope = Annotated[
    int, msgspec.Meta(ge=1, le=ID_MAX, description="The user; by default yourself. Admins: any user.")
]
As = Annotated[Format, msgspec.Meta(description="`csv` for spreadsheets: text/csv instead of JSON.")]
Which = Annotated[Account, msgspec.Meta(description="Which of the user's accounts.")]


class NamedResponse(ResponseBody):
    """A product, seller or machine; the shop itself has no id."""

    id: int | None
    name: str


class FiguresResponse(ResponseBody):
    """Sales and refunds, each on its day; `quantity` and `amount` are the net values."""

    sold_quantity: int
    sold: int
    refunded_quantity: int
    refunded: int
    quantity: int
    amount: int


F = TypeVar("F", bound=FiguresResponse)


class SalesRowResponse(FiguresResponse):
    """Sales of one group of the report; other fields are absent."""

    day: date | UnsetType = UNSET
    product: NamedResponse | UnsetType = UNSET
    seller: NamedResponse | UnsetType = UNSET
    machine: NamedResponse | UnsetType = UNSET


class SalesResponse(ResponseBody):
    """Sales by day and group, and their totals."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    rows: list[SalesRowResponse]
    total: FiguresResponse


class SellerEarningsResponse(FiguresResponse):
    """A seller's sales and payouts in the period; `balance` is what the shop owes the seller now."""

    seller: NamedResponse
    paid: int
    balance: int


class EarningsReportResponse(ResponseBody):
    """Earnings by seller; the shop itself first."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    rows: list[SellerEarningsResponse]


class StatementLineResponse(ResponseBody):
    """A movement: above 0 into the account, below 0 out of it; and the balance after it."""

    id: int
    kind: TransferKind
    amount: int
    balance: int
    order: int | None
    reference: str | None
    created_at: Moment


class StatementResponse(ResponseBody):
    """An account from day to day, oldest first. The balance of a tab is below 0: what is owed."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    user: NamedResponse
    account: Account
    opening: int
    lines: list[StatementLineResponse]
    closing: int


@get(
    "/sales",
    summary="Report sales",
    operation=describe("reportSales", RoleMissing, NotOwner, InvalidField, ReportTooLarge, as_csv=True),
)
async def sales(
    request: ShopRequest,
    from_: From | None = None,
    to: To | None = None,
    format_: As = Format.JSON,
    by: ByThese = "day",
    product: Only | None = None,
    seller: Only | None = None,
    machine: Only | None = None,
) -> Response[SalesResponse]:
    """By day, product, seller, machine, or several. Admins and cashiers see all, sellers their own."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    keys = [By(one) for one in by.split(",")]
    if len(set(keys)) < len(keys):
        raise Malformed(("by", "must include each only once"))
    report = await reports.sell_through(
        request.shop,
        actor=actor,
        period=reports.period_of(request.shop, _date("from", from_), _date("to", to)),
        by=keys,
        product_id=product,
        seller_id=seller,
        machine_id=machine,
    )
    request.looks(actor, whose=seller)
    # Beside the loop, in which the till sells.
    return await asyncio.to_thread(_render_sales, report, keys, format_)


@get(
    "/earnings",
    summary="Report earnings",
    operation=describe("reportEarnings", RoleMissing, InvalidField, ReportTooLarge, as_csv=True),
)
async def earnings(
    request: ShopRequest, from_: From | None = None, to: To | None = None, format_: As = Format.JSON
) -> Response[EarningsReportResponse]:
    """Sales and payouts of each seller. Admins and cashiers see all, sellers their own."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    period = reports.period_of(request.shop, _date("from", from_), _date("to", to))
    report = await reports.earnings(request.shop, actor=actor, period=period)
    request.looks(actor)
    return await asyncio.to_thread(_render_earnings, report, format_)


@get(
    "/statement",
    summary="A statement",
    operation=describe("reportStatement", UnknownUser, InvalidField, ReportTooLarge, as_csv=True),
)
async def statement(
    request: ShopRequest,
    from_: From | None = None,
    to: To | None = None,
    format_: As = Format.JSON,
    account: Which = Account.WALLET,
    user: OrderScope | None = None,
) -> Response[StatementResponse]:
    """Movements of a wallet, a tab or earnings: your own, or any user's for admins."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    report = await statements.statement(
        request.shop,
        actor=actor,
        user_id=user or actor.user_id or 0,
        account=AccountKind(account),
        period=reports.period_of(request.shop, _date("from", from_), _date("to", to)),
    )
    request.looks(actor, whose=user or actor.user_id)
    return await asyncio.to_thread(_render_statement, report, format_)


def _date(field: str, text: str | None) -> date | None:
    try:
        return None if text is None else days.read(text)
    except ValueError:
        raise Malformed((field, "must be an existing day")) from None


def _named(one: Named) -> NamedResponse:
    return NamedResponse(id=one.id, name=one.name)


def _render_sales(report: reports.Sales, by: Sequence[By], written: Format) -> Response[Any]:
    if written is Format.CSV:
        return downloads.sheet(reports.sales_table(report, by), "sales")
    return _answer(
        SalesResponse(
            first=report.period.first,
            last=report.period.last,
            rows=[
                _shown(
                    SalesRowResponse,
                    row.figures,
                    **{key: _named(one) if isinstance(one, Named) else one for key, one in row.keys.items()},
                )
                for row in report.rows
            ],
            total=_shown(FiguresResponse, report.total),
        )
    )


def _render_earnings(report: reports.Earnings, written: Format) -> Response[Any]:
    if written is Format.CSV:
        return downloads.sheet(reports.earnings_table(report), "earnings")
    return _answer(
        EarningsReportResponse(
            first=report.period.first,
            last=report.period.last,
            rows=[
                _shown(
                    SellerEarningsResponse,
                    row.figures,
                    seller=_named(row.seller),
                    paid=row.paid_cents,
                    balance=row.balance_cents,
                )
                for row in report.rows
            ],
        )
    )


def _render_statement(report: statements.Statement, written: Format) -> Response[Any]:
    if written is Format.CSV:
        return downloads.sheet(statements.table(report), f"statement-{report.account}")
    return _answer(
        StatementResponse(
            first=report.period.first,
            last=report.period.last,
            user=_named(report.user),
            account=Account(report.account),
            opening=report.opening_cents,
            lines=[
                StatementLineResponse(
                    id=line.id,
                    kind=TransferKind(line.kind),
                    amount=line.amount_cents,
                    balance=line.balance_cents,
                    order=line.order_id,
                    reference=line.external_ref,
                    created_at=moment(line.created_us),
                )
                for line in report.lines
            ],
            closing=report.closing_cents,
        )
    )


def _shown(kind: type[F], figures: Figures, **more: Any) -> F:
    return kind(
        sold_quantity=figures.sold_quantity,
        sold=figures.sold_cents,
        refunded_quantity=figures.refunded_quantity,
        refunded=figures.refunded_cents,
        quantity=figures.quantity,
        amount=figures.amount_cents,
        **more,
    )


def _answer(shown: ResponseBody) -> Response[Any]:
    return Response(shown)


router = Router("/reports", [sales, earnings, statement])
