"""Every statement that the till sends to a database."""

from __future__ import annotations

from dataclasses import fields

from tuckshop.domain.machines import ShelfPlan
from tuckshop.domain.orders import Line
from tuckshop.domain.products import ATTRIBUTES, Product, Shelf
from tuckshop.store import tables
from tuckshop.store.admin_log import LogLine
from tuckshop.till.sql.steps import Add, Delete, Insert, Read, Update
from tuckshop.till.state import rows


def _columns(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


PLAN_COLUMNS = tuple(one.name for one in fields(ShelfPlan))
_WAITS = "EXISTS (SELECT 1 FROM waiting_products x WHERE x.product_id = p.id)"
_PRODUCT = (
    _columns("p", Product._fields).replace("p.on_sale", "p.removed_us IS NULL").replace("p.waiting", _WAITS)
)
_ORDER = _columns("o", rows.OrderRow._fields)
_LINE = _columns("l", Line._fields)

ID = (("id", "bigint"),)

WALLETS = {
    column: Read(
        f"wallets_by_{column}",
        ((column, "bigint"),),
        f"SELECT a.id, a.{column}, a.balance_cents FROM wanted w JOIN accounts a"
        f" ON a.{column} = w.{column} AND a.kind = 'wallet' ORDER BY a.id",
        lock="a",
    )
    for column in ("user_id", "guest_id")
}
TABS = Read(
    "tabs",
    (("user_id", "bigint"),),
    "SELECT a.id, a.user_id, a.balance_cents FROM wanted w JOIN accounts a"
    " ON a.user_id = w.user_id AND a.kind = 'tab' ORDER BY a.id",
    lock="a",
)
TAB_GRANTS = Read(
    "tab_grants",
    ID,
    "SELECT u.id, u.tab_limit_cents, u.tab_approved FROM wanted w JOIN users u ON u.id = w.id",
)
# Of others than those asked for, whose tabs are locked.
TAB_EXPOSURE = Read(
    "tab_exposure",
    ID,
    "SELECT coalesce(sum(-a.balance_cents), 0) FROM accounts a JOIN users u ON u.id = a.user_id"
    " WHERE a.kind = 'tab' AND a.balance_cents < 0 AND u.tab_limit_cents IS NULL AND NOT u.tab_approved"
    " AND u.id NOT IN (SELECT w.id FROM wanted w)",
)
_COUNTS_AS_REFUND = (
    "(r.kind = 'refund' OR (o.payment = 'wallet' AND r.kind IN ('cancellation', 'reduction')))"
)
# What is left of a buyer's orders on the tab, from one on: what is owed is owed for the newest.
TAB_ORDERS = Read(
    "tab_orders",
    (("buyer_id", "bigint"), ("from_id", "bigint")),
    "SELECT o.buyer_id, o.id, CAST(sum((l.quantity - l.refunded_quantity) * l.price_cents) AS bigint)"
    " FROM wanted w JOIN orders o ON o.buyer_id = w.buyer_id AND o.payment = 'tab' AND o.id >= w.from_id"
    " JOIN order_lines l ON l.order_id = o.id GROUP BY o.buyer_id, o.id",
)
RECENT_REFUNDS = {
    "user_id": Read(
        "recent_refunds",
        (("actor_id", "bigint"), ("since_us", "bigint")),
        "SELECT r.actor_id, r.created_us FROM wanted w JOIN refunds r"
        " ON r.actor_id = w.actor_id AND r.created_us > w.since_us"
        " JOIN orders o ON o.id = r.order_id AND o.buyer_id = r.actor_id"
        f" AND {_COUNTS_AS_REFUND}",
    ),
    # No user's: a machine's, for a guest.
    "guest_id": Read(
        "guests_refunds",
        (("guest_id", "bigint"), ("since_us", "bigint")),
        "SELECT o.guest_id, r.created_us FROM wanted w JOIN refunds r"
        " ON r.actor_id IS NULL AND r.created_us > w.since_us"
        " JOIN orders o ON o.id = r.order_id AND o.guest_id = w.guest_id"
        f" AND {_COUNTS_AS_REFUND}",
    ),
}
RECENT_DEPOSITS = Read(
    "recent_deposits",
    (("user_id", "bigint"), ("since_us", "bigint")),
    "SELECT a.user_id, t.created_us, t.amount_cents FROM wanted w"
    " JOIN accounts a ON a.user_id = w.user_id AND a.kind = 'wallet'"
    " JOIN transfers t ON t.target_id = a.id AND t.kind = 'deposit' AND t.actor_id = a.user_id"
    " AND t.created_us > w.since_us",
)
OUTCOMES = Read(
    "outcomes",
    (("scope", "text"), ("key", "text")),
    f"SELECT {_columns('i', rows.IdempotencyRow._fields)} FROM wanted w"
    " JOIN idempotency i ON i.scope = w.scope AND i.key = w.key ORDER BY i.scope, i.key",
)
SESSIONS = Read(
    "sessions",
    ID,
    "SELECT s.id, s.user_id, u.username, s.expires_us, s.ended_us, u.state, s.scopes,"
    " u.second_factor_us, u.is_buyer, u.is_seller, u.is_cashier, u.is_admin"
    " FROM wanted w JOIN sessions s ON s.id = w.id JOIN users u ON u.id = s.user_id",
)
USERS = Read(
    "users",
    ID,
    "SELECT u.id, u.is_buyer FROM wanted w JOIN users u ON u.id = w.id WHERE u.state <> 'closed'",
)
# Locked: a guest to whom no money came before is not deleted while some comes.
GUESTS = Read("guests", ID, "SELECT g.id FROM wanted w JOIN guests g ON g.id = w.id ORDER BY g.id", lock="g")
SHOP = Read("shop", ID, "SELECT s.id FROM wanted w JOIN shop s ON s.id = w.id", lock="s")
ANY_ADMIN = Read(
    "any_admin", ID, "SELECT w.id FROM wanted w WHERE EXISTS (SELECT 1 FROM users u WHERE u.is_admin)"
)
USERNAMES = Read(
    "usernames",
    (("username_key", "text"),),
    "SELECT u.username_key FROM wanted w JOIN users u"
    " ON u.username_key = w.username_key AND u.state <> 'closed'",
)
SKELETONS = Read(
    "skeletons",
    (("skeleton", "text"),),
    "SELECT s.skeleton, s.user_id FROM wanted w JOIN user_skeletons s ON s.skeleton = w.skeleton"
    " JOIN users u ON u.id = s.user_id AND u.state <> 'closed'",
)
EMAILS = Read(
    "emails",
    (("email_key", "text"),),
    "SELECT u.email_key FROM wanted w JOIN users u ON u.email_key = w.email_key AND u.state <> 'closed'",
)
MACHINE_KEYS = Read(
    "machine_keys", ID, "SELECT m.id, m.key_hash FROM wanted w JOIN machines m ON m.id = w.id"
)
SCREENS = Read(
    "screens",
    ID,
    "SELECT s.id, s.machine_id, s.secret_hash FROM wanted w JOIN screens s ON s.id = w.id"
    " AND s.ended_us IS NULL AND s.paired_us IS NOT NULL",
)
ADMINS = Read(
    "admins",
    ID,
    "SELECT u.id FROM users u WHERE u.is_admin AND u.state = 'active'"
    " AND u.id NOT IN (SELECT w.id FROM wanted w)",
)
HAVE_COLLEAGUES = Read(
    "colleagues",
    ID,
    "SELECT w.id FROM wanted w WHERE EXISTS (SELECT 1 FROM users u"
    " WHERE (u.is_cashier OR u.is_admin) AND u.state = 'active' AND u.id <> w.id)",
)
HELD = Read(
    "held",
    ID,
    "SELECT u.id, u.username, u.email, u.state, u.is_buyer, u.is_seller, u.is_cashier, u.is_admin"
    " FROM wanted w JOIN users u ON u.id = w.id ORDER BY u.id",
    lock="u",
)
PRODUCTS_OF = Read(
    "products_of",
    ID,
    "SELECT p.id FROM wanted w JOIN products p ON p.seller_id = w.id AND p.removed_us IS NULL",
)
EARNED = Read(
    "earned",
    ID,
    "SELECT a.user_id, a.balance_cents FROM wanted w JOIN accounts a"
    " ON a.user_id = w.id AND a.kind = 'earnings'",
)
PAYEES = Read(
    "payees",
    ID,
    "SELECT u.id, u.payout_delay_days FROM wanted w JOIN users u ON u.id = w.id"
    " WHERE u.state <> 'closed' ORDER BY u.id",
    lock="u",
)
SELLERS = Read(
    "sellers",
    ID,
    "SELECT u.id, u.username FROM wanted w JOIN users u ON u.id = w.id"
    " WHERE u.is_seller AND u.state <> 'closed' ORDER BY u.id",
    lock="u",
)
CLOCK_SECONDS_BACK_MAX = 60
OLDER = Read(
    "older",
    (("since_us", "bigint"), ("before_us", "bigint")),
    "SELECT w.since_us, coalesce((SELECT o.id FROM orders o WHERE o.created_us < w.before_us"
    " ORDER BY o.id DESC LIMIT 1), 0) FROM wanted w",
)
# The earnings and what is held back of them, in one look, since neither is locked: every line of the orders
# still to be dispensed or within the window, and of those that tabs still owe; some of others' among them,
# which cost less than looking whose they are. What else is too young to be paid may be a week's sales, and is
# added up here. See `domain.payables`.
# "+ 0" and CROSS JOIN have the few orders looked for first, and not all that a seller ever sold.
_LEFT_CENTS = "(l.quantity - l.refunded_quantity) * l.price_cents"
EARNINGS = Read(
    "earnings",
    (
        ("seller_id", "bigint"),
        ("since_us", "bigint"),
        ("after_id", "bigint"),
        ("young_since_us", "bigint"),
        ("young_after_id", "bigint"),
    ),
    ", found(id) AS MATERIALIZED (SELECT l.order_id FROM orders o CROSS JOIN order_lines l"
    " WHERE o.status = 'placed' AND o.status <> 'dispensed'"
    " AND l.order_id = o.id AND l.seller_id + 0 IN (SELECT w.seller_id FROM wanted w)"
    " UNION SELECT o.id FROM orders o"
    " WHERE o.fulfilled_us <> o.created_us AND o.fulfilled_us >= (SELECT min(w.since_us) FROM wanted w)"
    " UNION SELECT l.order_id FROM wanted w CROSS JOIN order_lines l CROSS JOIN orders o"
    " WHERE l.seller_id = w.seller_id AND l.order_id > w.after_id AND l.refundable"
    " AND o.id = l.order_id AND o.fulfilled_us >= w.since_us"
    " UNION SELECT s.id FROM (SELECT o.id, -a.balance_cents AS owed_cents,"
    f" sum(sum({_LEFT_CENTS})) OVER (PARTITION BY o.buyer_id ORDER BY o.id DESC)"
    f" - sum({_LEFT_CENTS}) AS newer_cents"
    " FROM accounts a CROSS JOIN orders o JOIN order_lines l ON l.order_id = o.id"
    " WHERE a.kind = 'tab' AND a.balance_cents < 0 AND o.buyer_id = a.user_id AND o.payment = 'tab'"
    " GROUP BY o.id, o.buyer_id, a.balance_cents) s WHERE s.newer_cents < s.owed_cents),"
    # For each seller by itself, so that PostgreSQL begins where the young ones do.
    " young(seller_id, cents) AS MATERIALIZED (SELECT w.seller_id,"
    f" CAST(coalesce((SELECT sum({_LEFT_CENTS}) FROM order_lines l CROSS JOIN orders o"
    " WHERE l.seller_id = w.seller_id AND l.order_id > w.young_after_id AND o.id > w.young_after_id"
    " AND o.id = l.order_id AND o.fulfilled_us >= w.young_since_us AND o.fulfilled_us = o.created_us"
    " AND o.id NOT IN (SELECT f.id FROM found f)), 0)"
    f" + coalesce((SELECT sum({_LEFT_CENTS}) FROM orders o CROSS JOIN order_lines l"
    " WHERE o.fulfilled_us <> o.created_us AND o.fulfilled_us >= w.young_since_us"
    " AND l.order_id = o.id AND l.seller_id + 0 = w.seller_id"
    " AND o.id NOT IN (SELECT f.id FROM found f)), 0) AS bigint) FROM wanted w)"
    " SELECT w.seller_id, coalesce(e.balance_cents, 0), coalesce(y.cents, 0), h.* FROM wanted w"
    " LEFT JOIN accounts e ON e.user_id = w.seller_id AND e.kind = 'earnings'"
    " LEFT JOIN young y ON y.seller_id = w.seller_id LEFT JOIN ("
    f"SELECT {_ORDER}, -t.balance_cents, {_LINE}"
    " FROM found JOIN orders o ON o.id = found.id JOIN order_lines l ON l.order_id = o.id"
    " LEFT JOIN accounts t ON t.user_id = o.buyer_id AND t.kind = 'tab') h ON true",
)
EXTERNAL_REFS = Read(
    "external_refs",
    (("kind", "text"), ("ref_key", "text")),
    "SELECT t.kind, t.external_ref_key, t.id FROM wanted w JOIN transfers t"
    " ON t.kind = w.kind AND t.external_ref_key = w.ref_key AND t.external_ref_key IS NOT NULL",
)
CLIENT_REFS = {
    owner: Read(
        f"client_refs_by_{column}",
        ((column, "bigint"), ("client_ref", "text")),
        f"SELECT o.{column}, o.client_ref, o.id FROM wanted w JOIN orders o"
        f" ON o.{column} = w.{column} AND o.client_ref = w.client_ref",
    )
    for owner, column in (("user_id", "buyer_id"), ("guest_id", "guest_id"))
}
NEWEST = Read(
    "newest",
    (("guest_id", "bigint"), ("machine_id", "bigint"), ("product_id", "bigint"), ("before_id", "bigint")),
    "SELECT w.guest_id, w.machine_id, w.product_id, (SELECT o.id FROM orders o JOIN order_lines l"
    " ON l.order_id = o.id AND l.product_id = w.product_id AND l.refunded_quantity < l.quantity"
    " WHERE o.guest_id = w.guest_id AND o.machine_id = w.machine_id AND o.status <> 'placed'"
    " AND o.id < w.before_id ORDER BY o.id DESC LIMIT 1) FROM wanted w",
)
ORDER_FACTS = Read(
    "order_facts",
    ID,
    "SELECT o.id, o.buyer_id, o.guest_id, o.machine_id, o.payment, l.product_id, l.seller_id"
    " FROM wanted w JOIN orders o ON o.id = w.id JOIN order_lines l ON l.order_id = o.id",
)
ORDERS = Read(
    "orders",
    ID,
    f"SELECT {_ORDER} FROM wanted w JOIN orders o ON o.id = w.id ORDER BY o.id",
)
ORDER_LINES = Read(
    "order_lines",
    ID,
    f"SELECT l.order_id, {_LINE} FROM wanted w JOIN order_lines l ON l.order_id = w.id"
    " ORDER BY l.order_id, l.position",
)
CHANGING = Read(
    "changing", ID, "SELECT p.id FROM wanted w JOIN products p ON p.id = w.id ORDER BY p.id", lock="p"
)
ALL_SHELVES = Read(
    "all_shelves",
    ID,
    "SELECT s.machine_id, s.product_id FROM wanted w JOIN shelves s ON s.product_id = w.id",
)
PLANNED = Read(
    "planned", ID, "SELECT m.id FROM wanted w JOIN machines m ON m.id = w.id ORDER BY m.id", lock="m"
)
SHELVES_OF = Read(
    "shelves_of",
    ID,
    "SELECT s.machine_id, s.product_id FROM wanted w JOIN shelves s ON s.machine_id = w.id",
)
SHELVES = Read(
    "shelves",
    (("machine_id", "bigint"), ("product_id", "bigint")),
    f"SELECT {_columns('s', Shelf._fields)} FROM wanted w JOIN shelves s"
    " ON s.machine_id = w.machine_id AND s.product_id = w.product_id ORDER BY s.machine_id, s.product_id",
    lock="s",
)
PLANS = Read(
    "plans",
    ID,
    f"SELECT s.machine_id, {_columns('s', PLAN_COLUMNS)} FROM wanted w JOIN shelves s ON s.machine_id = w.id",
)
PRODUCTS = Read(
    "products",
    ID,
    f"SELECT {_PRODUCT}, u.username FROM wanted w JOIN products p ON p.id = w.id"
    " LEFT JOIN users u ON u.id = p.seller_id",
)
NAMES = Read(
    "names",
    (("name_key", "text"),),
    "SELECT p.name_key, p.id FROM wanted w JOIN products p"
    " ON p.name_key = w.name_key AND p.removed_us IS NULL",
)
LOOKS = Read(
    "looks",
    (("skeleton", "text"),),
    "SELECT s.skeleton, p.id, p.seller_id FROM wanted w JOIN product_skeletons s ON s.skeleton = w.skeleton"
    f" JOIN products p ON p.id = s.product_id AND p.removed_us IS NULL AND NOT {_WAITS}",
)
BARCODES = Read(
    "barcodes",
    (("barcode", "text"),),
    "SELECT p.seller_id, p.barcode, p.id FROM wanted w JOIN products p"
    " ON p.barcode = w.barcode AND p.removed_us IS NULL",
)
LIMIT_COUNTERS = Read(
    "limit_counters",
    (("name", "text"), ("starts_us", "bigint")),
    "SELECT c.name, c.starts_us, c.used FROM wanted w JOIN limit_counters c"
    " ON c.name = w.name AND c.starts_us = w.starts_us ORDER BY c.name, c.starts_us",
    lock="c",
)
MACHINES = Read(
    "machines",
    ID,
    "SELECT m.id, m.box_kind, m.coin_input, m.fulfil, m.deposit_cents_max, m.hourly_deposit_cents_max"
    " FROM wanted w JOIN machines m ON m.id = w.id",
)
PLACED_PIECES = {
    owner: Read(
        f"placed_pieces_by_{column}",
        ((column, "bigint"),),
        f"SELECT w.{column}, coalesce(sum(l.quantity - l.refunded_quantity), 0) FROM wanted w"
        f" JOIN orders o ON o.{column} = w.{column} AND o.status = 'placed' AND o.payment = 'wallet'"
        f" JOIN order_lines l ON l.order_id = o.id GROUP BY w.{column}",
    )
    for owner, column in (("user_id", "buyer_id"), ("guest_id", "guest_id"))
}
PRESENT = Read(
    "present",
    (("user_id", "bigint"), ("machine_id", "bigint"), ("now_us", "bigint")),
    "SELECT DISTINCT w.user_id, w.machine_id FROM wanted w JOIN sessions s ON s.user_id = w.user_id"
    " AND s.machine_id = w.machine_id AND s.ended_us IS NULL AND s.expires_us > w.now_us",
)
COIN_BOXES = Read(
    "coin_boxes",
    ID,
    "SELECT c.machine_id, c.value_cents, c.count FROM wanted w JOIN coin_boxes c ON c.machine_id = w.id"
    " ORDER BY c.machine_id, c.value_cents",
    lock="c",
)
DECLARED = Read(
    "declared",
    ID,
    "SELECT d.machine_id, d.cents FROM wanted w JOIN declared_coins d ON d.machine_id = w.id",
)
# What there is by the books, without what nobody has seen; and at how many machines anything was ever
# declared, counted since or not.
COVERED = Read(
    "covered",
    ID,
    "SELECT CAST(coalesce((SELECT sum(-a.balance_cents) FROM machines m JOIN accounts a"
    " ON a.machine_id = m.id AND a.machine_id IS NOT NULL), 0)"
    " + coalesce((SELECT -a.balance_cents FROM accounts a WHERE a.kind = 'bank' AND a.user_id IS NULL"
    " AND a.guest_id IS NULL AND a.machine_id IS NULL), 0)"
    " - coalesce((SELECT sum(d.cents) FROM declared_coins d), 0) AS bigint),"
    " CAST((SELECT count(*) FROM declared_coins d) AS bigint) FROM wanted w",
)
# What the office has put into a wallet, or the bank, and what its owner, without what was reversed. Of a
# guest, a machine's word counts as the guest's. Owners are believed everywhere (`believed` 1), or
# guests where coins are drawn; where they are nowhere, nothing is looked for.
_BELIEVED = "AND t.kind = 'deposit' AND (w.believed = 1 OR m.coin_input = 'drawn')"
_PUT_IN = {
    "user_id": f"t.actor_id = a.user_id {_BELIEVED}",
    "guest_id": f"t.actor_id IS NULL {_BELIEVED}",
}
_NOT_REVERSED = (
    "WHERE (w.believed = 1 OR EXISTS (SELECT 1 FROM machines d WHERE d.coin_input = 'drawn'))"
    " AND NOT EXISTS (SELECT 1 FROM transfers r WHERE r.reverses_id = t.id AND r.reverses_id IS NOT NULL)"
)
COIN_FLOWS = {
    column: Read(
        f"coin_flows_by_{column}",
        ((column, "bigint"), ("believed", "bigint")),
        f"SELECT f.owner_id, f.machine_id, CAST(sum(f.seen) AS bigint), CAST(sum(f.declared) AS bigint),"
        f" CAST(sum(f.paid) AS bigint) FROM ("
        f"SELECT a.{column} AS owner_id, t.machine_id,"
        f" CASE WHEN {own} THEN 0 ELSE t.amount_cents END AS seen,"
        f" CASE WHEN {own} THEN t.amount_cents ELSE 0 END AS declared, 0 AS paid"
        f" FROM wanted w JOIN accounts a ON a.{column} = w.{column} AND a.kind = 'wallet'"
        " JOIN transfers t ON t.target_id = a.id AND t.kind IN ('deposit', 'topup')"
        f" LEFT JOIN machines m ON m.id = t.machine_id {_NOT_REVERSED}"
        f" UNION ALL SELECT a.{column}, t.machine_id, 0, 0, t.amount_cents"
        f" FROM wanted w JOIN accounts a ON a.{column} = w.{column} AND a.kind = 'wallet'"
        f" JOIN transfers t ON t.source_id = a.id AND t.kind = 'payout' {_NOT_REVERSED}"
        ") f GROUP BY f.owner_id, f.machine_id",
    )
    for column, own in _PUT_IN.items()
}
_ACCOUNT = "SELECT a.id, a.kind, a.user_id, a.guest_id, a.machine_id FROM wanted w JOIN accounts a"
ACCOUNTS_OF = {
    column: Read(
        f"accounts_of_{column}",
        (("kind", "text"), (column, "bigint")),
        f"{_ACCOUNT} ON a.{column} = w.{column} AND a.kind = w.kind",
    )
    for column in ("user_id", "guest_id", "machine_id")
}
SHOP_ACCOUNTS = Read(
    "shop_accounts",
    (("kind", "text"),),
    f"{_ACCOUNT} ON a.kind = w.kind AND coalesce(a.user_id, a.guest_id, a.machine_id) IS NULL",
)
NEW_ACCOUNTS = Insert(tables.accounts, ("kind", "user_id", "guest_id", "machine_id", "balance_cents"))
NEW_USERS = Insert(tables.users, rows.UserRow._fields)
NEW_USER_SKELETONS = Insert(tables.user_skeletons, ("user_id", "skeleton"))
_PRODUCT_VALUES = ("name_key", "category_key", "version", *ATTRIBUTES)
NEW_PRODUCTS = Insert(tables.products, ("id", "seller_id", "created_us", *_PRODUCT_VALUES))
NEW_SHELVES = Insert(tables.shelves, rows.ShelfRow._fields)
NEW_ORDERS = Insert(tables.orders, rows.OrderRow._fields)
NEW_ORDER_LINES = Insert(tables.order_lines, ("order_id", "position", *Line._fields))
NEW_REFUNDS = Insert(tables.refunds, rows.RefundRow._fields)
NEW_REFUND_LINES = Insert(tables.refund_lines, rows.RefundLineRow._fields)
NEW_TRANSFERS = Insert(tables.transfers, ("source_id", "target_id", *rows.TransferRow._fields[2:]))
NEW_STOCK_MOVEMENTS = Insert(tables.stock_movements, rows.StockMovementRow._fields)
NEW_COIN_MOVEMENTS = Insert(tables.coin_movements, rows.CoinMovementRow._fields)
NEW_OUTCOMES = Insert(tables.idempotency, rows.IdempotencyRow._fields)
NEW_LIMIT_COUNTERS = Insert(tables.limit_counters, ("name", "starts_us", "used"))
NEW_LOG_LINES = Insert(tables.admin_log, LogLine._fields)

SET_BALANCES = Update(tables.accounts, ("id",), ("balance_cents",))
ADD_CENTS = Update(tables.accounts, ("id",), ("balance_cents",), added=True)
SET_QUANTITIES = Update(tables.shelves, ("machine_id", "product_id"), ("quantity",))
PARK_SLOTS = Update(tables.shelves, ("machine_id", "product_id"), ("slot",))
SET_PLANS = Update(tables.shelves, ("machine_id", "product_id"), PLAN_COLUMNS[1:])
SET_LIMIT_COUNTERS = Update(tables.limit_counters, ("name", "starts_us"), ("used",))
SET_COINS = Update(tables.coin_boxes, ("machine_id", "value_cents"), ("count",))
ADD_COINS = Update(tables.coin_boxes, ("machine_id", "value_cents"), ("count",), added=True)
ADD_DECLARED = Add(tables.declared_coins, ("machine_id",), ("cents",))
ADD_SALES = Add(
    tables.sales,
    ("day", "machine_id", "product_id"),
    rows.SalesSum._fields,
)
REVISE_PRODUCTS = Update(tables.products, ("id",), _PRODUCT_VALUES)
PARK_NAMES = Update(tables.products, ("id",), ("name_key", "barcode"))
REMOVE_PRODUCTS = Update(tables.products, ("id",), ("removed_us",))
OLD_SUFFIXES = Delete(tables.product_suffixes, ("suffix", "product_id"))
OLD_PRODUCT_SKELETONS = Delete(tables.product_skeletons, ("product_id",))
NEW_PRODUCT_SKELETONS = Insert(tables.product_skeletons, ("product_id", "skeleton"))
NOT_WAITING = Delete(tables.waiting_products, ("product_id",))
WAITING = Insert(tables.waiting_products, ("product_id", "created_us"))
NEW_SUFFIXES = Insert(tables.product_suffixes, ("suffix", "product_id"))
SET_STATUSES = Update(tables.orders, ("id",), ("status", "fulfilled_us"))
SET_REFUNDED = Update(tables.order_lines, ("order_id", "product_id"), ("refunded_quantity",))
