"""The rules of the books: whatever moved is written down twice, and the two must agree.

What has no second witness (list prices, costs, tax rates, limits) is left to the tables' constraints,
which are tried again in case they were ever switched off.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from tuckshop.domain.ledger import AccountKind, TransferKind
from tuckshop.domain.orders import OrderStatus, Payment
from tuckshop.domain.products import StockKind
from tuckshop.domain.refunds import RefundKind
from tuckshop.domain.users import UserState
from tuckshop.store import tables
from tuckshop.store.audit_rule import (
    NUMBERED,
    Rule,
    Told,
    count,
    dangling,
    differing,
    ids_behind,
    outside_limits,
    recorded,
    wide,
    witness,
)
from tuckshop.store.forms import FORMER_RECEIPTS, REFUSAL, Form

_accounts = tables.accounts.c
_boxes = tables.coin_boxes.c
_coins = tables.coin_movements.c
_lines = tables.order_lines.c
_orders = tables.orders.c
_products = tables.products.c
_records = tables.idempotency.c
_refund_lines = tables.refund_lines.c
_refunds = tables.refunds.c
_sales = tables.sales.c
_shelves = tables.shelves.c
_stock = tables.stock_movements.c
_transfers = tables.transfers.c
_users = tables.users.c


POINTERS = {
    "order_id": ("order.placed/1", "order.changed/1", "order.refunded/1"),
    "refund_id": ("order.refunded/1",),
    "transfer_id": (
        "wallet.deposited/1",
        "wallet.paid_out/1",
        "tab.settled/1",
        "money.moved/1",
        "seller.paid/1",
        "coin_box.moved/1",
        "user.registered/1",  # if it was with coins
    ),
}
"""Columns of an idempotency record, and the forms of receipts that point to a row with them."""

AMOUNTS = {
    "order.placed/1": ("total_cents", tables.orders.c.total_cents),
    "order.changed/1": ("total_cents", tables.orders.c.total_cents),
    "order.refunded/1": ("amount_cents", tables.refunds.c.amount_cents),
    **dict.fromkeys(POINTERS["transfer_id"], ("amount_cents", func.coalesce(_transfers.amount_cents, 0))),
}
"""What these receipts tell of the row that they point to, and where that stands."""

SILENT = (
    "wallet.closed/1",
    "user.closed/1",
    "coin_box.counted/1",
    "stock.moved/1",
    "shelves.set/1",
    "product.saved/1",
    "product.removed/1",
    "products.changed/1",
)
"""The forms of receipts that point to no row. No refusal does."""


def _account(end: ColumnElement[int]) -> FromClause:
    """Transfers with the account at one end."""
    return tables.transfers.join(tables.accounts, _accounts.id == end)


def _is(kind: AccountKind | TransferKind | StockKind | RefundKind) -> ColumnElement[str]:
    return literal_column(f"'{kind}'", Text)


_EVERYTHING = literal_column("'all'", Text).label("accounts")
_order_lines = tables.order_lines.join(tables.orders, _orders.id == _lines.order_id)
_line_cents = wide(_lines.price_cents) * _lines.quantity
_seller_account = case((_lines.seller_id.is_(None), _is(AccountKind.HOUSE)), else_=_is(AccountKind.EARNINGS))
_as_sold = tables.refund_lines.join(
    tables.order_lines,
    and_(_lines.order_id == _refund_lines.order_id, _lines.product_id == _refund_lines.product_id),
)
_refund_orders = tables.refunds.join(tables.orders, _orders.id == _refunds.order_id)
_returned_cents = wide(_lines.price_cents) * _refund_lines.quantity
_is_sale = _transfers.kind == _is(TransferKind.SALE)
_is_refund = _transfers.kind == _is(TransferKind.REFUND)
_is_box = _accounts.kind == _is(AccountKind.COIN_BOX)
_coins_cents = wide(_coins.value_cents) * _coins.count


def _status_offenders() -> Select[Any]:
    sold, returned = func.sum(_lines.quantity), func.sum(_lines.refunded_quantity)
    # An order that is still to be handed out can be made smaller; any other way back shows in its status.
    ways = [_ways_back(_refunds.kind != _is(RefundKind.REDUCTION))]
    ways += [_ways_back(_refunds.kind == _is(kind)) for kind in RefundKind]
    back, refunded, _, cancelled, failed = ways
    whole = returned == sold
    fitting = case(
        (_orders.status.in_((OrderStatus.PLACED, OrderStatus.DISPENSED)), and_(not_(whole), back == 0)),
        (_orders.status == OrderStatus.PARTLY_REFUNDED, and_(not_(whole), back > 0, refunded == back)),
        (_orders.status == OrderStatus.REFUNDED, and_(whole, back > 0, refunded == back)),
        (_orders.status == OrderStatus.CANCELLED, and_(whole, back == 1, cancelled == 1)),
        else_=and_(whole, back == 1, failed == 1),
    )
    unfulfilled = _orders.status.in_((OrderStatus.PLACED, OrderStatus.CANCELLED, OrderStatus.FAILED))
    timely = case(
        (_orders.fulfilled_us.is_(None), unfulfilled),
        else_=and_(not_(unfulfilled), _orders.fulfilled_us >= _orders.created_us),
    )
    return (
        select(_orders.id.label("order_id"), _orders.status, sold.label("sold"), returned.label("refunded"))
        .select_from(_order_lines)
        .group_by(_orders.id, _orders.status, _orders.created_us, _orders.fulfilled_us)
        .having(not_(and_(fitting, timely)))
    )


def _ways_back(which: ColumnElement[bool]) -> ColumnElement[int]:
    found = select(func.count()).select_from(tables.refunds).where(_refunds.order_id == _orders.id, which)
    return found.correlate(tables.orders).scalar_subquery()


def _stray_transfers() -> Select[Any]:
    """Transfers between other accounts than their kind says, or on another machine than theirs."""
    source, target = tables.accounts.alias("source"), tables.accounts.alias("target")
    wallet, box = _is(AccountKind.WALLET), _is(AccountKind.COIN_BOX)
    ends = {
        TransferKind.DEPOSIT: and_(source.c.kind == box, target.c.kind == wallet),
        TransferKind.PAYOUT: and_(source.c.kind == wallet, target.c.kind == box),
    }
    ends[TransferKind.SETTLEMENT] = and_(
        target.c.kind == _is(AccountKind.TAB),
        or_(
            and_(source.c.kind == wallet, source.c.user_id == target.c.user_id),
            and_(source.c.kind == _is(AccountKind.BANK), _transfers.external_ref.is_not(None)),
        ),
    )
    plain = {
        TransferKind.TRANSFER: (AccountKind.WALLET, AccountKind.WALLET),
        TransferKind.TOPUP: (AccountKind.BANK, AccountKind.WALLET),
        TransferKind.EARNINGS_PAYOUT: (AccountKind.EARNINGS, AccountKind.BANK),
        TransferKind.CLOSE: (AccountKind.WALLET, AccountKind.UNCLAIMED),
        TransferKind.FILL: (AccountKind.COIN_BOX, AccountKind.BANK),
        TransferKind.COLLECT: (AccountKind.BANK, AccountKind.COIN_BOX),
        TransferKind.OVER: (AccountKind.COIN_BOX, AccountKind.OVER_SHORT),
        TransferKind.SHORT: (AccountKind.OVER_SHORT, AccountKind.COIN_BOX),
    }
    for kind, (giver, taker) in plain.items():
        ends[kind] = and_(source.c.kind == _is(giver), target.c.kind == _is(taker))
    machines = source.c.machine_id, target.c.machine_id, _orders.machine_id
    nowhere = and_(*(its.is_(None) for its in machines), _transfers.machine_id.is_not(None))
    stray = [
        nowhere,
        *(and_(_transfers.kind == _is(kind), not_(right)) for kind, right in ends.items()),
        *(and_(its.is_not(None), its.is_distinct_from(_transfers.machine_id)) for its in machines),
    ]
    return (
        select(_transfers.id.label("transfer_id"), _transfers.kind, _transfers.machine_id)
        .select_from(
            tables.transfers.join(source, source.c.id == _transfers.source_id)
            .join(target, target.c.id == _transfers.target_id)
            .outerjoin(tables.orders, _orders.id == _transfers.order_id)
        )
        .where(or_(*stray))
    )


def _sales_offenders() -> Select[Any]:
    """Figures of the rollup that reports are made of, where lines add up to something else."""
    in_sales = _sales.day, _sales.machine_id, _sales.product_id
    in_lines = _orders.day, _orders.machine_id, _lines.product_id
    in_refunds = _refunds.day, _orders.machine_id, _refund_lines.product_id
    given_back = _as_sold.join(tables.refunds, _refunds.id == _refund_lines.refund_id).join(
        tables.orders, _orders.id == _refund_lines.order_id
    )
    figures = (
        (_sales.sold_quantity, _lines.quantity, in_lines, _order_lines),
        (_sales.sold_cents, _line_cents, in_lines, _order_lines),
        (_sales.refunded_quantity, _refund_lines.quantity, in_refunds, given_back),
        (_sales.refunded_cents, _returned_cents, in_refunds, given_back),
    )
    sides = []
    for figure, amount, keys, source in figures:
        name = literal_column(f"'{figure.name}'", Text).label("figure")
        sides += [
            recorded(figure, *in_sales, name, of=tables.sales),
            witness(amount, *keys, name, of=source),
        ]
    return differing(("day", "machine_id", "product_id", "figure"), *sides)


def _foreign_lines() -> Select[Any]:
    """Lines whose earnings are another's than the product says, by which reports tell sellers apart."""
    return (
        select(_lines.order_id, _lines.product_id, _lines.seller_id)
        .select_from(tables.order_lines.join(tables.products, _products.id == _lines.product_id))
        .where(_products.seller_id.is_distinct_from(_lines.seller_id))
    )


def _left_behind() -> Select[Any]:
    """Closed users with a tab, or a product on sale."""
    tab = and_(_accounts.user_id == _users.id, _accounts.kind == _is(AccountKind.TAB))
    products = and_(_products.seller_id == _users.id, _products.removed_us.is_(None))
    return (
        select(_users.id.label("user_id"), _accounts.balance_cents, _products.id.label("product_id"))
        .select_from(tables.users.outerjoin(tables.accounts, tab).outerjoin(tables.products, products))
        .where(
            _users.state == literal_column(f"'{UserState.CLOSED}'", Text),
            or_(_accounts.balance_cents != 0, _products.id.is_not(None)),
        )
    )


def _kept_as(*kinds: str) -> ColumnElement[bool]:
    """Records in one of these forms, or under the name that it had before it was versioned."""
    former = [name for name, tag in FORMER_RECEIPTS.items() if Form(tag).kind in kinds]
    return _records.kind.in_([*kinds, *former])


def _broken_promises() -> Select[Any]:
    """Records whose receipt does not tell of the row it points to, or points to none that it should.

    Of forms that are not known here only a newer release can tell; the books themselves are audited anyway.
    """
    is_registered = _kept_as("user.registered/1")
    without_coins = and_(is_registered, Told("amount_cents") == 0)
    promised = cast(Told("user_id"), BigInteger)
    the_user = exists().where(tables.users.c.id == promised)
    the_wallet = exists().where(_accounts.id == _transfers.target_id, _accounts.user_id == promised)
    broken = [
        *(_records[pointer].is_distinct_from(Told(pointer)) for pointer in POINTERS),
        *(
            _records[pointer].is_(None) == and_(_kept_as(*kinds), not_(without_coins))
            for pointer, kinds in POINTERS.items()
        ),
        and_(is_registered, not_(the_user)),
        and_(is_registered, not_(without_coins), not_(the_wallet)),
        *(
            and_(_kept_as(kind), Told(name).is_distinct_from(amount))
            for kind, (name, amount) in AMOUNTS.items()
        ),
    ]
    known = or_(
        _kept_as(*AMOUNTS, *SILENT),
        and_(_records.kind.like(f"{REFUSAL}%"), _records.kind.like("%/1")),
        _records.kind.not_like("%/%"),
    )
    return (
        select(_records.scope, _records.key, _records.kind, _records.outcome)
        .select_from(
            tables.idempotency.outerjoin(tables.orders, _orders.id == _records.order_id)
            .outerjoin(tables.refunds, _refunds.id == _records.refund_id)
            .outerjoin(tables.transfers, _transfers.id == _records.transfer_id)
        )
        .where(case((known, or_(*broken)), else_=False))
    )


@cache  # They take long to write down, and few processes ask.
def rules() -> tuple[Rule, ...]:
    """What always holds, if the books are right."""
    return (
        Rule(
            "every balance is what its transfers make it",
            count(tables.accounts, tables.transfers),
            differing(
                ("account_id",),
                recorded(_accounts.balance_cents, _accounts.id, of=tables.accounts),
                witness(_transfers.amount_cents, _transfers.target_id, of=tables.transfers),
                witness(-_transfers.amount_cents, _transfers.source_id, of=tables.transfers),
            ),
        ),
        Rule(
            "all balances add up to nothing",
            count(tables.accounts),
            differing(
                ("accounts",),
                recorded(_accounts.balance_cents, _EVERYTHING, of=tables.accounts),
            ),
        ),
        Rule(
            "every coin box holds what went in and came out",
            count(tables.coin_boxes, tables.coin_movements),
            differing(
                ("machine_id", "value_cents"),
                recorded(_boxes.count, _boxes.machine_id, _boxes.value_cents, of=tables.coin_boxes),
                witness(_coins.count, _coins.machine_id, _coins.value_cents, of=tables.coin_movements),
            ),
        ),
        Rule(
            "every coin box is worth its account",
            count(tables.coin_boxes),
            differing(
                ("machine_id",),
                # Debit-normal: a box that holds 3.00 has the balance -300.
                recorded(-_accounts.balance_cents, _accounts.machine_id, of=tables.accounts).where(_is_box),
                witness(wide(_boxes.value_cents) * _boxes.count, _boxes.machine_id, of=tables.coin_boxes),
            ),
        ),
        Rule(
            "every transfer into or out of a coin box has its coins",
            count(tables.coin_movements, tables.transfers),
            differing(
                ("transfer_id", "machine_id"),
                recorded(
                    _transfers.amount_cents,
                    _transfers.id,
                    _accounts.machine_id,
                    of=_account(_transfers.source_id),
                ).where(_is_box),
                recorded(
                    -_transfers.amount_cents,
                    _transfers.id,
                    _accounts.machine_id,
                    of=_account(_transfers.target_id),
                ).where(_is_box),
                witness(_coins_cents, _coins.transfer_id, _coins.machine_id, of=tables.coin_movements),
            ),
        ),
        Rule(
            "every transfer runs the way and on the machine that it says",
            count(tables.transfers),
            _stray_transfers(),
        ),
        Rule(
            "every shelf holds what was put on it and taken off",
            count(tables.shelves, tables.stock_movements),
            differing(
                ("machine_id", "product_id"),
                recorded(_shelves.quantity, _shelves.machine_id, _shelves.product_id, of=tables.shelves),
                witness(_stock.quantity, _stock.machine_id, _stock.product_id, of=tables.stock_movements),
            ),
        ),
        Rule(
            "every piece that left a machine for another came there",
            count(tables.stock_movements),
            differing(
                ("product_id", "created_us"),
                recorded(
                    _stock.quantity, _stock.product_id, _stock.created_us, of=tables.stock_movements
                ).where(_stock.kind == _is(StockKind.MOVE), _stock.quantity > 0),
                witness(
                    -_stock.quantity, _stock.product_id, _stock.created_us, of=tables.stock_movements
                ).where(_stock.kind == _is(StockKind.MOVE), _stock.quantity < 0),
            ),
        ),
        Rule(
            "every order's total is that of its lines as sold",
            count(tables.orders, tables.order_lines),
            differing(
                ("order_id",),
                recorded(_orders.total_cents, _orders.id, of=tables.orders),
                witness(_line_cents, _lines.order_id, of=tables.order_lines),
            ),
        ),
        Rule(
            "every order was paid whole, by its buyer",
            count(tables.orders),
            differing(
                ("order_id", "account", "user_id", "guest_id"),
                recorded(
                    _orders.total_cents,
                    _orders.id,
                    _orders.payment,
                    _orders.buyer_id,
                    _orders.guest_id,
                    of=tables.orders,
                ),
                witness(
                    _transfers.amount_cents,
                    _transfers.order_id,
                    _accounts.kind,
                    _accounts.user_id,
                    _accounts.guest_id,
                    of=_account(_transfers.source_id),
                ).where(_is_sale),
            ),
        ),
        Rule(
            "every seller got what their lines of an order took",
            count(tables.order_lines),
            differing(
                ("order_id", "account", "seller_id"),
                recorded(
                    _line_cents, _lines.order_id, _seller_account, _lines.seller_id, of=tables.order_lines
                ),
                witness(
                    _transfers.amount_cents,
                    _transfers.order_id,
                    _accounts.kind,
                    _accounts.user_id,
                    of=_account(_transfers.target_id),
                ).where(_is_sale),
            ),
        ),
        Rule(
            "every piece sold left its shelf",
            count(tables.order_lines),
            differing(
                ("order_id", "machine_id", "product_id"),
                recorded(
                    _lines.quantity, _lines.order_id, _orders.machine_id, _lines.product_id, of=_order_lines
                ),
                witness(
                    -_stock.quantity,
                    _stock.order_id,
                    _stock.machine_id,
                    _stock.product_id,
                    of=tables.stock_movements,
                ).where(_stock.kind == _is(StockKind.SALE)),
            ),
        ),
        Rule(
            "every refund's amount is that of its lines at the price as sold",
            count(tables.refunds, tables.refund_lines),
            differing(
                ("refund_id",),
                recorded(_refunds.amount_cents, _refunds.id, of=tables.refunds),
                witness(_returned_cents, _refund_lines.refund_id, of=_as_sold),
            ),
        ),
        Rule(
            "every refund went back whole to whose order it was",
            count(tables.refunds),
            differing(
                ("refund_id", "order_id", "account", "user_id", "guest_id"),
                recorded(
                    _refunds.amount_cents,
                    _refunds.id,
                    _refunds.order_id,
                    _orders.payment,
                    _orders.buyer_id,
                    _orders.guest_id,
                    of=_refund_orders,
                ),
                witness(
                    _transfers.amount_cents,
                    _transfers.refund_id,
                    _transfers.order_id,
                    # What had been settled of a tab comes back to the wallet.
                    case(
                        (
                            and_(_orders.payment == Payment.TAB, _accounts.kind == _is(AccountKind.WALLET)),
                            _is(AccountKind.TAB),
                        ),
                        else_=_accounts.kind,
                    ),
                    _accounts.user_id,
                    _accounts.guest_id,
                    of=_account(_transfers.target_id).join(tables.orders, _orders.id == _transfers.order_id),
                ).where(_is_refund),
            ),
        ),
        Rule(
            "every seller paid back what their refunded lines took",
            count(tables.refund_lines),
            differing(
                ("refund_id", "account", "seller_id"),
                recorded(
                    _returned_cents, _refund_lines.refund_id, _seller_account, _lines.seller_id, of=_as_sold
                ),
                witness(
                    _transfers.amount_cents,
                    _transfers.refund_id,
                    _accounts.kind,
                    _accounts.user_id,
                    of=_account(_transfers.source_id),
                ).where(_is_refund),
            ),
        ),
        Rule(
            "every line counts the pieces given back",
            count(tables.order_lines, tables.refund_lines),
            differing(
                ("order_id", "product_id"),
                recorded(_lines.refunded_quantity, _lines.order_id, _lines.product_id, of=tables.order_lines),
                witness(
                    _refund_lines.quantity,
                    _refund_lines.order_id,
                    _refund_lines.product_id,
                    of=tables.refund_lines,
                ),
            ),
        ),
        Rule(
            "every piece given back came to the shelf it was sold from",
            count(tables.refund_lines),
            differing(
                ("refund_id", "order_id", "machine_id", "product_id"),
                recorded(
                    _refund_lines.quantity,
                    _refund_lines.refund_id,
                    _refund_lines.order_id,
                    _orders.machine_id,
                    _refund_lines.product_id,
                    of=tables.refund_lines.join(tables.orders, _orders.id == _refund_lines.order_id),
                ),
                witness(
                    _stock.quantity,
                    _stock.refund_id,
                    _stock.order_id,
                    _stock.machine_id,
                    _stock.product_id,
                    of=tables.stock_movements,
                ).where(_stock.kind == _is(StockKind.REFUND)),
            ),
        ),
        Rule(
            "nobody who is gone owes, or sells",
            count(tables.users),
            _left_behind(),
        ),
        Rule(
            "every day's sales are what was sold and given back on it",
            count(tables.sales, tables.order_lines, tables.refund_lines),
            _sales_offenders(),
        ),
        Rule(
            "every line was sold for its product's seller",
            count(tables.order_lines),
            _foreign_lines(),
        ),
        Rule("every order's status fits what was given back", count(tables.orders), _status_offenders()),
        Rule(
            "every idempotency record points to what it promised",
            count(tables.idempotency),
            _broken_promises(),
        ),
        Rule(
            "every next number is free",
            count(*(tables.metadata.tables[name] for name in tables.TILL_IDS)),
            ids_behind("sqlite"),
            dialect="sqlite",
        ),
        Rule(
            "every next number is free",
            count(*NUMBERED),
            ids_behind("postgresql"),
            dialect="postgresql",
        ),
        Rule(
            "every reference leads to a row",
            count(*(one for one in tables.metadata.sorted_tables if one.foreign_key_constraints)),
            dangling(),
        ),
        Rule("every row is within its limits", count(*tables.metadata.sorted_tables), outside_limits()),
    )
