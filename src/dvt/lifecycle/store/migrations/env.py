"""What Alembic runs to migrate: on the connection, and within the transaction, that `opening` hands over."""

from alembic import context

from dvt.lifecycle.store.tables import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
context.run_migrations()
