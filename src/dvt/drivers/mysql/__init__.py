"""MySQL and MariaDB: settings, side connections, quoting, types, DuckDB's scanner, cancel."""

from __future__ import annotations

from dvt.drivers.mysql.cancel import Queries, Running
from dvt.drivers.mysql.catalog import describe
from dvt.drivers.mysql.connect import SideConnection, connect
from dvt.drivers.mysql.locks import read_lock, wait_until_reading
from dvt.drivers.mysql.names import quoted, table
from dvt.drivers.mysql.scanner import Scanner, pinned
from dvt.drivers.mysql.server import Server, server_of
from dvt.drivers.mysql.session import Cursor, Session, first_word
from dvt.drivers.mysql.settings import MySQLSettings, parse
from dvt.drivers.mysql.types import checked

__all__ = [
    "Cursor",
    "MySQLSettings",
    "Queries",
    "Running",
    "Scanner",
    "Server",
    "Session",
    "SideConnection",
    "checked",
    "connect",
    "describe",
    "first_word",
    "parse",
    "pinned",
    "quoted",
    "read_lock",
    "server_of",
    "table",
    "wait_until_reading",
]
