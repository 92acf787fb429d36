"""How long buyers wait for products: `python -m bench.catalogue [--products 100000] [--rounds 40]`.

Keyword searches, filters and sorts, those that find nothing and those that find everything included, on a
shop of many products on each database. Every figure is that of the service, reading and all; the milliseconds
that HTTP adds are the same for every list. Beside them is what else the computer was busy with.
"""

import argparse
import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import insert, text

from bench.host import Host, look
from bench.seed import Size, analyze, make
from tools.postgres import Cluster
from tuckshop.domain.machines import BoxKind
from tuckshop.domain.products import suffixes
from tuckshop.operations.startup import open_shop
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Place, Search, Sort
from tuckshop.settings import Settings
from tuckshop.store import tables
from tuckshop.store.engine import open_engine, writing

P99_MS_MAX = 50
QUIET_SHARE_MAX = 0.1
WORDS = tuple(
    "cola lemon water choc bar nut mix tea coffee crisp salt sweet sour red blue green gold big small box"  # noqa: SIM905
    " can bottle pack duo trio mega mini bio raw fresh dry ice hot cold dark milk white mint lime apple pear"
    " plum fig date oat rye corn rice bean pea".split()
)

LAST_WORD = "zucchini"


def main() -> None:
    """Measure both databases and print a line for each kind of search."""
    asked = _arguments()
    slow: set[str] = set()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tuckshop-bench-")))
        cluster = stack.enter_context(Cluster({"shared_buffers": "256MB"}))
        for database, url in (
            ("SQLite", f"sqlite:///{folder}/shop.sqlite3"),
            ("PostgreSQL", cluster.create_database("shop")),
        ):
            make(url, size=Size(products=asked.products, buyers=10))
            before = look()
            figures = asyncio.run(measured(url, rounds=asked.rounds))
            print(f"\n{database}, {asked.products:,} products: milliseconds")
            print(surroundings(before, look()))
            print(f"{'p50':>8} {'p99':>8}   search")
            for name, took in figures.items():
                print(f"{quantile(took, 50):8.1f} {quantile(took, 99):8.1f}   {name}")
            everything = [one for took in figures.values() for one in took]
            print(f"{quantile(everything, 50):8.1f} {quantile(everything, 99):8.1f}   all together")
            slow |= {
                f"{name} on {database}" for name, took in figures.items() if quantile(took, 99) > P99_MS_MAX
            }
    raise SystemExit(f"p99 above {P99_MS_MAX} ms: {', '.join(sorted(slow))}" if slow else 0)


async def measured(url: str, *, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each search, by its kind, on a shop from `bench.seed`."""
    await name_products(url)
    figures: dict[str, list[float]] = {}
    async with open_shop(Settings(database_url=url, secret="s" * 64)) as shop:
        for _ in range(2):  # The first round fills caches.
            figures = {}
            chance = random.Random(1)
            for _ in range(rounds):
                for name, search in searches(chance):
                    began = time.perf_counter()
                    await catalogue.page(shop, search)
                    figures.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    return figures


async def name_products(url: str) -> None:
    """Gives the seeded products names like those on shelves, and empties most shelves of every tenth."""
    engine = open_engine(url)
    chance = random.Random(1)
    try:
        async with writing(engine) as connection:
            ids = (await connection.execute(text("SELECT id FROM products ORDER BY id"))).scalars().all()
            named = {one: f"{' '.join(chance.sample(WORDS, 3))} {one}" for one in ids}
            # In most orders these come last, so that a walk would have to pass all the others.
            named |= {one: f"{LAST_WORD} {one}" for one in ids[-len(ids) // 30 :]}
            await connection.execute(
                text(
                    "UPDATE products SET name = :name, name_key = :name, price_cents = :price WHERE id = :id"
                ),
                [{"id": one, "name": name, "price": chance.randint(1, 1000)} for one, name in named.items()],
            )
            await connection.execute(text("DELETE FROM product_suffixes"))
            machine = {"id": 2, "name": "other", "name_key": "other", "timezone": "UTC", "created_us": 0}
            await connection.execute(insert(tables.machines), machine | {"box_kind": BoxKind.UNLIMITED})
            rows = [
                {"suffix": suffix, "product_id": one}
                for one, name in named.items()
                for suffix in suffixes(name)
            ]
            for start in range(0, len(rows), 100_000):
                await connection.execute(insert(tables.product_suffixes), rows[start : start + 100_000])
            await connection.execute(text("UPDATE shelves SET quantity = 0 WHERE product_id % 10 <> 0"))
            await connection.execute(
                text("UPDATE shelves SET price_cents = 1 + product_id % 900 WHERE product_id % 7 = 0")
            )
        await analyze(engine, "products", "shelves", "product_suffixes")
    finally:
        await engine.dispose()


def searches(chance: random.Random) -> Iterator[tuple[str, Search]]:
    """One search of each kind, with words of chance."""
    word, other = chance.sample(WORDS, 2)
    sort = chance.choice(list(Sort))
    yield "first page", Search(limit=50)
    for each in Sort:
        yield f"sorted by {each.value}", Search(limit=50, sort=each)
        yield f"a common word by {each.value}", Search(limit=50, keyword=word, sort=each)
    yield "a letter", Search(limit=50, keyword=chance.choice("aeiouxz"), sort=sort)
    yield "two letters", Search(limit=50, keyword=word[:2], sort=sort)
    yield "two words", Search(limit=50, keyword=f"{word} {other}", sort=sort)
    yield "a number", Search(limit=50, keyword=f" {chance.randint(1, 99_999)}", sort=sort)
    yield "nothing", Search(limit=50, keyword="zzz", sort=sort)
    yield "signs", Search(limit=50, keyword=chance.choice("%_\\'*"), sort=sort)
    yield "a common word, in stock", Search(limit=50, keyword=word, in_stock=True, sort=sort)
    yield "in stock", Search(limit=50, in_stock=True, sort=sort)
    yield "sold out", Search(limit=50, in_stock=False, sort=sort)
    yield "a seller's", Search(limit=50, seller_id=chance.randint(11, 110), sort=sort)
    yield (
        "a seller's, a common word",
        Search(limit=50, seller_id=chance.randint(11, 110), keyword=word, sort=sort),
    )
    yield "cheap", Search(limit=50, price_cents_max=chance.randint(1, 9), sort=sort)
    yield "not dear", Search(limit=50, price_cents_max=chance.randint(10, 900), sort=sort)
    yield (
        "all filters",
        Search(
            limit=50,
            keyword=word,
            price_cents_max=500,
            in_stock=True,
            seller_id=chance.randint(11, 110),
            sort=sort,
        ),
    )
    yield "the last of their order", Search(limit=50, keyword=LAST_WORD, sort=sort)
    for each in Sort:
        yield f"a late page by {each.value}", Search(limit=50, offset=10_000, sort=each)
    yield "a common word, late", Search(limit=50, keyword=word, offset=4_000, sort=sort)
    yield "a vowel, late", Search(limit=50, keyword=chance.choice("aeiou"), offset=10_000, sort=sort)
    yield "in stock, late", Search(limit=50, in_stock=True, offset=9_000, sort=sort)
    yield "sold out, late", Search(limit=50, in_stock=False, offset=10_000, sort=sort)
    yield "not dear, late", Search(limit=50, price_cents_max=500, offset=10_000, sort=sort)
    yield (
        "an order's middle",
        Search(
            limit=50,
            sort=sort,
            after=Place(50_000, price_cents=500, name_key="lime"),
        ),
    )
    yield "another machine's", Search(limit=50, machine_id=2, in_stock=True, sort=sort)


def surroundings(before: Host, after: Host) -> str:
    """What else the computer did just before and just after: figures of a busy one say little."""
    looks = (before, after)
    syncs = ", ".join(f"{one.fdatasync.p50_ms:.1f} / {one.fdatasync.p99_ms:.1f}" for one in looks)
    busy = ", ".join(f"{one.busy_share:.0%}" for one in looks)
    is_quiet = all(one.busy_share <= QUIET_SHARE_MAX for one in looks)
    verdict = "quiet" if is_quiet else "NOT quiet: waits for processors are in the figures"
    return f"before, after: fdatasync p50 / p99 {syncs} ms; processors busy with others {busy}: {verdict}"


def quantile(values: list[float], percent: int) -> float:
    """The value that so many per cent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.catalogue")
    parser.add_argument("--products", type=int, default=100_000, help="%(default)s")
    parser.add_argument("--rounds", type=int, default=40, help="%(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    main()
