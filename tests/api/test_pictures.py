"""Pictures of products: only what is a picture comes in, and only what is seen of it is kept."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.api.conftest import Api, People
from tests.api.pictures import bomb, painted
from tuckshop.operations.pictures import PIXELS_MAX, SIDE_MAX, UPLOAD_BYTES_MAX

IMAGE = "/v1/products/1/image"


@pytest.fixture
async def shop(api: Api, people: People) -> Api:
    await api.shop.product("cola", seller=people.sam)
    return api


async def put(
    api: Api, content: Any, media_type: str = "image/png", *, by: Any, path: str = IMAGE, **headers: str
) -> httpx.Response:
    return await api.call(
        "PUT", path, by=by, content=content, headers={"Content-Type": media_type, **headers}
    )


async def shown(api: Api, answer: httpx.Response) -> Image.Image:
    """The picture that is served for the product in the answer."""
    assert answer.status_code == 200, answer.text
    served = await api.get(answer.json()["image"])
    assert served.headers["content-type"] == "image/webp"
    picture = Image.open(io.BytesIO(served.content))
    picture.load()
    assert picture.format == "WEBP"
    return picture


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (painted("PNG"), "image/png"),
        (painted("PNG", mode="RGBA"), "image/png"),
        (painted("PNG", mode="L"), "image/png"),
        (painted("PNG", mode="P"), "image/png"),
        (painted("JPEG"), "image/jpeg"),
        (painted("JPEG", mode="CMYK"), "image/jpeg"),
        (painted("JPEG"), "IMAGE/JPEG"),
        (painted("WEBP", lossless=True), "image/webp"),
        (painted("PNG", (1, 1)), "image/png"),
    ],
)
async def test_takes_pictures(shop: Api, people: People, content: bytes, media_type: str) -> None:
    answer = await put(shop, content, media_type, by=people.sam)
    assert answer.json()["version"] == 2
    picture = await shown(shop, answer)
    assert picture.size in ((40, 30), (1, 1))


async def test_makes_them_small(shop: Api, people: People) -> None:
    picture = await shown(shop, await put(shop, painted("JPEG", (3000, 1000)), "image/jpeg", by=people.sam))
    assert picture.size == (SIDE_MAX, 171)


async def test_keeps_nothing_but_what_is_seen(shop: Api, people: People) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned to the right.
    exif[0x010E] = "SECRET PLACE"
    content = painted("JPEG", (40, 30), exif=exif, comment=b"SECRET WORD", icc_profile=b"SECRET PROFILE")
    assert content.count(b"SECRET") == 3
    answer = await put(shop, content + b"SECRET TAIL <script>", "image/jpeg", by=people.sam)
    picture = await shown(shop, answer)
    assert picture.size == (30, 40)
    red, _, blue = picture.convert("RGB").getpixel((15, 2))  # type: ignore[misc]
    assert red > blue  # The left is above now.
    assert not picture.getexif()
    (row,) = await shop.shop.rows("images")
    assert b"SECRET" not in row["content"]
    assert not any(name in row["content"] for name in (b"EXIF", b"ICCP", b"XMP "))


def moving(kind: str) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BROKEN = {
    "no picture": b"hello",
    "HTML": b"<html><script>alert(1)</script></html>",
    "SVG": SVG,
    "a head alone": b"\x89PNG\r\n\x1a\n",
    "cut off": painted("PNG", (400, 300))[:-300],
    "JPEG": painted("JPEG"),
    "GIF": painted("GIF"),
    "BMP": painted("BMP"),
    "TIFF": painted("TIFF"),
    "moving": moving("PNG"),
    "a bomb": bomb(30_000),
    "a smaller bomb": bomb(8_000),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
}


@pytest.mark.parametrize("what", BROKEN)
async def test_refuses_what_is_no_picture(shop: Api, people: People, what: str) -> None:
    before = await shop.shop.books()
    answer = await put(shop, BROKEN[what], by=people.sam)
    assert (answer.status_code, answer.json()["field"]) == (422, "image"), answer.text
    assert await shop.shop.books() == before


async def test_refuses_what_is_broken_in_other_formats(shop: Api, people: People) -> None:
    before = await shop.shop.books()
    for content, media_type in (
        (painted("JPEG", (400, 300))[:-300], "image/jpeg"),
        (painted("WEBP", (400, 300))[:-60], "image/webp"),
        (moving("WEBP"), "image/webp"),
        (painted("PNG"), "image/webp"),
        (SVG, "image/jpeg"),
    ):
        answer = await put(shop, content, media_type, by=people.sam)
        assert (answer.status_code, answer.json()["field"]) == (422, "image"), media_type
    assert PIXELS_MAX < 8_000 * 8_000
    assert await shop.shop.books() == before


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "image/svg+xml",
        "image/gif",
        "application/octet-stream",
        "application/json",
        "text/html",
        "image/*",
        "multipart/form-data; boundary=x",
        "image/png; x=y",
        "image/png, image/jpeg",
    ],
)
async def test_refuses_other_media_types(shop: Api, people: People, media_type: str) -> None:
    before = await shop.shop.books()
    answer = await put(shop, painted("PNG"), media_type, by=people.sam)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (415, "Content-Type")
    assert await shop.shop.books() == before


async def test_refuses_what_is_too_large(shop: Api, people: People) -> None:
    before = await shop.shop.books()

    async def chunked(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 65_536):
            yield b"x" * 65_536

    answer = await put(shop, b"x" * (UPLOAD_BYTES_MAX + 1), by=people.sam)
    assert (answer.status_code, answer.json()["detail"]) == (413, "body must have at most 8388608 bytes.")
    try:
        # We hang up on it, so nothing else may come by the same connection.
        answer = await put(shop, chunked(50_000_000), by=people.sam, Connection="close")
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # Before it had read why.
    assert (await put(shop, b"x" * UPLOAD_BYTES_MAX, by=people.sam)).status_code == 422
    assert (await put(shop, b"", by=people.sam)).json()["detail"] == "body is missing."
    assert await shop.shop.books() == before
    assert (await shop.get("/health/live")).status_code == 200


async def test_takes_no_name_of_a_file(shop: Api, people: People) -> None:
    for path in ("../../etc/passwd", "%2e%2e%2fx.png", "cola.png"):
        answer = await put(shop, painted("PNG"), by=people.sam, path=f"{IMAGE}/{path}")
        assert answer.status_code in (404, 405)
    named = {"Content-Disposition": 'attachment; filename="../../x.png"'}
    answer = await put(shop, painted("PNG"), by=people.sam, **named)
    assert answer.json()["image"] == "/v1/images/1"


@pytest.mark.parametrize(
    ("who", "status"), [("ada", 403), ("sue", 403), ("cas", 403), ("sam", 200), ("root", 200)]
)
async def test_is_for_the_owner_and_admins(shop: Api, people: People, who: str, status: int) -> None:
    before = await shop.shop.books()
    by = getattr(people, who)
    assert (await put(shop, painted("PNG"), by=by)).status_code == status
    removed = await shop.call("DELETE", IMAGE, by=by)
    assert removed.status_code == (204 if status == 200 else 403)
    if status != 200:
        assert await shop.shop.books() == before
    assert (await put(shop, painted("PNG"), by=None)).status_code == 401
    assert (await put(shop, painted("PNG"), by=by, path="/v1/products/9/image")).status_code == 404


async def test_another_picture_takes_the_place_of_the_first(shop: Api, people: People) -> None:
    first = (await put(shop, painted("PNG"), by=people.sam)).json()
    second = (await put(shop, painted("JPEG"), "image/jpeg", by=people.sam)).json()
    assert (first["image"], second["image"]) == ("/v1/images/1", "/v1/images/2")
    assert (first["version"], second["version"]) == (2, 3)
    assert (await shop.get(first["image"])).status_code == 404
    assert [row["id"] for row in await shop.shop.rows("images")] == [2]
    assert (await shop.call("DELETE", IMAGE, by=people.sam)).status_code == 204
    product = (await shop.get("/v1/products/1")).json()
    assert (product["image"], product["version"]) == (None, 4)
    assert await shop.shop.rows("images") == []
    again = await shop.call("DELETE", IMAGE, by=people.sam)
    assert again.status_code == 204
    assert (await shop.get("/v1/products/1")).json()["version"] == 4


async def test_a_picture_that_others_show_stays(shop: Api, people: People) -> None:
    await put(shop, painted("PNG"), by=people.sam)
    await shop.shop.product("cola light", seller=people.sam, image_id=1)
    await put(shop, painted("JPEG"), "image/jpeg", by=people.sam)
    assert [row["id"] for row in await shop.shop.rows("images")] == [1, 2]


async def test_only_at_the_version_that_was_seen(shop: Api, people: People) -> None:
    await put(shop, painted("PNG"), by=people.sam)
    before = await shop.shop.books()
    stale = {"If-Match": '"1"'}
    assert (await put(shop, painted("JPEG"), "image/jpeg", by=people.sam, **stale)).status_code == 412
    assert (await shop.call("DELETE", IMAGE, by=people.sam, headers=stale)).status_code == 412
    assert await shop.shop.books() == before


async def test_a_retry_is_answered_as_before(shop: Api, people: People) -> None:
    key = {"Idempotency-Key": "picture"}
    first = await put(shop, painted("PNG"), by=people.sam, **key)
    again = await put(shop, painted("PNG"), by=people.sam, **key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert len(await shop.shop.rows("images")) == 1
    other = await put(shop, painted("JPEG"), "image/jpeg", by=people.sam, **key)
    assert other.json()["type"] == "urn:tuckshop:problem:idempotency-key-reused" or other.status_code == 422
    assert len(await shop.shop.rows("images")) == 1
