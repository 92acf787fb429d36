"""Reads, by noun: what interfaces show. Nothing here writes."""
