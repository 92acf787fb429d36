"""The demo's files: whole, small, and refused with a reason where they are wrong."""

import io

import msgspec
import pytest
from PIL import Image

from tuckshop.demo import data
from tuckshop.demo.data import PRODUCTS, SHOP, DemoProduct, read_products, read_shop
from tuckshop.domain.products import check_product_name

HEAD = "name,seller,price_cents,cost_cents,tax_basis_points,refundable,category,popularity,picture"


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_every_picture_is_small_and_whole(product: DemoProduct) -> None:
    content = product.picture_content()
    assert len(content) < 8_000
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert (Image.MIME[str(image.format)], image.size) == (data.PICTURE_TYPE, (256, 256))


def test_every_product_has_a_picture_of_its_own_and_no_picture_is_left_over() -> None:
    pictures = {file.name: file.read_bytes() for file in (data._FOLDER / "pictures").iterdir()}
    assert {product.picture for product in PRODUCTS} == set(pictures)
    assert len(set(pictures.values())) == len(PRODUCTS) == 24


def test_every_product_is_one_that_the_shop_takes() -> None:
    for product in PRODUCTS:
        assert check_product_name(product.name) == product.name
        assert 0 < product.cost_cents < product.price_cents
        assert product.price_cents % 5 == 0
        assert product.popularity > 0
        assert (product.former_price_cents is None) == (product.price_change_day is None)
    assert {product.seller for product in PRODUCTS} == {None, *SHOP.sellers}


def test_every_user_has_a_name_of_their_own() -> None:
    names = [SHOP.admin.username, SHOP.cashier, *SHOP.sellers, *SHOP.buyers]
    assert len(set(names)) == len(names)
    assert len(SHOP.buyers) == 30
    assert SHOP.disabled_buyer in SHOP.buyers


def test_every_product_has_a_shelf() -> None:
    machine = SHOP.machine
    assert len(machine.shelf_rows) * machine.shelves_per_row == len(PRODUCTS)
    assert machine.coins == {50: 40, 20: 100, 10: 100, 5: 200}


def test_an_empty_cell_takes_the_default() -> None:
    (product,) = read_products(f"{HEAD}\nTea,,100,40,1900,true,Drinks,3,tea.webp\n")
    assert product == DemoProduct(
        name="Tea",
        price_cents=100,
        cost_cents=40,
        tax_basis_points=1900,
        refundable=True,
        category="Drinks",
        popularity=3,
        picture="tea.webp",
    )


@pytest.mark.parametrize(
    "row",
    [
        "Tea,,1.50,40,1900,true,Drinks,3,tea.webp",
        "Tea,,100,40,1900,perhaps,Drinks,3,tea.webp",
        "Tea,,,40,1900,true,Drinks,3,tea.webp",
        "Tea,,100,40",
        "Tea,,100,40,1900,true,Drinks,3,tea.webp,more",
    ],
)
def test_a_row_that_is_wrong_is_refused(row: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_products(f"{HEAD}\n{row}\n")


def test_an_unknown_column_or_key_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="colour"):
        read_products(f"{HEAD},colour\nTea,,100,40,1900,true,Drinks,3,tea.webp,green\n")
    with pytest.raises(msgspec.ValidationError, match="owner"):
        read_shop('owner = "ada"\n')
