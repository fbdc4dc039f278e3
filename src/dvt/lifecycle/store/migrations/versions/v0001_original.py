"""The tables of the original system, where they are not there yet; its functions on PostgreSQL."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0001"
down_revision = None

_SQLITE = (
    """CREATE TABLE IF NOT EXISTS cleanup_policies (
        data_type VARCHAR(50) PRIMARY KEY,
        retention_days INTEGER NOT NULL,
        enabled BOOLEAN DEFAULT 1,
        description TEXT,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
    )""",
    """CREATE TABLE IF NOT EXISTS cleanup_audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        data_type VARCHAR(50) NOT NULL,
        cleanup_type VARCHAR(20) NOT NULL,
        records_deleted INTEGER DEFAULT 0,
        space_freed_bytes BIGINT DEFAULT 0,
        executed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        executed_by VARCHAR(100) DEFAULT 'system'
    )""",
    "DROP TRIGGER IF EXISTS update_cleanup_policies_updated_at",
    """CREATE TRIGGER update_cleanup_policies_updated_at AFTER UPDATE ON cleanup_policies
    FOR EACH ROW WHEN new.updated_at IS old.updated_at BEGIN
        UPDATE cleanup_policies SET updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now')
        WHERE data_type = new.data_type;
    END""",
)


def upgrade() -> None:
    """Make the tables."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for statement in _SQLITE:
            connection.exec_driver_sql(statement)
    else:
        script = resources.files("dvt.lifecycle.store") / "sql" / "original_postgres.sql"
        connection.exec_driver_sql(script.read_text(encoding="utf-8"))
