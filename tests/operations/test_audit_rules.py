"""Each rule of the audit finds what is for it to find: take one away, and something goes unnoticed."""

from __future__ import annotations

from typing import NamedTuple, cast

import pytest
from sqlalchemy import text

from tests.operations.test_audit import broken, tampering
from tests.shop import Shop
from tuckshop.domain.ledger import wallet_of
from tuckshop.domain.orders import Payment
from tuckshop.domain.users import Role
from tuckshop.operations.audit import examine
from tuckshop.store.audit_rules import rules
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.machines import MoveStock
from tuckshop.till.commands.orders import CancelOrder, OrderPlaced, PlaceOrder
from tuckshop.till.commands.refunds import Refund
from tuckshop.till.commands.tabs import SettleTab
from tuckshop.till.commands.transfers import ReverseTransfer, SendMoney
from tuckshop.till.commands.wallet import CoinsDeposited, Deposit


class Tampering(NamedTuple):
    """A change behind the till's back. `beside`: rules that see it too, since this one follows from them."""

    sql: str
    beside: tuple[str, ...] = ()


BALANCES = "every balance equals the sum of its transfers"
BOXES = "every coin box equals the sum of its coin movements"
PAID = "every order was paid in full by its buyer"
GIVEN_BACK = "every refund was paid in full to the buyer of the order"

ADAS, BOBS, SAMS, EVAS = (
    f"(SELECT a.id FROM accounts a JOIN users u ON u.id = a.user_id WHERE u.username = '{name}'"
    f" AND a.kind = '{kind}')"
    for name, kind in (("ada", "wallet"), ("bob", "wallet"), ("sam", "earnings"), ("eva", "earnings"))
)
FIRST = "(SELECT min(id) FROM orders)"
REBALANCED = (
    "; UPDATE accounts SET balance_cents ="
    " coalesce((SELECT sum(amount_cents) FROM transfers WHERE target_id = accounts.id), 0)"
    " - coalesce((SELECT sum(amount_cents) FROM transfers WHERE source_id = accounts.id), 0)"
)

TABLE: dict[str, Tampering] = {
    BALANCES: Tampering(
        f"UPDATE accounts SET balance_cents = balance_cents + 1 WHERE id = {ADAS};"
        f" UPDATE accounts SET balance_cents = balance_cents - 1 WHERE id = {BOBS}"
    ),
    "all balances add up to zero": Tampering(
        f"UPDATE accounts SET balance_cents = balance_cents + 1 WHERE id = {ADAS}", (BALANCES,)
    ),
    BOXES: Tampering(
        "UPDATE coin_boxes SET count = count + 1 WHERE machine_id = 1 AND value_cents = 100;"
        " UPDATE coin_boxes SET count = count - 2 WHERE machine_id = 1 AND value_cents = 50"
    ),
    "every coin box has the value of its account": Tampering(
        "UPDATE coin_boxes SET count = count + 1 WHERE machine_id = 1 AND value_cents = 100", (BOXES,)
    ),
    "every transfer to or from a coin box has matching coins": Tampering(
        "UPDATE coin_movements SET transfer_id = (SELECT max(transfer_id) FROM coin_movements)"
        " WHERE transfer_id = (SELECT min(transfer_id) FROM coin_movements)"
    ),
    "every transfer has the accounts and the machine of its kind": Tampering(
        "UPDATE transfers SET machine_id = 1 WHERE kind = 'transfer'"
    ),
    "every shelf equals the sum of its stock movements": Tampering(
        "UPDATE shelves SET quantity = quantity + 1 WHERE machine_id = 1"
    ),
    "every moved piece arrived at its machine": Tampering(
        "UPDATE stock_movements SET created_us = created_us + 1 WHERE kind = 'move' AND quantity < 0"
    ),
    "every order's total equals the sum of its lines": Tampering(
        f"UPDATE orders SET total_cents = total_cents + 1 WHERE id = {FIRST}", (PAID,)
    ),
    PAID: Tampering(
        f"UPDATE transfers SET source_id = {BOBS} WHERE kind = 'sale' AND order_id = {FIRST}" + REBALANCED
    ),
    "every seller received the price of their order lines": Tampering(
        f"UPDATE transfers SET target_id = {EVAS} WHERE kind = 'sale' AND target_id = {SAMS}" + REBALANCED
    ),
    "every sold piece was taken from its shelf": Tampering(
        "UPDATE stock_movements SET order_id = (SELECT max(id) FROM orders)"
        f" WHERE kind = 'sale' AND order_id = {FIRST}"
    ),
    "every refund's amount equals its lines at the price sold": Tampering(
        "UPDATE refunds SET amount_cents = amount_cents + 1", (GIVEN_BACK,)
    ),
    GIVEN_BACK: Tampering(f"UPDATE transfers SET target_id = {BOBS} WHERE kind = 'refund'" + REBALANCED),
    "every seller paid back the price of their refunded lines": Tampering(
        f"UPDATE transfers SET source_id = {EVAS} WHERE kind = 'refund'" + REBALANCED
    ),
    "no tab owes more than what is left of its orders": Tampering(
        "UPDATE transfers SET target_id = (SELECT a.id FROM accounts a JOIN users u ON u.id = a.user_id"
        " WHERE u.username = 'bob' AND a.kind = 'tab') WHERE kind = 'settlement'" + REBALANCED
    ),
    "every order line has the number of its refunded pieces": Tampering(
        f"UPDATE order_lines SET refunded_quantity = 3 WHERE order_id = {FIRST}"
    ),
    "every returned piece is back on the shelf it was sold from": Tampering(
        "UPDATE stock_movements SET refund_id = (SELECT max(id) FROM refunds) WHERE kind = 'refund'"
    ),
    "no closed user owes money or has products on sale": Tampering(
        "UPDATE users SET state = 'closed', closed_us = 1 WHERE username = 'sam'"
    ),
    "every day's totals equal its sales and refunds": Tampering(
        "UPDATE sales SET sold_quantity = sold_quantity + 1"
    ),
    "every order line has the seller of its product": Tampering(
        "UPDATE products SET seller_id = (SELECT id FROM users WHERE username = 'eva') WHERE name = 'cola'"
    ),
    "every order's status matches its refunds": Tampering(
        f"UPDATE orders SET status = 'dispensed' WHERE id = {FIRST}"
    ),
    "every idempotency record refers to the result of its command": Tampering(
        "UPDATE idempotency SET outcome = '{}' WHERE kind = 'wallet.deposited/1'"
    ),
    "every reversal takes one transfer back, to the cent": Tampering(
        f"UPDATE transfers SET reverses_id = (SELECT transfer_id FROM coin_movements JOIN transfers t"
        f" ON t.id = transfer_id WHERE t.target_id = {ADAS} AND count = 1 AND value_cents = 100)"
        " WHERE kind = 'reversal'"
    ),
    "every reversal moves the coins that it takes back": Tampering(
        "UPDATE transfers SET reverses_id ="
        " (SELECT transfer_id FROM coin_movements WHERE count = 2 AND value_cents = 50)"
        " WHERE kind = 'reversal'"
    ),
    "every reference points to an existing row": Tampering("UPDATE stock_movements SET actor_id = 999"),
    "every row is within its limits": Tampering("UPDATE products SET price_cents = -5"),
}
NEXT_IDS = {
    "sqlite": "UPDATE counters SET last_id = 3 WHERE name = 'transfers'",
    "postgresql": "SELECT setval('transfers_id_seq', 3)",
}


@pytest.fixture
async def books(shop: Shop) -> Shop:
    """Ada buys 4 of Sam's cola and returns 1 and 1; Bob a cola and Eva's nuts; 2 cola go to the hall.

    Each orders nuts on the tab; Ada pays hers, and cancels. One of two deposits of Bob's was a mistake.
    """
    sam, eva = await shop.person("sam", Role.SELLER), await shop.person("eva", Role.SELLER)
    ada, bob = await shop.buyer("ada", cents=2000), await shop.buyer("bob", cents=1500)
    hall = await shop.machine("hall", box_kind="unlimited")
    deposits = [
        await shop.do(Deposit(OPERATOR, wallet_of(owner.user_id), coins))
        for owner, coins in ((ada, {100: 1}), (bob, {50: 2}), (bob, {100: 1}))
    ]
    await shop.do(ReverseTransfer(OPERATOR, cast(CoinsDeposited, deposits[-1]).transfer_id, "typed twice"))
    cola = (await shop.product("cola", price_cents=150, seller=sam)).product_id
    nuts = (await shop.product("nuts", price_cents=80, seller=eva)).product_id
    order = await shop.buy(ada, (cola, 4))
    await shop.buy(bob, (cola, 1), (nuts, 1))
    for _ in range(2):
        await shop.do(Refund(OPERATOR, order.order_id, {cola: 1}))
    await shop.do(MoveStock(OPERATOR, 1, hall, cola, 2))
    await shop.do(SendMoney(ada, wallet_of(ada.user_id), wallet_of(bob.user_id), 100))
    await shop.do(Deposit(OPERATOR, wallet_of(ada.user_id), {50: 1}), key="kept")
    await shop.execute("UPDATE users SET tab_limit_cents = 80")
    on_tabs = [
        await shop.do(PlaceOrder(one, wallet_of(one.user_id), ((nuts, 1),), payment=Payment.TAB))
        for one in (ada, bob)
    ]
    await shop.do(SettleTab(OPERATOR, ada.user_id, amount_cents=80, external_ref="bank 1"))
    await shop.do(CancelOrder(ada, cast(OrderPlaced, on_tabs[0]).order_id))
    await shop.assert_clean()
    return shop


def test_every_rule_has_something_to_find() -> None:
    assert {rule.name for rule in rules()} == {*TABLE, "every next id is free"}


async def test_each_rule_finds_what_the_others_let_pass(books: Shop) -> None:
    wrong = {}
    async with tampering(books) as connection:
        for name, (sql, beside) in TABLE.items():
            savepoint = await connection.begin_nested()
            for one in sql.split(";"):
                await connection.execute(text(one))
            found = set(broken(await examine(connection)))
            await savepoint.rollback()
            if found != {name, *beside}:
                wrong[name] = found
    assert wrong == {}


async def test_an_id_that_is_taken_is_found_by_one_rule_alone(books: Shop) -> None:
    await books.execute(NEXT_IDS[books.engine.dialect.name])
    async with books.engine.connect() as connection:
        assert list(broken(await examine(connection))) == ["every next id is free"]


@pytest.mark.parametrize(
    "change",
    [
        "fulfilled_us = created_us - 1",  # dispensed before it was made
        "fulfilled_us = NULL",  # dispensed, and nobody knows when
        "status = 'placed'",  # not dispensed, and yet there is an instant
    ],
)
async def test_an_order_that_tells_two_stories_is_found(books: Shop, change: str) -> None:
    async with tampering(books) as connection:
        await connection.execute(text(f"UPDATE orders SET {change} WHERE id = {FIRST} + 1"))
        assert "every order's status matches its refunds" in broken(await examine(connection))
