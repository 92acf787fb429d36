"""Names that would be markup, were they not text: on every page, and in all that scripts put in place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import REFUSED, Scene
from tests.browser.test_account import log_in
from tests.browser.test_desk import file
from tests.browser.test_machine import says
from tests.web import pages
from tuckshop.till.callers import OPERATOR
from tuckshop.till.commands.products import ChangeProduct

WILD = '"><img src=x onerror=alert(1)>'
WILDER = "<script>alert(2)<script>"
MADE = """(page) => [...page.querySelectorAll("[onerror], [src=x], script:not([src])")]
    .map((one) => one.outerHTML)"""
# Parsed as this browser parses them; to show each would take ten times as long.
LOOK = f"""async (paths) => {{
    const made = {MADE};
    const look = async (path) => {{
        const answer = await fetch(path);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        return [answer.status, path, page.title.endsWith("</title>"), made(page).join()];
    }};
    return Promise.all(paths.map(look));
}}"""


@pytest.fixture
def shop_settings() -> dict[str, str]:
    """The shop's own name is one, too."""
    return {"TUCKSHOP_COINS": "self", "TUCKSHOP_SHOP_NAME": f"{WILD}</title>"}


def tame(page: Page) -> None:
    """No element was made of a name. Whatever ran or was fetched because of one is a complaint."""
    assert page.evaluate(f"({MADE})(document)") == [], page.url


def test_names_are_text_on_every_page_and_in_what_moves(scene: Scene) -> None:
    told = scene.do(lambda shop: pages.furnish(shop, word=WILD))
    page = scene.visit("/login")
    expect(page).to_have_title(f"Log in · {WILD}</title>")
    log_in(page, told["boss"], pages.PASSWORD)
    page.click("#go-on")
    paths = pages.addresses(told)
    assert page.evaluate(LOOK, paths) == [[200, path, True, ""] for path in paths]

    pie = int(told["product"])
    page.goto(f"{scene.address}/m/1")
    page.click(f"#choose-{pie}")
    page.click("#buy")
    says(page, f"Enjoy your {WILD} pie!")
    page.click("#undo")
    expect(page.locator("#undo")).to_have_count(0)
    scene.do(lambda shop: shop.do(ChangeProduct(OPERATOR, pie, name=WILDER)))
    expect(page.locator(f"#slot-{pie} .tag-name")).to_have_text(WILDER)
    page.click(f"#choose-{pie}")
    expect(page.locator(".choice-name")).to_have_text(WILDER)
    page.keyboard.type(WILD[:6])
    tame(page)

    page.goto(f"{scene.address}/desk/file")
    for table, told_in in (
        (f"name,price\n{WILDER} tea,1\n", "#would"),
        (f"name,{WILDER}\n{WILDER},1\n", "#problems"),
    ):
        page.set_input_files("#file", files=file(f"{WILDER}.csv", "text/csv", table.encode()))
        page.click("#look")
        expect(page.locator(told_in)).to_contain_text(WILDER)
        tame(page)
    scene.allow(REFUSED)
