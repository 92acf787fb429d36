"""The wheel has every file of the package, languages compiled, and nothing left over from a build before."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.tools.wheel import SOURCE, build
from tuckshop.web.ui import i18n
from tuckshop.web.ui.i18n import Words

pytestmark = pytest.mark.xdist_group("wheel")  # It is built once.


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make build` packs, in a folder where a module that has gone since was built before."""
    folder = tmp_path_factory.mktemp("build")
    dist = build(folder)
    [wheel] = dist.glob("*.whl")
    assert {path.name for path in dist.iterdir()} == {wheel.name, "constraints.txt"}
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_has_every_file_of_the_package_and_no_other(unpacked: Path) -> None:
    packed = {
        path.relative_to(unpacked / "tuckshop")
        for path in (unpacked / "tuckshop").rglob("*")
        if path.is_file()
    }
    there = {path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file()}
    there = {path for path in there if "__pycache__" not in path.parts}
    assert packed == {path.with_suffix(".mo") if path.suffix == ".po" else path for path in there}


def test_the_wheel_speaks_as_the_checkout_does(unpacked: Path) -> None:
    folder = unpacked / "tuckshop" / "web" / "locale"
    assert dict(i18n._languages(folder)) == {"en": "English", "de": "Deutsch"}
    installed, checkout = (Words("de", one).translations for one in (folder, i18n.FOLDER))
    installed_texts, texts = (
        {key: text for key, text in one._catalog.items() if key}  # type: ignore[attr-defined]
        for one in (installed, checkout)  # But for the header, which has the hour.
    )
    assert installed_texts == texts
    assert texts
    assert Words("de", folder).ngettext("%(num)s row", "%(num)s rows", 2) == "2 Zeilen"
