"""MySQL and MariaDB: settings, side connections, quoting, types, DuckDB's scanner, cancel."""

from __future__ import annotations

from dvt.drivers.mysql.cancel import RunningQueries, RunningQuery
from dvt.drivers.mysql.catalog import describe, kinds
from dvt.drivers.mysql.connect import LONG, About, LoadConnection, SideConnection, connect, connect_to_load
from dvt.drivers.mysql.flavour import Flavour, flavour
from dvt.drivers.mysql.load_encodings import LoadEncoding, fitted, load_encoding
from dvt.drivers.mysql.locks import read_lock, wait_until_reading
from dvt.drivers.mysql.names import quoted, table
from dvt.drivers.mysql.scanner import Scanner, pinned
from dvt.drivers.mysql.session import Cursor, Session, statement
from dvt.drivers.mysql.settings import MySQLSettings, parse
from dvt.drivers.mysql.types import checked

__all__ = [
    "LONG",
    "About",
    "Cursor",
    "Flavour",
    "LoadConnection",
    "LoadEncoding",
    "MySQLSettings",
    "RunningQueries",
    "RunningQuery",
    "Scanner",
    "Session",
    "SideConnection",
    "checked",
    "connect",
    "connect_to_load",
    "describe",
    "fitted",
    "flavour",
    "kinds",
    "load_encoding",
    "parse",
    "pinned",
    "quoted",
    "read_lock",
    "statement",
    "table",
    "wait_until_reading",
]
