"""The tables of the store, for statements; `migrations` makes them.

`cleanup_policies` and `cleanup_audit` are the original system's, with columns of ours at the end.
Moments are nanoseconds since 1970 in UTC; in columns of the original they are timestamps in UTC.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, MetaData, String, Table, Text

METADATA = MetaData()
VERSION_TABLE = "cleanup_schema_version"
"""Name of the table with the version of the schema."""
_COUNTER = BigInteger().with_variant(Integer, "sqlite")
"""Type of ids that the database counts: SQLite counts only INTEGER."""

POLICIES = Table(
    "cleanup_policies",
    METADATA,
    Column("data_type", String(50), primary_key=True),
    Column("retention_days", Integer, nullable=False),
    Column("enabled", Boolean),
    Column("description", Text),
    Column("created_at", DateTime),
    Column("updated_at", DateTime),
    Column("settings", Text),
    Column("version", Integer, nullable=False),
    Column("enabled_before", Boolean),
)
HISTORY = Table(
    "cleanup_policy_history",
    METADATA,
    Column("id", _COUNTER, primary_key=True),
    Column("data_type", String(50), nullable=False),
    Column("version", Integer, nullable=False),
    Column("retention_days", Integer),
    Column("enabled", Boolean),
    Column("description", Text),
    Column("settings", Text),
    Column("removed", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
AUDIT = Table(
    "cleanup_audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("data_type", String(50), nullable=False),
    Column("cleanup_type", String(20), nullable=False),
    Column("records_deleted", Integer),
    Column("space_freed_bytes", BigInteger),
    Column("executed_at", DateTime),
    Column("executed_by", String(100)),
)
EVENTS = Table(
    "cleanup_events",
    METADATA,
    Column("id", _COUNTER, primary_key=True, autoincrement=False),
    Column("event", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("run", Text),
    Column("actor", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("data_type", Text),
    Column("key", Text),
    Column("key_digest", String(16)),
    Column("result", String(16)),
    Column("body", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)
RUNS = Table(
    "cleanup_runs",
    METADATA,
    Column("id", _COUNTER, primary_key=True),
    Column("run", String(100), nullable=False),
    Column("plan", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("cleanup_type", String(16), nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("boot", Text, nullable=False),
    Column("uptime", BigInteger, nullable=False),
)
RUN_ENDS = Table(
    "cleanup_run_ends",
    METADATA,
    Column("id", _COUNTER, primary_key=True),
    Column("run", String(100), nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("results", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
PINS = Table(
    "cleanup_pins",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("pattern", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("until", BigInteger),
    Column("removed", BigInteger),
    Column("removed_by", Text),
)
TOKENS = Table(
    "cleanup_tokens",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("until", BigInteger),
    Column("last_used", BigInteger),
    Column("revoked", BigInteger),
    Column("revoked_by", Text),
)
SCHEDULES = Table(
    "cleanup_schedules",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("host", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("next_run", BigInteger),
    Column("claimed", BigInteger),
    Column("finished", BigInteger),
    Column("heartbeat", BigInteger),
    Column("alive", Boolean, nullable=False),
    Column("alarmed", BigInteger),
)
APPEND_ONLY = (EVENTS, RUNS, RUN_ENDS, AUDIT, HISTORY)
"""Tables whose rows nobody may change or delete."""
