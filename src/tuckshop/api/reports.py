"""/v1/reports: what was sold, what was earned, and statements; as JSON, or as CSV for spreadsheets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.refusals import InvalidField, NotOwner, ReportTooLarge, RoleMissing, UnknownUser
from tuckshop.http import downloads
from tuckshop.http.errors import Malformed
from tuckshop.http.fields import ID_MAX, Moment, Shown, moment
from tuckshop.http.handlers import Router, get, told
from tuckshop.http.request import Call
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
    """Whose statement: accounts that people have."""

    WALLET = "wallet"
    EARNINGS = "earnings"
    TAB = "tab"


_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"
From = Annotated[
    str,
    msgspec.Meta(pattern=_DATE, description="The first day; thirty days in all unless said."),
]
To = Annotated[str, msgspec.Meta(pattern=_DATE, description="The last day, itself in it; today.")]
ByThese = Annotated[
    str,
    msgspec.Meta(
        pattern=rf"^({_BY})(,({_BY})){{0,3}}\Z", description="What to tell apart, with commas between."
    ),
]
Only = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, description="Only of this one.")]
Whose = Annotated[int, msgspec.Meta(ge=1, le=ID_MAX, description="Whose; your own. Admins: anybody's.")]
As = Annotated[Format, msgspec.Meta(description="`csv` for spreadsheets: text/csv instead of JSON.")]
Which = Annotated[Account, msgspec.Meta(description="Which of the user's accounts.")]


class NamedShown(Shown):
    """A product, seller or machine; the house has no id."""

    id: int | None
    name: str


class FiguresShown(Shown):
    """Pieces and money sold and given back, each on its day; `quantity` and `amount` are the rest."""

    sold_quantity: int
    sold: int
    refunded_quantity: int
    refunded: int
    quantity: int
    amount: int


F = TypeVar("F", bound=FiguresShown)


class SalesRowShown(FiguresShown):
    """Sales of one of what the report tells apart; nothing else is there."""

    day: date | UnsetType = UNSET
    product: NamedShown | UnsetType = UNSET
    seller: NamedShown | UnsetType = UNSET
    machine: NamedShown | UnsetType = UNSET


class SalesShown(Shown):
    """Sales from day to day, in the order of what is told apart, and all of them together."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    rows: list[SalesRowShown]
    total: FiguresShown


class SellerEarningsShown(FiguresShown):
    """What a seller sold and was paid in these days; `balance` is what the shop owes them now."""

    seller: NamedShown
    paid: int
    balance: int


class EarningsReportShown(Shown):
    """Earnings from day to day, by seller; the house first."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    rows: list[SellerEarningsShown]


class StatementLineShown(Shown):
    """A movement: above 0 into the account, below 0 out of it; and the balance that it left."""

    id: int
    kind: TransferKind
    amount: int
    balance: int
    order: int | None
    reference: str | None
    created_at: Moment


class StatementShown(Shown):
    """An account from day to day, oldest first. The balance of a tab is below 0: what is owed."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    user: NamedShown
    account: Account
    opening: int
    lines: list[StatementLineShown]
    closing: int


@get(
    "/sales",
    summary="What was sold",
    operation=told("reportSales", RoleMissing, NotOwner, InvalidField, ReportTooLarge, as_csv=True),
)
async def sales(
    request: Call,
    from_: From | None = None,
    to: To | None = None,
    format_: As = Format.JSON,
    by: ByThese = "day",
    product: Only | None = None,
    seller: Only | None = None,
    machine: Only | None = None,
) -> Response[SalesShown]:
    """By day, product, seller, machine, or several. Admins and cashiers see all, sellers their own."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    keys = [By(one) for one in by.split(",")]
    if len(set(keys)) < len(keys):
        raise Malformed(("by", "must name each only once"))
    report = await reports.sell_through(
        request.shop,
        actor=actor,
        period=reports.period_of(request.shop, _date("from", from_), _date("to", to)),
        by=keys,
        product_id=product,
        seller_id=seller,
        machine_id=machine,
    )
    # Beside the loop, in which the till sells.
    return await asyncio.to_thread(_render_sales, report, keys, format_)


@get(
    "/earnings",
    summary="What sellers earned",
    operation=told("reportEarnings", RoleMissing, InvalidField, ReportTooLarge, as_csv=True),
)
async def earnings(
    request: Call, from_: From | None = None, to: To | None = None, format_: As = Format.JSON
) -> Response[EarningsReportShown]:
    """What each seller sold and was paid. Admins and cashiers see all, sellers themselves."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    period = reports.period_of(request.shop, _date("from", from_), _date("to", to))
    report = await reports.earnings(request.shop, actor=actor, period=period)
    return await asyncio.to_thread(_render_earnings, report, format_)


@get(
    "/statement",
    summary="A statement",
    operation=told("reportStatement", UnknownUser, InvalidField, ReportTooLarge, as_csv=True),
)
async def statement(
    request: Call,
    from_: From | None = None,
    to: To | None = None,
    format_: As = Format.JSON,
    account: Which = Account.WALLET,
    user: Whose | None = None,
) -> Response[StatementShown]:
    """Everything that moved a wallet, a tab or a seller's earnings: your own, or anybody's for admins."""
    actor = await sessions.actor(request.shop, caller=request.caller)
    report = await statements.statement(
        request.shop,
        actor=actor,
        user_id=user or actor.user_id or 0,
        account=AccountKind(account),
        period=reports.period_of(request.shop, _date("from", from_), _date("to", to)),
    )
    return await asyncio.to_thread(_render_statement, report, format_)


def _date(field: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise Malformed((field, "must be a day of the calendar")) from None


def _named(one: Named) -> NamedShown:
    return NamedShown(id=one.id, name=one.name)


def _render_sales(report: reports.Sales, by: Sequence[By], written: Format) -> Response[Any]:
    if written is Format.CSV:
        return downloads.sheet(reports.sales_table(report, by), "sales")
    return _answer(
        SalesShown(
            first=report.period.first,
            last=report.period.last,
            rows=[
                _shown(
                    SalesRowShown,
                    row.figures,
                    **{key: _named(one) if isinstance(one, Named) else one for key, one in row.keys.items()},
                )
                for row in report.rows
            ],
            total=_shown(FiguresShown, report.total),
        )
    )


def _render_earnings(report: reports.Earnings, written: Format) -> Response[Any]:
    if written is Format.CSV:
        return downloads.sheet(reports.earnings_table(report), "earnings")
    return _answer(
        EarningsReportShown(
            first=report.period.first,
            last=report.period.last,
            rows=[
                _shown(
                    SellerEarningsShown,
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
        StatementShown(
            first=report.period.first,
            last=report.period.last,
            user=_named(report.user),
            account=Account(report.account),
            opening=report.opening_cents,
            lines=[
                StatementLineShown(
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


def _answer(shown: Shown) -> Response[Any]:
    return Response(shown)


router = Router("/reports", [sales, earnings, statement])
