"""Products and shelves: who may change them, and how far a shelf goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuckshop.domain.field_problems import OutOfRange, TaxOutOfRange, WrongLength
from tuckshop.domain.products import (
    PRODUCT_NAME_LENGTH_MAX,
    QUANTITY_MAX,
    SUFFIX_LENGTH_MAX,
    Product,
    Shelf,
    StockKind,
    StockMovement,
    check_product_name,
    check_quantity,
    move,
    parse_tax,
    require_on_sale,
    require_owner,
    show_tax,
    suffixes,
    suffixes_between,
)
from tuckshop.domain.refusals import (
    InvalidField,
    NotOwner,
    OutOfStock,
    Refusal,
    StockTooLarge,
    UnknownProduct,
)
from tuckshop.domain.users import OPERATOR, Actor, Role

SELLER, OTHER = 7, 8
COLA = Product(
    id=1, name="Cola", price_cents=150, seller_id=SELLER, refundable=True,
    tax_basis_points=0, cost_cents=60, version=1, on_sale=True,
)  # fmt: skip


def shelf(quantity: int, *, capacity: int | None = None) -> Shelf:
    return Shelf(machine_id=1, product_id=1, quantity=quantity, capacity=capacity, price_cents=None)


def actor(user_id: int | None, *roles: Role) -> Actor:
    return Actor(user_id=user_id, roles=frozenset(roles))


def test_a_product_name_has_1_to_100_characters() -> None:
    assert check_product_name("Käsebrot") == "Käsebrot"
    assert len(check_product_name("x" * PRODUCT_NAME_LENGTH_MAX)) == PRODUCT_NAME_LENGTH_MAX
    for name in ("", "x" * (PRODUCT_NAME_LENGTH_MAX + 1)):
        with pytest.raises(InvalidField) as refused:
            check_product_name(name)
        assert refused.value == InvalidField(field="name", problem=WrongLength(1, 100))


@pytest.mark.parametrize(("least", "quantity"), [(0, 0), (1, 1), (0, QUANTITY_MAX)])
def test_a_quantity_may_reach_its_limits(least: int, quantity: int) -> None:
    assert check_quantity(quantity, field="stock", least=least) == quantity


@pytest.mark.parametrize(("least", "quantity"), [(0, -1), (1, 0), (1, QUANTITY_MAX + 1)])
def test_refuses_a_quantity_outside_its_limits(least: int, quantity: int) -> None:
    with pytest.raises(InvalidField) as refused:
        check_quantity(quantity, field="stock", least=least)
    assert refused.value == InvalidField(field="stock", problem=OutOfRange(least, 1_000_000))


@pytest.mark.parametrize(
    ("who", "of_somebody", "of_the_house"),
    [
        (actor(SELLER, Role.SELLER), True, False),
        (actor(OTHER, Role.ADMIN), True, True),
        (OPERATOR, True, True),
        (actor(OTHER, Role.SELLER), False, False),
        (actor(OTHER, Role.CASHIER, Role.BUYER), False, False),
        (actor(SELLER, Role.BUYER), False, False),  # sells no more
        (actor(None, Role.SELLER), False, False),
    ],
)
def test_a_product_is_changed_by_its_seller_and_by_admins(
    who: Actor, *, of_somebody: bool, of_the_house: bool
) -> None:
    not_theirs = NotOwner(thing="product")
    assert refusal(who, COLA) == (None if of_somebody else not_theirs)
    assert refusal(who, COLA._replace(seller_id=None)) == (None if of_the_house else not_theirs)


def refusal(who: Actor, product: Product) -> Refusal | None:
    try:
        require_owner(who, product.seller_id)
    except Refusal as refused:
        return refused
    return None


def test_only_what_is_on_sale_is_sold() -> None:
    assert require_on_sale(COLA, 1) == COLA
    for gone in (None, COLA._replace(on_sale=False)):
        with pytest.raises(UnknownProduct) as refused:
            require_on_sale(gone, 1)
        assert refused.value == UnknownProduct(product=1)


def test_the_last_can_is_sold_and_not_one_more() -> None:
    assert move(shelf(1), StockKind.SALE, -1) == StockMovement(StockKind.SALE, 1, 1, -1)
    with pytest.raises(OutOfStock) as refused:
        move(shelf(1), StockKind.SALE, -2)
    assert refused.value == OutOfStock(product=1, available=1)


def test_a_shelf_is_filled_to_its_capacity_and_no_further() -> None:
    assert move(shelf(8, capacity=10), StockKind.RESTOCK, 2).quantity == 2
    with pytest.raises(StockTooLarge) as refused:
        move(shelf(8, capacity=10), StockKind.RESTOCK, 3)
    assert refused.value == StockTooLarge(product=1, capacity=10)


@pytest.mark.parametrize("capacity", [None, QUANTITY_MAX, QUANTITY_MAX + 5])
def test_no_shelf_holds_more_than_a_small_shop_stores(capacity: int | None) -> None:
    assert move(shelf(QUANTITY_MAX - 1, capacity=capacity), StockKind.CORRECTION, 1).quantity == 1
    with pytest.raises(StockTooLarge) as refused:
        move(shelf(QUANTITY_MAX, capacity=capacity), StockKind.CORRECTION, 1)
    assert refused.value == StockTooLarge(product=1, capacity=QUANTITY_MAX)


def test_what_was_sold_comes_back_to_a_full_shelf_and_leaves_it_again() -> None:
    assert move(shelf(10, capacity=10), StockKind.REFUND, 1).quantity == 1
    assert move(shelf(11, capacity=10), StockKind.SALE, -1).quantity == -1


@pytest.mark.parametrize(
    ("kind", "quantity"), [(StockKind.SALE, 1), (StockKind.REFUND, -1), *((kind, 0) for kind in StockKind)]
)
def test_a_movement_of_nothing_or_the_wrong_way_cannot_be_built(kind: StockKind, quantity: int) -> None:
    with pytest.raises(ValueError, match=f"a {kind} cannot move {quantity}"):
        StockMovement(kind, 1, 1, quantity)


@given(
    start=st.integers(0, 12),
    moves=st.lists(
        st.tuples(
            st.sampled_from([StockKind.RESTOCK, StockKind.CORRECTION, StockKind.WRITE_OFF]),
            st.integers(-5, 5).filter(bool),
        )
    ),
)
def test_a_shelf_is_never_below_nothing_nor_above_its_capacity(
    start: int, moves: list[tuple[StockKind, int]]
) -> None:
    now = shelf(start, capacity=12)
    for kind, quantity in moves:
        try:
            movement = move(now, kind, quantity)
        except Refusal:
            continue
        now = now._replace(quantity=now.quantity + movement.quantity)
        assert 0 <= now.quantity <= 12


def test_a_shelf_fuller_than_its_lowered_capacity_still_sells() -> None:
    assert move(shelf(8, capacity=5), StockKind.SALE, -1).quantity == -1
    with pytest.raises(StockTooLarge):
        move(shelf(8, capacity=5), StockKind.RESTOCK, 1)


def test_a_movement_of_nothing_is_none_even_on_a_shelf_that_is_too_full() -> None:
    with pytest.raises(ValueError, match="cannot move 0"):
        move(shelf(8, capacity=5), StockKind.CORRECTION, 0)


# Words, numbers and codes


def test_what_follows_each_character_of_a_key_is_told_once_and_not_at_full_length() -> None:
    assert suffixes("tea") == ["a", "ea", "tea"]
    assert suffixes("aa") == ["a", "aa"]
    longest = "abcdefghijklmnopqrst"
    assert suffixes(longest)[0] == longest[:SUFFIX_LENGTH_MAX]
    assert max(map(len, suffixes(longest))) == SUFFIX_LENGTH_MAX


@pytest.mark.parametrize(
    ("part", "bounds"),
    [
        ("te", ("te", "tf")),
        ("x" * (SUFFIX_LENGTH_MAX + 1), ("x" * SUFFIX_LENGTH_MAX, "x" * (SUFFIX_LENGTH_MAX - 1) + "y")),
        ("t\U0010ffff", ("t\U0010ffff", "u")),
        ("\U0010ffff", ("\U0010ffff", None)),
        ("t\ud7ff", ("t\ud7ff", "t\ue000")),  # What lies between are no characters.
    ],
)
def test_what_begins_with_a_part_lies_between_two_texts(part: str, bounds: tuple[str, str | None]) -> None:
    assert suffixes_between(part) == bounds


@pytest.mark.parametrize(
    ("text", "points"), [("0", 0), ("19", 1900), ("5.5", 550), ("7.25", 725), ("100", 10_000)]
)
def test_a_tax_is_written_in_per_cent(text: str, points: int) -> None:
    assert parse_tax(text) == points
    assert show_tax(points) == text


def test_no_tax_is_above_100_per_cent() -> None:
    with pytest.raises(InvalidField) as refused:
        parse_tax("100.01")
    assert refused.value == InvalidField(field="tax", problem=TaxOutOfRange(10_000))
