"""One room per database: describe, extract, fill, cancel. `CONNECTORS` names them all."""

from __future__ import annotations

from dvt.core.registry import Registry

CONNECTORS = Registry(
    "dvt.connectors",
    {
        "postgres": "dvt.connectors.postgres:PostgresConnector",
        "mysql": "dvt.connectors.mysql:MySQLConnector",
        "mariadb": "dvt.connectors.mysql:MySQLConnector",
        "redshift": "dvt.connectors.redshift:RedshiftConnector",
        "bigquery": "dvt.connectors.bigquery:BigQueryConnector",
        "snowflake": "dvt.connectors.snowflake:SnowflakeConnector",
        "sqlite": "dvt.connectors.sqlite:SQLiteConnector",
        "duckdb": "dvt.connectors.duckdb:DuckDBConnector",
        "jdbc": "dvt.connectors.jdbc:ProductConnector",
        "trino": "dvt.connectors.jdbc:TrinoConnector",
        "sqlserver": "dvt.connectors.jdbc:SqlServerConnector",
        "oracle": "dvt.connectors.jdbc:OracleConnector",
        "clickhouse": "dvt.connectors.jdbc:ClickHouseConnector",
        "databricks": "dvt.connectors.jdbc:DatabricksConnector",
        "files": "dvt.connectors.files:FilesConnector",
    },
)
"""By the `type:` of an output in profiles.yml; each is called with (name, keys of the output, context)."""
