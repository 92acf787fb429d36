"""Where the shop's state lies: tables, migrations, the engine, and queries by noun."""
