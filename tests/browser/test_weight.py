"""What comes over the line before somebody can buy at a machine with 24 products; all can use what comes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Request, expect

from tests.browser.conftest import Scene
from tests.browser.judging import judged
from tests.browser.test_machine import stocked
from tests.shop import Shop

PRODUCTS = 24
WEIGHT_BYTES_MAX = 100_000
PICTURES = "/v1/images/"


def test_the_machine_is_light_and_open_to_all(scene: Scene) -> None:
    filled(scene)
    page = scene.browser().new_page()
    came: list[Request] = []
    page.on("requestfinished", lambda request: came.append(request))  # noqa: PLW0108  # of Python
    page.goto(f"{scene.address}/", wait_until="load")
    expect(page.locator("img").last).to_be_visible()
    # Each address once: what the machine looks up later, since something happens, is no weight of the page.
    weights = {urlsplit(request.url).path: weight_bytes(request) for request in came}
    assert any(path.startswith(PICTURES) for path in weights)  # Everything is in sight.
    own = {path: weight for path, weight in weights.items() if not path.startswith(PICTURES)}
    assert {path.rpartition(".")[2] for path in own} >= {"/", "css", "js"}
    assert sum(own.values()) < WEIGHT_BYTES_MAX, own
    assert judged(page) == []


def filled(scene: Scene) -> None:
    """Puts 24 products with pictures into the machine."""
    made = stocked(scene, **{f"cola {number}": (65, number) for number in range(PRODUCTS)})
    scene.do(lambda shop: picture(shop, made.values()))


async def picture(shop: Shop, product_ids: Iterable[int]) -> None:
    """Gives each of them a picture of its own."""
    file = io.BytesIO()
    Image.new("RGB", (256, 256), "orange").save(file, "WEBP")
    for product_id in product_ids:
        await shop.execute(
            "INSERT INTO images (id, media_type, content, created_us) VALUES (:id, 'image/webp', :it, 1)",
            id=product_id,
            it=file.getvalue(),
        )
    await shop.execute("UPDATE products SET image_id = id")


def weight_bytes(request: Request) -> int:
    """Of the answer as it came over the line: its head, and its body as it was packed."""
    sizes = request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]
