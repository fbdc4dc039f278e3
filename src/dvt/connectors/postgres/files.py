"""The files of tables on the server, by which a table that was rewritten or emptied meanwhile is found."""

from __future__ import annotations

from collections.abc import Sequence

from dvt.drivers.postgres import Session, literal

_FILES = """
WITH RECURSIVE t (oid) AS (
  SELECT pg_catalog.to_regclass(name)::oid FROM unnest(ARRAY[{0}]::text[]) AS names (name)
  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN t ON i.inhparent = t.oid)
SELECT coalesce(string_agg(oid || ':' || coalesce(pg_catalog.pg_relation_filenode(oid), 0), ' ' ORDER BY oid),
  '')
FROM t WHERE oid IS NOT NULL
"""
"""SQL: the files of these tables and of their partitions, as they are now, whatever snapshot is read."""


def files_of(session: Session, tables: Sequence[str]) -> str:
    """Return a text that differs once one of the tables has other files.

    VACUUM FULL, CLUSTER and some ALTERs move a table's rows to other pages, and TRUNCATE takes them from
    snapshots of before: a snapshot alone is no promise that a range of pages has the same rows again.
    """
    listed = ", ".join(literal(table) for table in tables)
    with session.waiting():
        (files,) = session.cursor.execute(f"FROM {session.query(_FILES.format(listed))}").fetchone()
    return str(files)
