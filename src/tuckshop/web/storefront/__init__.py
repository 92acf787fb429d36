"""The vending machine as a page, and the kiosk: what buyers and guests see.

What is chosen lives in the address, what has just happened in a cookie for the next page.
"""
