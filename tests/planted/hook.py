"""Imported before anything of the shop: plants the bug that the environment names."""

from tests.planted.planting import plant_named

plant_named()
