"""Documents for other programs."""

import json

from tests.cli.conftest import Terminal


def test_prints_the_description(terminal: Terminal) -> None:
    schema = json.loads(terminal.works("export", "openapi"))
    assert schema["openapi"].startswith("3.1")
    assert "/v1/orders" in schema["paths"]


def test_writes_it_to_a_file(terminal: Terminal) -> None:
    file = terminal.home.parent / "openapi.json"
    assert terminal.works("export", "openapi", "--output", str(file)) == ""
    assert json.loads(file.read_text()) == json.loads(terminal.works("export", "openapi"))


def test_a_file_that_cannot_be_written(terminal: Terminal) -> None:
    terminal.refused("export", "openapi", "--output", str(terminal.home / "no" / "such.json"))
    terminal.refused("export", "openapi", "--output", str(terminal.home.parent))


def test_writes_tables(open_terminal: Terminal) -> None:
    shop = open_terminal
    shop.works("user", "add", "ada")
    shop.works("topup", "ada", "20", "--ref", "bank")
    shop.works("product", "add", "=Cola", "1.50", "--stock", "5")
    assert shop.works("export", "products").splitlines() == [
        "name,price,stock,stock_exported,seller,refundable,tax,cost,category,barcode",
        "'=Cola,1.50,5,5,house,yes,0,0.00,,",
    ]
    assert shop.works("export", "products", "--seller", "ada").count("\n") == 1
    assert "ada,,buyer,active,20.00,0.00,0.00," in shop.works("export", "users")
    assert shop.works("export", "orders").startswith("order,created,buyer,")


def test_writes_users_with_the_role_codes_of_a_kiosk(open_terminal: Terminal) -> None:
    shop = open_terminal
    shop.works("user", "add", "ada", "--email", "ada@example.org")
    shop.works("user", "add", "sam", "--role", "seller", "--role", "admin")
    head, *rows = shop.works("export", "users", "--dialect", "kiosk").splitlines()
    assert head == "id,username,email,role"
    assert [row.split(",", 1)[1] for row in rows] == ["ada,ada@example.org,100", "sam,,300"]
    assert "no role codes" in shop.refused("export", "users", "--dialect", "vending-challenge")
    assert "There is no dialect" in shop.refused("export", "users", "--dialect", "nobody's")


def test_a_table_in_a_file_is_there_whole(open_terminal: Terminal) -> None:
    folder = open_terminal.home.parent
    file = folder / "goods.csv"
    file.write_text("as it was")
    open_terminal.refused("export", "products", "--machine", "nowhere", "--output", str(file))
    assert file.read_text() == "as it was"
    assert open_terminal.works("export", "products", "--output", str(file)) == ""
    names = "name,price,stock,stock_exported,seller,refundable,tax,cost,category,barcode"
    assert file.read_bytes() == f"{names}\r\n".encode()
    assert sorted(one.name for one in folder.iterdir()) == ["goods.csv", "home"]
    open_terminal.refused("export", "users", "--output", str(folder / "no" / "such.csv"))
    open_terminal.refused("export", "products", "--seller", "nobody")
