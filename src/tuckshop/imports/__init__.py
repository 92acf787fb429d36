"""Files that come in: reading, checking and applying them, all rows or none.

One way of reading CSV for every kind of file. What is applied goes through the till like any other change.
"""
