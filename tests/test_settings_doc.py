"""docs/operate/settings.md has every setting, with its default and all values that it can have."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from tuckshop.settings import PREFIX, Settings

DOCUMENT = Path(__file__).parents[1] / "docs" / "operate" / "settings.md"
ROWS = re.findall(rf"^\| `{PREFIX}([A-Z_]+)` \| (.+?) \| (.+) \|$", DOCUMENT.read_text(), flags=re.MULTILINE)
FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}


def test_every_setting_is_there_once() -> None:
    assert sorted(name.lower() for name, _, _ in ROWS) == sorted(FIELDS)


@pytest.mark.parametrize(("name", "default", "meaning"), ROWS, ids=[name for name, _, _ in ROWS])
def test_says_the_default_and_the_values(name: str, default: str, meaning: str) -> None:
    field = FIELDS[name.lower()]
    if field.default not in ("", None):
        written = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        assert default == f"`{written}`"
    else:  # What holds then is said in words.
        assert not re.fullmatch("`.*`", default)
    kind = get_type_hints(Settings)[field.name]
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, StrEnum):
            assert {f"`{value}`" for value in one} <= set(re.findall("`[^`]+`", meaning))


def test_the_example_is_a_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tuckshop import settings_file

    [example] = re.findall(r"^```ini\n(.*?)^```$", DOCUMENT.read_text(), flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "shop.env").write_text(example)
    monkeypatch.setenv(settings_file.VARIABLE, str(tmp_path / "shop.env"))
    assert settings_file.read().values["TUCKSHOP_SHOP_NAME"] == "Corner shop"
