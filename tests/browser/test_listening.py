"""Nothing that a page complains of goes unheard: each kind is planted here once."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Scene
from tuckshop.web.ui.layout import POLICY

ADDRESS = "http://shop.example"
PLANTED = {
    "/": """<body onload="never()"><script>document.title = 'never'</script><style>p { color: red }</style>
        <img src="http://elsewhere.example/x.png"><iframe src="/never"></iframe>
        <script type="module" src="/throws.js"></script><script type="module" src="/rejects.js"></script>
        <script type="module" src="/says.js"></script><script type="module" src="/opens.js"></script>""",
    "/throws.js": "throw new Error('thrown')",
    "/rejects.js": "Promise.reject(new Error('rejected'))",
    "/says.js": """console.error("an error"); console.warn("a warning"); console.info("nothing");
        alert("hello"); await fetch("/broken"); await fetch("/lost").catch(() => {});
        await fetch("/refused");
        addEventListener("securitypolicyviolation", () => { document.title = "all said"; });
        eval("1");""",
    "/opens.js": "open('/other')",
    "/other": "<title>other</title><script type='module' src='/other.js'></script>",
    "/other.js": "throw new Error('thrown in the other page'); ",
}
HEARD = (
    "policy: script-src-attr of inline",
    "policy: script-src-elem of inline",
    "policy: style-src-elem of inline",
    "policy: img-src of http://elsewhere.example/x.png",
    "policy: frame-src of http://shop.example/never",
    "policy: script-src of eval",
    "thrown",
    "rejected",
    "an error",
    "a warning",
    "dialog: hello",
    "500: http://shop.example/broken",
    "net::ERR_CONNECTION_RESET: http://shop.example/lost",
    "422 (Unprocessable",
    "thrown in the other page",
)


@pytest.fixture
def planted(chromium: Browser) -> Scene:
    """Pages that no shop has."""
    return Scene("", ADDRESS, chromium)


@pytest.mark.uncounted
def test_every_complaint_is_heard(planted: Scene) -> None:
    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS)
        if path == "/lost":
            route.abort("connectionreset")
        elif path in PLANTED:
            kind = "text/javascript" if path.endswith(".js") else "text/html"
            headers = {"Content-Security-Policy": POLICY, "Content-Type": kind}
            route.fulfill(body=PLANTED[path], headers=headers)
        else:
            route.fulfill(status={"/broken": 500, "/refused": 422}.get(path, 404))

    context = planted.browser()
    context.route("**/*", answer)
    page = context.new_page()
    with page.expect_popup() as opened:
        page.goto(ADDRESS)
    expect(page).to_have_title("all said")
    expect(opened.value).to_have_title("other")
    opened.value.wait_for_load_state()
    for part in HEARD:
        assert any(part in one for one in planted.complaints), (part, planted.complaints)
    for part in planted.complaints:
        planted.allow(part)
    assert planted.unwanted() == []
    context.close()
