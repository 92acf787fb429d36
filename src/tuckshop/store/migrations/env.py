"""What Alembic runs: the migrations, on the connection and in the transaction of `store/migrate.py`."""

from __future__ import annotations

from alembic import context

from tuckshop.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
