"""The till's transaction script, said once, and the two databases that run it."""
