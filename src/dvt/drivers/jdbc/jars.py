"""Which drivers dvt knows, and where `dvt sync` puts them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from dvt.core.libraries import JDBC, libraries
from dvt.drivers.jdbc.products import subprotocol

COORDINATES = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+){2,3}")
"""Matches `group:artifact:version` or `group:artifact:version:classifier`."""

KNOWN: Mapping[str, tuple[str, ...]] = {
    "clickhouse": ("com.clickhouse:clickhouse-jdbc:0.9.9:all",),
    "ch": ("com.clickhouse:clickhouse-jdbc:0.9.9:all",),
    "databricks": ("com.databricks:databricks-jdbc:3.0.1",),
    "db2": ("com.ibm.db2:jcc:12.1.2.0",),
    "derby": ("org.apache.derby:derbyclient:10.16.1.1",),
    "duckdb": ("org.duckdb:duckdb_jdbc:1.3.1.0",),
    "exa": ("com.exasol:exasol-jdbc:24.2.1",),
    "firebirdsql": ("org.firebirdsql.jdbc:jaybird:6.0.1",),
    "h2": ("com.h2database:h2:2.3.232",),
    "hsqldb": ("org.hsqldb:hsqldb:2.7.4",),
    "mariadb": ("org.mariadb.jdbc:mariadb-java-client:3.5.3",),
    "mysql": ("com.mysql:mysql-connector-j:9.3.0",),
    "oracle": ("com.oracle.database.jdbc:ojdbc11:23.8.0.25.04",),
    "postgresql": ("org.postgresql:postgresql:42.7.7",),
    "redshift": ("com.amazon.redshift:redshift-jdbc42:2.1.0.33",),
    "sap": ("com.sap.cloud.db.jdbc:ngdbc:2.24.8",),
    "snowflake": ("net.snowflake:snowflake-jdbc:3.26.1",),
    "sqlite": ("org.xerial:sqlite-jdbc:3.49.1.0",),
    "sqlserver": ("com.microsoft.sqlserver:mssql-jdbc:12.10.1.jre11",),
    "teradata": ("com.teradata.jdbc:terajdbc:20.00.00.46",),
    "trino": ("io.trino:trino-jdbc:435",),
    "vertica": ("com.vertica.jdbc:vertica-jdbc:24.4.0-0",),
}
"""Subprotocol of a URL → coordinates of its driver in a Maven repository, as dvt takes it by itself."""


def drivers_of(url: str, maven: Sequence[str]) -> tuple[str, ...]:
    """Return the coordinates of the drivers that an output names, or else of the one that dvt knows."""
    return tuple(maven) or KNOWN.get(subprotocol(url), ())


def drivers_home() -> Path:
    """Return the folder of all drivers that `dvt sync` has installed for this user."""
    return libraries() / JDBC
