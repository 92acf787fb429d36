"""Finding products: every search against a look at every product, by every cursor and on both databases."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.catalogue import name_products
from bench.catalogue import searches as kinds
from bench.seed import Size, make
from tests.conftest import PostgresServer
from tests.queries.query_plans import effort, heard, plans
from tests.shop import Shop as Books
from tuckshop.context import Shop
from tuckshop.domain.products import SUFFIX_LENGTH_MAX, suffixes, suffixes_between
from tuckshop.domain.users import Role, name_key
from tuckshop.operations.startup import open_shop
from tuckshop.queries import catalogue
from tuckshop.queries.catalogue import Search, Sort
from tuckshop.settings import Settings
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import ChangeProduct, ProductRecord, RemoveProduct

NAMES = (
    "Cola",
    "cola ZERO",
    "Coca%Cola",
    "Lemon_ade",
    "Straße",
    "STRASSENBAHN",
    "Éclair",
    "e\u0301touffée",
    "a\\b",
    'it\'s "fresh"',
    "x" * 100,
    "日本茶",
    "🍫",
    "aaaa aaaa",
    "A very long name of a product that nobody would ever put on a shelf",
)
KEYWORDS = (
    "",
    "c",
    "co",
    "COLA",
    "la z",
    "%",
    "_",
    "\\",
    "'",
    "ß",
    "ss",
    "É",
    "e",
    "茶",
    "🍫",
    "aaa",
    "x" * 100,
    "long name of a product that nobody",
    "long name of a product that everybody",
    "zzz",
    "\U0010ffff",
)


async def fill(books: Books) -> None:
    """Products at few prices of two sellers, some sold out, some dearer on the machine, some gone."""
    chance = random.Random(1)
    sam, sue = [await books.person(name, Role.SELLER) for name in ("sam", "sue")]
    for seller, name in zip(itertools.cycle([sam, sue, None]), NAMES, strict=False):
        await books.product(
            name, price_cents=chance.choice([50, 100, 150]), stock=chance.choice([0, 3]), seller=seller
        )
    await books.do(ChangeProduct(OPERATOR, 4, name="Limo_nade"))
    await books.do(RemoveProduct(OPERATOR, 1))
    await books.execute("UPDATE shelves SET price_cents = 120 WHERE product_id IN (2, 5, 6, 9)")
    hall = await books.machine("hall")
    for product_id, quantity, price in ((2, 4, "NULL"), (3, 0, 70), (6, 1, 150)):
        await books.execute(
            f"INSERT INTO shelves (machine_id, product_id, quantity, price_cents) "
            f"VALUES ({hall}, {product_id}, {quantity}, {price})"
        )


def expected(everything: Sequence[ProductRecord], search: Search) -> list[int]:
    """What a look at every product of the search's machine finds."""
    key = name_key(search.keyword)
    found = [
        one
        for one in everything
        if key in name_key(one.name)
        and (search.price_cents_max is None or one.price_cents <= search.price_cents_max)
        and search.seller_id in (None, one.seller_id)
        and search.in_stock in (None, one.stock > 0)
    ]
    return [one.product_id for one in ordered(found, search.sort)]


def ordered(found: list[ProductRecord], sort: Sort) -> list[ProductRecord]:
    if sort in (Sort.NAME, Sort.NAME_DOWN):  # As the database sorts text: only compared with itself.
        return found
    by_price = sort in (Sort.PRICE, Sort.PRICE_DOWN)
    down = sort in (Sort.NEWEST, Sort.PRICE_DOWN)
    return sorted(found, key=lambda one: (one.price_cents if by_price else 0, one.product_id), reverse=down)


def searches() -> Iterator[Search]:
    """Every keyword in every order; every filter with every other."""
    for sort, keyword in itertools.product(Sort, KEYWORDS):
        yield Search(limit=1000, keyword=keyword, sort=sort)
    for sort, keyword, price, seller, in_stock, machine in itertools.product(
        Sort, ("", "a"), (None, 1, 100, 120, 10**9), (None, 1, 2, 99), (None, True, False), (1, 2)
    ):
        yield Search(
            limit=1000,
            keyword=keyword,
            price_cents_max=price,
            seller_id=seller,
            in_stock=in_stock,
            machine_id=machine,
            sort=sort,
        )


@pytest.mark.uncounted
@pytest.mark.parametrize("few", [0, catalogue.FEW])
async def test_finds_what_a_look_at_everything_finds(
    open_for_business: Shop, database_url: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_for_business
    await fill(Books(database_url, shop.engine, shop.till))
    monkeypatch.setattr(catalogue, "FEW", few)
    everything = {
        machine: await catalogue.page(shop, Search(limit=1000, machine_id=machine)) for machine in (1, 2)
    }
    tried = 0
    for search in searches():
        found = [one.product_id for one in await catalogue.page(shop, search)]
        wanted = expected(everything[search.machine_id], search)
        if search.sort in (Sort.NAME, Sort.NAME_DOWN):
            assert sorted(found) == wanted, search
        else:
            assert found == wanted, search
        tried += bool(found)
    assert tried > 300


@pytest.mark.parametrize("sort", list(Sort))
async def test_every_page_goes_on_where_the_last_one_ended(
    open_for_business: Shop, database_url: str, sort: Sort
) -> None:
    shop = open_for_business
    await fill(Books(database_url, shop.engine, shop.till))
    for search in (Search(limit=1000, sort=sort), Search(limit=1000, sort=sort, keyword="a", in_stock=True)):
        whole = await catalogue.page(shop, search)
        assert len(whole) >= 2
        for limit in (1, 2, 5):
            found: list[ProductRecord] = []
            part = replace(search, limit=limit)
            while page := await catalogue.page(shop, part):
                found += page
                part = replace(part, after=catalogue.place_of(page[-1], sort))
            assert found == whole
            by_offset = [
                one
                for offset in range(0, len(whole), limit)
                for one in await catalogue.page(shop, replace(search, limit=limit, offset=offset))
            ]
            assert by_offset == whole
    down = {Sort.NAME: Sort.NAME_DOWN, Sort.PRICE: Sort.PRICE_DOWN, Sort.ID: Sort.NEWEST}.get(sort)
    if down is not None:
        backwards = await catalogue.page(shop, Search(limit=1000, sort=down))
        assert backwards[::-1] == await catalogue.page(shop, Search(limit=1000, sort=sort))


@pytest.mark.parametrize(
    ("search", "walk"),
    [
        (Search(limit=50, keyword="o", sort=Sort.PRICE), "ix_products_on_sale_price_cents"),
        (Search(limit=50, price_cents_max=500, sort=Sort.NAME), "ix_products_on_sale_name_key"),
        (Search(limit=50, in_stock=True, sort=Sort.PRICE), "ix_products_on_sale_price_cents"),
    ],
)
async def test_long_lists_are_walked_through_in_indexes_alone(
    open_for_business: Shop, search: Search, walk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "FEW", -1)  # As of so many products that they are not sorted.
    monkeypatch.setattr(catalogue, "FEW_LATE", -1)
    with heard(open_for_business.engine) as said:
        await catalogue.page(open_for_business, search)

    told = await plans(open_for_business.engine, said)

    # Both walk in the order of names and read the same rows: to SQLite they cost nearly the same.
    walks = {walk, "uq_products_name_key"} if walk == "ix_products_on_sale_name_key" else {walk}
    for indexes in (walks, {"ix_shelves_own_price_product"}):
        assert any(
            f" INDEX {index}" in told or f"Index Only Scan using {index}" in told for index in indexes
        ), told


@pytest.mark.parametrize(
    ("search", "index"),
    [
        (Search(limit=50, category="Drinks", sort=Sort.NAME), "ix_products_category_key"),
        (Search(limit=50, barcode="4006381333931"), "uq_products_barcode_seller_id"),
    ],
)
async def test_a_category_and_a_barcode_are_found_by_their_index(
    open_for_business: Shop, search: Search, index: str
) -> None:
    with heard(open_for_business.engine) as said:
        await catalogue.page(open_for_business, search)
    told = await plans(open_for_business.engine, said)
    assert f" INDEX {index}" in told or f"using {index}" in told or f"on {index}" in told, told


async def test_the_index_has_the_names_on_sale(open_for_business: Shop, database_url: str) -> None:
    books = Books(database_url, open_for_business.engine, open_for_business.till)
    await fill(books)
    on_sale = [row for row in await books.rows("products") if row["removed_us"] is None]
    wanted = {(suffix, row["id"]) for row in on_sale for suffix in suffixes(row["name_key"])}
    assert {(row["suffix"], row["product_id"]) for row in await books.rows("product_suffixes")} == wanted


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.data())
def test_every_part_of_a_name_begins_a_suffix(key: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(key) - 1))
    part = key[start : data.draw(st.integers(start + 1, len(key)))]
    first, end = suffixes_between(part)
    assert end is None or first < end
    for suffix in suffixes(key):
        inside = first <= suffix and (end is None or suffix < end)
        assert inside == suffix.startswith(part[:SUFFIX_LENGTH_MAX])
    assert any(suffix.startswith(first) for suffix in suffixes(key))


PRODUCTS_LARGE = 100_000
SHARE = (
    50  # So many times fewer products, and fewer that count as few: all lists are walked as in a large shop.
)
PRODUCTS = PRODUCTS_LARGE // SHARE
# The most seen, and half as much again: SQLite's steps, and the pages that PostgreSQL reads. Looking at every
# product and sorting them takes SQLite 80,000.
STEPS_MAX, STEPS_LATE_MAX, PAGES_MAX = 30_000, 105_000, 5_500


@pytest.fixture
def many_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A shop of many products."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/many.sqlite3"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.new_database()
    make(url, size=Size(products=PRODUCTS, buyers=10))
    return url


ON_BOTH = pytest.mark.parametrize(
    "many_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@ON_BOTH
async def test_no_search_looks_at_everything(many_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "FEW", catalogue.FEW // SHARE)
    monkeypatch.setattr(catalogue, "FEW_LATE", catalogue.FEW_LATE // SHARE)
    await name_products(many_url)
    work: dict[str, int] = {}
    async with open_shop(Settings(database_url=many_url, secret="s" * 64)) as shop:
        for name, search in kinds(random.Random(1)):
            with heard(shop.engine) as said:
                await catalogue.page(shop, search)
            work[name] = await effort(shop.engine, list(said))
    first, late = STEPS_MAX, STEPS_LATE_MAX
    if not many_url.startswith("sqlite"):
        first = late = PAGES_MAX
    assert {name: done for name, done in work.items() if done > (late if "late" in name else first)} == {}
