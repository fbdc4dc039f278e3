"""Any database that has a JDBC driver: rows leave a Java process, and enter it, as columns of Arrow."""

from dvt.connectors.jdbc.clickhouse import ClickHouseConnector
from dvt.connectors.jdbc.connector import JdbcConnector
from dvt.connectors.jdbc.databricks import DatabricksConnector
from dvt.connectors.jdbc.load import ProductConnector
from dvt.connectors.jdbc.oracle import OracleConnector
from dvt.connectors.jdbc.sqlserver import SqlServerConnector
from dvt.connectors.jdbc.trino import TrinoConnector

__all__ = [
    "ClickHouseConnector",
    "DatabricksConnector",
    "JdbcConnector",
    "OracleConnector",
    "ProductConnector",
    "SqlServerConnector",
    "TrinoConnector",
]
