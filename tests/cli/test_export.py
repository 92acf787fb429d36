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
