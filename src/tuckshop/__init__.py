"""A self-hosted prepaid shop in which every coin is accounted for."""

__version__ = "0.1.0"
