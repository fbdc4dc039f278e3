"""What schedulers know of themselves: the next run, the last that was due, a heartbeat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "cleanup_schedules",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cron", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("next_run", sa.BigInteger),
        sa.Column("claimed", sa.BigInteger),
        sa.Column("finished", sa.BigInteger),
        sa.Column("heartbeat", sa.BigInteger),
        sa.Column("alive", sa.Boolean, nullable=False),
        sa.Column("alarmed", sa.BigInteger),
    )
