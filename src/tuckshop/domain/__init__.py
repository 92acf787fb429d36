"""The shop's rules as pure functions on frozen values, in the shop's words.

No I/O, no clock, no randomness, nothing but the standard library: what a rule needs is passed in, and what it
decides is returned or raised as a refusal.
"""
