"""Who somebody is.

Users and guests, registration, log-ins, tokens, machine keys, and the throttle on those who guess.

It writes its own tables (users, sessions, tokens) and leaves money, stock and products to the till.
"""
