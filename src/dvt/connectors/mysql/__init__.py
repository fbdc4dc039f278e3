"""MySQL and MariaDB, as sources: our own SELECT through DuckDB's scanner, straight into Parquet."""

from __future__ import annotations

from dvt.connectors.mysql.connector import MySQLConnector

__all__ = ["MySQLConnector"]
