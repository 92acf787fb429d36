"""Reading the books in a person's words: what a command has posted, and that a refusal has posted nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.shop import Shop
from tuckshop.domain.refusals import Refusal
from tuckshop.till.commands.base import Command, Receipt


@dataclass(frozen=True)
class Posted:
    """What one command has added to the books, in the order of posting."""

    receipt: Receipt
    transfers: list[tuple[str, str, str, int]]  # kind, from, to, cents
    stock: list[tuple[str, str, int]]  # kind, product, pieces
    coins: list[tuple[int, int]]  # value, pieces


async def post(shop: Shop, command: Command, *, key: str | None = None) -> Posted:
    """Settles the command and says what it has posted."""
    before = {name: len(await shop.rows(name)) for name in ("transfers", "stock_movements", "coin_movements")}
    people = await _people(shop)
    receipt = await shop.do(command, key=key)
    # By the names that they had before: whoever closes their account has none afterwards.
    named = await _accounts(shop, await _people(shop) | people)
    accounts = {row["id"]: name for name, row in named.items()}
    products = {row["id"]: row["name"] for row in await shop.rows("products")}
    transfers, stock, coins = [(await shop.rows(name))[count:] for name, count in before.items()]
    return Posted(
        receipt,
        [
            (r["kind"], accounts[r["source_id"]], accounts[r["target_id"]], r["amount_cents"])
            for r in transfers
        ],
        [(row["kind"], products[row["product_id"]], row["quantity"]) for row in stock],
        [(row["value_cents"], row["count"]) for row in coins],
    )


async def refuse(shop: Shop, command: Command, refusal: Refusal, *, key: str | None = None) -> None:
    """The command gets exactly this refusal, and no row of any table has changed."""
    before = await shop.books()
    with pytest.raises(type(refusal)) as caught:
        await shop.do(command, key=key)
    assert caught.value == refusal
    assert await shop.books() == before


async def balances(shop: Shop) -> dict[str, int]:
    """Every account's balance, credit-positive, by its name."""
    return {name: row["balance_cents"] for name, row in (await _accounts(shop, await _people(shop))).items()}


async def shelf(shop: Shop, name: str) -> int:
    """How many pieces of the product the default machine holds."""
    ids = [row["id"] for row in await shop.rows("products") if row["name"] == name]
    (found,) = [
        r["quantity"] for r in await shop.rows("shelves") if r["product_id"] in ids and r["machine_id"] == 1
    ]
    return int(found)


async def coin_box(shop: Shop) -> dict[int, int]:
    """The coins in the default machine, those of which there are none left out."""
    rows = await shop.rows("coin_boxes")
    return {row["value_cents"]: row["count"] for row in rows if row["machine_id"] == 1 and row["count"]}


async def _people(shop: Shop) -> dict[int, str]:
    return {row["id"]: row["username"] for row in await shop.rows("users")}


async def _accounts(shop: Shop, people: dict[int, str]) -> dict[str, dict[str, Any]]:
    """The accounts by name: "ada's wallet", "coin box", "house"."""
    guests = {row["id"]: row["name"] for row in await shop.rows("guests")}
    named = {}
    for row in await shop.rows("accounts"):
        kind = row["kind"].replace("_", " ")
        owner = people.get(row["user_id"]) or guests.get(row["guest_id"])
        named[kind if owner is None else f"{owner}'s {kind}"] = row
    return named
