"""The next migration's first draft."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from tools import migration
from tuckshop.store import migrate, tables


def test_writes_what_the_tables_have_and_no_migration_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert migration.main(["vouchers"], tmp_path) == 1
    assert capsys.readouterr().err == "The migrations make all that tables.py has.\n"

    with_more = sa.MetaData(naming_convention=tables.metadata.naming_convention)
    for table in tables.metadata.tables.values():
        table.to_metadata(with_more)
    sa.Table("vouchers", with_more, sa.Column("id", sa.BigInteger(), primary_key=True))
    monkeypatch.setattr(tables, "metadata", with_more)

    assert migration.main(["add_vouchers"], tmp_path) == 0
    head = migrate.head_revision()
    [path] = tmp_path.iterdir()
    assert path.name == f"{int(head) + 1:04}_add_vouchers.py"
    assert capsys.readouterr().out == f"{path}\n"
    code = path.read_text()
    compile(code, path, "exec")
    assert f'down_revision = "{head}"' in code
    assert "op.create_table('vouchers'" in code


@pytest.mark.parametrize("words", [[], ["Vouchers"], ["../vouchers"], ["a", "b"], [""]])
def test_refuses_what_is_no_name(tmp_path: Path, words: list[str]) -> None:
    assert migration.main(words, tmp_path) == 2
    assert list(tmp_path.iterdir()) == []
