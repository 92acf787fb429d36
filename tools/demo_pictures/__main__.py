"""Paints the pictures of the demo's products: `python -m tools.demo_pictures` writes them anew.

Flat shapes on a soft ground, a few kilobytes each, of the kind in which the shop stores pictures.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw

from tools.demo_pictures import drinks, food, snacks
from tools.demo_pictures.brush import FINE, SIDE, Brush, Colour
from tuckshop.operations.pictures import QUALITY

FOLDER = Path(__file__).parents[2] / "src" / "tuckshop" / "demo" / "pictures"


def draw(name: str) -> bytes:
    """The picture of this name (a key of PICTURES) as WebP."""
    ground, paint = PICTURES[name]
    canvas = Image.new("RGB", (SIDE * FINE, SIDE * FINE), ground)
    paint(Brush(ImageDraw.Draw(canvas), ground))
    file = io.BytesIO()
    canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "WEBP", quality=QUALITY, method=4)
    return file.getvalue()


PICTURES: dict[str, tuple[Colour, Callable[[Brush], None]]] = {
    "cola": ("#fde3e1", drinks.cola),
    "orange_soda": ("#fdeccb", drinks.orange_soda),
    "iced_tea": ("#e5f1dc", drinks.iced_tea),
    "still_water": ("#dcecfa", drinks.still_water),
    "sparkling_water": ("#d9f1e8", drinks.sparkling_water),
    "coffee": ("#eee3d4", drinks.coffee),
    "oat_milk": ("#d3e4ec", drinks.oat_milk),
    "croissant": ("#fbeccf", food.croissant),
    "pretzel": ("#f6e6d2", food.pretzel),
    "muffin": ("#e4e3f6", food.muffin),
    "cookie": ("#f3e3d3", food.cookie),
    "doughnut": ("#fce1ec", food.doughnut),
    "apple": ("#e2f2d6", food.apple),
    "banana": ("#fbf4cf", food.banana),
    "orange": ("#fbe6cd", food.orange),
    "pear": ("#eef3cd", food.pear),
    "carrots": ("#f9e4d4", food.carrots),
    "salted_crisps": ("#dde7f7", snacks.salted_crisps),
    "paprika_crisps": ("#fbe2d8", snacks.paprika_crisps),
    "chocolate_bar": ("#e9e0f3", snacks.chocolate_bar),
    "gummy_bears": ("#e0f1ee", snacks.gummy_bears),
    "popcorn": ("#fbe9dd", snacks.popcorn),
    "peanuts": ("#f3ead4", snacks.peanuts),
    "ice_lolly": ("#d8eff6", snacks.ice_lolly),
}
"""By name: the ground's colour, and who paints on it."""


if __name__ == "__main__":
    for each in PICTURES:
        (FOLDER / f"{each}.webp").write_bytes(draw(each))
