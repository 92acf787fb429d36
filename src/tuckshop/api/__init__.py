"""The canonical HTTP contract, /v1."""
