"""What can be asked of the till, one module for each noun.

For each command its value, its receipt, what it reads, how it is decided and what the log says of it stand
together.
"""
