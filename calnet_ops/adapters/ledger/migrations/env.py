"""Alembic's entry: runs the migrations on the connection that `Ledger.migrate` hands over."""

from alembic import context

from calnet_ops.adapters.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
