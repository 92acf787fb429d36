"""The canonical HTTP contract, /v1: one module for each noun.

A handler parses, makes one call, and renders. What is the same in every contract is in `http`.
"""
