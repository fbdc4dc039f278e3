"""PostgreSQL: settings, small connections, quoting, types, DuckDB's scanner, cancel."""

from __future__ import annotations

from dvt.drivers.postgres.answers import answer_rules, describe_answer
from dvt.drivers.postgres.backends import Backends, Work
from dvt.drivers.postgres.catalog import describe
from dvt.drivers.postgres.connect import (
    CANCEL_IF_CLIENT_DIES,
    SESSION_SETTINGS,
    connect,
    open_session,
    transaction_statements,
)
from dvt.drivers.postgres.errors import as_dvt_errors, translate
from dvt.drivers.postgres.names import literal, quoted, relation
from dvt.drivers.postgres.scanner import Scanner, Session, SnapshotLost
from dvt.drivers.postgres.settings import PostgresSettings, parse
from dvt.drivers.postgres.silence import watch_connection
from dvt.drivers.postgres.types import is_built_in

__all__ = [
    "CANCEL_IF_CLIENT_DIES",
    "SESSION_SETTINGS",
    "Backends",
    "PostgresSettings",
    "Scanner",
    "Session",
    "SnapshotLost",
    "Work",
    "answer_rules",
    "as_dvt_errors",
    "connect",
    "describe",
    "describe_answer",
    "is_built_in",
    "literal",
    "open_session",
    "parse",
    "quoted",
    "relation",
    "transaction_statements",
    "translate",
    "watch_connection",
]
