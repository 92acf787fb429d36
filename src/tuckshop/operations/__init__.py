"""What admins and the shop itself do beside the till.

Starting, audit, metrics, retention, pictures, tab limits.

Acts that move no money and no stock and so need no command of the till; each is a transaction of its own.
"""
