"""What Alembic runs for each command, on the connection that ``escrow.store.migrate`` opened."""

from __future__ import annotations

from alembic import context

from escrow.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,
)
context.run_migrations()
