"""A purchase over TLS: Chromium, the shipped nginx, two nodes, PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import served, visited
from tests.browser.test_machine import orders, says, stocked
from tests.edge.nginx import serving_edge
from tools.loopback import HOST, free_port

pytestmark = [pytest.mark.more, pytest.mark.postgres]

PICTURES = os.environ.get("TUCKSHOP_TEST_PICTURES")  # A folder: what was seen is kept there.


def test_a_guest_buys_over_tls(
    chromium: Browser, postgres_url: str, tmp_path: Path, shop_settings: dict[str, str]
) -> None:
    port = free_port(range(10_000, 20_000))
    settings = {
        **shop_settings,
        "TUCKSHOP_PUBLIC_URL": f"https://{HOST}:{port}",
        "TUCKSHOP_TRUSTED_PROXIES": HOST,
    }
    with served(postgres_url, settings) as one, served(postgres_url, settings) as other:
        nodes = [urlsplit(address).port or 0 for address in (one, other)]
        with (
            serving_edge(tmp_path, nodes=nodes, port=port) as edge,
            visited(postgres_url, edge.address, chromium) as scene,
        ):
            scene.do(lambda shop: shop.draw_coins())
            cola = stocked(scene, cola=(65, 10))["cola"]
            page = scene.visit(ignore_https_errors=True)  # Nobody has signed the certificate.
            page.click(f"#choose-{cola}")
            page.click("#coin-50")
            page.click("#coin-50")
            says(page, "Ready. Press Buy.")
            page.click("#buy")
            expect(page.locator("#said")).to_contain_text("Enjoy your cola!")
            expect(page.locator(f"#slot-{cola} .left")).to_have_text("9 left")
            if PICTURES:
                page.screenshot(path=f"{PICTURES}/edge.png")

            cookies = page.context.cookies()
            assert cookies
            assert all(cookie["secure"] and cookie["name"].startswith("__Host-") for cookie in cookies)
            protocol = "performance.getEntriesByType('navigation')[0].nextHopProtocol"
            assert page.evaluate(protocol) == "h2"
            assert [order["status"] for order in orders(scene)] == ["dispensed"]
