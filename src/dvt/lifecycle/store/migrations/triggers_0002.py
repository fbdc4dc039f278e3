"""What guards the tables of version 0002.

Whoever changes a policy by SQL leaves its version as it is; a trigger then counts it on, and writes the
history. dvt counts the version on itself, and writes who changed it, and why.
"""

from __future__ import annotations

from collections.abc import Iterator

_APPEND_ONLY = (
    "cleanup_events",
    "cleanup_runs",
    "cleanup_run_ends",
    "cleanup_audit",
    "cleanup_policy_history",
)
_MESSAGE = "the rows of this table stay as they are: it is append-only"
_COLUMNS = (
    "data_type, version, retention_days, enabled, description, settings, removed, "
    "changed_at, changed_by, reason"
)
_FIELDS = ("retention_days", "enabled", "description", "settings")
_NEXT = (
    "(SELECT coalesce(max(version), 0) + 1 FROM cleanup_policy_history AS h "
    "WHERE h.data_type = {row}.data_type)"
)

_POSTGRES_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT * 1000"
_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000000"


def _history(row: str, *, removed: bool, now: str, who: str, source: str = "") -> str:
    """Return a statement that writes a row of a policy into the history, as its next version."""
    values = ", ".join(f"{row}.{field}" for field in _FIELDS)
    return (
        f"INSERT INTO cleanup_policy_history ({_COLUMNS}) "
        f"SELECT {row}.data_type, {_NEXT.format(row=row)}, {values}, {str(removed).lower()}, "
        f"{now}, {who}, 'changed by SQL' {source}"
    )


def _take_version(row: str) -> str:
    """Return a statement that gives a policy the version that the history has for it now."""
    latest = f"(SELECT max(version) FROM cleanup_policy_history AS h WHERE h.data_type = {row}.data_type)"
    return f"UPDATE cleanup_policies SET version = {latest} WHERE data_type = {row}.data_type"


_IS_REMOVED = (
    "coalesce((SELECT removed FROM cleanup_policy_history AS h WHERE h.data_type = old.data_type "
    "ORDER BY version DESC LIMIT 1), false)"
)


def _sqlite() -> Iterator[str]:
    for table in _APPEND_ONLY:
        for event in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
            )
    written = _history("new", removed=False, now=_SQLITE_NOW, who="'sql'")
    changed = " OR ".join(f"new.{field} IS NOT old.{field}" for field in _FIELDS)
    removed = _history("old", removed=True, now=_SQLITE_NOW, who="'sql'")
    yield (
        "CREATE TRIGGER cleanup_policies_added AFTER INSERT ON cleanup_policies WHEN new.version = 0 "
        f"BEGIN {written}; {_take_version('new')}; END"
    )
    yield (
        "CREATE TRIGGER cleanup_policies_changed AFTER UPDATE ON cleanup_policies "
        f"WHEN new.version = old.version AND ({changed}) BEGIN {written}; {_take_version('new')}; END"
    )
    yield (
        "CREATE TRIGGER cleanup_policies_removed AFTER DELETE ON cleanup_policies "
        f"WHEN NOT {_IS_REMOVED} BEGIN {removed}; END"
    )


def _postgres() -> Iterator[str]:
    yield (
        "CREATE OR REPLACE FUNCTION cleanup_refuse_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ': {_MESSAGE}'; END $$"
    )
    for table in _APPEND_ONLY:
        yield (
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION cleanup_refuse_change()"
        )
    written = _history("new", removed=False, now=_POSTGRES_NOW, who="session_user")
    removed = _history("old", removed=True, now=_POSTGRES_NOW, who="session_user")
    emptied = _history(
        "p", removed=True, now=_POSTGRES_NOW, who="session_user", source="FROM cleanup_policies AS p"
    )
    yield _function("cleanup_policy_written", f"{written}; {_take_version('new')};")
    yield _function("cleanup_policy_removed", f"IF NOT {_IS_REMOVED} THEN {removed}; END IF;")
    yield _function("cleanup_policies_emptied", f"{emptied};")
    changed = ", ".join(f"new.{field}" for field in _FIELDS), ", ".join(f"old.{field}" for field in _FIELDS)
    yield (
        "CREATE TRIGGER cleanup_policies_added AFTER INSERT ON cleanup_policies FOR EACH ROW "
        "WHEN (new.version = 0) EXECUTE FUNCTION cleanup_policy_written()"
    )
    yield (
        "CREATE TRIGGER cleanup_policies_changed AFTER UPDATE ON cleanup_policies FOR EACH ROW "
        f"WHEN (new.version = old.version AND ({changed[0]}) IS DISTINCT FROM ({changed[1]})) "
        "EXECUTE FUNCTION cleanup_policy_written()"
    )
    yield (
        "CREATE TRIGGER cleanup_policies_removed AFTER DELETE ON cleanup_policies FOR EACH ROW "
        "EXECUTE FUNCTION cleanup_policy_removed()"
    )
    yield (
        "CREATE TRIGGER cleanup_policies_emptied BEFORE TRUNCATE ON cleanup_policies FOR EACH STATEMENT "
        "EXECUTE FUNCTION cleanup_policies_emptied()"
    )


def _function(name: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS TRIGGER LANGUAGE plpgsql AS $$ "
        f"BEGIN {body} RETURN NULL; END $$"
    )


SQLITE = tuple(_sqlite())
"""Statements for SQLite."""
POSTGRES = tuple(_postgres())
"""Statements for PostgreSQL."""
