"""Money, coins and stock move through one door: only the till writes the tables that hold them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "tuckshop"
THE_TILLS = {
    "accounts",
    "coin_boxes",
    "coin_movements",
    "order_lines",
    "orders",
    "refund_lines",
    "refunds",
    "sales",
    "shelves",
    "stock_movements",
    "transfers",
}
# Who else may, and why.
EXCEPTIONS = {
    ("store/setup.py", "coin_boxes"): "the empty box of a new shop's machine",
    ("operations/machines.py", "coin_boxes"): "the empty box of a new machine",
    **dict.fromkeys(
        (
            ("operations/old_orders.py", table)
            for table in ("accounts", "orders", "refunds", "stock_movements", "transfers")
        ),
        "who bought becomes nobody known; no balance changes",
    ),
}
_VERBS = {"insert", "update", "delete"}
_SQL = re.compile(
    r"\b(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|REPLACE\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|COPY"
    r"|MERGE\s+INTO)\s+\"?(\w+)",
    re.IGNORECASE,
)


def written(source: str) -> Iterator[str]:
    """The tables that a module writes: as `insert(tables.orders)`, `tables.orders.insert()`, or in SQL."""
    tree = ast.parse(source)
    known = dict(_aliases(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _SQL.findall(node.value)
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in _VERBS:
            yield from _tables(node.func.value, known)
        verb = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if verb.rpartition("_")[2] in _VERBS and node.args:
            yield from _tables(node.args[0], known)


def _aliases(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Other names of tables: `boxes = tables.coin_boxes`, and the same for several at once."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            pairs = (
                zip(target.elts, value.elts, strict=False)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            for name, what in pairs:
                if isinstance(name, ast.Name) and isinstance(what, ast.Attribute):
                    yield name.id, what.attr
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name


def _tables(node: ast.expr, known: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name):
        yield known.get(node.id, node.id)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(ROOT.rglob("*.py"))
        if not path.is_relative_to(ROOT / "till") and not path.is_relative_to(ROOT / "store" / "migrations")
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_only_the_till_moves_money_coins_and_stock(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    assert {
        one for one in written(path.read_text()) if one in THE_TILLS and (name, one) not in EXCEPTIONS
    } == set()


def test_no_exception_is_left_over() -> None:
    for name, table in EXCEPTIONS:
        assert table in set(written((ROOT / name).read_text()))


@pytest.mark.parametrize(
    "source",
    [
        "await connection.execute(insert(tables.orders), rows)",
        "orders.update().values(day=1)",
        "tables.orders.delete()",
        "mine, yours = tables.shelves, tables.orders\npg_insert(yours)",
        "from tuckshop.store.tables import orders as o\nsqlalchemy.delete(o)",
        'text(f"UPDATE orders SET day = {day}")',
        'SQL = """\n  insert or ignore into orders (id) VALUES (1)"""',
        'WHERE = "WITH gone AS (DELETE FROM orders RETURNING id) SELECT 1"',
    ],
)
def test_the_check_can_fail(source: str) -> None:
    assert "orders" in set(written(source))


def opens_writing(source: str) -> bool:
    """Whether a module uses `store.engine.writing`, by whatever name."""
    return any(
        (isinstance(node, ast.ImportFrom) and any(alias.name == "writing" for alias in node.names))
        or (isinstance(node, ast.Attribute) and node.attr == "writing")
        for node in ast.walk(ast.parse(source))
    )


@pytest.mark.parametrize("path", sorted((ROOT / "queries").glob("*.py")), ids=lambda path: path.name)
def test_queries_open_no_transaction_that_writes(path: Path) -> None:
    assert not opens_writing(path.read_text())


@pytest.mark.parametrize(
    "source",
    [
        "from tuckshop.store.engine import reading, writing as w",
        "async with engine.writing(shop.engine): ...",
    ],
)
def test_the_check_of_queries_can_fail(source: str) -> None:
    assert opens_writing(source)
