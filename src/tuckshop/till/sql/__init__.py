"""The till's transaction script, written once, and the two databases that run it.

Here are the order of locks, the statements, and what becomes of a commit whose answer is lost.
"""
