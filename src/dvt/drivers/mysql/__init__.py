"""MySQL and MariaDB: settings, side connections, quoting, types, DuckDB's scanner, cancel."""

from __future__ import annotations

from dvt.drivers.mysql.answers import OF_A_SESSION, answer_rules, describe_answer, make_as_table
from dvt.drivers.mysql.cancel import RunningQueries, RunningQuery
from dvt.drivers.mysql.catalog import column_kinds, describe
from dvt.drivers.mysql.connect import (
    LOAD_TIMEOUT,
    LoadConnection,
    LoadStatement,
    connect_to_load,
    connect_watched,
)
from dvt.drivers.mysql.flavour import Flavour, flavour_of
from dvt.drivers.mysql.load_encodings import LoadEncoding, fitted, load_encoding
from dvt.drivers.mysql.locks import read_lock, wait_until_reading
from dvt.drivers.mysql.names import quoted, table
from dvt.drivers.mysql.own_sizes import with_own_sizes
from dvt.drivers.mysql.privileges import held
from dvt.drivers.mysql.scanner import Scanner, with_session_settings
from dvt.drivers.mysql.session import Cursor, Session, statement_kind
from dvt.drivers.mysql.settings import MySQLSettings, parse
from dvt.drivers.mysql.side_connection import SideConnection
from dvt.drivers.mysql.types import checked, own_type

__all__ = [
    "LOAD_TIMEOUT",
    "OF_A_SESSION",
    "Cursor",
    "Flavour",
    "LoadConnection",
    "LoadEncoding",
    "LoadStatement",
    "MySQLSettings",
    "RunningQueries",
    "RunningQuery",
    "Scanner",
    "Session",
    "SideConnection",
    "answer_rules",
    "checked",
    "column_kinds",
    "connect_to_load",
    "connect_watched",
    "describe",
    "describe_answer",
    "fitted",
    "flavour_of",
    "held",
    "load_encoding",
    "make_as_table",
    "own_type",
    "parse",
    "quoted",
    "read_lock",
    "statement_kind",
    "table",
    "wait_until_reading",
    "with_own_sizes",
    "with_session_settings",
]
