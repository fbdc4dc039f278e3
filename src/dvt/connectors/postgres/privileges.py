"""What the user of an output may do in its schema, as PostgreSQL itself tells."""

from __future__ import annotations

from typing import Any

from dvt.core.ports.connectors import Privilege
from dvt.drivers.postgres import quoted

_HELD = """
SELECT current_user, current_database(),
  has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),
  has_database_privilege(current_database(), 'TEMPORARY'),
  (SELECT string_agg(relname, ', ' ORDER BY relname) FROM (
    SELECT c.relname FROM pg_catalog.pg_class c
    WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT has_table_privilege(c.oid, 'SELECT') AND NOT has_any_column_privilege(c.oid, 'SELECT')
    ORDER BY c.relname LIMIT 4) unreadable)
FROM pg_catalog.pg_namespace n WHERE n.nspname = %s
"""
"""SQL: who asks, and what of a schema may be done; the first tables that may not be read."""


def privileges(cursor: Any, schema: str) -> tuple[Privilege, ...]:
    """Return what reading from a schema and loading into it need; nothing for a schema that is not there."""
    cursor.execute(_HELD, (schema,))
    row = cursor.fetchone()
    if row is None:
        return ()
    user, database, usage, create, temporary, unreadable = row
    to, of = f"TO {quoted(user)}", quoted(schema)
    return (
        Privilege("USAGE on the schema", usage, f"GRANT USAGE ON SCHEMA {of} {to}", is_needed=True),
        Privilege(
            f"SELECT on {unreadable}" if unreadable else "SELECT on its tables",
            not (usage and unreadable),
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {of} {to}",
        ),
        Privilege(
            "CREATE on the schema",
            create,
            f"GRANT CREATE ON SCHEMA {of} {to}",
            is_needed=True,
            is_for_loads=True,
        ),
        Privilege(
            "TEMPORARY on the database, for incremental models",
            temporary,
            f"GRANT TEMPORARY ON DATABASE {quoted(database)} {to}",
            is_for_loads=True,
        ),
    )
