"""Any database that has a JDBC driver, read only: its rows leave a Java process as columns of Arrow."""

from dvt.connectors.jdbc.connector import JdbcConnector
from dvt.connectors.jdbc.trino import TrinoConnector

__all__ = ["JdbcConnector", "TrinoConnector"]
