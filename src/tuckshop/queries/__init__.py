"""Reads, by noun: what interfaces show.

All the SQL that reads a noun is in its module. Nothing here writes.
"""
