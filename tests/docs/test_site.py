"""The documentation as a site: it is built without a warning, holds together, and fetches nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import DOCS
from tests.limits import WALK_SECONDS

pytestmark = [pytest.mark.more, pytest.mark.xdist_group("site")]

FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src")}


@dataclass
class Page(HTMLParser):
    """What a built page links to, what it fetches, and which anchors it has."""

    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif (tag, name) in FETCHED and value:
                self.fetched.append(value)
            elif (tag, name) == ("a", "href") and value:
                self.links.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """Each page of the site, as `make docs` builds it."""
    built = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "--fail-on-warning",
            "--keep-going",
            "--quiet",
            str(DOCS),
            str(built),
        ],
        capture_output=True,
        text=True,
        timeout=WALK_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    pages = {}
    for file in built.rglob("*.html"):
        pages[file] = Page()
        pages[file].feed(file.read_text("utf-8"))
    return pages


def test_every_page_is_on_the_site_and_can_be_found(site: dict[Path, Page]) -> None:
    [index] = [file for file in site if file.name == "index.html"]
    told = [urlsplit(link) for link in site[index].links]
    sidebar = {(index.parent / link.path).resolve() for link in told if not link.scheme}
    for source in DOCS.rglob("*.md"):
        page = index.parent / source.relative_to(DOCS).with_suffix(".html")
        assert page in site
        assert source.name == "index.md" or page.resolve() in sidebar, f"{source.name} is in no index"


def test_no_link_is_dead(site: dict[Path, Page]) -> None:
    dead = []
    for file, page in site.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                # Of pages elsewhere only the form is known: no test asks other people's servers.
                if parts.scheme not in ("http", "https", "mailto") or not (parts.netloc or parts.path):
                    dead.append(f"{file.name}: {link}")
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            there = site.get(target)
            anchor = unquote(parts.fragment)
            if not target.is_file() or (there and anchor and anchor not in there.anchors):
                dead.append(f"{file.name}: {link}")
    assert dead == []


def test_nothing_is_fetched_from_elsewhere(site: dict[Path, Page]) -> None:
    fetched = {link for page in site.values() for link in page.fetched}
    assert fetched
    assert [link for link in fetched if urlsplit(link).netloc] == []
    [index] = [file for file in site if file.name == "index.html"]
    for sheet in index.parent.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert "@import" not in text
        assert "url(http" not in text
        assert "url(//" not in text
