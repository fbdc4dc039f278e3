"""MySQL and MariaDB: read by our own SELECT through DuckDB's scanner, loaded by LOAD DATA or INSERTs."""

from __future__ import annotations

from dvt.connectors.mysql.connector import MySQLConnector

__all__ = ["MySQLConnector"]
