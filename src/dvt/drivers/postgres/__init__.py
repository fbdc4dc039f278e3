"""PostgreSQL: settings, small connections, quoting, types, DuckDB's scanner, cancel."""

from __future__ import annotations

from dvt.drivers.postgres.backends import Backends, Work
from dvt.drivers.postgres.catalog import describe
from dvt.drivers.postgres.connect import ENDS_WITH_ITS_CLIENT, PINNED, connect, session_of
from dvt.drivers.postgres.errors import translate, translated
from dvt.drivers.postgres.names import literal, quoted, relation
from dvt.drivers.postgres.scanner import Scanner, Session
from dvt.drivers.postgres.settings import PostgresSettings, parse

__all__ = [
    "ENDS_WITH_ITS_CLIENT",
    "PINNED",
    "Backends",
    "PostgresSettings",
    "Scanner",
    "Session",
    "Work",
    "connect",
    "describe",
    "literal",
    "parse",
    "quoted",
    "relation",
    "session_of",
    "translate",
    "translated",
]
