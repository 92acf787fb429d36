"""The pictures of the demo are what the script paints."""

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from tools.demo_pictures.__main__ import FOLDER, PICTURES, draw


@pytest.mark.parametrize("name", PICTURES)
def test_the_file_looks_like_what_is_painted(name: str) -> None:
    painted = Image.open(io.BytesIO(draw(name))).convert("RGB")
    kept = Image.open(FOLDER / f"{name}.webp").convert("RGB")
    # Another release of the encoder may write other bytes, but nothing that can be told apart.
    assert max(ImageStat.Stat(ImageChops.difference(painted, kept)).mean) < 1


def test_every_file_is_painted() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(PICTURES)
