"""Where the shop's state lies.

Tables and constraints, migrations, the engine and its checks, the audit's rules.

It knows the database and no use-case. The writer of the admin log is here too, since every room above may act
in a transaction of its own.
"""
