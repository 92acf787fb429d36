"""What the demo shop sells, and who sells it."""

from __future__ import annotations

from typing import NamedTuple

REDUCED = 700  # Food.
FULL = 1900  # Drinks and sweets.


class Good(NamedTuple):
    """A product of the demo. `seller` None: the house. `popularity`: how often it is chosen."""

    name: str
    seller: str | None
    price_cents: int
    cost_cents: int
    tax_basis_points: int
    popularity: int
    picture: str
    refundable: bool = True


GOODS = (
    Good("Cola", None, 150, 62, FULL, 10, "cola"),
    Good("Orange soda", None, 150, 60, FULL, 5, "orange_soda"),
    Good("Iced tea", None, 160, 70, FULL, 6, "iced_tea"),
    Good("Still water", None, 80, 22, FULL, 8, "still_water"),
    Good("Sparkling water", None, 85, 24, FULL, 7, "sparkling_water"),
    Good("Coffee", None, 120, 35, FULL, 12, "coffee", refundable=False),
    Good("Oat milk", None, 190, 115, REDUCED, 2, "oat_milk"),
    Good("Croissant", "bakery", 140, 55, REDUCED, 8, "croissant"),
    Good("Pretzel", "bakery", 110, 40, REDUCED, 8, "pretzel"),
    Good("Blueberry muffin", "bakery", 195, 80, REDUCED, 5, "muffin"),
    Good("Chocolate cookie", "bakery", 95, 35, REDUCED, 6, "cookie"),
    Good("Doughnut", "bakery", 165, 60, REDUCED, 5, "doughnut"),
    Good("Apple", "garden", 60, 25, REDUCED, 6, "apple"),
    Good("Banana", "garden", 55, 22, REDUCED, 7, "banana"),
    Good("Orange", "garden", 70, 30, REDUCED, 4, "orange"),
    Good("Pear", "garden", 65, 28, REDUCED, 3, "pear"),
    Good("Carrots", "garden", 90, 38, REDUCED, 2, "carrots"),
    Good("Salted crisps", "snacks", 175, 85, FULL, 5, "salted_crisps"),
    Good("Paprika crisps", "snacks", 175, 85, FULL, 6, "paprika_crisps"),
    Good("Chocolate bar", "snacks", 130, 58, FULL, 9, "chocolate_bar"),
    Good("Gummy bears", "snacks", 145, 65, FULL, 6, "gummy_bears"),
    Good("Popcorn", "snacks", 185, 70, FULL, 3, "popcorn"),
    Good("Peanuts", "snacks", 155, 72, FULL, 3, "peanuts"),
    Good("Ice lolly", "snacks", 125, 48, FULL, 4, "ice_lolly", refundable=False),
)

SELLERS = ("bakery", "garden", "snacks")

BUYERS = (
    "ada",
    "ben",
    "cleo",
    "dan",
    "ella",
    "finn",
    "gina",
    "hugo",
    "ines",
    "jonas",
    "kaya",
    "leon",
    "mila",
    "noah",
    "olga",
    "paul",
    "quinn",
    "rosa",
    "samir",
    "tara",
    "umar",
    "vera",
    "wim",
    "xenia",
    "yusuf",
    "zoe",
    "amir",
    "bella",
    "carl",
    "dora",
)
