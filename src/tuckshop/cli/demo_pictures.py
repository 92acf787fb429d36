"""Pictures of the demo's products, painted by us: flat shapes on a soft ground, a few kilobytes each."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import NamedTuple

from tuckshop.cli import demo_drinks, demo_food, demo_snacks
from tuckshop.cli.demo_brush import FINE, SIDE, Brush, Colour

QUALITY = 84


class Picture(NamedTuple):
    """A finished picture."""

    media_type: str
    content: bytes


def draw(name: str) -> Picture:
    """The picture of this name (a key of PICTURES)."""
    from PIL import Image, ImageDraw

    ground, paint = PICTURES[name]
    canvas = Image.new("RGB", (SIDE * FINE, SIDE * FINE), ground)
    paint(Brush(ImageDraw.Draw(canvas), ground))
    file = io.BytesIO()
    canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "WEBP", quality=QUALITY, method=4)
    return Picture("image/webp", file.getvalue())


PICTURES: dict[str, tuple[Colour, Callable[[Brush], None]]] = {
    "cola": ("#fde3e1", demo_drinks.cola),
    "orange_soda": ("#fdeccb", demo_drinks.orange_soda),
    "iced_tea": ("#e5f1dc", demo_drinks.iced_tea),
    "still_water": ("#dcecfa", demo_drinks.still_water),
    "sparkling_water": ("#d9f1e8", demo_drinks.sparkling_water),
    "coffee": ("#eee3d4", demo_drinks.coffee),
    "oat_milk": ("#d3e4ec", demo_drinks.oat_milk),
    "croissant": ("#fbeccf", demo_food.croissant),
    "pretzel": ("#f6e6d2", demo_food.pretzel),
    "muffin": ("#e4e3f6", demo_food.muffin),
    "cookie": ("#f3e3d3", demo_food.cookie),
    "doughnut": ("#fce1ec", demo_food.doughnut),
    "apple": ("#e2f2d6", demo_food.apple),
    "banana": ("#fbf4cf", demo_food.banana),
    "orange": ("#fbe6cd", demo_food.orange),
    "pear": ("#eef3cd", demo_food.pear),
    "carrots": ("#f9e4d4", demo_food.carrots),
    "salted_crisps": ("#dde7f7", demo_snacks.salted_crisps),
    "paprika_crisps": ("#fbe2d8", demo_snacks.paprika_crisps),
    "chocolate_bar": ("#e9e0f3", demo_snacks.chocolate_bar),
    "gummy_bears": ("#e0f1ee", demo_snacks.gummy_bears),
    "popcorn": ("#fbe9dd", demo_snacks.popcorn),
    "peanuts": ("#f3ead4", demo_snacks.peanuts),
    "ice_lolly": ("#d8eff6", demo_snacks.ice_lolly),
}
"""By name: the ground's colour, and who paints on it."""
