"""The token of a table: the snapshot in which it is read, as the server writes it (docs/adr/0035).

What a snapshot shows of logged tables depends on the transactions that it counts as ended, and its text lists
those. So two snapshots of one text show the same rows: whatever changes a row has a number, and when it has
ended the text is another one. That holds until the server is started again, or recovers from the crash of one
of its processes: either may undo commits that were not on the disk yet (`synchronous_commit = off`), and give
their numbers to others. A recovery resets the server's statistics, so the time of that is part of the token.
"""

from __future__ import annotations

from typing import Any

from dvt.core.names import TableRef
from dvt.drivers.postgres import relation

_SQL = """
SELECT concat_ws(' ',
    (SELECT system_identifier FROM pg_catalog.pg_control_system()),
    (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
    extract(epoch FROM pg_catalog.pg_postmaster_start_time()),
    (SELECT extract(epoch FROM stats_reset) FROM pg_catalog.pg_stat_bgwriter),
    pg_catalog.current_database(),
    pg_catalog.txid_current_snapshot())
FROM pg_catalog.pg_class c
WHERE c.oid = %s::regclass
    AND c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND NOT c.relhassubclass AND NOT c.relrowsecurity
    AND NOT pg_catalog.pg_is_in_recovery()
    AND pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
    AND pg_catalog.has_function_privilege('pg_catalog.pg_control_checkpoint()', 'EXECUTE')
"""
"""SQL: the token, or no row. Unlogged tables are emptied by a crash, policies may depend on the session, and
tables that inherit may be on other servers."""


def token(cursor: Any, table: TableRef, schema: str) -> str | None:
    """Return the token of a table in the transaction of a cursor; `schema` is the output's."""
    cursor.execute(_SQL, (relation(table, schema),))
    row = cursor.fetchone()
    return None if row is None else str(row[0])
