"""The demo shop: who is in it and what it sells, as files beside this one, and its four weeks of history.

The history is made through the till, so that a demo's books are as true as a real shop's. Nothing but the
command line uses this room; a real shop reads of it only the sample products and their pictures.
"""
