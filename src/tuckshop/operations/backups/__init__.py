"""Backups: making them, trying them out, restoring them, and when that was last done."""

from tuckshop.operations.backups.records import Kind, Last, last, record

__all__ = ["Kind", "Last", "last", "record"]
