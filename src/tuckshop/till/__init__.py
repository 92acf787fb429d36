"""The one door through which money, coins, stock, products and orders change.

Commands come in as values, are gathered in batches, and each batch is one durable transaction. It knows who
calls by what the caller says of itself, and neither log-ins nor reads: identity and queries lie above.
"""
