"""docs/money.md is true: its day in the shop is lived through, and every row of its tables compared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.shop import Shop
from tests.till.day import open_day, steps
from tests.till.reading import Posted, balances, coin_box, shelf
from tuckshop.domain.ledger import DEBIT_NORMAL, AccountKind, normal_cents
from tuckshop.till.commands.base import COMMANDS, Envelope, Outcome

DOCUMENT = Path(__file__).parents[2] / "docs" / "money.md"

Table = list[tuple[str, ...]]
"""The header, then the rows."""


def sections() -> dict[str, list[Table]]:
    """The tables under each heading, cells as text."""
    found: dict[str, list[Table]] = {}
    heading = ""
    table: Table | None = None
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.strip("# ")
        if not line.startswith("|"):
            table = None
            continue
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if table is None:
            table = []
            found.setdefault(heading, []).append(table)
        if set("".join(cells)) != {"-"}:
            table.append(cells)
    return found


async def test_the_day_in_the_document_is_what_the_till_does(shop: Shop) -> None:
    taken = dict(steps(await open_day(shop)))
    told = sections()
    told.pop("How to read the books")
    ((_, *listed),) = told.pop("Every command")
    sent = note_commands(shop)
    assert [heading.lower().replace(" ", "_") for heading in told] == list(taken)
    for (heading, tables), step in zip(told.items(), taken.values(), strict=True):
        sent[heading] = set()
        posted = await step()
        if posted:
            assert tables == shown(posted), heading
    assert [command for command, heading in listed if command not in sent[heading]] == []
    assert sorted(command for command, _ in listed) == sorted(one.__name__ for one in COMMANDS.values())
    assert told["In the evening"] == await evening(shop)
    await shop.assert_clean()


def test_the_accounts_in_the_document_have_their_normal_side() -> None:
    ((_, *rows),) = sections()["How to read the books"]
    assert {name: side for name, side, _ in rows} == {
        kind.replace("_", " "): "debit" if kind in DEBIT_NORMAL else "credit" for kind in AccountKind
    }


def note_commands(shop: Shop) -> dict[str, set[str]]:
    """The commands that the till is asked from now on, noted under the last heading."""
    sent: dict[str, set[str]] = {"before": set()}
    execute = shop.till.execute

    async def noting(envelope: Envelope) -> Outcome:
        sent[list(sent)[-1]].add(type(envelope.command).__name__)
        return await execute(envelope)

    shop.till.execute = noting  # type: ignore[method-assign]
    return sent


def shown(posted: list[Posted]) -> list[Table]:
    """What was posted, as the document shows it; nothing where nothing moved."""
    tables: list[Table] = [
        [("transfer", "from", "to", "cents"), *(row for one in posted for row in texts(one.transfers))],
        [("stock", "product", "pieces"), *(row for one in posted for row in texts(one.stock))],
        [("coin", "pieces"), *(row for one in posted for row in texts(one.coins))],
    ]
    return [table for table in tables if len(table) > 1]


async def evening(shop: Shop) -> list[Table]:
    held = await balances(shop)
    kinds = {name: AccountKind(name.partition("'s ")[2] or name.replace(" ", "_")) for name in held}
    order = (
        "Ada's wallet",
        "Ada's tab",
        "closed user 4's wallet",
        "closed user 4's tab",
        "Door's wallet",
        "Cara's wallet",
        "Cara's tab",
        "Sam's earnings",
        "Sue's earnings",
        "house",
        "unclaimed",
        "coin box",
        "bank",
        "over short",
    )
    assert set(held) == set(order)
    coins = sorted((await coin_box(shop)).items(), reverse=True)
    return [
        [
            ("account", "balance", "reads"),
            *texts([(name, held[name], normal_cents(kinds[name], held[name])) for name in order]),
        ],
        [("held", "pieces"), *texts(coins)],
        [
            ("shelf", "pieces"),
            *texts([(name, await shelf(shop, name)) for name in ("cola", "crisps", "gum")]),
        ],
    ]


def texts(rows: Iterable[tuple[object, ...]]) -> Table:
    return [tuple(str(cell) for cell in row) for row in rows]
