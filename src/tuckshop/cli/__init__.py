"""The command line: what the operator does at the computer that keeps the shop.

One module for each noun. It opens the shop itself and needs nothing of HTTP.
"""
