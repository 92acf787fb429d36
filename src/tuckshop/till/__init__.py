"""The one door through which money, coins and stock move."""
