"""Versions of policies, pins, runs and the chain of events; rows that must stay are append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dvt.lifecycle.store.migrations.triggers_0002 import POSTGRES, SQLITE

revision = "0002"
down_revision = "0001"

_COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_EARLIER_POLICIES = """
INSERT INTO cleanup_policy_history
    (data_type, version, retention_days, enabled, description, removed, changed_at, changed_by, reason)
SELECT data_type, 1, retention_days, enabled, description, false, 0, 'unknown', 'was there before'
FROM cleanup_policies
"""


def upgrade() -> None:
    """Make the tables, then what guards them."""
    op.add_column("cleanup_policies", sa.Column("settings", sa.Text))
    op.add_column(
        "cleanup_policies", sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("0"))
    )
    op.add_column("cleanup_policies", sa.Column("enabled_before", sa.Boolean))
    _make_policy_history()
    _make_events()
    _make_runs()
    _make_pins()
    connection = op.get_bind()
    connection.exec_driver_sql(_EARLIER_POLICIES)
    connection.exec_driver_sql("UPDATE cleanup_policies SET version = 1")
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRES:
        connection.exec_driver_sql(statement)


def _make_policy_history() -> None:
    op.create_table(
        "cleanup_policy_history",
        sa.Column("id", _COUNTER, primary_key=True),
        sa.Column("data_type", sa.String(50), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("retention_days", sa.Integer),
        sa.Column("enabled", sa.Boolean),
        sa.Column("description", sa.Text),
        sa.Column("settings", sa.Text),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("data_type", "version", name="cleanup_policy_history_version"),
    )


def _make_events() -> None:
    op.create_table(
        "cleanup_events",
        sa.Column("id", _COUNTER, primary_key=True, autoincrement=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("run", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("data_type", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("key_digest", sa.String(16)),
        sa.Column("result", sa.String(16)),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("event", name="cleanup_events_event"),
    )
    op.create_index("cleanup_events_run", "cleanup_events", ["run", "id"])
    op.create_index("cleanup_events_key", "cleanup_events", ["key_digest", "id"])


def _make_runs() -> None:
    op.create_table(
        "cleanup_runs",
        sa.Column("id", _COUNTER, primary_key=True),
        sa.Column("run", sa.String(100), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("cleanup_type", sa.String(16), nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("uptime", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("run", name="cleanup_runs_run"),
    )
    op.create_table(
        "cleanup_run_ends",
        sa.Column("id", _COUNTER, primary_key=True),
        sa.Column("run", sa.String(100), nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("results", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("cleanup_run_ends_run", "cleanup_run_ends", ["run", "id"])
    op.create_index("cleanup_audit_data_type", "cleanup_audit", ["data_type", "executed_at"])


def _make_pins() -> None:
    op.create_table(
        "cleanup_pins",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("pattern", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("removed", sa.BigInteger),
        sa.Column("removed_by", sa.Text),
    )
