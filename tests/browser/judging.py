"""What is wrong with a page, as people would find out who touch, read or hear it.

axe leaves open what styles alone do not tell: text on gradients, and beneath what is drawn over it. That is
measured here, on a picture of the page without its text.
"""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import Page

PHONE, DESK, KIOSK = (390, 844), (1440, 900), (1080, 1920)
TOUCH_PX_MIN = 44
FAINT_SHARE_MAX = 0.05  # Of what is beneath a text: a line that crosses it does not hide it.
AXE = Path(__file__).parents[2] / "tools" / "node" / "node_modules" / "axe-core" / "axe.min.js"
ASKED = Path(__file__).with_name("judging.js")


class Colour(NamedTuple):
    """Red, green and blue, up to 255."""

    red: float
    green: float
    blue: float


def judged(page: Page) -> list[str]:
    """All that is wrong with it: on a kiosk's screen, a desk and a phone, in light and dark."""
    headings = page.locator("h1").count()
    found = [] if headings == 1 else [f"{headings} first headings"]
    page.evaluate(f"() => {{ {_asked()} }}")
    found += page.evaluate("judging.unlabelled()")
    for width, height in (KIOSK, DESK, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        wrong = page.evaluate("judging.wide()") + page.evaluate(f"judging.small({TOUCH_PX_MIN})")
        if width != KIOSK[0]:
            wrong += page.evaluate("judging.axe()")
        found += [f"{width} wide: {one}" for one in wrong]
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {one}" for one in page.evaluate("judging.axe('color-contrast')") + _faint(page)]
    page.emulate_media(color_scheme="light")
    found += [f"light: {one}" for one in _faint(page)]
    return found


def _faint(page: Page) -> list[str]:
    """Texts whose contrast with what is beneath them is less than WCAG's AA asks for."""
    width = page.evaluate("innerWidth")
    # Scrolled to, parts of it would lie beneath what sticks to the window's edge.
    height = max(page.evaluate("document.documentElement.scrollHeight"), PHONE[1])
    page.set_viewport_size({"width": width, "height": height})
    lines = page.evaluate("judging.lines()")
    page.evaluate("judging.hideText()")
    shot = page.screenshot(animations="disabled", scale="css")
    page.evaluate("judging.showText()")
    with Image.open(io.BytesIO(shot)) as opened:
        picture = opened.convert("RGB")
    return [told for line in lines if (told := _too_faint(line, picture))]


def _too_faint(line: dict[str, Any], picture: Image.Image) -> str | None:
    is_large = line["size"] >= 24 or (line["size"] >= 18.66 and line["weight"] >= 700)
    needed = 3.0 if is_large else 4.5
    *ink, alpha = [*map(float, re.findall(r"[\d.]+", line["color"])), 1.0][:4]
    cover = alpha * line["opacity"]
    part = picture.crop(tuple(round(edge) for edge in line["box"]))
    counted: Any = part.getcolors(part.width * part.height)
    ratios = [
        (count, _ratio(_over(Colour(*ink), cover, Colour(*beneath)), Colour(*beneath)))
        for count, beneath in counted
    ]
    faint = sum(count for count, ratio in ratios if ratio < needed)
    if faint <= FAINT_SHARE_MAX * part.width * part.height:
        return None
    return f"contrast {min(ratio for _, ratio in ratios):.2f}: {line['text']}"


def _over(ink: Colour, cover: float, paper: Colour) -> Colour:
    return Colour(*(cover * one + (1 - cover) * other for one, other in zip(ink, paper, strict=True)))


@cache
def _ratio(one: Colour, other: Colour) -> float:
    darker, brighter = sorted((_luminance(one), _luminance(other)))
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    """As WCAG 2.2 defines it."""
    red, green, blue = (
        part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@cache
def _asked() -> str:
    assert AXE.exists(), "axe is missing: `make test` installs it"
    return AXE.read_text() + ASKED.read_text()
