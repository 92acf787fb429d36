"""What several older contracts have in common.

Mounting, errors, pagination, long-lived tokens, orders on a tab.

Nothing here knows which dialect calls.
"""
