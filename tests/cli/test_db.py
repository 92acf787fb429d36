"""The database under the shop."""

import pytest

from tests.cli.conftest import Terminal


def test_status_of_a_shop(open_terminal: Terminal) -> None:
    told = open_terminal.works("db", "status")
    assert str(open_terminal.database) in told
    assert "nothing" in told


def test_upgrade_at_the_newest_changes_nothing(open_terminal: Terminal) -> None:
    before = open_terminal.books()
    assert "is up to date" in open_terminal.works("db", "upgrade")
    assert open_terminal.books() == before


def test_a_shop_that_was_never_finished(open_terminal: Terminal) -> None:
    open_terminal.tamper("DELETE FROM shop")
    assert "Finish with `tuckshop init`" in open_terminal.works("db", "status")


@pytest.mark.parametrize("command", ["status", "upgrade"])
def test_what_is_not_ours_is_left_alone(open_terminal: Terminal, command: str) -> None:
    open_terminal.tamper("UPDATE alembic_version SET version_num = '9999', compatible_since = '9999'")
    assert "newer" in open_terminal.refused("db", command)
    open_terminal.database.unlink()
    open_terminal.database.touch()
    assert "empty" in open_terminal.refused("db", command)
    open_terminal.tamper("CREATE TABLE songs (id INTEGER)")
    assert "another program" in open_terminal.refused("db", command)
